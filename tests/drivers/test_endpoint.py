"""A core joined to a socket: whatever the socket does, the round goes on."""

import errno
import threading
from typing import Any

import pytest

from pygase.config import MAX_RECEIVE_BATCH
from pygase.drivers.endpoint import Endpoint

from .fakes import NotingCore, ScriptedSocket


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def endpoint_of(core: NotingCore, sock: ScriptedSocket, posted: list[Any] | None = None) -> Endpoint:
    signals = posted if posted is not None else []
    return Endpoint(core, sock, Clock(), threading.Lock(), signals.extend)


def test_turn_drains_the_socket() -> None:
    core = NotingCore()
    assert endpoint_of(core, ScriptedSocket(b"a", b"b", b"c")).turn() is False
    assert core.received == [b"a", b"b", b"c"]


def test_turn_reads_a_bounded_batch_and_says_that_there_may_be_more() -> None:
    core = NotingCore()
    endpoint = endpoint_of(core, ScriptedSocket(*[b"x"] * (MAX_RECEIVE_BATCH + 10)))
    assert endpoint.turn() is True
    assert len(core.received) == MAX_RECEIVE_BATCH
    assert endpoint.turn() is False
    assert len(core.received) == MAX_RECEIVE_BATCH + 10


def test_tick_takes_in_everything_that_came_since_the_last_one() -> None:
    core = NotingCore()
    endpoint = endpoint_of(core, ScriptedSocket(*[b"x"] * (3 * MAX_RECEIVE_BATCH + 10)))
    endpoint.take_in(0.05)
    assert len(core.received) == 3 * MAX_RECEIVE_BATCH + 10


def test_one_datagram_at_a_time_is_read_where_that_is_asked_for() -> None:
    core, posted = NotingCore(), []  # type: tuple[NotingCore, list[Any]]
    error = ConnectionResetError(errno.ECONNRESET, "Windows, after an ICMP port unreachable")
    endpoint = endpoint_of(core, ScriptedSocket(b"a", error, b"b"), posted)
    core.signals = [1]
    read: list[list[bytes]] = []
    for _ in range(4):
        endpoint.read_one()
        read.append(list(core.received))
    assert read == [[b"a"], [b"a"], [b"a", b"b"], [b"a", b"b"]]
    assert posted == [1]
    endpoint.close()
    endpoint.read_one()


def test_arrivals_are_counted_however_they_are_read() -> None:
    rates = []
    for is_single in (True, False):
        clock = Clock()
        sock = ScriptedSocket(*[b"x"] * 50)
        endpoint = Endpoint(NotingCore(), sock, clock, threading.Lock(), lambda signals: None)
        for _ in range(50):
            endpoint.read_one() if is_single else endpoint.read()
        clock.now += 1.0
        endpoint.read_one() if is_single else endpoint.read()
        rates.append(endpoint.arrival_rate)
    assert rates == [50.0, 50.0]


def test_driver_that_has_finished_its_round_is_woken_for_an_earlier_timer() -> None:
    core, sock = NotingCore(), ScriptedSocket()
    endpoint = endpoint_of(core, sock)
    woken: list[bool] = []
    endpoint.wake = lambda: woken.append(True)
    core.timer, core.outgoing = 103.0, [b"answer"]
    endpoint.finish()
    assert sock.sent == [b"answer"]
    endpoint.flush()
    assert not woken, "it wakes in time by itself"
    core.timer = 101.0
    endpoint.flush()
    assert woken


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError(errno.ECONNRESET, "Windows, after an ICMP port unreachable"),
        ConnectionRefusedError(errno.ECONNREFUSED, "Linux, for connected sockets"),
        OSError(10040, "WSAEMSGSIZE: a datagram longer than the buffer"),
        OSError(errno.ENETDOWN, "the network is down"),
    ],
)
def test_error_while_receiving_loses_nothing_that_comes_after_it(error: OSError) -> None:
    core = NotingCore()
    endpoint_of(core, ScriptedSocket(b"a", error, error, b"b")).turn()
    assert core.received == [b"a", b"b"]


