"""Where a server's signals go: into the tick, to handlers, to who is there. More of it is seen in `test_server`."""

from typing import Any

import pytest

from pygase import Backend, GameState
from pygase.testing import Conditions, SimulatedNetwork


@pytest.mark.parametrize("has_handlers", [False, True])
def test_comings_and_goings_keep_their_place_among_the_events_that_came_with_them(*, has_handlers: bool) -> None:
    """A frozen server finds all of it at once: with handlers in its mailbox, without them it goes into the tick."""
    network = SimulatedNetwork(1, Conditions(latency=0.02))
    in_tick: list[Any] = []
    handled: list[Any] = []
    backend = Backend(
        GameState(),
        lambda game_state, dt: None,
        {"SAY": in_tick.append, "CLIENT_DISCONNECTED": lambda client_id: in_tick.append(client_id)},  # noqa: PLW0108  (by its name)
    )
    if has_handlers:
        backend.server.register_event_handler("SAY", handled.append)
    network.serve(backend)
    leaves, stays = network.connect(), network.connect()
    network.run(1.0)
    network.freeze(backend.server, 0.5)
    for number in range(3):
        leaves.dispatch_event("SAY", f"leaves {number}")
    network.run(0.1)
    assert leaves.connection is not None
    gone = leaves.connection.client_id
    leaves.close()
    network.run(0.1)
    stays.dispatch_event("SAY", "stays")
    network.run(1.0)
    said = ["leaves 0", "leaves 1", "leaves 2"]
    assert in_tick == [*said, gone, "stays"]
    assert handled == ([*said, "stays"] if has_handlers else [])
    assert len(backend.server.connections) == 1
    network.close()
