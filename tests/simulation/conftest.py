"""Games on the simulated network: what pygase promises, tested on lines that lose, double, delay and reorder."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pygase import Backend, Client, GameState
from pygase.compiled import is_compiled
from pygase.testing import Conditions, SimulatedNetwork

ROUGH = Conditions(latency=0.04, jitter=0.03, loss=0.08, duplication=0.03, reordering=0.1, reordering_delay=0.08)


@pytest.fixture
def make_network() -> Iterator[Callable[..., SimulatedNetwork]]:
    made: list[SimulatedNetwork] = []

    def make(seed: int = 1, conditions: Conditions | str = "lan") -> SimulatedNetwork:
        network = SimulatedNetwork(seed, conditions)
        made.append(network)
        return network

    yield make
    for network in made:
        network.close()


@pytest.fixture
def network(make_network: Callable[..., SimulatedNetwork]) -> SimulatedNetwork:
    return make_network()


@pytest.fixture
def rough(make_network: Callable[..., SimulatedNetwork]) -> SimulatedNetwork:
    return make_network(7, ROUGH)


def idle_backend(handlers: dict[str, Callable[..., Any]] | None = None, **state: Any) -> Backend:
    """A backend whose time step changes nothing."""
    return Backend(GameState(**state), lambda game_state, dt: None, handlers or {})


def connected(network: SimulatedNetwork, **how: Any) -> Client:
    """A client that is connected and has the state."""
    client = network.connect(**how)
    network.run_until(lambda: client.connection is not None and client.connection.status == 1)
    network.run(0.3)
    return client


def seen(client: Client) -> dict[str, Any]:
    """What a client sees of the state, its own copy."""
    with client.access_game_state() as game_state:
        return game_state.to_dict()


def client_id(client: Client) -> int:
    assert client.connection is not None
    found = client.connection.client_id
    assert found is not None
    return found


def listen(client: Client) -> list[bytes]:
    """Collect all that a client's traffic carries, decrypted."""
    if is_compiled():
        pytest.skip("compiled code knows its own classes and methods only, not what a test puts in their place")
    session: Any = client._session
    heard: list[bytes] = []
    receive: Callable[..., None] = type(session.traffic).receive_packet

    class Tapped(type(session.traffic)):  # type: ignore[misc]
        __slots__ = ()

        def receive_packet(self, payload: bytes, now: float) -> None:
            heard.append(payload)
            receive(self, payload, now)

    session.traffic.__class__ = Tapped
    return heard
