"""A pilot that nobody steers. It uses the same client API as a human's game, and may do no more than one."""

import math
from random import Random
from typing import Any

import pygase
from examples.arcade_demo import rules
from examples.arcade_demo.rules import Controls
from examples.link import Address, Link
from pygase.integrations.base import FrameAdapter

AIM_DEGREES = 7.0
WAVER_DEGREES = 6.0
FIRE_DISTANCE = 360.0
"""Less than a shot flies, so that one may get away."""

DANGER_SECONDS = 1.1
"""A rock that would be hit within this time is one to turn away from."""


class Bot:
    """Joins the arena, and then hunts and dodges until it is closed."""

    def __init__(self, name: str, address: Address, seed: int, client: pygase.Client | None = None) -> None:
        self.client = client or pygase.Client()
        self.net = FrameAdapter(self.client)
        self.link = Link(self.client, address, threaded=False)
        self.mind = Mind(Random(seed))
        self.ship_id: int | None = None

        @self.net.on("CONNECTED")
        @self.net.on("RECONNECTED")
        def on_connected(**_: Any) -> None:
            self.net.send("JOIN", name, retries=pygase.RELIABLE)

        @self.net.on("SHIP_CREATED")
        def on_ship_created(ship_id: int) -> None:
            self.ship_id = ship_id

        @self.net.on("DISCONNECTED")
        def on_disconnected(**_: Any) -> None:
            self.ship_id = None

    def frame(self, dt: float) -> None:
        """Decide what to do with the ship, sixty times a second or so."""
        self.link.turn()
        self.net.pump(dt)
        with self.net.render_state() as game_state:
            state = rules.new_game() | game_state.to_dict()
        if self.ship_id is not None and self.ship_id in state["ships"]:
            controls = self.mind.decide(state, self.ship_id)
            self.net.send("CONTROLS", controls.turn, controls.thrust, controls.fire, rate=30)

    def close(self) -> None:
        """Leave the game."""
        self.net.close()


class Mind:
    """Decides what to do with a ship. Pure thought: a state goes in, controls come out."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.error = 0.0
        """Degrees that it aims wrong by just now. It wavers, as hands do, or bots would be no fun to fight."""

    def decide(self, state: rules.State, ship_id: int) -> Controls:
        """Away from a rock that is about to hit; else after somebody; else at the nearest rock."""
        ship = state["ships"][ship_id]
        if rules.is_away(ship):
            return Controls()
        danger = self._danger(state, ship)
        if danger is not None:
            away_x, away_y = rules.way(danger["position"], ship["position"])
            turn, off = _turn_towards(ship, (away_x, away_y))
            aimed_at_it = abs(off) > 180 - AIM_DEGREES * 2
            return Controls(0.0 if aimed_at_it else turn, thrust=abs(off) < 75, fire=aimed_at_it)
        target = self._target(state, ship_id)
        if target is None:
            return Controls()
        x, y = rules.way(ship["position"], target["position"])
        seconds = math.hypot(x, y) / rules.SHOT_SPEED
        lead_x = x + (target["velocity"][0] - ship["velocity"][0] / 2) * seconds
        lead_y = y + (target["velocity"][1] - ship["velocity"][1] / 2) * seconds
        self.error = 0.93 * self.error + self.random.gauss(0.0, WAVER_DEGREES)
        turn, off = _turn_towards(ship, (lead_x, lead_y), self.error)
        far = math.hypot(x, y)
        fire = abs(off) < AIM_DEGREES and far < FIRE_DISTANCE
        slow = math.hypot(*ship["velocity"]) < 160
        return Controls(turn, thrust=abs(off) < 40 and (far > 260 or slow), fire=fire)

    def _danger(self, state: rules.State, ship: dict[str, Any]) -> dict[str, Any] | None:
        """The rock that comes closest to hitting the ship soon."""
        for rock in state["rocks"].values():
            x, y = rules.way(ship["position"], rock["position"])
            speed_x, speed_y = (
                rock["velocity"][0] - ship["velocity"][0],
                rock["velocity"][1] - ship["velocity"][1],
            )
            speed = math.hypot(speed_x, speed_y)
            seconds = -(x * speed_x + y * speed_y) / speed**2 if speed > 1 else -1.0
            if not 0 < seconds < DANGER_SECONDS:
                continue
            nearest = math.hypot(x + speed_x * seconds, y + speed_y * seconds)
            if nearest < rules.ROCK_RADII[rock["size"]] + rules.SHIP_RADIUS + 12:
                return dict(rock)
        return None

    def _target(self, state: rules.State, ship_id: int) -> dict[str, Any] | None:
        """The nearest of everything that can be shot; ships count as nearer than they are, being more fun."""
        here = state["ships"][ship_id]["position"]
        prey = [
            (rules.distance(here, other["position"]) * 0.8, other)
            for other_id, other in state["ships"].items()
            if other_id != ship_id and not rules.is_away(other) and other["safe_until"] <= state["clock"]
        ]
        prey += [(rules.distance(here, rock["position"]), rock) for rock in state["rocks"].values()]
        return min(prey, key=lambda pair: pair[0])[1] if prey else None


def _turn_towards(ship: dict[str, Any], direction: rules.Vector, error: float = 0.0) -> tuple[float, float]:
    """How to turn to point in a direction, and how many degrees there are to go."""
    wanted = math.degrees(math.atan2(direction[0], direction[1])) + error
    off = (wanted - ship["angle"] + 180) % 360 - 180
    return max(-1.0, min(1.0, off / 12)), off
