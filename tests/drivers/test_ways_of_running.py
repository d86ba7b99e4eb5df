"""Threads, event loops and pumps on real sockets: what they share, what they leave behind, what they survive."""

import asyncio
import gc
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pygase import RELIABLE, AddressUnavailable, Backend, Client, ConnectionStatus, DisconnectReason, GameState, Server
from pygase.drivers import OperatingSystem
from pygase.gamestate import GameStateStore
from pygase.tokens import parse_url
from tests.conftest import interpreted_only, port_of, wait_for

from .fakes import CoarseClock, FlakySocket
from .test_system import needs_ipv6


class Machine(OperatingSystem):
    """The real machine, with flaws."""

    def __init__(self, *, flaky: bool = False, coarse_clock: bool = False) -> None:
        self.flaky = flaky
        self.sockets: list[FlakySocket] = []
        if coarse_clock:
            self.clock = CoarseClock(OperatingSystem.clock)

    def client_socket(self, remote: tuple[Any, ...]) -> Any:
        return self._with_flaws(super().client_socket(remote))

    def server_socket(self, hostname: str, port: int) -> Any:
        return self._with_flaws(super().server_socket(hostname, port))

    def _with_flaws(self, sock: Any) -> Any:
        if not self.flaky:
            return sock
        self.sockets.append(FlakySocket(sock))
        return self.sockets[-1]


def echo_server(machine: Any = None) -> Server:
    server = Server(GameStateStore(GameState(level="cave")))

    def ping(n: int, client_address: tuple[Any, ...]) -> None:
        server.dispatch_event("PONG", n, target_client=client_address, retries=RELIABLE)

    server.register_event_handler("PING", ping)
    if machine is not None:
        server._system = machine
    return server


@pytest.fixture
def server() -> Iterator[Server]:
    server = echo_server()
    server.run_in_thread()
    yield server
    server.shutdown()


def echoes(client: Client, got: list[int], count: int = 20) -> None:
    """Have so many events come back, and the state arrive."""
    for n in range(count):
        client.dispatch_event("PING", n, retries=RELIABLE)
    wait_for(lambda: got == list(range(count)))
    client.wait_until(lambda game_state: game_state.level == "cave", timeout=15.0)


# --- machines with flaws --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("flaws", [{"flaky": True}, {"coarse_clock": True}, {"flaky": True, "coarse_clock": True}])
def test_machine_with_flaws_plays_on(flaws: dict[str, bool]) -> None:
    server_machine, client_machine = Machine(**flaws), Machine(**flaws)
    server = echo_server(server_machine)
    server.run_in_thread()
    client, got = Client(), []  # type: tuple[Client, list[int]]
    client._system = client_machine
    client.register_event_handler("PONG", got.append)
    thread = client.connect_in_thread(port_of(server))
    echoes(client, got, 200)
    client.disconnect()
    thread.join(15.0)
    assert not thread.is_alive()
    server.shutdown()
    if "flaky" in flaws:
        assert sum(sock.failures for sock in (*server_machine.sockets, *client_machine.sockets)) > 5


def without_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every event loop like Windows' Proactor, which cannot watch a datagram socket."""

    def add_reader(*args: Any) -> None:
        raise NotImplementedError

    monkeypatch.setattr(asyncio.SelectorEventLoop, "add_reader", add_reader)


@pytest.mark.parametrize("can_watch", [True, False], ids=["selector", "proactor"])
def test_client_and_server_on_one_event_loop(monkeypatch: pytest.MonkeyPatch, can_watch: bool) -> None:
    where: set[int] = set()

    async def main() -> list[int]:
        if not can_watch:
            without_reader(monkeypatch)
        server = echo_server()
        serving = asyncio.ensure_future(server.run())  # type: ignore[arg-type]
        while server.port is None:
            await asyncio.sleep(0.001)
        client, got = Client(), []  # type: tuple[Client, list[int]]

        def pong(n: int) -> None:
            where.add(threading.get_ident())
            got.append(n)

        client.register_event_handler("PONG", pong)
        connected = asyncio.Event()
        client.register_event_handler("CONNECTED", connected.set)
        playing = asyncio.ensure_future(client.connect(server.port))  # type: ignore[arg-type]
        await connected.wait()
        for n in range(20):
            client.dispatch_event("PING", n, retries=RELIABLE)
        while len(got) < 20:
            await asyncio.sleep(0.001)
        await client.disconnect()  # type: ignore[misc]
        await playing
        await server.shutdown()  # type: ignore[misc]
        await serving
        return got

    threads = threading.active_count()
    assert asyncio.run(asyncio.wait_for(main(), 30.0)) == list(range(20))
    assert where == {threading.get_ident()}, "handlers run on the loop, whoever watches the socket"
    wait_for(lambda: threading.active_count() <= threads)


