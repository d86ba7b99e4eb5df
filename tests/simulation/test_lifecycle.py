"""Connections begin and end, and everybody is told."""

from collections.abc import Callable
from typing import Any

import pytest

from pygase import RELIABLE, Backend, DisconnectReason, GameState, GameStateStore, RoomServer, Server
from pygase.config import CONNECT_TIMEOUT, DISCONNECT_WAIT, PEER_TIMEOUT
from pygase.testing import Conditions, SimulatedNetwork

from .conftest import connected, idle_backend, seen

LIFECYCLE = ("CONNECTED", "CONNECTION_FAILED", "DISCONNECTED")


def record(client: Any) -> list[tuple[str, Any]]:
    got: list[tuple[str, Any]] = []
    for name in LIFECYCLE:
        client.register_event_handler(name, lambda name=name, reason=None: got.append((name, reason)))
    return got


def test_client_hears_that_it_is_connected_and_why_it_no_longer_is(network: SimulatedNetwork) -> None:
    network.serve(idle_backend())
    client = network.client()
    got = record(client)
    client.open(8080)
    network.run(1.0)
    assert got == [("CONNECTED", None)]
    client.disconnect()
    network.run(0.1)
    assert got == [("CONNECTED", None), ("DISCONNECTED", DisconnectReason.CLIENT_LEFT)]
    assert client.connection is not None
    assert client.connection.status == 0


def test_server_hears_of_clients_and_of_their_leave_at_once(network: SimulatedNetwork) -> None:
    got: list[Any] = []
    backend = idle_backend()
    backend.server.register_event_handler(
        "CLIENT_CONNECTED", lambda client_address, client_id: got.append(("in", client_address, client_id))
    )
    backend.server.register_event_handler(
        "CLIENT_DISCONNECTED", lambda client_address, reason: got.append(("out", client_address, reason))
    )
    network.serve(backend)
    client = connected(network)
    (address,) = backend.server.connections
    assert client.connection is not None
    assert got == [("in", address, client.connection.client_id)]
    client.disconnect()
    network.run(0.05)
    assert got[1:] == [("out", address, DisconnectReason.CLIENT_LEFT)]
    assert not backend.server.connections


def test_lost_client_is_noticed_after_the_timeout_and_not_before(network: SimulatedNetwork) -> None:
    got: list[Any] = []
    backend = idle_backend()

    def lost(reason: DisconnectReason) -> None:  # by name: a bare `got.append` would be given nothing
        got.append(reason)

    backend.server.register_event_handler("CLIENT_DISCONNECTED", lost)
    network.serve(backend, seat_hold=0.0)
    client = connected(network)
    network.cut_off(client)
    network.run(PEER_TIMEOUT - 1.5)
    assert not got
    network.run(2.5)
    assert got == [DisconnectReason.TIMED_OUT]
    assert not backend.server.connections


def test_play_goes_on_after_four_seconds_of_silence(network: SimulatedNetwork) -> None:
    backend = idle_backend({"SET": lambda n: {"n": n}}, n=0)
    network.serve(backend)
    client = connected(network)
    network.cut_off(client, 4.0)
    network.run(4.0)
    client.dispatch_event("SET", 1)
    network.run(1.0)
    assert seen(client)["n"] == 1


def test_state_machine_handlers_may_return_an_update_when_a_client_comes_or_goes(network: SimulatedNetwork) -> None:
    from pygase import TO_DELETE

    def come(client_id: int) -> dict[str, Any]:
        return {"players": {client_id: {"x": 0}}}

    def go(client_id: int, game_state: GameState) -> dict[str, Any]:
        assert client_id in game_state.players
        return {"players": {client_id: TO_DELETE}}

    network.serve(idle_backend({"CLIENT_CONNECTED": come, "CLIENT_DISCONNECTED": go}, players={}))
    stays, leaves = connected(network), connected(network)
    assert len(seen(stays)["players"]) == 2
    leaves.disconnect()
    network.run(0.3)
    assert stays.connection is not None
    assert list(seen(stays)["players"]) == [stays.connection.client_id]


