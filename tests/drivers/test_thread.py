"""Who waits for the socket: the thread that runs the handlers, until it is held up; and how a busy server gathers."""

import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pygase import RELIABLE, Client, Server
from pygase.config import BUSY_RATE, COALESCE_DELAY, LONGEST_GATHER
from pygase.drivers.endpoint import Endpoint
from pygase.drivers.system import SYSTEM
from pygase.drivers.thread import NetworkThread
from pygase.gamestate import GameState, GameStateStore
from tests.conftest import interpreted_only, wait_for

from .fakes import NotingCore


class Rig:
    """A driver over a real socket, and one to send to it from."""

    def __init__(self, gather: float = 0.0) -> None:
        self.core = NotingCore()
        self.sock = SYSTEM.server_socket("127.0.0.1", 0)
        self.endpoint = Endpoint(self.core, self.sock, time.monotonic, threading.Lock(), lambda signals: None)
        self.ended = threading.Event()
        self.driver = NetworkThread(self.endpoint, self.ended.set, gather=gather)
        self.peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def send(self, data: bytes) -> None:
        self.peer.sendto(data, self.sock.getsockname())

    def close(self) -> None:
        self.core.is_over = True
        if self.driver._standby.ident is None:
            self.driver.start()
        self.driver.relieve()
        self.driver.stop()
        assert self.ended.wait(15.0)
        self.peer.close()


@pytest.fixture
def make_rig() -> Iterator[Callable[..., Rig]]:
    rigs: list[Rig] = []

    def make(*args: Any, **kwargs: Any) -> Rig:
        rigs.append(Rig(*args, **kwargs))
        return rigs[-1]

    yield make
    for rig in rigs:
        rig.close()