# --- asyncio ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("can_watch", [True, False], ids=["selector", "proactor"])
def test_cancelled_client_says_goodbye(server: Server, monkeypatch: pytest.MonkeyPatch, can_watch: bool) -> None:
    left: list[Any] = []

    def noted(reason: DisconnectReason) -> None:
        left.append(reason)

    server.register_event_handler("CLIENT_DISCONNECTED", noted)

    async def main() -> None:
        if not can_watch:
            without_reader(monkeypatch)
        client = Client()
        connected = asyncio.Event()
        client.register_event_handler("CONNECTED", connected.set)
        task = asyncio.ensure_future(client.connect(port_of(server)))  # type: ignore[arg-type]
        await connected.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert client.connection is not None
        assert client.connection.status == ConnectionStatus.DISCONNECTED

    asyncio.run(asyncio.wait_for(main(), 30.0))
    wait_for(lambda: left == [DisconnectReason.CLIENT_LEFT], timeout=4.0)


@pytest.mark.parametrize("can_watch", [True, False], ids=["selector", "proactor"])
@pytest.mark.parametrize("what", ["server", "backend"])
def test_cancelled_server_says_goodbye_and_frees_its_port(
    monkeypatch: pytest.MonkeyPatch, what: str, can_watch: bool
) -> None:
    ended: list[Any] = []

    def noted(reason: DisconnectReason) -> None:
        ended.append(reason)

    client = Client()
    client.register_event_handler("DISCONNECTED", noted)

    async def main() -> None:
        if not can_watch:
            without_reader(monkeypatch)
        backend = Backend(GameState(), lambda game_state, dt: None)
        server = backend.server
        running: Any = server.run() if what == "server" else backend.run("localhost", 0)
        task = asyncio.ensure_future(running)
        while server.port is None:
            await asyncio.sleep(0.001)
        port = server.port
        client.connect_in_thread(port)
        while not server.connections:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while True:  # the Proactor's stand-in, a thread, may need a moment to close the socket
            try:
                OperatingSystem().server_socket("localhost", port).close()
                break
            except AddressUnavailable:
                await asyncio.sleep(0.001)
        assert not server.connections
        assert backend.game_state_store.get_game_state().is_paused()

    asyncio.run(asyncio.wait_for(main(), 30.0))
    wait_for(lambda: ended == [DisconnectReason.SERVER_SHUTDOWN], timeout=4.0)


def test_server_client_and_game_loop_are_tasks_of_one_loop_without_any_warning() -> None:
    async def main() -> None:
        backend = Backend(GameState(n=0), lambda game_state, dt: {"n": game_state.n + 1})
        server, machine = backend.server, backend.game_state_machine
        tasks: list[Any] = [
            asyncio.ensure_future(server.run(event_wire=machine)),  # type: ignore[arg-type]
            asyncio.ensure_future(machine.run_game_loop(0.002)),  # type: ignore[arg-type]
        ]
        while server.port is None:
            await asyncio.sleep(0.001)
        client = Client()
        tasks.append(asyncio.ensure_future(client.connect(server.port)))  # type: ignore[arg-type]

        def counted() -> bool:
            with client.access_game_state() as game_state:
                return bool(getattr(game_state, "n", 0) > 20)

        while not counted():
            await asyncio.sleep(0.001)
        client.disconnect()
        await tasks.pop()
        machine.stop()
        server.shutdown()
        await asyncio.gather(*tasks)

    asyncio.run(asyncio.wait_for(main(), 30.0))
    gc.collect()


def test_backend_run_is_awaited_until_its_shutdown_and_can_run_again() -> None:
    async def main() -> None:
        backend = Backend(GameState(n=0), lambda game_state, dt: {"n": game_state.n + 1})
        for _ in range(2):
            task = asyncio.ensure_future(backend.run("localhost", 0, 0.002))  # type: ignore[arg-type]
            before = backend.game_state_store.get_game_state().n
            while backend.game_state_store.get_game_state().n < before + 10:
                await asyncio.sleep(0.001)
            await backend.shutdown()  # type: ignore[misc]
            await task
            assert backend.server.port is None
            assert backend.game_state_store.get_game_state().is_paused()

    asyncio.run(asyncio.wait_for(main(), 30.0))


