"""The rules of the space arena, as plain functions: a state goes in, an update comes out.

Nothing here knows of networks, clocks or pictures. A state looks like this::

    {"ships": {7: {"name": "Cog", "colour": 2, "position": [x, y], "velocity": [x, y], "angle": 90.0,
                   "thrust": True, "shield": 3, "score": 12, "back_at": 0.0, "safe_until": 31.4, "ready_at": 30.1}},
     "rocks": {8: {"position": [x, y], "velocity": [x, y], "angle": 10.0, "spin": 25.0, "size": 3}},
     "shots": {9: {"position": [x, y], "velocity": [x, y], "angle": 90.0, "owner": 7, "until": 31.2}},
     "clock": 30.4, "next_id": 10}

and an update holds only what changes; pygase merges it into the state, here and on every client. Space has no
edge: who leaves on the right comes in on the left. Lengths are in pixels with y upwards, speeds in pixels a
second, times in seconds, angles in degrees clockwise from straight up, which is how Arcade turns its sprites.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from examples.roster import free_name, rarest_colour
from pygase import TO_DELETE

State = dict[str, Any]
Update = dict[str, Any]
Vector = tuple[float, float]
Happening = tuple[str, dict[str, Any]]
"""Something that everybody should see: the type of an event, and its keyword arguments."""

WIDTH, HEIGHT = 1280, 720

SHIP_RADIUS = 18.0
TURN_SPEED = 230.0
THRUST = 380.0
DRAG = 0.45
"""The share of its speed that a ship loses in a second: space is thick here, or nobody could steer."""

MAX_SPEED = 430.0
FULL_SHIELD = 4
"""Hits that a ship takes; the last one is its end, for a while."""

AWAY_SECONDS = 2.0
SAFE_SECONDS = 2.5

SHOT_RADIUS = 4.0
SHOT_SPEED = 640.0
SHOT_SECONDS = 0.85
RELOAD_SECONDS = 0.22

ROCK_RADII = {3: 50.0, 2: 30.0, 1: 16.0}
ROCK_POINTS = {3: 1, 2: 2, 1: 3}
SHIP_POINTS = 10
ROCK_MASS = 24
"""There is always about this much rock about: one of size 3 counts four, of size 2 two, of size 1 one."""


@dataclass(frozen=True, slots=True)
class Controls:
    """What a pilot does with the ship: `turn` from -1 (left) to 1 (right)."""

    turn: float = 0.0
    thrust: bool = False
    fire: bool = False


def controls_from(turn: object, thrust: object, fire: object) -> Controls:
    """Controls out of whatever came over the network."""
    is_number = isinstance(turn, int | float) and math.isfinite(turn)
    return Controls(min(1.0, max(-1.0, float(turn))) if is_number else 0.0, thrust is True, fire is True)  # type: ignore[arg-type]


def new_game() -> State:
    """The state before anyone has joined and any rock has come."""
    return {"ships": {}, "rocks": {}, "shots": {}, "clock": 0.0, "next_id": 1}


def join(state: State, name: object, random: Random) -> tuple[int, Update]:
    """Let a pilot in; returns the ship's id with the update."""
    ship_id, ships = state["next_id"], state["ships"]
    ship = {
        "name": free_name(ships, name),
        "colour": rarest_colour(ships),
        "position": list(_empty_place(state, random)),
        "velocity": [0.0, 0.0],
        "angle": random.uniform(0.0, 360.0),
        "thrust": False,
        "shield": FULL_SHIELD,
        "score": 0,
        "back_at": 0.0,
        "safe_until": state["clock"] + SAFE_SECONDS,
        "ready_at": 0.0,
    }
    return ship_id, {"ships": {ship_id: ship}, "next_id": ship_id + 1}


def leave(state: State, ship_id: int) -> Update:
    """Take a ship out. Its shots fly on."""
    return {"ships": {ship_id: TO_DELETE}} if ship_id in state["ships"] else {}


def is_away(ship: Mapping[str, Any]) -> bool:
    """Whether a ship has exploded and is not back yet."""
    return bool(ship["back_at"] > 0)


def step(state: State, controls: Mapping[int, Controls], dt: float, random: Random) -> tuple[Update, list[Happening]]:
    """What `dt` seconds change, and what happens meanwhile."""
    work = _copied(state)
    work["clock"] += dt
    happenings: list[Happening] = []
    _bring_rocks(work, random)
    for ship_id, ship in work["ships"].items():
        if is_away(ship):
            _return_when_due(work, ship, random)
        else:
            steer(ship, controls.get(ship_id, Controls()), dt)
            _fire(work, ship_id, ship, controls.get(ship_id, Controls()))
    for body in (*work["rocks"].values(), *work["shots"].values()):
        _drift(body, dt)
    for shot_id in [number for number, shot in work["shots"].items() if shot["until"] <= work["clock"]]:
        del work["shots"][shot_id]
    _land_shots(work, random, happenings)
    _crash_ships(work, random, happenings)
    return _difference(state, work), happenings


