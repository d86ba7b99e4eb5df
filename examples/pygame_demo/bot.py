"""A player that nobody steers. It uses the same client API as a human's game, and may do no more than one."""

import math
from random import Random
from typing import Any

import pygase
from examples.link import Address, Link
from examples.pygame_demo import rules
from examples.pygame_demo.rules import Vector
from pygase.integrations.base import FrameAdapter

DIRECTIONS = [(math.cos(turn * math.tau / 16), math.sin(turn * math.tau / 16)) for turn in range(16)]
LOOK_AHEAD_SECONDS = 0.25
FEAR_DISTANCE = 420.0
"""A runner strolls about while the chaser is farther away than this many pixels."""

WALL_DISTANCE = 160.0
CROWD_DISTANCE = 130.0
"""Runners keep this far apart where they can: in a crowd they are caught one after the other."""

HOMES = [(150.0, 330.0), (488.0, 130.0), (826.0, 330.0), (488.0, 540.0), (80.0, 80.0), (896.0, 560.0)]
"""Places to stroll to."""


class Bot:
    """Joins a game of tag, and then chases or flees until it is closed."""

    def __init__(self, name: str, address: Address, seed: int, client: pygase.Client | None = None) -> None:
        self.client = client or pygase.Client()
        self.net = FrameAdapter(self.client)
        self.link = Link(self.client, address, threaded=False)
        self.mind = Mind(Random(seed))
        self.player_id: int | None = None
        self.position = (0.0, 0.0)

        @self.net.on("CONNECTED")
        @self.net.on("RECONNECTED")
        def on_connected(**_: Any) -> None:
            self.net.send("JOIN", name, retries=pygase.RELIABLE)

        @self.net.on("PLAYER_CREATED")
        def on_player_created(player_id: int) -> None:
            self.player_id = player_id
            with self.client.access_game_state() as state:
                self.position = tuple(state.players[player_id]["position"])

        @self.net.on("DISCONNECTED")
        def on_disconnected(**_: Any) -> None:
            self.player_id = None

    def frame(self, dt: float) -> None:
        """Take a step, sixty times a second or so."""
        self.link.turn()
        self.net.pump(dt)
        with self.net.render_state() as game_state:
            state = game_state.to_dict()
        if self.player_id is not None and self.player_id in state.get("players", {}):
            direction = self.mind.decide(state, self.player_id, self.position, dt)
            self.position = rules.walk(self.position, direction, rules.speed_of(state, self.player_id), dt)
            self.net.send("MOVE", *self.position, rate=60)

    def close(self) -> None:
        """Leave the game."""
        self.net.close()


class Mind:
    """Decides where to go. Pure thought: a state goes in, a direction comes out."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.goal = random.choice(HOMES)
        self.heading = (0.0, 0.0)

    def decide(self, state: rules.State, player_id: int, position: Vector, dt: float) -> Vector:
        """The direction to walk in: of sixteen the one that looks best."""
        if self.random.random() < 0.3 * dt or math.dist(position, self.goal) < 80:
            self.goal = self.random.choice(HOMES)
        players = state["players"]
        others = {other: tuple(players[other]["position"]) for other in players if other != player_id}
        chaser_id, target, attraction = state["chaser_id"], self.goal, 1.0
        crowd = list(others.values())
        if player_id == chaser_id and others and state["protection"] < 1.0:
            target, crowd = min(crowd, key=lambda place: math.dist(place, position)), []
        elif chaser_id in others and math.dist(others[chaser_id], position) < FEAR_DISTANCE:
            target, attraction = others[chaser_id], -1.0
        ways = {way: self._value(position, way, target, attraction, crowd) for way in DIRECTIONS}
        self.heading = max(ways, key=lambda way: ways[way])
        return self.heading

    def _value(self, position: Vector, way: Vector, target: Vector, attraction: float, crowd: list[Vector]) -> float:
        """How good a way is: towards or away from the target, into the open, and rather straight on."""
        ahead = rules.walk(position, way, rules.RUNNER_SPEED, LOOK_AHEAD_SECONDS)
        gain = (math.dist(position, target) - math.dist(ahead, target)) * attraction
        progress = math.dist(position, ahead)
        room = min(ahead[0], ahead[1], rules.WIDTH - ahead[0], rules.HEIGHT - ahead[1], WALL_DISTANCE)
        elbow_room = min([CROWD_DISTANCE, *(math.dist(ahead, other) for other in crowd)])
        straight_on = way[0] * self.heading[0] + way[1] * self.heading[1]
        return gain + 0.5 * progress + 0.25 * room + 0.25 * elbow_room + 12.0 * straight_on