def test_dispatch_queues_from_the_call_of_connect_on_though_nothing_is_awaited_yet(server: Server) -> None:
    async def main() -> list[int]:
        client, got = Client(), []  # type: tuple[Client, list[int]]
        arrived = asyncio.Event()

        def pong(n: int) -> None:
            got.append(n)
            arrived.set()

        client.register_event_handler("PONG", pong)
        task = asyncio.create_task(client.connect(port_of(server)))  # type: ignore[arg-type]
        client.dispatch_event("PING", 1, retries=RELIABLE)
        await arrived.wait()
        await client.disconnect()  # type: ignore[misc]
        await task
        return got

    assert asyncio.run(asyncio.wait_for(main(), 30.0)) == [1]


def test_coroutine_handler_of_the_end_runs_before_connect_returns(server: Server) -> None:
    said: list[str] = []

    async def ended() -> None:
        await asyncio.sleep(0.005)
        said.append("goodbye")

    async def main() -> None:
        client = Client()
        client.register_event_handler("DISCONNECTED", ended)
        client.register_event_handler("CONNECTED", lambda: client.disconnect() and None)
        await client.connect(port_of(server))  # type: ignore[misc]
        said.append("returned")

    asyncio.run(asyncio.wait_for(main(), 30.0))
    assert said == ["goodbye", "returned"]


def test_handler_that_never_ends_does_not_keep_connect_from_returning(server: Server) -> None:
    cancelled: list[bool] = []

    async def for_ever() -> None:
        try:
            while True:
                await asyncio.sleep(0.01)
        finally:
            cancelled.append(True)

    client = Client()
    client.register_event_handler("CONNECTED", for_ever)
    thread = client.connect_in_thread(port_of(server))
    wait_for(lambda: client.connection is not None and client.connection.status == ConnectionStatus.CONNECTED)
    client.disconnect()
    thread.join(15.0)
    assert not thread.is_alive()
    assert cancelled == [True]


# --- threads --------------------------------------------------------------------------------------------------------


def test_run_in_thread_raises_at_the_call_when_its_port_is_taken(server: Server) -> None:
    port = port_of(server)
    other = Backend(GameState(), lambda game_state, dt: None)
    for way in (lambda: other.run_in_thread("localhost", port), lambda: other.server.run_in_thread(port)):
        with pytest.raises(AddressUnavailable, match=str(port)):
            way()
    assert other.server.port is None
    assert other.game_state_store.get_game_state().is_paused(), "nothing has been started"
    other.run_in_thread("localhost", 0)
    other.shutdown()


def test_server_stops_and_runs_again_on_its_port_many_times() -> None:
    backend = Backend(GameState(n=0), lambda game_state, dt: None, {"SET": lambda n: {"n": n}})
    port = 0
    for n in range(1, 6):
        backend.run_in_thread("localhost", port)
        port = port_of(backend.server)
        client = Client()
        client.connect_in_thread(port)
        client.dispatch_event("SET", n, retries=RELIABLE)
        client.wait_until(lambda game_state, n=n: game_state.n == n, timeout=15.0)  # type: ignore[misc]
        client.disconnect()
        backend.shutdown()
        assert backend.server.port is None


@pytest.mark.parametrize("where", ["server handler", "machine handler", "time_step", "client handler", "coroutine"])
def test_shutdown_from_within_user_code_does_not_deadlock(where: str) -> None:
    backend: Backend
    shut = threading.Event()

    def shut_down(*args: Any, **kwargs: Any) -> None:
        if not shut.is_set():
            shut.set()
            backend.shutdown()

    async def shut_down_later(*args: Any, **kwargs: Any) -> None:
        await asyncio.sleep(0)
        shut.set()
        await backend.shutdown()  # type: ignore[misc]

    client = Client()
    backend = Backend(
        GameState(),
        shut_down if where == "time_step" else lambda game_state, dt: None,
        {"QUIT": shut_down} if where == "machine handler" else {},
    )
    if where in ("server handler", "coroutine"):
        backend.server.register_event_handler("QUIT", shut_down if where == "server handler" else shut_down_later)
    if where == "client handler":
        client.register_event_handler("CONNECTED", shut_down)
    thread = threading.Thread(target=backend.run, args=("localhost", 0, 0.2), daemon=True)
    thread.start()
    wait_for(lambda: backend.server.port is not None or shut.is_set())
    if backend.server.port is not None:
        playing = client.connect_in_thread(backend.server.port)
        client.dispatch_event("QUIT", retries=RELIABLE)
    wait_for(shut.is_set)
    thread.join(15.0)
    assert not thread.is_alive()
    assert backend.server.port is None
    assert backend.game_state_store.get_game_state().is_paused()
    if where != "time_step":
        playing.join(15.0)
        assert not playing.is_alive()
    else:
        client.disconnect()


