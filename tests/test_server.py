"""The server's own surface: who it listens to, whom it tells, and how it ends."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from pygase import RELIABLE, BacklogFull, Client, DisconnectReason, GameState, GameStateMachine, GameStateStore, Server
from pygase.config import DEAF_AFTER, MAX_BACKLOG_MESSAGES
from pygase.errors import AlreadyRunning
from pygase.testing import SimulatedNetwork

from .conftest import interpreted_only, wait_for


@pytest.fixture
def network() -> Iterator[SimulatedNetwork]:
    network = SimulatedNetwork(2, "lan")
    yield network
    network.close()


@pytest.fixture
def server(network: SimulatedNetwork) -> Server:
    server = Server(GameStateStore(GameState(level=1)))
    network.serve(server)
    return server


def connected(network: SimulatedNetwork) -> Client:
    client = network.connect()
    network.run_until(lambda: client.connection is not None and client.connection.status == 1)
    network.run(0.2)
    return client


# --- running --------------------------------------------------------------------------------------------------------


def test_server_that_does_not_run_says_so_and_dispatches_to_nobody() -> None:
    server = Server(GameStateStore())
    assert (server.port, server.hostname, server.host_client, server.url, server.fingerprint) == (None,) * 5
    server.dispatch_event("E")
    with pytest.raises(KeyError):
        server.dispatch_event("E", target_client=("10.0.0.9", 1))
    server.shutdown()


def test_running_twice_raises_and_names_the_port(network: SimulatedNetwork, server: Server) -> None:
    with pytest.raises(AlreadyRunning, match="8080"):
        network.serve(server, 8081)


def test_option_that_does_not_exist_raises_and_says_which_do() -> None:
    server = Server(GameStateStore())
    with pytest.raises(TypeError, match=r"'pasword'.*password"):
        server.run_in_thread(0, pasword="x")  # type: ignore[call-arg]
    assert server.port is None


def test_any_free_port_is_told_apart_from_a_given_one() -> None:
    server = Server(GameStateStore())
    server.run_in_thread()
    port = server.port
    assert port is not None
    assert port > 0
    server.shutdown()
    server.run_in_thread(port)
    assert server.port == port
    server.shutdown()


@pytest.mark.parametrize("daemon", [True, False])
def test_thread_is_a_daemon_unless_told_otherwise(daemon: bool) -> None:
    server = Server(GameStateStore())
    thread = server.run_in_thread(daemon=daemon)
    assert thread.daemon is daemon
    server.shutdown()
    thread.join(10.0)
    assert not thread.is_alive()


def test_run_blocks_until_shutdown_and_runs_the_handlers_on_its_thread() -> None:
    server = Server(GameStateStore())
    where: list[int] = []

    def quit_server() -> None:
        where.append(threading.get_ident())
        server.shutdown()

    def play() -> None:
        wait_for(lambda: server.port is not None)
        client = Client()
        client.connect_in_thread(server.port or 0)
        client.dispatch_event("QUIT", retries=RELIABLE)

    server.register_event_handler("QUIT", quit_server)
    threading.Thread(target=play, daemon=True).start()
    server.run()
    assert where == [threading.get_ident()]
    assert server.port is None


def test_shutdown_twice_is_harmless() -> None:
    server = Server(GameStateStore())
    server.run_in_thread()
    server.shutdown()
    server.shutdown()
    assert server.port is None


# --- who is there -----------------------------------------------------------------------------------------------------


def test_connections_are_keyed_by_address_and_each_look_is_a_whole(network: SimulatedNetwork, server: Server) -> None:
    first = connected(network)
    before = server.connections
    connected(network)
    assert len(before) == 1, "whoever iterates over it sees no change under way"
    assert len(server.connections) == 2
    assert all(address == connection.remote_address for address, connection in server.connections.items())
    first.disconnect()
    network.run(0.3)
    assert len(server.connections) == 1


def test_connection_is_there_when_client_connected_is_handled_and_gone_when_disconnected_is(
    network: SimulatedNetwork, server: Server
) -> None:
    there: list[Any] = []

    def look(client_address: tuple[Any, ...]) -> None:
        there.append(client_address in server.connections)

    server.register_event_handler("CLIENT_CONNECTED", look)
    server.register_event_handler("CLIENT_DISCONNECTED", look)
    client = connected(network)
    client.disconnect()
    network.run(0.5)
    assert there == [True, False]


def test_event_may_be_sent_to_a_client_from_its_own_client_connected(network: SimulatedNetwork, server: Server) -> None:
    got: list[Any] = []

    def welcome(client_address: tuple[Any, ...], client_id: int) -> None:
        server.dispatch_event("WELCOME", client_id, target_client=client_address, retries=RELIABLE)

    server.register_event_handler("CLIENT_CONNECTED", welcome)
    client = network.client()
    client.register_event_handler("WELCOME", got.append)
    client.open(8080)
    network.run(1.0)
    assert client.connection is not None
    assert got == [client.connection.client_id]


def test_departed_clients_address_is_unknown(network: SimulatedNetwork, server: Server) -> None:
    client = connected(network)
    (address,) = server.connections
    client.disconnect()
    network.run(0.5)
    with pytest.raises(KeyError):
        server.dispatch_event("E", target_client=address)


@pytest.mark.parametrize("target", [5, None, "bob", "ALL", ["bob"], [5], [("10.0.0.9",)], ("10.0.0.9",), {"a": 1}])
def test_target_that_is_no_address_raises_and_says_what_is_one(server: Server, target: Any) -> None:
    with pytest.raises(KeyError, match=r'target_client is "all", the address of a client such as .*, not'):
        server.dispatch_event("E", target_client=target)


def test_one_unknown_address_among_several_raises_and_nothing_is_sent(
    network: SimulatedNetwork, server: Server
) -> None:
    got: list[int] = []
    client = connected(network)
    client.register_event_handler("E", lambda: got.append(1))
    (address,) = server.connections
    with pytest.raises(KeyError):
        server.dispatch_event("E", target_client=[address, ("10.7.7.7", 7)])
    network.run(0.3)
    assert got == []


def test_empty_list_is_nobody(network: SimulatedNetwork, server: Server) -> None:
    got: list[int] = []
    client = connected(network)
    client.register_event_handler("E", lambda: got.append(1))
    server.dispatch_event("E", target_client=[])
    network.run(0.3)
    assert got == []


# --- events -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("retries", [-2, 1.5, "1", None, True])
def test_bad_retries_raise_at_the_call(network: SimulatedNetwork, server: Server, retries: Any) -> None:
    client = connected(network)
    for dispatch in (server.dispatch_event, client.dispatch_event):
        with pytest.raises(ValueError, match="retries"):
            dispatch("E", retries=retries)


def test_ack_callback_that_cannot_be_called_raises_at_the_call(network: SimulatedNetwork, server: Server) -> None:
    client = connected(network)
    for dispatch in (server.dispatch_event, client.dispatch_event):
        with pytest.raises(TypeError, match="ack_callback"):
            dispatch("E", ack_callback="no function")  # type: ignore[arg-type]


@pytest.mark.parametrize("event_type", [5, None, b"E", ("E",)])
def test_event_type_that_is_no_string_raises_at_the_call(
    network: SimulatedNetwork, server: Server, event_type: Any
) -> None:
    client = connected(network)
    for dispatch in (server.dispatch_event, client.dispatch_event):
        with pytest.raises(TypeError, match="event type"):
            dispatch(event_type)


def fill(server: Server, address: Any) -> None:
    """Have more wait for a client than its connection can carry."""
    for n in range(MAX_BACKLOG_MESSAGES + 1):
        server.dispatch_event("FILL", n, target_client=address, retries=RELIABLE)


def test_more_than_a_connection_can_carry_raises_for_the_one_client_named(
    network: SimulatedNetwork, server: Server
) -> None:
    client = connected(network)
    network.cut_off(client)
    with pytest.raises(BacklogFull):
        fill(server, next(iter(server.connections)))


def test_broadcast_disconnects_who_can_take_no_more_and_reaches_the_others(
    network: SimulatedNetwork, server: Server
) -> None:
    good, bad = connected(network), connected(network)
    got: list[int] = []
    left: list[Any] = []

    def gone(reason: DisconnectReason) -> None:
        left.append(reason)

    good.register_event_handler("E", got.append)
    server.register_event_handler("CLIENT_DISCONNECTED", gone)
    network.cut_off(bad)
    with contextlib.suppress(BacklogFull):
        fill(server, list(server.connections)[1])
    server.dispatch_event("E", 7, retries=RELIABLE)
    network.run(1.0)
    assert got == [7]
    assert left == [DisconnectReason.INBOX_FULL]
    assert len(server.connections) == 1


@interpreted_only
def test_client_that_lives_and_acknowledges_nothing_is_sent_away(network: SimulatedNetwork, server: Server) -> None:
    left: list[Any] = []

    def gone(reason: DisconnectReason) -> None:
        left.append(reason)

    server.register_event_handler("CLIENT_DISCONNECTED", gone)
    client = connected(network)
    link: Any = client._session.link  # type: ignore[union-attr]
    receive = link.receive_datagram
    link.receive_datagram = lambda data, address, now: receive(data, address, now) and b"\x00"
    server.dispatch_event("E", retries=RELIABLE)
    network.run(DEAF_AFTER - 1.0)
    assert left == []
    network.run(3.0)
    assert left == [DisconnectReason.INBOX_FULL]


def test_registering_a_handler_while_the_server_runs_counts_from_then_on(
    network: SimulatedNetwork, server: Server
) -> None:
    client, got = connected(network), []  # type: tuple[Client, list[int]]
    client.dispatch_event("E", 1)
    network.run(0.2)
    server.register_event_handler("E", got.append)
    client.dispatch_event("E", 2)
    network.run(0.2)
    assert got == [2]


def test_events_go_on_to_any_object_that_takes_them(network: SimulatedNetwork) -> None:
    class Wire:
        def __init__(self) -> None:
            self.events: list[Any] = []

        def _push_event(self, event: Any) -> None:
            self.events.append(event)

    wire = Wire()
    server = Server(GameStateStore())
    server._system = network.host_of(network.client(ip="10.0.0.1"))
    network.serve(server)
    server._delivery.wire = wire  # as `run(event_wire=wire)` does
    client = connected(network)
    client.dispatch_event("E", 1, x=2, client_address="forged")
    network.run(0.2)
    event = wire.events[-1]
    assert (event.type, event.handler_args, event.handler_kwargs["x"]) == ("E", [1], 2)
    assert event.handler_kwargs["client_address"] in server.connections


def test_event_wire_whose_push_is_a_coroutine_is_awaited() -> None:
    got: list[str] = []

    class Wire:
        async def _push_event(self, event: Any) -> None:
            await asyncio.sleep(0)
            got.append(event.type)

    server = Server(GameStateStore())
    server.run_in_thread(event_wire=Wire())
    client = Client()
    client.connect_in_thread(server.port or 0)
    client.dispatch_event("E", retries=RELIABLE)
    wait_for(lambda: "E" in got)
    client.disconnect()
    server.shutdown()


def test_server_with_a_machine_that_does_not_tick_still_serves_state(network: SimulatedNetwork) -> None:
    store = GameStateStore(GameState(level=3))
    server, machine = Server(store), GameStateMachine(store)
    network.serve(server)
    server._delivery.wire = machine
    client = connected(network)
    with client.access_game_state() as game_state:
        assert game_state.level == 3
        assert game_state.is_paused()


# --- leaving ----------------------------------------------------------------------------------------------------------


def test_client_that_leaves_with_reliable_events_under_way_is_heard_to_the_end(
    network: SimulatedNetwork, server: Server
) -> None:
    order: list[Any] = []
    server.register_event_handler("E", order.append)

    def left(reason: DisconnectReason) -> None:
        order.append(reason)

    server.register_event_handler("CLIENT_DISCONNECTED", left)
    client = connected(network)
    for n in range(300):
        client.dispatch_event("E", n, retries=RELIABLE)
    client.disconnect()
    network.run(1.0)
    assert order == [*range(300), DisconnectReason.CLIENT_LEFT]


def test_a_leave_on_a_dead_line_takes_no_longer_than_a_second(network: SimulatedNetwork, server: Server) -> None:
    client = connected(network)
    network.cut_off(client)
    client.dispatch_event("E", retries=RELIABLE)
    began = network.now
    client.disconnect()
    assert client.connection is not None
    assert client.connection.status == 0
    assert network.now - began <= 1.1


def test_shutdown_request_of_a_host_is_heard_on_a_bad_line(network: SimulatedNetwork) -> None:
    from pygase.testing import Conditions

    server = Server(GameStateStore())
    network.serve(server)
    host = network.connect(ip="10.0.0.1")
    network.run_until(lambda: host.connection is not None and host.connection.status == 1)
    network.host_of(server).conditions(Conditions(latency=0.01, loss=0.15))
    host.disconnect(shutdown_server=True)
    network.run(3.0)
    assert server.port is None