def steer(ship: dict[str, Any], controls: Controls, dt: float) -> None:
    """Turn, thrust and move a ship in place. The one function here that changes what it is given."""
    ship["angle"] = (ship["angle"] + controls.turn * TURN_SPEED * dt) % 360
    ship["thrust"] = controls.thrust
    velocity_x, velocity_y = ship["velocity"]
    if controls.thrust:
        heading_x, heading_y = heading(ship["angle"])
        velocity_x += heading_x * THRUST * dt
        velocity_y += heading_y * THRUST * dt
    keep = (1 - DRAG) ** dt
    too_fast = max(1.0, math.hypot(velocity_x, velocity_y) * keep / MAX_SPEED)
    ship["velocity"] = [velocity_x * keep / too_fast, velocity_y * keep / too_fast]
    _drift(ship, dt)


def heading(angle: float) -> Vector:
    """The direction, of length 1, that an angle points to."""
    return math.sin(math.radians(angle)), math.cos(math.radians(angle))


def way(start: Vector, end: Vector) -> Vector:
    """The shortest way from one place to another, which may lead over the edge."""
    x = (end[0] - start[0] + WIDTH / 2) % WIDTH - WIDTH / 2
    y = (end[1] - start[1] + HEIGHT / 2) % HEIGHT - HEIGHT / 2
    return x, y


def distance(one: Vector, other: Vector) -> float:
    """Between two places, in pixels, the shortest way."""
    return math.hypot(*way(one, other))


def _copied(state: State) -> State:
    """A copy that can be worked on: bodies are copied, and what is in a body is only ever replaced."""
    return {
        key: {number: dict(body) for number, body in value.items()} if isinstance(value, dict) else value
        for key, value in state.items()
    }


def _difference(old: State, new: State) -> Update:
    """The update that makes the new state of the old one."""
    update: Update = {}
    for key, value in new.items():
        if not isinstance(value, dict):
            if value != old[key]:
                update[key] = value
            continue
        changes: dict[int, Any] = {number: TO_DELETE for number in old[key] if number not in value}
        for number, body in value.items():
            before = old[key].get(number, {})
            changed = {name: entry for name, entry in body.items() if before.get(name) != entry}
            if changed:
                changes[number] = changed
        if changes:
            update[key] = changes
    return update


def _drift(body: dict[str, Any], dt: float) -> None:
    """Move a body on, round the edge if need be, and let it spin."""
    (x, y), (velocity_x, velocity_y) = body["position"], body["velocity"]
    body["position"] = [(x + velocity_x * dt) % WIDTH, (y + velocity_y * dt) % HEIGHT]
    if "spin" in body:
        body["angle"] = (body["angle"] + body["spin"] * dt) % 360


def _fire(work: State, ship_id: int, ship: dict[str, Any], controls: Controls) -> None:
    if not controls.fire or work["clock"] < ship["ready_at"]:
        return
    ship["ready_at"] = work["clock"] + RELOAD_SECONDS
    ship["safe_until"] = 0.0  # Who shoots gives up being safe.
    (x, y), (heading_x, heading_y) = ship["position"], heading(ship["angle"])
    muzzle = SHIP_RADIUS + SHOT_RADIUS
    work["shots"][_new_id(work)] = {
        "position": [(x + heading_x * muzzle) % WIDTH, (y + heading_y * muzzle) % HEIGHT],
        "velocity": [
            heading_x * SHOT_SPEED + ship["velocity"][0] / 2,
            heading_y * SHOT_SPEED + ship["velocity"][1] / 2,
        ],
        "angle": ship["angle"],
        "owner": ship_id,
        "until": work["clock"] + SHOT_SECONDS,
    }


def _land_shots(work: State, random: Random, happenings: list[Happening]) -> None:
    """Every shot that touches something ends there."""
    for shot_id, shot in list(work["shots"].items()):
        owner = work["ships"].get(shot["owner"])
        rock_id = _touched(work["rocks"], shot["position"], SHOT_RADIUS)
        ship_id = _touched_ship(work, shot)
        if rock_id is not None:
            if owner is not None:
                owner["score"] += ROCK_POINTS[work["rocks"][rock_id]["size"]]
            _break_rock(work, rock_id, random, happenings)
        elif ship_id is not None:
            _hit_ship(work, ship_id, shot["owner"], happenings)
        else:
            continue
        del work["shots"][shot_id]


def _touched_ship(work: State, shot: Mapping[str, Any]) -> int | None:
    for ship_id, ship in work["ships"].items():
        near = distance(ship["position"], shot["position"]) <= SHIP_RADIUS + SHOT_RADIUS
        if near and ship_id != shot["owner"] and not is_away(ship):
            return int(ship_id)
    return None


