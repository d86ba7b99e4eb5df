"""Cut off and back: a client finds its seat as it left it."""

import itertools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from pygase import RELIABLE, TO_DELETE, Backend, Client, ConnectionStatus, DisconnectReason, GameState
from pygase.config import PEER_TIMEOUT, RECONNECT_FOR, SEAT_HOLD
from pygase.testing import Conditions, SimulatedNetwork
from pygase.tokens import ServerKeys

from .conftest import ROUGH, seen

CLIENT_SIDE = ("CONNECTED", "RECONNECTED", "CONNECTION_FAILED", "DISCONNECTED")
SERVER_SIDE = ("CLIENT_CONNECTED", "CLIENT_RECONNECTED", "CLIENT_DISCONNECTED")


class Story:
    """A game with one player, and what both sides were told."""

    def __init__(self, network: SimulatedNetwork, **options: Any) -> None:
        self.network = network
        self.told_client: list[Any] = []
        self.told_server: list[Any] = []
        self.handled: list[int] = []
        self.received: list[int] = []
        self.backend = self.new_backend()
        network.serve(self.backend, **options)
        self.client = network.client()
        for name in CLIENT_SIDE:
            self.client.register_event_handler(
                name, lambda name=name, reason=None: self.told_client.append((name, reason) if reason else name)
            )
        self.client.register_event_handler("NEWS", self.received.append)
        self.client.open(8080)
        network.run_until(lambda: self.told_client == ["CONNECTED"])
        network.run(1.0)

    def new_backend(self) -> Backend:
        backend = Backend(
            GameState(players={}),
            lambda game_state, dt: {"time": game_state.time_order},
            {
                "CLIENT_CONNECTED": lambda client_id: {"players": {client_id: {"score": 0}}},
                "CLIENT_DISCONNECTED": lambda client_id: {"players": {client_id: TO_DELETE}},
            },
        )
        for name in SERVER_SIDE:
            backend.server.register_event_handler(
                name, lambda client_id, name=name, reason=None: self.told_server.append((name, client_id, reason))
            )
        backend.server.register_event_handler("E", self.handled.append)
        return backend

    def assert_converged(self) -> None:
        """Stop the game, which changes the state in every tick, and compare."""
        self.backend.game_state_machine.stop()
        self.network.run(2.0)
        self.network.assert_converged()

    @property
    def client_id(self) -> int:
        assert self.client.connection is not None
        assert self.client.connection.client_id is not None
        return self.client.connection.client_id


@pytest.mark.parametrize("seconds", [8.0, 20.0, 60.0])
def test_cut_off_client_returns_to_its_seat(network: SimulatedNetwork, seconds: float) -> None:
    story = Story(network)
    client_id = story.client_id
    network.cut_off(story.client, seconds)
    network.run(seconds + 10.0)
    assert story.told_client == ["CONNECTED", ("DISCONNECTED", DisconnectReason.TIMED_OUT), "RECONNECTED"]
    assert story.told_server == [("CLIENT_CONNECTED", client_id, None), ("CLIENT_RECONNECTED", client_id, None)]
    assert story.client_id == client_id
    assert list(seen(story.client)["players"]) == [client_id]
    assert len(story.backend.server.connections) == 1


@pytest.mark.parametrize("seed", range(5))
def test_reliable_events_both_ways_through_a_long_cut_off_arrive_once_and_in_order(seed: int) -> None:
    network = SimulatedNetwork(seed, ROUGH)
    story = Story(network)
    for n in range(120):
        if n == 20:
            network.cut_off(story.client, 15.0)
        story.client.dispatch_event("E", n, retries=RELIABLE)
        story.backend.server.dispatch_event("NEWS", n, retries=RELIABLE)
        network.run(0.25)
    network.run(10.0)
    assert story.handled == list(range(120))
    assert story.received == list(range(120))
    assert "RECONNECTED" in story.told_client
    story.assert_converged()


def test_changed_address_is_found_back_from(network: SimulatedNetwork) -> None:
    story = Story(network)
    client_id = story.client_id
    (former,) = story.backend.server.connections
    old = network.host_of(story.client)
    network.move(story.client, "10.77.0.5", 61_000)
    network.run(20.0)
    (now,) = story.backend.server.connections
    assert now != former
    assert now[0] == "10.77.0.5"
    assert old.ip == "10.77.0.5"
    assert story.client_id == client_id
    assert [name for name, *_ in story.told_server] == ["CLIENT_CONNECTED", "CLIENT_RECONNECTED"]
    story.client.dispatch_event("E", 1, retries=RELIABLE)
    network.run(1.0)
    assert story.handled == [1]


def test_seat_is_given_up_after_the_hold_and_the_client_after_its_patience(network: SimulatedNetwork) -> None:
    story = Story(network)
    client_id = story.client_id
    network.cut_off(story.client)
    network.run(PEER_TIMEOUT + SEAT_HOLD - 2.0)
    assert len(story.told_server) == 1
    network.run(4.0)
    assert story.told_server[1:] == [("CLIENT_DISCONNECTED", client_id, DisconnectReason.TIMED_OUT)]
    network.run(RECONNECT_FOR)
    assert story.told_client[1:] == [
        ("DISCONNECTED", DisconnectReason.TIMED_OUT),
        ("CONNECTION_FAILED", DisconnectReason.NO_ANSWER),
    ]
    assert story.client.connection is not None
    assert story.client.connection.status == 0