def test_no_server_means_connection_failed_within_the_limit(network: SimulatedNetwork) -> None:
    client = network.client()
    got = record(client)
    client.open(9999)
    network.run(CONNECT_TIMEOUT - 1.0)
    assert not got
    network.run(2.0)
    assert got == [("CONNECTION_FAILED", DisconnectReason.NO_ANSWER)]


def test_dead_server_is_noticed_by_its_clients(network: SimulatedNetwork) -> None:
    backend = idle_backend()
    network.serve(backend)
    client = connected(network)
    got = record(client)
    network.cut_off(backend.server)
    network.run(PEER_TIMEOUT + 1.5)
    assert got == [("DISCONNECTED", DisconnectReason.TIMED_OUT)]


def test_shutdown_tells_every_client_why(network: SimulatedNetwork) -> None:
    backend = idle_backend()
    network.serve(backend)
    clients = [connected(network) for _ in range(3)]
    logs = [record(client) for client in clients]
    backend.shutdown()
    network.run(0.2)
    assert logs == [[("DISCONNECTED", DisconnectReason.SERVER_SHUTDOWN)]] * 3
    assert backend.server.port is None


@pytest.mark.parametrize("has_rooms", [False, True])
def test_server_that_closes_leaves_nothing_to_the_next_tick(network: SimulatedNetwork, *, has_rooms: bool) -> None:
    backend = idle_backend()
    server = RoomServer() if has_rooms else backend.server
    if isinstance(server, RoomServer):
        server.open("", backend)
    network.serve(server if isinstance(server, RoomServer) else backend)
    connected(network)
    session = server._session
    assert session is not None
    network.run(1.0)
    assert session.hurried_until < network.clock()
    session.close(network.clock())
    assert session.hurried_until > network.clock() + PEER_TIMEOUT


def test_server_can_stop_and_run_again_on_its_port(network: SimulatedNetwork) -> None:
    backend = idle_backend({"SET": lambda n: {"n": n}}, n=0)
    network.serve(backend)
    client = connected(network)
    client.dispatch_event("SET", 5)
    network.run(0.2)
    backend.shutdown()
    network.run(0.5)
    network.serve(backend)
    client.open(8080)
    network.run(1.0)
    assert seen(client)["n"] == 5
    network.assert_converged()


def test_connecting_to_another_server_replaces_the_old_state_whole(network: SimulatedNetwork) -> None:
    first, second = Server(GameStateStore(GameState(time_order=900, a=1))), Server(GameStateStore(GameState(b=2)))
    network.serve(first, 8080)
    network.serve(second, 8081)
    client = connected(network)
    client.disconnect()
    network.run(0.1)
    client.open(8081)
    network.run(1.0)
    assert seen(client) == second.game_state_store.get_game_state().to_dict()


def test_first_client_on_the_servers_own_machine_is_host_and_the_role_passes_on(network: SimulatedNetwork) -> None:
    backend = idle_backend()
    network.serve(backend)
    assert backend.server.host_client is None
    connected(network)
    assert backend.server.host_client is None, "a client from elsewhere is no host"
    first = connected(network, ip="10.0.0.1")
    host = backend.server.host_client
    second = connected(network, ip="10.0.0.1")
    assert host is not None
    assert backend.server.host_client == host
    first.disconnect()
    network.run(0.2)
    assert backend.server.host_client not in (None, host)
    second.disconnect()
    network.run(0.2)
    assert backend.server.host_client is None


def test_only_the_host_can_shut_the_server_down(network: SimulatedNetwork) -> None:
    backend = idle_backend()
    network.serve(backend)
    stranger, host, other = connected(network), connected(network, ip="10.0.0.1"), connected(network, ip="10.0.0.1")
    for client in (stranger, other):
        client.disconnect(shutdown_server=True)
        network.run(0.5)
        assert backend.server.port == 8080
    host.disconnect(shutdown_server=True)
    network.run(0.5)
    assert backend.server.port is None


def test_host_that_is_still_connecting_connects_to_shut_the_server_down(network: SimulatedNetwork) -> None:
    said: list[int] = []
    backend = idle_backend({"SAY": said.append})
    network.serve(backend)
    host = network.connect(ip="10.0.0.1")
    host.dispatch_event("SAY", 1, retries=RELIABLE)
    host.disconnect(shutdown_server=True)
    network.run(0.5)
    assert backend.server.port is None
    assert said == [1]