def _touched(rocks: Mapping[int, Any], place: Vector, radius: float) -> int | None:
    for rock_id, rock in rocks.items():
        if distance(rock["position"], place) <= ROCK_RADII[rock["size"]] + radius:
            return rock_id
    return None


def _crash_ships(work: State, random: Random, happenings: list[Happening]) -> None:
    """Ships that fly into rocks are hit by them, and ships that meet bounce off each other."""
    flying = [(number, ship) for number, ship in work["ships"].items() if not is_away(ship)]
    for ship_id, ship in flying:
        rock_id = _touched(work["rocks"], ship["position"], SHIP_RADIUS)
        if rock_id is not None and ship["safe_until"] <= work["clock"]:
            _break_rock(work, rock_id, random, happenings)
            _hit_ship(work, ship_id, None, happenings)
    for number, (_, one) in enumerate(flying):
        for _, other in flying[number + 1 :]:
            _bounce(one, other)


def _bounce(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Two ships of the same weight exchange the part of their speeds that brings them together."""
    x, y = way(one["position"], other["position"])
    gap = math.hypot(x, y)
    if gap > 2 * SHIP_RADIUS or gap == 0:
        return
    x, y = x / gap, y / gap
    (one_x, one_y), (other_x, other_y) = one["velocity"], other["velocity"]
    closing = (one_x - other_x) * x + (one_y - other_y) * y
    if closing > 0:
        one["velocity"] = [one_x - closing * x, one_y - closing * y]
        other["velocity"] = [other_x + closing * x, other_y + closing * y]


def _hit_ship(work: State, ship_id: int, by_id: int | None, happenings: list[Happening]) -> None:
    """Take one off the shield. At none left the ship explodes, and whoever did it scores."""
    ship = work["ships"][ship_id]
    if ship["safe_until"] > work["clock"]:
        return
    ship["shield"] -= 1
    if ship["shield"] > 0:
        happenings.append(("HIT", {"ship_id": ship_id, "position": ship["position"]}))
        return
    ship["back_at"] = work["clock"] + AWAY_SECONDS
    ship["thrust"] = False
    if by_id in work["ships"]:
        work["ships"][by_id]["score"] += SHIP_POINTS
    explosion = {"position": ship["position"], "size": 4, "ship_id": ship_id, "by_id": by_id}
    happenings.append(("EXPLOSION", explosion))


def _return_when_due(work: State, ship: dict[str, Any], random: Random) -> None:
    if ship["back_at"] <= work["clock"]:
        ship["position"] = list(_empty_place(work, random))
        ship["velocity"] = [0.0, 0.0]
        ship["shield"] = FULL_SHIELD
        ship["back_at"] = 0.0
        ship["safe_until"] = work["clock"] + SAFE_SECONDS


def _break_rock(work: State, rock_id: int, random: Random, happenings: list[Happening]) -> None:
    """A rock falls into two of the next size, the smallest into dust."""
    rock = work["rocks"].pop(rock_id)
    explosion = {"position": rock["position"], "size": rock["size"], "ship_id": None, "by_id": None}
    happenings.append(("EXPLOSION", explosion))
    if rock["size"] > 1:
        direction = random.uniform(0.0, 360.0)
        for part_direction in (direction, direction + 180):
            _add_rock(work, rock["position"], rock["velocity"], part_direction, size=rock["size"] - 1, random=random)


def _bring_rocks(work: State, random: Random) -> None:
    """Let a large rock drift in over an edge while there are too few."""
    mass = sum(2 ** (rock["size"] - 1) for rock in work["rocks"].values())
    if mass + 4 > ROCK_MASS:
        return
    place = random.choice([(0.0, random.uniform(0, HEIGHT)), (random.uniform(0, WIDTH), 0.0)])
    if all(distance(place, ship["position"]) > 160 for ship in work["ships"].values()):
        _add_rock(work, place, (0.0, 0.0), random.uniform(0.0, 360.0), size=3, random=random)


def _add_rock(work: State, place: Vector, velocity: Vector, direction: float, *, size: int, random: Random) -> None:
    heading_x, heading_y = heading(direction)
    speed = random.uniform(35.0, 75.0) * (1.7 - size * 0.25)
    work["rocks"][_new_id(work)] = {
        "position": list(place),
        "velocity": [velocity[0] * 0.7 + heading_x * speed, velocity[1] * 0.7 + heading_y * speed],
        "angle": random.uniform(0.0, 360.0),
        "spin": random.uniform(-60.0, 60.0),
        "size": size,
    }


def _new_id(work: State) -> int:
    work["next_id"] += 1
    return int(work["next_id"]) - 1


def _empty_place(state: State, random: Random) -> Vector:
    """Of a few random places the one that is farthest from every ship and rock."""
    places = [(random.uniform(0, WIDTH), random.uniform(0, HEIGHT)) for _ in range(16)]
    bodies = [body["position"] for kind in ("ships", "rocks") for body in state[kind].values()]
    return max(places, key=lambda place: min((distance(place, body) for body in bodies), default=0.0))
