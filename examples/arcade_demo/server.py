"""The server of the space arena: it alone decides what is so. Pilots only send what they do with their ships."""

from random import Random

import pygase
from examples.arcade_demo import rules
from examples.arcade_demo.rules import Controls, Update
from examples.link import Address
from pygase import GameState

TICK_SECONDS = 1 / 30
"""Twenty to thirty updates a second are plenty, since clients draw smoothly between them."""


class ArenaServer:
    """Who flies from which address, and what each pilot is doing with the ship just now.

    What a handler returns is merged into the state, and every client gets it.
    """

    def __init__(self, seed: int | None = None) -> None:
        self.random = Random(seed)
        self.ship_ids: dict[Address, int] = {}
        self.controls: dict[int, Controls] = {}
        self.backend = pygase.Backend(
            GameState(**rules.new_game()),
            self.time_step,
            event_handlers={
                "JOIN": self.on_join,
                "CONTROLS": self.on_controls,
                "CLIENT_RECONNECTED": self.on_client_reconnected,
                "CLIENT_DISCONNECTED": self.on_client_disconnected,
            },
        )

    def on_join(self, name: str, game_state: GameState, client_address: Address) -> Update | None:
        """Somebody wants to play; tell them which ship is theirs. Who was cut off and is back still has the same."""
        update = None
        if client_address not in self.ship_ids:
            self.ship_ids[client_address], update = rules.join(game_state.to_dict(), name, self.random)
        self.backend.server.dispatch_event(
            "SHIP_CREATED", self.ship_ids[client_address], target_client=client_address, retries=pygase.RELIABLE
        )
        return update

    def on_client_reconnected(self, client_address: Address, former_address: Address | None = None) -> None:
        """Somebody was cut off and is back, perhaps from another address."""
        if former_address in self.ship_ids:
            self.ship_ids[client_address] = self.ship_ids.pop(former_address)

    def on_controls(self, turn: float, thrust: bool, fire: bool, client_address: Address) -> None:
        """Somebody pressed or released a key. What that does, the next tick says."""
        ship_id = self.ship_ids.get(client_address)
        if ship_id is not None:
            self.controls[ship_id] = rules.controls_from(turn, thrust, fire)

    def on_client_disconnected(self, game_state: GameState, client_address: Address) -> Update | None:
        """Somebody left, or was lost: their ship goes as well."""
        ship_id = self.ship_ids.pop(client_address, None)
        if ship_id is None:
            return None
        self.controls.pop(ship_id, None)
        return rules.leave(game_state.to_dict(), ship_id)

    def time_step(self, game_state: GameState, dt: float) -> Update:
        """One tick: the rules say what changes, and everybody hears of what happened meanwhile."""
        update, happenings = rules.step(game_state.to_dict(), self.controls, dt, self.random)
        for event_type, details in happenings:
            self.backend.server.dispatch_event(event_type, **details)
        return update


def create_backend() -> pygase.Backend:
    """A server of the arena, ready to run."""
    return ArenaServer().backend
