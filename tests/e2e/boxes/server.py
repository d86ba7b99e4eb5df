"""The server of the boxes: prints its port, runs until its standard input ends."""

import sys
from typing import Any

import pygase
from tests.e2e.boxes.game import STARTS, new_game, stepped


class BoxesServer:
    def __init__(self) -> None:
        self.numbers: dict[tuple[str, int], int] = {}
        self.backend = pygase.Backend(
            pygase.GameState(**new_game()),
            lambda game_state, dt: {},
            event_handlers={
                "JOIN": self.on_join,
                "STEP": self.on_step,
                "PAINT": self.on_paint,
                "FINISHED": self.on_finished,
                "CLIENT_DISCONNECTED": self.on_client_disconnected,
            },
        )

    def on_join(self, client_address: tuple[str, int]) -> dict[str, Any]:
        number = len(self.numbers)
        self.numbers[client_address] = number
        self.backend.server.dispatch_event("BOX_CREATED", number, target_client=client_address, retries=pygase.RELIABLE)
        return {"boxes": {number: {"cell": list(STARTS[number])}}}

    def on_step(self, direction: str, game_state: Any, client_address: tuple[str, int]) -> dict[str, Any]:
        number = self.numbers[client_address]
        return {"boxes": {number: {"cell": stepped(game_state.boxes[number]["cell"], direction)}}}

    def on_paint(self, game_state: Any, client_address: tuple[str, int]) -> dict[str, Any]:
        number = self.numbers[client_address]
        column, row = game_state.boxes[number]["cell"]
        painted = {f"{column},{row}": number}
        if len(game_state.painted) == 1:
            self.backend.server.dispatch_event("ALL_PAINTED", retries=pygase.RELIABLE)
        return {"painted": painted}

    def on_finished(self, game_state: Any, client_address: tuple[str, int]) -> dict[str, Any]:
        return {"finished": [*game_state.finished, self.numbers[client_address]]}

    def on_client_disconnected(self, client_address: tuple[str, int]) -> dict[str, Any] | None:
        number = self.numbers.get(client_address)
        return None if number is None else {"boxes": {number: pygase.TO_DELETE}}


def main() -> None:
    server = BoxesServer()
    server.backend.run_in_thread("127.0.0.1", 0)
    print(f"PORT {server.backend.server.port}", flush=True)
    sys.stdin.read()
    boxes = server.backend.game_state_store.get_game_state().to_dict()["boxes"]
    server.backend.shutdown()
    print(f"BOXES {boxes}", flush=True)


if __name__ == "__main__":
    main()
