"""One room among several: what it leaves to the others' ticks, so that one wake-up serves all."""

from collections.abc import Callable
from typing import Any

from pygase import Backend, GameState, GameStateUpdate, RoomServer
from pygase.room import RoomRun
from pygase.testing import SimulatedNetwork


class Ticks:
    """Stands for the thread of the rooms' ticks, within one of them."""

    def __init__(self) -> None:
        self.later: list[Callable[[], None]] = []

    def call_after(self, function: Callable[[], None]) -> bool:
        self.later.append(function)
        return True


def rooms(network: SimulatedNetwork) -> tuple[dict[str, Backend], dict[str, RoomRun]]:
    """Two games that change when they are told to, and how they run."""
    server = RoomServer()
    for name in ("red", "blue"):
        server.open(name, Backend(GameState(n=0), lambda game_state, dt: None), interval=600.0)
    network.serve(server)
    runs = {name: room.run for name, room in server._open.items() if room.run is not None}
    return dict(server.rooms), runs


def test_rooms_that_are_due_together_send_together(netsim: SimulatedNetwork) -> None:
    backends, runs = rooms(netsim)
    clients = {name: netsim.connect(room=name) for name in backends}
    netsim.run(3.0)
    ticks: Any = Ticks()
    for run in runs.values():
        run._ticks = lambda: ticks
    before = netsim.datagrams
    for backend in backends.values():
        store = backend.game_state_store
        store.push_update(GameStateUpdate(store.time_order + 1, n=5))
    assert netsim.datagrams == before, "the ticks of other rooms are not done yet"
    assert len(ticks.later) == 2
    ticks.later[0]()
    assert netsim.datagrams == before + 2, "one call sends what all rooms have to say"
    ticks.later[1]()
    assert netsim.datagrams == before + 2
    netsim.run(0.5)
    for client in clients.values():
        with client.access_game_state() as state:
            assert state.n == 5


def test_room_that_is_closed_within_the_ticks_keeps_nothing_from_the_others(netsim: SimulatedNetwork) -> None:
    backends, runs = rooms(netsim)
    client = netsim.connect(room="blue")
    netsim.run(3.0)
    ticks: Any = Ticks()
    for run in runs.values():
        run._ticks = lambda: ticks
    for backend in backends.values():
        store = backend.game_state_store
        store.push_update(GameStateUpdate(store.time_order + 1, n=5))
    runs["red"].over.set()
    ticks.later[0]()  # the one that is called for all
    netsim.run(0.5)
    with client.access_game_state() as state:
        assert state.n == 5


def test_first_of_the_rooms_that_are_due_together_reads_the_socket_for_all(netsim: SimulatedNetwork) -> None:
    _, runs = rooms(netsim)
    red, blue = runs.values()
    endpoint = red.endpoint
    assert endpoint is not None
    assert endpoint is blue.endpoint
    netsim.run(1.0)
    red.take_in(0.05)
    read_at, promised = endpoint.drained_at, endpoint.drained_until
    assert read_at == netsim.now
    blue.take_in(0.01)
    assert endpoint.drained_until == promised, "it has not read again"
    blue.take_in(0.0)
    assert endpoint.drained_until == read_at, "handlers of its own, which wait for no tick"
    netsim.run(0.02)
    blue.take_in(0.01)
    assert endpoint.drained_at == netsim.now > read_at
