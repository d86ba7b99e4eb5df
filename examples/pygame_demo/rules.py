"""The rules of tag, as plain functions: a state goes in, an update comes out.

Nothing here knows of networks, clocks or pictures. The server calls these functions to decide what happens;
the client and the bots call `walk` with the same numbers, so that a player's own circle moves at once instead
of after a round trip. A state looks like this::

    {"players": {7: {"name": "Cog", "colour": 2, "position": [x, y], "score": 12}},
     "chaser_id": 7, "protection": 5.0, "clock": 31.4}

and an update holds only what changes; pygase merges it into the state, here and on every client. Lengths are
in pixels, speeds in pixels a second, times in seconds.
"""

import math
from random import Random
from typing import Any

from examples.roster import free_name, rarest_colour
from pygase import TO_DELETE

State = dict[str, Any]
Update = dict[str, Any]
Vector = tuple[float, float]

WIDTH, HEIGHT = 976, 640
RADIUS = 24
"""Of a player's circle."""

RUNNER_SPEED = 250.0
CHASER_SPEED = 285.0
"""A little faster than the runners, or a clever runner would never be caught."""

PROTECTION_SECONDS = 5.0
"""After a catch nobody can be caught for this long: time to run."""

START_SECONDS = 3.0
"""The same, when the first player has just come and there is nobody near to run from."""

CATCH_POINTS = 5
MAX_REACH_SECONDS = 0.5
"""A player whose datagrams were held up may catch up on this much walking in one go, and no more."""

REACH_SLACK = 1.15
"""The server's and the player's clocks differ; walking this much too fast is not yet cheating."""


# Round pillars: (x, y, radius). They stop walkers but do not hold them: one slides along the edge.
PILLARS = (
    (230.0, 190.0, 58.0),
    (746.0, 190.0, 58.0),
    (488.0, 330.0, 84.0),
    (230.0, 480.0, 46.0),
    (746.0, 480.0, 46.0),
)


def new_game() -> State:
    """The state before anyone has joined."""
    return {"players": {}, "chaser_id": None, "protection": 0.0, "clock": 0.0}


def join(state: State, player_id: int, name: object, random: Random) -> Update:
    """Let a player in, at a free place. The first one is the chaser."""
    players = state["players"]
    player = {
        "name": free_name(players, name),
        "colour": rarest_colour(players),
        "position": list(_free_place(players, random)),
        "score": 0,
    }
    update: Update = {"players": {player_id: player}}
    if state["chaser_id"] is None:
        update |= {"chaser_id": player_id, "protection": START_SECONDS}
    return update


def leave(state: State, player_id: int, random: Random) -> Update:
    """Take a player out. When it was the chaser, somebody else has to be."""
    if player_id not in state["players"]:
        return {}
    update: Update = {"players": {player_id: TO_DELETE}}
    if state["chaser_id"] == player_id:
        others = sorted(other for other in state["players"] if other != player_id)
        update["chaser_id"] = random.choice(others) if others else None
        update["protection"] = PROTECTION_SECONDS if others else 0.0
    return update


def speed_of(state: State, player_id: int) -> float:
    """How fast a player may walk."""
    return CHASER_SPEED if player_id == state["chaser_id"] else RUNNER_SPEED


def grown_reach(reach: float, speed: float, dt: float) -> float:
    """How far a player may go by now, having had `reach` left `dt` seconds ago."""
    return min(reach + REACH_SLACK * speed * dt, REACH_SLACK * speed * MAX_REACH_SECONDS)


def move(state: State, player_id: int, x: object, y: object, reach: float) -> Update:
    """Put a player where it says that it is, or as near to that as `reach` pixels go.

    This is the server's check: whoever sends more than walking speed allows just gets less far.
    """
    player = state["players"].get(player_id)
    if player is None or not (_is_coordinate(x) and _is_coordinate(y)):
        return {}
    assert isinstance(x, int | float)
    assert isinstance(y, int | float)
    old_x, old_y = player["position"]
    distance = math.hypot(x - old_x, y - old_y)
    share = min(1.0, reach / distance) if distance > 0 else 1.0
    position = _pushed_out((old_x + share * (x - old_x), old_y + share * (y - old_y)))
    return {"players": {player_id: {"position": list(position)}}}


def walk(position: Vector, direction: Vector, speed: float, dt: float) -> Vector:
    """Where a walk of `dt` seconds leads: through no wall, no pillar, and diagonally no faster."""
    length = max(1.0, math.hypot(*direction))
    x, y = position
    return _pushed_out((x + direction[0] / length * speed * dt, y + direction[1] / length * speed * dt))


def step(state: State, dt: float) -> Update:
    """What `dt` seconds change: the countdown runs, runners earn points, who is touched is caught."""
    players, chaser_id = state["players"], state["chaser_id"]
    if chaser_id not in players or len(players) < 2:
        return {}
    if state["protection"] > 0:
        return {"protection": max(0.0, state["protection"] - dt)}
    clock = state["clock"] + dt
    update: Update = {"clock": clock, "players": {}}
    if int(clock) > int(state["clock"]):
        for player_id, player in players.items():
            if player_id != chaser_id:
                update["players"][player_id] = {"score": player["score"] + 1}
    caught_id = _touched_runner(players, chaser_id)
    if caught_id is not None:
        update["players"][chaser_id] = {"score": players[chaser_id]["score"] + CATCH_POINTS}
        update |= {"chaser_id": caught_id, "protection": PROTECTION_SECONDS}
    return update


def _touched_runner(players: dict[int, Any], chaser_id: int) -> int | None:
    """The nearest runner whose circle the chaser's touches."""
    here = players[chaser_id]["position"]
    distances = sorted(
        (math.dist(here, player["position"]), player_id)
        for player_id, player in players.items()
        if player_id != chaser_id
    )
    return distances[0][1] if distances and distances[0][0] <= 2 * RADIUS else None


def _pushed_out(position: Vector) -> Vector:
    """The nearest place to `position` that is in no wall and in no pillar."""
    x, y = position
    for pillar_x, pillar_y, pillar_radius in PILLARS:
        gap = pillar_radius + RADIUS
        distance = math.hypot(x - pillar_x, y - pillar_y)
        if distance < gap:
            if distance == 0:
                y, distance = pillar_y - 1.0, 1.0  # From the very middle no way out is nearer: take this one.
            x = pillar_x + (x - pillar_x) / distance * gap
            y = pillar_y + (y - pillar_y) / distance * gap
    return min(max(x, RADIUS), WIDTH - RADIUS), min(max(y, RADIUS), HEIGHT - RADIUS)


def _free_place(players: dict[int, Any], random: Random) -> Vector:
    """Of a few random places the one that is farthest from everybody."""
    places = [_pushed_out((random.uniform(0, WIDTH), random.uniform(0, HEIGHT))) for _ in range(12)]
    taken = [player["position"] for player in players.values()]
    return max(places, key=lambda place: min((math.dist(place, other) for other in taken), default=0.0))


def _is_coordinate(value: object) -> bool:
    """Whether a value from the network is a number that can be reckoned with."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