def test_socket_that_fails_for_ever_does_not_hold_the_round_up() -> None:
    core = NotingCore()
    core.timer = 50.0
    core.outgoing = [b"out"]
    sock = ScriptedSocket(*[ConnectionResetError(errno.ECONNRESET, "again")] * 10_000)
    endpoint_of(core, sock).turn()
    assert core.timers_handled == [100.0]
    assert sock.sent == [b"out"]


@pytest.mark.parametrize(
    "error",
    [
        BlockingIOError(errno.EWOULDBLOCK, "the send buffer is full"),
        OSError(errno.ENOBUFS, "no buffer space"),
        OSError(errno.ENETUNREACH, "no route"),
        PermissionError(errno.EPERM, "a firewall"),
        InterruptedError(errno.EINTR, "a signal"),
    ],
)
def test_datagram_that_cannot_be_sent_is_a_lost_one_and_the_next_goes(error: OSError) -> None:
    core, sock = NotingCore(), ScriptedSocket(send_errors=(error,))
    core.outgoing = [b"a", b"b"]
    endpoint_of(core, sock).turn()
    assert sock.sent == [b"b"]


def test_turn_handles_a_timer_only_once_it_is_due() -> None:
    core = NotingCore()
    endpoint = endpoint_of(core, ScriptedSocket())
    core.timer = 100.5
    endpoint.turn()
    assert core.timers_handled == []
    core.timer = 100.0
    endpoint.turn()
    assert core.timers_handled == [100.0]


def test_signals_are_passed_on_in_order_by_turn_and_flush() -> None:
    core, posted = NotingCore(), []  # type: tuple[NotingCore, list[Any]]
    endpoint = endpoint_of(core, ScriptedSocket(), posted)
    core.signals = [1, 2]
    endpoint.turn()
    core.signals = [3]
    endpoint.flush()
    assert posted == [1, 2, 3]


def test_flush_sends_and_wakes_a_driver_that_would_sleep_past_the_next_timer() -> None:
    core, sock = NotingCore(), ScriptedSocket()
    endpoint = endpoint_of(core, sock)
    woken: list[bool] = []
    endpoint.wake = lambda: woken.append(True)
    core.timer = 103.0
    assert endpoint.next_timer() == 103.0
    core.outgoing = [b"out"]
    endpoint.flush()
    assert sock.sent == [b"out"]
    assert not woken, "it wakes in time by itself"
    core.timer = 101.0
    endpoint.flush()
    assert woken


def test_last_flush_of_a_tick_runs_the_timers_that_are_due_and_sends_what_comes_of_it() -> None:
    core, sock = NotingCore(), ScriptedSocket()
    endpoint = endpoint_of(core, sock)
    core.timer = 100.0
    endpoint.flush()
    assert core.timers_handled == [], "who comes later in the tick may have no need of it then"

    def handle_timer(now: float) -> None:
        core.timers_handled.append(now)
        core.outgoing, core.timer = [b"ack"], 101.0

    core.handle_timer = handle_timer  # type: ignore[method-assign]
    core.outgoing = [b"state"]
    endpoint.flush(ends_tick=True)
    assert core.timers_handled == [100.0]
    assert sock.sent == [b"state", b"ack"]
    endpoint.flush(ends_tick=True)
    assert core.timers_handled == [100.0], "it is not due"


def test_lock_is_held_around_the_core() -> None:
    core = NotingCore()
    lock = threading.Lock()
    held: list[bool] = []
    core.handle_timer = lambda now: held.append(lock.locked())  # type: ignore[method-assign]
    core.timer = 1.0
    Endpoint(core, ScriptedSocket(), Clock(), lock, lambda signals: None).turn()
    assert held == [True]
    assert not lock.locked()


def test_close_closes_the_socket() -> None:
    sock = ScriptedSocket()
    endpoint_of(NotingCore(), sock).close()
    assert sock.is_closed