def test_disconnect_from_within_a_handler_does_not_deadlock(server: Server) -> None:
    client = Client()
    client.register_event_handler("PONG", lambda n: client.disconnect() and None)
    thread = client.connect_in_thread(port_of(server))
    client.dispatch_event("PING", 1, retries=RELIABLE)
    thread.join(15.0)
    assert not thread.is_alive()
    wait_for(lambda: not server.connections)


def test_dispatching_from_many_threads_at_once_loses_nothing(server: Server) -> None:
    client, got = Client(), []  # type: tuple[Client, list[int]]
    client.register_event_handler("PONG", got.append)
    client.connect_in_thread(port_of(server))

    def send(base: int) -> None:
        for n in range(200):
            client.dispatch_event("PING", base + n, retries=RELIABLE)

    threads = [threading.Thread(target=send, args=(base,)) for base in range(0, 1_000, 200)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(got) == 1_000)
    assert sorted(got) == list(range(1_000))
    for base in range(0, 1_000, 200):  # in order for each thread that sent
        mine = [n for n in got if base <= n < base + 200]
        assert mine == sorted(mine)
    client.disconnect()


# --- what is left behind ------------------------------------------------------------------------------------------


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def in_thread(client: Client, port: int) -> Callable[[], None]:
    thread = client.connect_in_thread(port)

    def leave() -> None:
        client.disconnect()
        thread.join(15.0)

    return leave


def pumped(client: Client, port: int) -> Callable[[], None]:
    client.open(port)

    def connected() -> bool:
        client.pump()
        return client.connection is not None and client.connection.status == ConnectionStatus.CONNECTED

    wait_for(connected)
    return client.close


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="open files are counted in Linux' /proc/self/fd")
@pytest.mark.parametrize("way", [in_thread, pumped])
def test_twenty_connections_leave_threads_and_sockets_where_they_were(way: Any) -> None:
    server = echo_server()

    def cycle() -> None:
        client = Client()
        leave = way(client, port_of(server))
        wait_for(lambda: client.connection is not None and client.connection.status == ConnectionStatus.CONNECTED)
        leave()

    server.run_in_thread()
    cycle()
    wait_for(lambda: not server.connections)
    files, threads = open_files(), threading.active_count()
    for _ in range(20):
        cycle()
    wait_for(lambda: not server.connections)
    wait_for(lambda: threading.active_count() <= threads)
    wait_for(lambda: open_files() <= files)
    server.shutdown()
    wait_for(lambda: open_files() < files)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="open files are counted in Linux' /proc/self/fd")
def test_event_loops_connections_leave_sockets_where_they_were(server: Server) -> None:
    async def cycle() -> None:
        client = Client()
        client.register_event_handler("CONNECTED", lambda: client.disconnect() and None)
        await client.connect(port_of(server))  # type: ignore[misc]

    async def main() -> None:
        await cycle()
        files, threads = open_files(), set(threading.enumerate())
        for _ in range(10):
            await cycle()
        assert open_files() <= files
        new = set(threading.enumerate()) - threads
        assert not [thread for thread in new if not thread.name.startswith("asyncio")], "the loop's own pool may grow"

    asyncio.run(asyncio.wait_for(main(), 30.0))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="open files are counted in Linux' /proc/self/fd")
def test_servers_leave_threads_and_sockets_where_they_were() -> None:
    backend = Backend(GameState(), lambda game_state, dt: None)
    backend.run_in_thread("localhost", 0)
    backend.shutdown()
    threads = threading.active_count()
    wait_for(lambda: threading.active_count() <= threads)
    gc.collect()
    files = open_files()
    for _ in range(10):
        backend.run_in_thread("localhost", 0).join(0)
        backend.shutdown()
    wait_for(lambda: open_files() <= files)
    wait_for(lambda: threading.active_count() <= threads)


