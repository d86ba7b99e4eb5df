"""The client on real sockets: its three ways of running, and what goes wrong on real machines."""

import asyncio
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from pygase import (
    RELIABLE,
    Backend,
    Client,
    ConnectionFailed,
    ConnectionStatus,
    DisconnectReason,
    GameState,
    NotConnected,
    NotSendable,
)
from pygase.drivers import Run
from pygase.errors import AdapterMisuse, AlreadyRunning

from .conftest import port_of, wait_for


def echo_backend() -> Backend:
    backend: Backend

    def ping(n: Any, client_address: tuple[Any, ...]) -> None:
        backend.server.dispatch_event("PONG", n, target_client=client_address, retries=RELIABLE)

    backend = Backend(GameState(n=0), lambda game_state, dt: None, {"SET": lambda n: {"n": n}})
    backend.server.register_event_handler("PING", ping)
    return backend


@pytest.fixture
def backend() -> Iterator[Backend]:
    backend = echo_backend()
    backend.run_in_thread("localhost", 0)
    yield backend
    backend.shutdown()


def test_thread_connects_plays_and_ends_with_the_connection(backend: Backend) -> None:
    client = Client()
    pongs: list[int] = []
    client.register_event_handler("PONG", pongs.append)
    thread = client.connect_in_thread(port=port_of(backend))
    assert isinstance(thread, threading.Thread)
    client.dispatch_event("PING", 1, retries=RELIABLE)
    client.dispatch_event("SET", 5, retries=RELIABLE)
    wait_for(lambda: pongs == [1])
    client.wait_until(lambda game_state: game_state.n == 5, timeout=5.0)
    assert client.connection is not None
    assert client.connection.status.name == "CONNECTED"
    assert client.connection.remote_address == ("127.0.0.1", port_of(backend))
    wait_for(lambda: client.connection is not None and client.connection.latency > 0.0)
    client.disconnect()
    thread.join(5.0)
    assert not thread.is_alive()
    assert client.connection.status == ConnectionStatus.DISCONNECTED


def test_connect_blocks_and_runs_the_handlers_on_the_calling_thread(backend: Backend) -> None:
    client = Client()
    where: list[int] = []

    def pong(n: int) -> None:
        where.append(threading.get_ident())
        client.disconnect()

    client.register_event_handler("PONG", pong)
    client.register_event_handler("CONNECTED", lambda: client.dispatch_event("PING", 1, retries=RELIABLE))
    client.connect(port_of(backend), "127.0.0.1")
    assert where == [threading.get_ident()]


def test_connect_is_awaitable_inside_a_running_event_loop(backend: Backend) -> None:
    client = Client()
    got: list[Any] = []

    async def pong(n: int) -> None:
        await asyncio.sleep(0)
        got.append((n, threading.get_ident()))

    client.register_event_handler("PONG", pong)

    async def main() -> None:
        task = asyncio.create_task(client.connect(port_of(backend)))  # type: ignore[arg-type]
        while client.connection is None:
            await asyncio.sleep(0)
        client.dispatch_event("PING", 3, retries=RELIABLE)
        async with asyncio.timeout(10):
            while not got:
                await asyncio.sleep(0.002)
            await client.disconnect()  # type: ignore[misc]
            await task

    asyncio.run(main())
    assert got == [(3, threading.get_ident())]


def test_disconnect_in_a_loop_has_begun_even_if_nobody_awaits_it(backend: Backend) -> None:
    client = Client()

    async def main() -> None:
        client.register_event_handler("CONNECTED", lambda: client.disconnect() and None)
        async with asyncio.timeout(10):
            await client.connect(port_of(backend))  # type: ignore[misc]

    asyncio.run(main())
    assert client.connection is not None
    assert client.connection.status == ConnectionStatus.DISCONNECTED