def test_client_that_comes_too_late_for_its_seat_keeps_its_number(network: SimulatedNetwork) -> None:
    story = Story(network, seat_hold=5.0)
    client_id = story.client_id
    network.cut_off(story.client, 30.0)
    network.run(40.0)
    assert story.client_id == client_id
    names = [name for name, *_ in story.told_server]
    assert names == ["CLIENT_CONNECTED", "CLIENT_DISCONNECTED", "CLIENT_CONNECTED"]
    assert story.told_client[-1] == "CONNECTED"
    assert list(seen(story.client)["players"]) == [client_id]
    story.assert_converged()


@pytest.mark.parametrize("keeps_keys", [True, False])
def test_server_killed_and_started_again_is_found_again(network: SimulatedNetwork, keeps_keys: bool) -> None:
    keys = ServerKeys.generate(network.entropy)
    story = Story(network, keys=keys)
    client_id = story.client_id
    story.client.dispatch_event("E", 0, retries=RELIABLE)
    network.run(0.5)
    network.kill(story.backend.server)
    story.client.dispatch_event("E", 1, retries=RELIABLE)
    network.run(12.0)
    story.told_server.clear()
    story.backend = story.new_backend()
    network.serve(story.backend, keys=keys if keeps_keys else None)
    network.run(15.0)
    assert story.handled == [0, 1]
    if keeps_keys:
        assert story.client_id == client_id
        assert story.told_server == [("CLIENT_RECONNECTED", client_id, None)]
        assert story.told_client[-1] == "RECONNECTED"
    else:
        assert story.client_id != client_id
        assert story.told_client[-1] == "CONNECTED"
    story.assert_converged()


def test_client_that_wants_no_reconnect_ends_with_the_connection(network: SimulatedNetwork) -> None:
    story = Story(network)
    other = network.client()
    told: list[Any] = []

    def lost(reason: DisconnectReason) -> None:  # by name: a bare `told.append` would be given nothing
        told.append(reason)

    other.register_event_handler("DISCONNECTED", lost)
    other.open(8080, reconnect=False)
    network.run(1.0)
    network.cut_off(other)
    network.run(PEER_TIMEOUT + 1.0)
    assert told == [DisconnectReason.TIMED_OUT]
    assert other.connection is not None
    assert other.connection.status == 0
    assert story.client.connection is not None


def test_host_that_is_coming_back_still_shuts_the_server_down(network: SimulatedNetwork) -> None:
    backend = Backend(GameState(), lambda game_state, dt: None)
    network.serve(backend)
    host = network.connect(ip="10.0.0.1")
    network.run(1.0)
    network.freeze(host, PEER_TIMEOUT + 2.0)
    network.run(PEER_TIMEOUT + 2.01)
    assert host.connection is not None
    assert host.connection.status == ConnectionStatus.CONNECTING
    host.disconnect(shutdown_server=True)
    network.run(1.0)
    assert backend.server.port is None


def test_disconnect_while_trying_again_ends_at_once(network: SimulatedNetwork) -> None:
    story = Story(network)
    network.cut_off(story.client)
    network.run(PEER_TIMEOUT + 3.0)
    assert story.client.connection is not None
    assert story.client.connection.status == 2
    story.client.disconnect()
    network.run(0.1)
    assert story.client.connection.status == 0


def test_pauses_between_attempts_grow(network: SimulatedNetwork) -> None:
    story = Story(network)
    hellos: list[float] = []

    def tap(data: bytes, source: Any, target: Any) -> bool:
        if len(data) == 1_200 and source[0] != "10.0.0.1":
            hellos.append(network.now)
        return True

    network.cut_off(story.client)
    network.run(PEER_TIMEOUT)
    network.tap = tap
    network.run(60.0)
    begins = [b for a, b in itertools.pairwise(hellos) if b - a > 1.5]
    assert 5 <= len(begins) <= 20
    assert len(hellos) < 200


def test_laptop_that_slept_returns_to_its_seat(network: SimulatedNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story(network)
    client_id = story.client_id
    run = story.client._run
    assert run is not None
    assert run.endpoint is not None
    with monkeypatch.context() as asleep:  # its program does not run at all
        asleep.setattr(run, "endpoint", SimpleNamespace(turn=lambda: False, next_timer=lambda: None))
        network.run(30.0)
    run.endpoint.wake()
    network.run(20.0)
    assert story.told_client[-1] == "RECONNECTED"
    assert story.client_id == client_id
    story.assert_converged()


@pytest.mark.parametrize("hours", [-1, 1])
def test_wall_clock_that_jumps_affects_no_session(
    network: SimulatedNetwork, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    story = Story(network)
    monkeypatch.setattr(type(network.host_of(story.client)), "unix_epoch", lambda self: 1.7e9 + hours * 3_600.0)
    network.run(5.0)
    network.cut_off(story.client, 8.0)
    network.run(20.0)
    assert story.told_client[-1] == "RECONNECTED"
    late = network.connect()
    network.run(2.0)
    assert late.connection is not None
    assert late.connection.status == 1, "a clock that is wrong by an hour keeps nobody out"
    story.assert_converged()


def test_returning_client_on_a_rough_line_converges(make_network: Callable[..., SimulatedNetwork]) -> None:
    for seed in range(6):
        network = make_network(seed, Conditions(latency=0.05, jitter=0.04, loss=0.2, duplication=0.1, reordering=0.1))
        story = Story(network)
        for _ in range(3):
            network.cut_off(story.client, 8.0)
            network.run(20.0)
        assert story.client.connection is not None
        assert story.client.connection.status == 1
        assert len(story.told_server) >= 2
        network.run(2.0)
        with story.client.access_game_state() as state:
            assert state.time_order > 100
        assert isinstance(story.client, Client)