@interpreted_only
def test_idle_server_sleeps() -> None:
    server = echo_server()
    server.run_in_thread()
    client = Client()
    client.connect_in_thread(port_of(server))
    client.wait_until(lambda game_state: game_state.level == "cave", timeout=15.0)
    turns = [0]
    assert server._run is not None
    endpoint = server._run.endpoint
    assert endpoint is not None
    turn = endpoint.turn

    def counted() -> bool:
        turns[0] += 1
        return turn()

    endpoint.turn = counted  # type: ignore[method-assign]
    began = os.times()
    threading.Event().wait(1.0)
    spent = os.times().user - began.user
    assert turns[0] < 60, "it wakes for what happens, not to look whether something has"
    assert spent < 0.5
    client.disconnect()
    server.shutdown()


# --- IPv6 -----------------------------------------------------------------------------------------------------------


@needs_ipv6
@pytest.mark.parametrize(
    ("listens_on", "connects_to"), [("::1", "::1"), ("::", "::1"), ("::", "127.0.0.1"), ("::", "localhost")]
)
def test_ipv6_and_both_at_once(listens_on: str, connects_to: str) -> None:
    server = echo_server()
    server.run_in_thread(0, listens_on)
    client, got = Client(), []  # type: tuple[Client, list[int]]
    client.register_event_handler("PONG", got.append)
    thread = client.connect_in_thread(port_of(server), connects_to)
    echoes(client, got)
    (address,) = server.connections
    assert server.host_client == address, "a client of this machine is the host, whatever the family"
    server.dispatch_event("PONG", 20, target_client=address, retries=RELIABLE)
    wait_for(lambda: got[-1] == 20)
    client.disconnect(shutdown_server=True)
    thread.join(15.0)
    wait_for(lambda: server.port is None)


def test_hostname_of_the_server_is_where_it_listens() -> None:
    server = echo_server()
    server.run_in_thread(0, "localhost")
    assert server.hostname == "localhost"
    assert server.url is not None
    assert str(port_of(server)) in server.url
    client = Client()
    thread = client.connect_in_thread(port_of(server), server.url)
    client.wait_until(lambda game_state: game_state.level == "cave", timeout=15.0)
    client.disconnect()
    thread.join(15.0)
    server.shutdown()
    assert server.hostname is None
    assert server.url is None


@pytest.mark.parametrize(("hostname", "is_told"), [("0.0.0.0", True), ("localhost", False)])
def test_server_for_others_prints_what_they_can_connect_to(
    hostname: str, is_told: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    server = echo_server()
    server.run_in_thread(0, hostname)
    url, said = server.url, capsys.readouterr().err
    server.shutdown()
    assert url is not None
    assert parse_url(url).fingerprint
    assert (url in said) == is_told


def test_client_on_another_address_of_this_machine_is_host_too() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.2", 0))
        except OSError:
            pytest.skip("this machine has no 127.0.0.2")
    server = echo_server()
    server.run_in_thread(0, "127.0.0.2")
    client = Client()
    client.connect_in_thread(port_of(server), "127.0.0.2")
    wait_for(lambda: client.connection is not None and client.connection.status == ConnectionStatus.CONNECTED)
    assert server.host_client is not None
    client.disconnect(shutdown_server=True)
    wait_for(lambda: server.port is None)


@pytest.mark.parametrize("way", ["thread", "open"])
def test_server_is_shut_down_by_a_host_that_has_hardly_begun_to_connect(way: str) -> None:
    server = echo_server()
    server.run_in_thread(0)
    client = Client()
    begin = client.connect_in_thread if way == "thread" else client.open
    begin(port_of(server))
    client.disconnect(shutdown_server=True)
    wait_for(lambda: server.port is None)


def test_server_is_shut_down_by_a_host_on_a_loop_that_has_hardly_begun_to_connect() -> None:
    server = echo_server()
    server.run_in_thread(0)
    client = Client()

    async def main() -> None:
        connecting = asyncio.ensure_future(client.connect(port_of(server)))  # type: ignore[arg-type]
        leaving = client.disconnect(shutdown_server=True)
        client.disconnect()  # such as an adapter's: it must not cut that short
        await leaving  # type: ignore[misc]
        await connecting

    asyncio.run(main())
    wait_for(lambda: server.port is None)