def test_leader_reads_on_its_own_thread(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    readers: list[int] = []
    receive = rig.core.receive_datagram

    def note(data: bytes, address: Any, now: float) -> None:
        readers.append(threading.get_ident())
        receive(data, address, now)

    rig.core.receive_datagram = note  # type: ignore[method-assign]
    rig.driver.start(led_by=threading.get_ident())
    rig.send(b"a")
    wait_for(lambda: rig.driver.lead(0.05, lambda: None) and rig.core.received == [b"a"])
    assert readers == [threading.get_ident()]


def test_leader_sends_the_goodbye_that_answers_one(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    rig.peer.bind(("127.0.0.1", 0))
    rig.peer.settimeout(15.0)

    def end(data: bytes, address: Any, now: float) -> None:
        rig.core.is_over = True
        rig.core.datagrams_to_send = lambda now: [(b"bye", address)]  # type: ignore[method-assign]

    rig.core.receive_datagram = end  # type: ignore[method-assign]
    rig.driver.start(led_by=threading.get_ident())
    rig.send(b"the end")
    wait_for(lambda: not rig.driver.lead(0.05, lambda: None))
    assert rig.ended.is_set()
    assert rig.peer.recv(100) == b"bye"


def test_leader_that_stays_away_is_relieved_for_good(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    rig.driver.start(led_by=threading.get_ident())
    assert rig.driver.lead(0.0, lambda: None)
    rig.send(b"a")
    wait_for(lambda: rig.core.received == [b"a"])  # this thread does nothing for it
    assert not rig.driver.lead(0.0, lambda: None)


def test_only_the_leaders_own_wait_relieves_it(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    rig.driver.start(led_by=threading.get_ident())
    rig.driver.relieve(threading.get_ident() + 1)
    assert rig.driver.lead(0.0, lambda: None)
    rig.driver.relieve(threading.get_ident())
    assert not rig.driver.lead(0.0, lambda: None)


def test_mail_from_another_thread_ends_the_leaders_wait(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    rig.driver.start(led_by=threading.get_ident())
    rig.driver.wake_leader()  # its own mail wakes nobody
    other = threading.Thread(target=rig.driver.wake_leader)
    other.start()
    other.join()
    assert rig.driver.lead(3_600.0, lambda: None)


def test_interrupt_waits_until_the_turn_is_done(make_rig: Callable[..., Rig]) -> None:
    assert threading.current_thread() is threading.main_thread()
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    rig = make_rig()
    receive = rig.core.receive_datagram

    def interrupted(data: bytes, address: Any, now: float) -> None:
        signal.raise_signal(signal.SIGINT)
        receive(data, address, now)

    rig.core.receive_datagram = interrupted  # type: ignore[method-assign]
    rig.driver.start(led_by=threading.get_ident())
    rig.send(b"a")
    try:
        with pytest.raises(KeyboardInterrupt), rig.driver.holding_interrupts():
            wait_for(lambda: rig.driver.lead(0.05, lambda: None) and False)
        assert rig.core.received == [b"a"]
        with pytest.raises(KeyboardInterrupt), rig.driver.holding_interrupts():
            signal.raise_signal(signal.SIGINT)  # between turns: at once
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, former)


def test_busy_server_looks_when_it_has_gathered_and_an_idle_one_at_once(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(gather=0.002)
    until, endpoint = rig.driver._gather_until, rig.endpoint
    endpoint.drained_at = 10.0
    assert until(10.001) == 10.001
    endpoint.arrival_rate = 1_000.0
    assert until(10.001) == 10.002


def test_ticks_that_look_for_themselves_are_left_to_it_unless_late(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(gather=0.002)
    until, endpoint = rig.driver._gather_until, rig.endpoint
    endpoint.clock, endpoint.tells_arrivals = lambda: 10.0, True
    endpoint.take_in(0.05)
    assert until(10.001) == 10.001  # with few clients, each datagram is read as it comes
    endpoint.arrival_rate = BUSY_RATE + 1.0
    assert 10.05 < until(10.001) < 10.25
    assert until(10.5) <= 10.5, "they come no more"
    endpoint.core.hurried_until = 10.1  # type: ignore[attr-defined]
    assert until(10.001) == 10.001
    endpoint.core.hurried_until = 0.0  # type: ignore[attr-defined]
    endpoint.take_in(1.1 * LONGEST_GATHER)
    assert until(10.001) <= 10.002, "they come too seldom"


class Waker:
    """Sleeps on a clock of its own, and is woken when it is told to be."""

    def __init__(self, now: float) -> None:
        self.now, self.slept = now, 0.0
        self.wakes: list[float] = []

    def clock(self) -> float:
        return self.now

    def wait(self, timeout: float) -> bool:
        self.slept += timeout
        self.now += timeout
        return False

    def close(self) -> None:
        pass


def asleep(rig: Rig) -> Waker:
    """Have a driver sleep on such a clock."""
    waker = Waker(rig.endpoint.clock())
    rig.endpoint.clock, rig.endpoint.tells_arrivals = waker.clock, True
    rig.endpoint.wake = lambda: waker.wakes.append(waker.now)
    rig.driver._only_waker.close()
    rig.driver._only_waker = waker  # type: ignore[assignment]
    return waker


@interpreted_only
def test_datagrams_for_a_busy_server_wake_nobody_before_their_tick(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(gather=0.002)
    waker = asleep(rig)
    rig.endpoint.take_in(0.05)
    rig.send(b"a")
    rig.driver._wait(1.0)
    assert not waker.slept, "with few clients whatever comes wakes it"
    rig.endpoint.arrival_rate = BUSY_RATE + 1.0
    rig.driver._wait(1.0)
    assert 0.05 < waker.slept < 0.25, "it sleeps, datagram or not, until the tick is late"


@interpreted_only
def test_timers_of_a_busy_server_wake_nobody_either(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(gather=0.002)
    waker, endpoint = asleep(rig), rig.endpoint
    endpoint.arrival_rate = BUSY_RATE + 1.0
    endpoint.take_in(0.05)
    rig.core.timer = waker.now + 0.01
    rig.driver._wait(1.0)
    assert 0.05 < waker.slept < 0.25, "not for what the next tick looks after, but when that is late"


def left_to_ticks(rig: Rig) -> Waker:
    """Have a driver sleep while the ticks of a busy server do its work."""
    waker, endpoint = asleep(rig), rig.endpoint
    endpoint.arrival_rate, endpoint.sleeps_until = BUSY_RATE + 1.0, waker.now + 0.15
    endpoint.take_in(0.05)
    rig.driver._gather_until(waker.now)
    assert endpoint.is_left_to_ticks
    return waker


def test_driver_that_leaves_timers_to_ticks_is_woken_when_that_ends(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(gather=0.002)
    waker, endpoint, core = left_to_ticks(rig), rig.endpoint, rig.core
    core.timer = waker.now + 0.01
    endpoint.flush()
    core.timer = waker.now - 0.01
    endpoint.flush()
    assert not waker.wakes, "the tick's last does that"
    core.timer = waker.now + COALESCE_DELAY
    endpoint.flush(in_tick=True)
    assert not waker.wakes, "with many clients some timer is always close"
    endpoint.flush()
    assert len(waker.wakes) == 1, "an event waits for company, for no longer than that"
    endpoint.finish()
    core.timer = waker.now + 10.0
    core.hurried_until = waker.now + 0.1  # type: ignore[attr-defined]
    endpoint.flush()
    assert len(waker.wakes) == 2, "acknowledgements are awaited, and no timer comes first"
    core.hurried_until, core.is_over = 0.0, True  # type: ignore[attr-defined]
    endpoint.flush(ends_tick=True)
    assert len(waker.wakes) == 3, "somebody waits for the end, which a tick has brought about"
    core.is_over = False
    waker.now += 0.2
    endpoint.flush()
    assert len(waker.wakes) == 4, "the ticks have stopped"


def test_driver_that_leaves_nothing_to_ticks_is_woken_for_a_timer(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(gather=0.002)
    waker, endpoint = left_to_ticks(rig), rig.endpoint
    endpoint.is_left_to_ticks = False  # an asyncio loop watches the socket all the time
    rig.core.timer = waker.now + 0.01
    endpoint.flush()
    assert waker.wakes


@interpreted_only
def test_driver_wakes_for_an_event_that_waits_for_company(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(gather=0.002)
    waker, endpoint = left_to_ticks(rig), rig.endpoint
    endpoint.sleeps_until = 0.0
    rig.core.timer = waker.now + COALESCE_DELAY
    endpoint.flush()
    rig.driver._gather_first(1.0)
    assert waker.slept <= COALESCE_DELAY
    assert not endpoint.is_left_to_ticks


@interpreted_only
def test_driver_that_is_woken_leaves_nothing_to_ticks_any_more(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(gather=0.002)
    waker, endpoint = left_to_ticks(rig), rig.endpoint
    waker.wait = lambda timeout: True  # type: ignore[method-assign]
    rig.driver._gather_first(1.0)
    assert not endpoint.is_left_to_ticks
    assert endpoint.sleeps_until == 0.0


def test_nothing_is_left_to_ticks_where_nobody_says_when_datagrams_arrived(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(gather=0.002)
    waker, endpoint = left_to_ticks(rig), rig.endpoint
    endpoint.tells_arrivals = False
    assert not endpoint.rides_ticks(waker.now)


def test_datagram_counts_as_arrived_when_it_did_not_when_it_is_read(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    if rig.endpoint._recvmsg is None:
        pytest.skip("this system does not tell when a datagram arrived")
    rig.endpoint.arrival_rate = BUSY_RATE + 1.0  # an idle server reads at once
    arrivals: list[float] = []
    rig.core.receive_datagram = lambda data, address, now: arrivals.append(now)  # type: ignore[method-assign]
    before = time.monotonic()
    rig.send(b"a")
    after = time.monotonic()
    wait_for(lambda: time.monotonic() > after + 0.02)
    wait_for(lambda: rig.endpoint.turn() or arrivals)
    assert before - 0.005 < arrivals[0] < after + 0.015


def test_datagrams_close_together_count_as_arrived_with_one_of_them_and_none_too_early(
    make_rig: Callable[..., Rig],
) -> None:
    rig = make_rig()
    endpoint = rig.endpoint
    ask = endpoint._recvmsg
    if ask is None:
        pytest.skip("this system does not tell when a datagram arrived")
    endpoint.arrival_rate = 5_000.0
    asked: list[int] = []
    arrivals: list[tuple[int, float]] = []

    def noted(*args: Any) -> Any:
        message = ask(*args)
        asked.append(message[0][0])
        return message

    endpoint._recvmsg = noted
    rig.core.receive_datagram = lambda data, address, now: arrivals.append((data[0], now))  # type: ignore[method-assign]
    sent: list[float] = []
    for number in range(20):
        sent.append(time.monotonic())
        rig.send(bytes([number]))
    wait_for(lambda: endpoint.read() or len(arrivals) == 20)
    assert [number for number, _ in arrivals] == list(range(20))
    assert asked == [5, 11, 17]
    times = [at for _, at in arrivals]
    assert times == sorted(times)
    assert all(at > was - 0.005 for at, was in zip(times, sent, strict=True))
    assert times[0] == times[5] != times[6]


def test_handler_that_takes_long_stalls_no_acknowledgement() -> None:
    released, handling, acked = threading.Event(), threading.Event(), threading.Event()

    def handler() -> None:
        handling.set()
        released.wait(15.0)

    server = Server(GameStateStore(GameState()))
    server.register_event_handler("SLOW", handler)
    server.run_in_thread(0, "127.0.0.1")
    client = Client()
    client.connect_in_thread(server.port or 0, "127.0.0.1")
    client.dispatch_event("SLOW", retries=RELIABLE)
    assert handling.wait(15.0)
    client.dispatch_event("NEXT", retries=RELIABLE, ack_callback=acked.set)
    assert acked.wait(15.0)
    released.set()
    client.disconnect()
    server.shutdown()


def test_wake_up_that_comes_late_does_not_keep_the_leader_awake(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    rig.driver.start(led_by=threading.get_ident())
    rig.driver._wake_up.send(b"\0")  # of a thread that was held up after its work had been done already
    assert rig.driver.lead(3_600.0, lambda: None)
    with pytest.raises(BlockingIOError):
        rig.driver._waker.recv(1)


@pytest.mark.parametrize("is_led", [True, False])
def test_error_while_waiting_ends_the_driving_in_good_order(
    make_rig: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, is_led: bool
) -> None:
    rig = make_rig()

    def fails(*_: Any) -> None:
        raise OSError("a selector that fails")

    monkeypatch.setattr(rig.driver._watch, "wait", fails)
    rig.driver.start(led_by=threading.get_ident() if is_led else 0)
    if is_led:
        assert rig.driver.lead(3_600.0, lambda: None)
        assert not rig.driver.lead(3_600.0, lambda: None)
    assert rig.ended.wait(15.0)
    assert rig.endpoint.is_closed
    assert "a selector that fails" in caplog.text


def test_two_who_meet_at_the_end_of_a_run_end_it_once(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    rig.driver.start(led_by=threading.get_ident())
    rig.core.is_over = True
    rig.driver.lead(0.0, rig.driver.relieve)  # the other thread comes in while the last turn is still to be finished
    assert rig.ended.wait(15.0)
    rig.driver._standby.join(15.0)
    assert not rig.driver._standby.is_alive()