def test_own_loop_drives_the_connection_without_a_thread(backend: Backend) -> None:
    wait_for(lambda: any(thread.name == "pygase-network" for thread in threading.enumerate()))  # the server's
    before = set(threading.enumerate())
    client = Client()
    pongs: list[int] = []
    client.register_event_handler("PONG", pongs.append)
    client.open(port_of(backend))
    client.dispatch_event("PING", 2, retries=RELIABLE)

    def has_ponged() -> bool:
        client.pump()
        assert not set(threading.enumerate()) - before
        return bool(pongs)

    wait_for(has_ponged)
    assert pongs == [2]
    client.close()
    assert client.connection is not None
    assert client.connection.status == ConnectionStatus.DISCONNECTED
    client.close()


@pytest.fixture
def mute_port() -> Iterator[int]:
    """A port on which somebody listens and never answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


def test_dead_server_gives_connection_failed_and_returns(monkeypatch: pytest.MonkeyPatch, mute_port: int) -> None:
    monkeypatch.setattr("pygase.destination.CONNECT_TIMEOUT", 0.3)
    client = Client()
    failed: list[Any] = []
    client.register_event_handler("CONNECTION_FAILED", lambda reason: failed.append(reason))  # noqa: PLW0108  (by its name)
    with pytest.raises(ConnectionFailed, match="no answer") as caught:
        client.connect(mute_port, "127.0.0.1")
    assert caught.value.reason is DisconnectReason.NO_ANSWER
    assert failed == [DisconnectReason.NO_ANSWER]
    thread = client.connect_in_thread(mute_port, "127.0.0.1")
    thread.join(10.0)
    assert not thread.is_alive()
    assert failed == [DisconnectReason.NO_ANSWER] * 2


def test_hostname_that_does_not_resolve_fails_with_the_reason() -> None:
    client = Client()
    with pytest.raises(ConnectionFailed) as caught:
        client.connect(8080, "no-such-host.invalid")
    assert caught.value.reason is DisconnectReason.UNRESOLVED


@pytest.mark.parametrize("port", [0, -1, 70_000, "80", None])
def test_bad_port_raises_at_the_call_and_names_it(port: Any) -> None:
    for way in (Client().connect, Client().connect_in_thread, Client().open):
        with pytest.raises(ValueError, match=repr(port)):
            way(port)


def test_second_connect_while_connected_raises(backend: Backend) -> None:
    client = Client()
    client.open(port_of(backend))
    with pytest.raises(AlreadyRunning):
        client.open(port_of(backend))
    client.close()


def test_client_connects_again_after_it_has_left(backend: Backend) -> None:
    client = Client()
    for n in (1, 2):
        thread = client.connect_in_thread(port_of(backend))
        client.dispatch_event("SET", n, retries=RELIABLE)
        client.wait_until(partial(lambda n, game_state: game_state.n == n, n), timeout=10.0)
        client.disconnect()
        thread.join(5.0)
    with pytest.raises(NotConnected):
        client.dispatch_event("SET", 3)


def test_disconnect_waits_for_reliable_events(backend: Backend) -> None:
    for n in range(1, 6):
        client = Client()
        client.connect_in_thread(port_of(backend))
        client.wait_until(lambda game_state: hasattr(game_state, "n"), timeout=10.0)
        client.dispatch_event("SET", n, retries=RELIABLE)
        client.disconnect()
        wait_for(partial(lambda n: backend.game_state_store.get_game_state().n == n, n))


def test_try_to_returns_falsy_values_and_retries_on_missing_ones(backend: Backend) -> None:
    client = Client()
    client.connect_in_thread(port_of(backend))
    assert client.try_to(lambda game_state: game_state.n, timeout=10.0) == 0
    empty: dict[str, int] = {}
    functions: list[Callable[[GameState], Any]] = [lambda gs: gs.nothing, lambda gs: empty["key"], lambda gs: None]
    for function in functions:
        with pytest.raises(TimeoutError):
            client.try_to(function, timeout=0.05)
    with pytest.raises(TimeoutError):
        client.wait_until(lambda game_state: False, timeout=0.05)
    with pytest.raises(ZeroDivisionError):
        client.try_to(lambda game_state: 1 / 0, timeout=0.05)
    client.disconnect()


def test_state_access_is_reentrant_and_shuts_other_threads_out(backend: Backend) -> None:
    client = Client()
    client.connect_in_thread(port_of(backend))
    client.wait_until(lambda game_state: hasattr(game_state, "n"), timeout=10.0)
    order: list[str] = []
    with client.access_game_state(), client.access_game_state():

        def enter() -> None:
            with client.access_game_state():
                order.append("other")

        other = threading.Thread(target=enter)
        other.start()
        order.append("inside")
    other.join(5.0)
    assert order == ["inside", "other"]
    client.disconnect()


def test_slow_render_never_stalls_the_connection(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    client.register_event_handler("PONG", lambda n: client.access_game_state().__enter__())
    client.connect_in_thread(port_of(backend))
    client.wait_until(lambda game_state: hasattr(game_state, "n"), timeout=10.0)
    assert client.connection is not None
    acked = threading.Event()
    with client.access_game_state():
        client.dispatch_event("PING", 1, retries=RELIABLE)  # its handler now waits for the state
        (connection,) = backend.server.connections.values()
        wait_for(lambda: connection.stats["messages_sent"] > 0 and connection._traffic.reliable_pending == 0)
        acked.set()
    assert acked.is_set()
    client.disconnect()


def test_one_delivery_owner_at_a_time(backend: Backend) -> None:
    client = Client()
    client.claim_delivery("one")
    client.claim_delivery("one")
    with pytest.raises(AdapterMisuse):
        client.claim_delivery("two")
    client.release_delivery()
    client.claim_delivery("two")


def test_handlers_run_only_in_deliver_once_claimed(backend: Backend) -> None:
    client = Client()
    where: list[int] = []
    events: list[str] = []
    client.register_event_handler("PONG", lambda n: where.append(threading.get_ident()))
    client.claim_delivery(object())
    client.connect_in_thread(port_of(backend))
    client.dispatch_event("PING", 1, retries=RELIABLE)

    def has_delivered_pong() -> bool:
        client.deliver(observer=lambda event: events.append(event.type))
        return bool(where)

    wait_for(has_delivered_pong)
    assert where == [threading.get_ident()]
    assert events == ["CONNECTED", "PONG"]
    client.disconnect()


def run_program(source: str, *, interrupt_on: str | None = None, timeout: float = 60.0) -> tuple[int, str]:
    """Run a program; return its exit code and what it printed. It must end by itself, long before the deadline."""
    import signal

    process = subprocess.Popen(
        [sys.executable, "-u", "-c", textwrap.dedent(source)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    watchdog = threading.Timer(timeout, process.kill)
    watchdog.start()
    said = ""
    with process.stdout:
        for line in process.stdout:
            said += line
            if interrupt_on and "READY" in line:
                process.send_signal(signal.SIGINT)
    process.wait()
    was_in_time = watchdog.is_alive()
    watchdog.cancel()
    assert was_in_time, f"the program did not end by itself: {said}"
    return process.returncode, said


def test_program_that_forgets_disconnect_ends_and_its_goodbye_arrives(backend: Backend) -> None:
    left: list[Any] = []
    backend.server.register_event_handler("CLIENT_DISCONNECTED", lambda reason: left.append(reason))  # noqa: PLW0108  (by its name)
    code, said = run_program(f"""
        import pygase
        client = pygase.Client()
        client.connect_in_thread({port_of(backend)})
        client.wait_until(lambda state: hasattr(state, "n"), timeout=10)
        print("READY")
    """)
    assert code == 0, said
    wait_for(lambda: left == [DisconnectReason.CLIENT_LEFT])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_ctrl_c_ends_a_blocking_client_and_its_goodbye_arrives(backend: Backend) -> None:
    left: list[Any] = []
    backend.server.register_event_handler("CLIENT_DISCONNECTED", lambda reason: left.append(reason))  # noqa: PLW0108  (by its name)
    code, said = run_program(
        f"""
        import pygase, threading
        client = pygase.Client()
        later = threading.Timer(0.5, print, ["READY"])  # when it waits for the network again
        client.register_event_handler("CONNECTED", later.start)
        client.connect({port_of(backend)})
        """,
        interrupt_on="READY",
    )
    assert code != 0
    assert "KeyboardInterrupt" in said
    assert said.count("File") == 2, said  # the program's line, and Client.connect
    wait_for(lambda: left == [DisconnectReason.CLIENT_LEFT])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_ctrl_c_in_a_handler_tells_where_that_was(backend: Backend) -> None:
    code, said = run_program(
        f"""
        import pygase
        client = pygase.Client()
        def connected():
            print("READY")
            while True:
                pass
        client.register_event_handler("CONNECTED", connected)
        client.connect({port_of(backend)})
        """,
        interrupt_on="READY",
    )
    assert code != 0
    assert "in connected" in said
    assert said.rstrip().endswith("KeyboardInterrupt")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
@pytest.mark.parametrize("is_caught", [False, True])
def test_ctrl_c_ends_a_backend_with_a_clear_message(*, is_caught: bool) -> None:
    code, said = run_program(
        f"""
        import pygase, threading
        backend = pygase.Backend(pygase.GameState(), lambda game_state, dt: None)
        def ready():
            while backend.server.port is None:
                pass
            print("READY")
        threading.Thread(target=ready, daemon=True).start()
        try:
            backend.run("localhost", 0)
        except {"KeyboardInterrupt" if is_caught else "ValueError"}:
            print("saved")
        """,
        interrupt_on="READY",
    )
    assert code == (0 if is_caught else 130)
    assert "interrupted: the server on port" in said
    assert "Traceback" not in said
    assert ("saved" in said) == is_caught


def test_port_that_is_taken_ends_the_program_with_a_clear_message(backend: Backend) -> None:
    code, said = run_program(f"""
        import pygase
        print("READY")
        pygase.Backend(pygase.GameState(), lambda game_state, dt: None).run("localhost", {port_of(backend)})
    """)
    assert code != 0
    assert f"port {port_of(backend)}" in said
    assert "is another server running there?" in said


def test_client_whose_main_thread_hogs_the_interpreter_stays_connected(backend: Backend) -> None:
    client = Client()
    client.connect_in_thread(port_of(backend))
    client.wait_until(lambda game_state: hasattr(game_state, "n"), timeout=10.0)
    assert client.connection is not None
    (connection,) = backend.server.connections.values()
    received = connection.stats["packets_received"]
    backend.server.dispatch_event("NEWS", retries=RELIABLE)
    total = 0
    for n in range(60_000_000):  # never lets go of the interpreter by itself
        total += n
        if n % 1_000_000 == 0 and connection.stats["packets_received"] > received + 1:
            break
    assert connection.stats["packets_received"] > received
    assert client.connection.status == ConnectionStatus.CONNECTED
    client.disconnect()


def test_wait_until_on_the_loops_own_thread_goes_on_with_the_network(backend: Backend) -> None:
    client = Client()

    async def main() -> None:
        task = asyncio.create_task(client.connect(port_of(backend)))  # type: ignore[arg-type]
        async with asyncio.timeout(10):
            while client.connection is None or client.connection.status != ConnectionStatus.CONNECTED:
                await asyncio.sleep(0.002)
            client.dispatch_event("SET", 9, retries=RELIABLE)
            client.wait_until(lambda game_state: game_state.n == 9, timeout=5.0)
            await client.disconnect()  # type: ignore[misc]
            await task

    asyncio.run(main())


@pytest.mark.parametrize("token", [b"abc", bytes(2_048)])
def test_token_that_is_none_fails_at_once_in_every_way_of_running(backend: Backend, token: bytes) -> None:
    failed: list[Any] = []

    def new_client() -> Client:
        client = Client()
        client.register_event_handler("CONNECTION_FAILED", lambda reason: failed.append(reason))  # noqa: PLW0108
        return client

    with pytest.raises(ConnectionFailed, match="token"):
        new_client().connect(port_of(backend), token=token)
    new_client().connect_in_thread(port_of(backend), token=token).join(15.0)
    pumped = new_client()
    pumped.open(port_of(backend), token=token)
    pumped.pump()

    async def main() -> None:
        with pytest.raises(ConnectionFailed, match="token"):
            await new_client().connect(port_of(backend), token=token)  # type: ignore[misc]

    asyncio.run(main())
    assert failed == [DisconnectReason.TOKEN_INVALID] * 4


@pytest.mark.parametrize(
    ("hostname", "options"),
    [
        ("http://foo", {}),
        ("pygase://foo:port/", {}),
        (7, {}),
        ("localhost", {"password": 3}),
        ("localhost", {"token": "abc"}),
        ("localhost", {"room": 3}),
        ("localhost", {"color": "red"}),
    ],
)
def test_what_can_never_connect_raises_at_the_call(hostname: Any, options: dict[str, Any]) -> None:
    for way in ("connect", "connect_in_thread", "open"):
        client = Client()
        with pytest.raises((TypeError, ValueError)):
            getattr(client, way)(8080, hostname, **options)
        assert client.connection is None


# --- frame loops ------------------------------------------------------------------------------------------------------


@pytest.fixture
def heard(backend: Backend) -> list[Any]:
    heard: list[Any] = []
    backend.server.register_event_handler("HEAR", heard.append)
    return heard


def sender_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "pygase-sender"]


def test_events_of_a_frame_loop_are_sent_by_another_thread_and_in_order(backend: Backend, heard: list[Any]) -> None:
    client = Client()
    client.connect_in_thread(port=port_of(backend))
    for number in range(300):
        with client.access_game_state():
            pass
        client.dispatch_event("HEAR", number, retries=RELIABLE)
        if number % 3 == 0:
            client.dispatch_event("HEAR", number + 0.5, retries=RELIABLE)
        if number % 50 == 0:
            time.sleep(0.01)  # as a frame that waits for the screen
    assert sender_threads()
    wait_for(lambda: len(heard) == 400)
    assert heard == sorted(heard)
    client.disconnect()
    wait_for(lambda: not sender_threads())


def test_last_event_of_a_frame_loop_leaves_before_the_goodbye(
    backend: Backend, heard: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Run, "flush_soon", lambda run: None)  # it was not the sender's turn yet
    client = Client()
    client.connect_in_thread(port=port_of(backend))
    client.wait_until(lambda game_state: game_state.n == 0, timeout=5.0)
    client.dispatch_event("HEAR", "last", retries=RELIABLE)
    client.disconnect()
    wait_for(lambda: heard == ["last"])


def test_who_only_waits_for_answers_and_handlers_send_themselves(backend: Backend) -> None:
    client = Client()
    pongs: list[int] = []

    def pong(n: int) -> None:
        pongs.append(n)
        if n < 20:
            with client.access_game_state():
                client.dispatch_event("PING", n + 1)

    client.register_event_handler("PONG", pong)
    client.connect_in_thread(port=port_of(backend))
    client.dispatch_event("PING", 1, retries=RELIABLE)
    wait_for(lambda: pongs == list(range(1, 21)))
    assert not sender_threads()
    client.disconnect()


def test_what_a_frame_loop_cannot_send_raises_at_the_call(backend: Backend) -> None:
    client = Client()
    client.connect_in_thread(port=port_of(backend))
    with client.access_game_state(), pytest.raises(NotSendable, match="HEAR"):
        client.dispatch_event("HEAR", object())
    client.disconnect()
    with client.access_game_state(), pytest.raises(NotConnected):
        client.dispatch_event("HEAR", 1)


def test_event_of_a_pumped_frame_does_not_wait_for_the_next_frame(backend: Backend) -> None:
    client = Client()
    client.open(port_of(backend))
    session: Any = client._session

    def is_idle() -> bool:
        client.pump()
        return bool(session.is_connected and session.traffic.idle)

    wait_for(is_idle)
    for number in range(20):
        client.pump()
        client.dispatch_event("SET", number)
        assert not session.traffic.backlog_bytes
    client.close()