def test_where_nobody_answers_a_shutdown_is_waited_for_as_long_as_any_goodbye(network: SimulatedNetwork) -> None:
    client = network.client()
    got = record(client)
    client.open(8080)
    began = network.now
    client.disconnect(shutdown_server=True)
    assert DISCONNECT_WAIT <= network.now - began < DISCONNECT_WAIT + 0.1
    assert got == [("DISCONNECTED", DisconnectReason.CLIENT_LEFT)]


def test_handlers_may_disconnect_shut_down_or_stop_from_within_themselves(network: SimulatedNetwork) -> None:
    backend: Backend

    def stop() -> dict[str, Any]:
        assert backend.game_state_machine.stop() is True
        return {"last": "words"}

    backend = idle_backend({"STOP": stop})
    backend.server.register_event_handler("QUIT", backend.server.shutdown)
    network.serve(backend)
    leaver, client = connected(network), connected(network)
    leaver.register_event_handler("LEAVE", leaver.disconnect)
    backend.server.dispatch_event("LEAVE")
    network.run(0.5)
    assert len(backend.server.connections) == 1
    client.dispatch_event("STOP")
    network.run(0.5)
    assert seen(client)["last"] == "words"
    assert seen(client)["game_status"] == 0
    client.dispatch_event("QUIT")
    network.run(0.5)
    assert backend.server.port is None


def test_full_server_denies(network: SimulatedNetwork) -> None:
    network.serve(idle_backend(), max_clients=1)
    connected(network)
    late = network.client()
    got = record(late)
    late.open(8080)
    network.run(CONNECT_TIMEOUT + 2.0)
    assert got == [("CONNECTION_FAILED", DisconnectReason.DENIED)]


@pytest.mark.parametrize(
    ("given", "outcome"), [("sesame", "CONNECTED"), ("guess", "CONNECTION_FAILED"), (None, "CONNECTION_FAILED")]
)
def test_password_is_asked_for(network: SimulatedNetwork, given: str | None, outcome: str) -> None:
    network.serve(idle_backend(), password="sesame")
    client = network.client()
    got = record(client)
    client.open(8080, password=given)
    network.run(3.0)
    assert got[0][0] == outcome
    if outcome == "CONNECTION_FAILED":
        assert got[0][1] is DisconnectReason.WRONG_PASSWORD


def test_same_seed_repeats_a_run_and_another_does_not() -> None:
    def trace(seed: int) -> list[tuple[float, int]]:
        network = SimulatedNetwork(seed, "hotel")
        network.serve(idle_backend(n=1))
        sent: list[tuple[float, int]] = []

        def tap(data: bytes, source: Any, target: Any) -> bool:
            sent.append((network.now, len(data)))
            return True

        network.tap = tap
        for _ in range(3):
            network.connect()
        network.run(3.0)
        network.close()
        return sent

    assert trace(1) == trace(1)
    assert trace(1) != trace(2)


def test_a_departed_client_leaves_nothing_behind(network: SimulatedNetwork) -> None:
    backend = idle_backend()
    network.serve(backend)
    session = backend.server._session
    assert session is not None
    for _ in range(20):
        connected(network).disconnect()
        network.run(0.1)
    network.run(3.0)
    assert not session.seats
    assert not session.link.peers
    assert not session._agenda.timers
    assert not session._touched


def test_client_that_only_listens_knows_its_round_trip(make_network: Callable[..., SimulatedNetwork]) -> None:
    network = make_network(2, Conditions(latency=0.05))
    network.serve(idle_backend())
    client = connected(network)
    network.run(5.0)
    assert client.connection is not None
    assert 0.09 < client.connection.latency < 0.15


def test_closed_network_ends_its_game_loops(make_network: Callable[..., SimulatedNetwork]) -> None:
    """Left to the garbage collector, they would end in the middle of another test, and publish that."""
    network = make_network()
    backend = idle_backend(n=0)
    network.serve(backend)
    connected(network)
    assert backend.game_state_machine._is_running
    network.close()
    assert not backend.game_state_machine._is_running
