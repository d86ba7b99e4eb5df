"""The server of tag: it alone decides what is so. It wires the rules to the events that players send."""

import itertools
import math
from random import Random
from typing import Any

import pygase
from examples.link import Address
from examples.pygame_demo import rules
from examples.pygame_demo.rules import Update
from pygase import GameState

TICK_SECONDS = 1 / 30
"""Half as often as players send where they are, so that every tick has news of everybody: it makes walking smooth."""


class TagServer:
    """Who plays from which address, and what happens when one of them sends something.

    What a handler returns is merged into the state, and every client gets it.
    """

    def __init__(self, seed: int | None = None) -> None:
        self.random = Random(seed)
        self.player_ids: dict[Address, int] = {}
        self.reach: dict[int, float] = {}
        """How many pixels each player may still go; see `rules.move`."""
        self._new_ids = itertools.count(1)
        self.backend = pygase.Backend(
            GameState(**rules.new_game()),
            self.time_step,
            event_handlers={
                "JOIN": self.on_join,
                "MOVE": self.on_move,
                "CLIENT_RECONNECTED": self.on_client_reconnected,
                "CLIENT_DISCONNECTED": self.on_client_disconnected,
            },
        )

    def on_join(self, name: str, game_state: GameState, client_address: Address) -> Update | None:
        """Somebody wants to play; tell them which player they are. Who was cut off and is back still is the same."""
        update = None
        if client_address not in self.player_ids:
            player_id = self.player_ids[client_address] = next(self._new_ids)
            self.reach[player_id] = 0.0
            update = rules.join(game_state.to_dict(), player_id, name, self.random)
        self.backend.server.dispatch_event(
            "PLAYER_CREATED", self.player_ids[client_address], target_client=client_address, retries=pygase.RELIABLE
        )
        return update

    def on_client_reconnected(self, client_address: Address, former_address: Address | None = None) -> None:
        """Somebody was cut off and is back, perhaps from another address."""
        if former_address in self.player_ids:
            self.player_ids[client_address] = self.player_ids.pop(former_address)

    def on_move(self, x: float, y: float, game_state: GameState, client_address: Address) -> Update | None:
        """Somebody says where they are; they get as far as their legs could have carried them."""
        player_id = self.player_ids.get(client_address)
        if player_id is None:
            return None
        state = game_state.to_dict()
        update = rules.move(state, player_id, x, y, self.reach[player_id])
        if update:
            old_position = state["players"][player_id]["position"]
            self.reach[player_id] -= math.dist(old_position, update["players"][player_id]["position"])
        return update

    def on_client_disconnected(self, game_state: GameState, client_address: Address) -> Update | None:
        """Somebody left, or was lost: their circle goes as well."""
        player_id = self.player_ids.pop(client_address, None)
        if player_id is None:
            return None
        del self.reach[player_id]
        return rules.leave(game_state.to_dict(), player_id, self.random)

    def time_step(self, game_state: GameState, dt: float) -> Update:
        """One tick: everybody's reach grows, and the rules say what else happens."""
        state = game_state.to_dict()
        for player_id, reach in self.reach.items():
            self.reach[player_id] = rules.grown_reach(reach, rules.speed_of(state, player_id), dt)
        update: dict[str, Any] = rules.step(state, dt)
        if "chaser_id" in update:
            self.backend.server.dispatch_event("CAUGHT", state["chaser_id"], update["chaser_id"], retries=3)
        return update


def create_backend() -> pygase.Backend:
    """A server of tag, ready to run."""
    return TagServer().backend
