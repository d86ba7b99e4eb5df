"""`pygase lag`: a real client reaches a real server through it, on a line that is as bad as was asked for."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pygase import RELIABLE, Backend, Client, GameState
from pygase.cli import main
from pygase.cli.lag import describe
from pygase.cli.relay import Relay
from pygase.testing import PROFILES, Conditions
from tests.conftest import port_of, wait_for


@contextmanager
def relaying(port: int, up: Conditions, down: Conditions | None = None) -> Iterator[Relay]:
    relay = Relay(("127.0.0.1", 0), ("127.0.0.1", port), up, down or up, seed=1)
    over = threading.Event()
    thread = threading.Thread(target=relay.run, args=(over.is_set,))
    thread.start()
    try:
        yield relay
    finally:
        over.set()
        thread.join(5.0)
        relay.close()


@pytest.fixture
def backend() -> Iterator[Backend]:
    backend = Backend(GameState(n=-1), lambda game_state, dt: None, {"SET": lambda n: {"n": n}})
    backend.run_in_thread("127.0.0.1", 0)
    yield backend
    backend.shutdown()


def test_client_plays_through_a_bad_line(backend: Backend) -> None:
    handled: list[int] = []
    backend.server.register_event_handler("E", handled.append)
    line = Conditions(latency=0.03, jitter=0.01, loss=0.1, duplication=0.1, reordering=0.1)
    with relaying(port_of(backend), line) as relay:
        clients = [Client() for _ in range(2)]
        for client in clients:
            client.connect_in_thread(relay.address[1], "127.0.0.1")
        wait_for(lambda: len(backend.server.connections) == 2)
        for n in range(100):
            clients[0].dispatch_event("E", n, retries=RELIABLE)
        clients[1].dispatch_event("SET", 5, retries=RELIABLE)
        wait_for(lambda: len(handled) == 100)
        clients[0].wait_until(lambda state: state.n == 5, timeout=15.0)
        assert handled == list(range(100))
        assert relay.client_count == 2
        assert len({address[1] for address in backend.server.connections}) == 2
        wait_for(lambda: clients[0].connection and 0.03 < clients[0].connection.latency < 5.0)
        for client in clients:
            client.disconnect()
        counts = relay.counts(up=True)
        assert counts["sent"] > 5
        assert counts["sent"] + relay.counts(up=False)["sent"] > 20


def test_each_direction_has_its_own_line(backend: Backend) -> None:
    with relaying(port_of(backend), PROFILES["perfect"], Conditions(loss=1.0)) as relay:
        client = Client()
        client.open(relay.address[1], "127.0.0.1")

        def has_lost() -> bool:
            client.pump()
            return relay.counts(up=False)["lost"] >= 2

        wait_for(has_lost)
        assert relay.counts(up=True)["lost"] == 0
        assert client.connection is not None
        assert client.connection.status == 2
        client.close()


def test_what_waits_is_bounded(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pygase.cli.relay._MAX_WAITING_BYTES", 5_000)
    relay = Relay(("127.0.0.1", 0), ("127.0.0.1", port_of(backend)), Conditions(latency=60.0), Conditions())
    client = Client()
    client.open(relay.address[1], "127.0.0.1")
    for _ in range(10):
        assert relay._sock.sendto(b"\0" * 1_200, relay.address)
        relay.turn(0.05)
    assert relay.waiting == 4
    assert relay.thrown_away >= 6
    client.close()
    relay.close()


def test_clients_that_fall_silent_are_forgotten(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pygase.cli.relay._IDLE_SECONDS", 0.0)
    relay = Relay(("127.0.0.1", 0), ("127.0.0.1", port_of(backend)), Conditions(), Conditions())
    relay._sock.sendto(b"hello", relay.address)
    deadline = time.monotonic() + 10.0
    while relay.counts(up=True)["sent"] == 0 or relay.client_count:
        relay.turn(0.05)
        assert time.monotonic() < deadline
    assert relay.counts(up=True)["sent"] == 1
    relay.close()


def test_command_says_what_it_does_and_ends_by_itself(backend: Backend, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["--loss", "5%", "--latency", "60", "--jitter", "10", "--dup", "1%", "--rate", "64k", "--seconds", "0.3"]
    assert main(["lag", *line, "0", f"127.0.0.1:{port_of(backend)}"]) == 0
    said = capsys.readouterr().out
    assert f"reach the server at 127.0.0.1, port {port_of(backend)}" in said
    assert "Each way: 60 ms late, 10 ms more or less, 5 % lost, 1 % twice, at most 64 kB/s" in said
    assert " s, 0 clients; to the server 0 datagrams; to clients 0 datagrams" in said


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_ctrl_c_ends_it(backend: Backend) -> None:
    command = [sys.executable, "-c", "import sys; from pygase.cli import main; sys.exit(main())", "lag"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [*command, "0", f"127.0.0.1:{port_of(backend)}"], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        assert "Connect clients to" in process.stdout.readline()
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        said = process.stdout.read()
        assert process.wait(15.0) == 0
    assert "In all:" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "wrong",
    [
        ["--loss", "150%", "0", "localhost:1"],
        ["--latency", "-5", "0", "localhost:1"],
        ["--profile", "moon", "0", "localhost:1"],
        ["0", "localhost:99999"],
        ["x", "localhost:1"],
    ],
)
def test_wrong_arguments_are_told(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["lag", *wrong])
    assert caught.value.code == 2
    assert "pygase lag: error: argument" in capsys.readouterr().err


def test_taken_port_is_told(backend: Backend, capsys: pytest.CaptureFixture[str]) -> None:
    port = port_of(backend)
    assert main(["lag", f"127.0.0.1:{port}", f"127.0.0.1:{port}"]) == 1
    assert "in use" in capsys.readouterr().err.lower()


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_can_be_said_in_words(name: str) -> None:
    words: Any = describe(PROFILES[name])
    assert words
    assert "nothing" not in words or name == "perfect"
