"""The driver for programs that wait: somebody waits for the socket or the next timer, then takes a turn.

That is best done by the thread that runs the game's handlers: an event is handled where it arrives, and its answer
leaves from there, without waking anybody in between. When a handler takes long, or waits for the network itself, the
network gets a thread of its own from then on. It stands by for that, and looks every `RELIEF_INTERVAL`.
"""

import contextlib
import logging
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from threading import get_ident
from typing import Any

from pygase.config import BUSY_RATE, RELIEF_INTERVAL
from pygase.drivers.endpoint import Endpoint
from pygase.drivers.watch import Watch

__all__ = ["NetworkThread"]

_log = logging.getLogger("pygase.drivers")

_MAX_SLEEP = 1.0
"""Longest sleep with nothing to do; only a bound on what a missed wake-up could cost."""

_MANY = 1_000.0
"""Datagrams a second from which on they are read in batches."""


class NetworkThread:
    """Drives an endpoint until told to stop, or until its core is over after a turn.

    Args:
        endpoint: What to drive. It is closed at the end.
        on_end: Called as the last thing, by whoever drives then.
        gather: When datagrams follow each other faster than this many seconds, on average, turns are kept so far apart.
            What arrives meanwhile is handled in one go, which costs a busy server a fraction; an idle one still takes
            its turn at once.

    Attributes:
        leader: The thread that drives, besides running user code; 0 once this object's own thread does.
    """

    def __init__(self, endpoint: Endpoint, on_end: Callable[[], None], *, gather: float = 0.0) -> None:
        self._endpoint = endpoint
        self._on_end = on_end
        self._gather = gather
        self._waker, self._wake_up = socket.socketpair()
        self._waker.setblocking(False)
        self._wake_up.setblocking(False)
        self._is_woken = False
        self._watch, self._only_waker = Watch(self._waker, endpoint.sock), Watch(self._waker)
        self._stopping = self._is_over = False
        self._has_more = self._has_gathered = False
        self._is_turning = self._is_interrupted = False  # on the leader's thread, which may be the main one
        self._driving = threading.Lock()  # held by whoever waits or takes a turn
        self.leader = 0
        self._rounds = 0
        self._relief = threading.Event()
        endpoint.wake = self.wake
        # A daemon: a program that forgets to disconnect still ends.
        self._standby = threading.Thread(target=self._stand_by, name="pygase-network", daemon=True)

    def start(self, *, led_by: int = 0) -> None:
        """Begin to drive.

        Args:
            led_by: The thread that will call `lead` as often as it can; unless given, this object's own thread drives.
        """
        self.leader = led_by
        self._standby.start()

    def wake(self) -> None:
        """Have whoever drives take a turn soon. From any thread."""
        if not self._is_woken:
            self._is_woken = True
            # A full pipe wakes as well, and a closed one has nobody left to wake.
            with contextlib.suppress(OSError):
                self._wake_up.send(b"\0")

    def wake_leader(self) -> None:
        """Have the leader return from `lead`, unless that is who calls. From any thread."""
        if self.leader and self.leader != get_ident():
            self.wake()

    def stop(self) -> None:
        """Make the driving end after the next turn."""
        self._stopping = True
        self.wake()

    def lead(self, timeout: float, deliver: Callable[[], Any]) -> bool:
        """Wait for something to do, at most `timeout` seconds, and do it. For the leader.

        Args:
            timeout: Seconds.
            deliver: Runs user code for what has arrived. What that sends goes out when it returns, unless it takes so
                long that this object's own thread drives by then.

        Returns:
            Whether it did so: not when another thread does from now on.
        """
        with self._driving:
            if not self.leader or self._is_over:
                return False
            self._read(timeout)
        if not self._is_over:
            deliver()
            with self._driving:
                if not self.leader or self._is_over:
                    return False
                self._finish()
        self._rounds += 1
        return True

    def relieve(self, who: int | None = None) -> None:
        """Have this object's own thread drive from now on.

        Args:
            who: The thread that is about to wait for the network; nothing changes unless it is the leader.
        """
        if who is None or who == self.leader:
            self.leader = 0
            self._relief.set()

    def _stand_by(self) -> None:
        rounds = -1
        while self.leader and not self._is_over:
            if not self._relief.wait(RELIEF_INTERVAL) and rounds == self._rounds and self._driving.acquire(False):
                if rounds == self._rounds:  # it has been in a handler for all this time
                    self.leader = 0
                self._driving.release()
            rounds = self._rounds
        self.wake()  # there may be something to send already
        while not self._is_over:
            with self._driving:
                self._turn()

    @contextlib.contextmanager
    def holding_interrupts(self) -> Iterator[None]:
        """Keep a Ctrl-C waiting until the leader's turn is done: in the middle, it would leave things half done."""
        if threading.current_thread() is not threading.main_thread() or (
            signal.getsignal(signal.SIGINT) is not signal.default_int_handler
        ):
            yield
            return
        signal.signal(signal.SIGINT, self._interrupt)
        try:
            yield
        finally:
            if signal.getsignal(signal.SIGINT) == self._interrupt:
                signal.signal(signal.SIGINT, signal.default_int_handler)

    def _interrupt(self, *_: object) -> None:
        if not self._is_turning:
            raise KeyboardInterrupt
        self._is_interrupted = True

    def _read(self, timeout: float) -> None:
        """Wait, then read what has arrived: one while few come, so that its answer leaves before others are read.

        Caches are cold after waiting, so there are few calls in between.
        """
        endpoint = self._endpoint
        try:
            self._wait(timeout)
            self._is_turning = True
            if self._has_gathered or endpoint.arrival_rate > _MANY:
                self._has_more = endpoint.read()
            else:
                endpoint.read_one()
            is_done = self._stopping or endpoint.core.is_over
            if is_done:
                endpoint.finish()  # the other side waits for its goodbye
        except Exception:
            is_done = self._failed()
        self._end_half(is_done=is_done)

    def _finish(self) -> None:
        """Do the rest of the leader's turn."""
        endpoint = self._endpoint
        try:
            self._is_turning = True
            endpoint.finish()
            is_done = self._stopping or endpoint.core.is_over
        except Exception:
            is_done = self._failed()
        self._end_half(is_done=is_done)

    def _turn(self) -> None:
        """Wait, then take a whole turn, on this object's own thread."""
        if self._is_over:
            return
        endpoint = self._endpoint
        try:
            self._wait(_MAX_SLEEP)
            self._has_more = endpoint.turn()
            is_done = self._stopping or endpoint.core.is_over
        except Exception:
            is_done = self._failed()
        if is_done:
            self._clean_up()

    @staticmethod
    def _failed() -> bool:
        """Say what went wrong. It ends the driving in good order, so that nobody waits for it for ever."""
        _log.exception("the network thread stopped; this is a bug in pygase")
        return True

    def _clean_up(self) -> None:
        """Close everything after the last turn."""
        self._is_over = True
        for each in (self._endpoint, self._watch, self._only_waker, self._waker, self._wake_up):
            each.close()
        self._on_end()

    def _end_half(self, *, is_done: bool) -> None:
        """Clean up after the last half of a leader's turn, and let through a Ctrl-C that has waited for its end."""
        if is_done:
            self._clean_up()
        self._is_turning = False
        if self._is_interrupted:
            self._is_interrupted = False
            raise KeyboardInterrupt

    def _wait(self, timeout: float) -> None:
        """Wait until something may have arrived, a timer is due, somebody wakes, or the time is over."""
        endpoint = self._endpoint
        if self._has_more:
            self._has_more, timeout = False, 0.0
        self._has_gathered = False
        if self._gather and endpoint.arrival_rate > BUSY_RATE:
            self._gather_first(timeout)
        if not self._is_woken:
            if not endpoint.sleeps_until:
                endpoint.next_timer()
            left = endpoint.sleeps_until - endpoint.clock()
            if self._watch.wait(timeout if left > timeout else max(left, 0.0)):
                self._is_woken = True
        endpoint.sleeps_until = 0.0
        if self._is_woken:
            # Whoever wakes sets the flag, then writes: what is written after this wakes once more, for nothing.
            with contextlib.suppress(BlockingIOError):
                while self._waker.recv(256):
                    pass
            self._is_woken = False  # whoever has found it set has its turn now

    def _gather_first(self, timeout: float) -> None:
        """Let pass the time for which a busy server does not look into the socket."""
        endpoint, clock = self._endpoint, self._endpoint.clock
        ends_at = clock() + timeout
        while not self._is_woken:
            if not endpoint.sleeps_until:
                endpoint.next_timer()
            now = clock()
            until = min(self._gather_until(now), ends_at)
            if not endpoint.is_left_to_ticks:
                until = min(until, endpoint.sleeps_until)
            if until <= now:
                break
            self._has_gathered = True
            if self._only_waker.wait(until - now):
                self._is_woken = True
            endpoint.sleeps_until = 0.0
        endpoint.is_left_to_ticks = False

    def _gather_until(self, now: float) -> float:
        """Return when to look into the socket next, whatever is in it; leave it to the ticks until then, if they do."""
        endpoint = self._endpoint
        endpoint.is_left_to_ticks = True  # noted first: who ends it while this looks wakes the driver
        if endpoint.rides_ticks(now):
            return endpoint.ticks_are_late_at
        endpoint.is_left_to_ticks = False
        if getattr(endpoint.core, "hurried_until", now) > now:
            return now
        return endpoint.drained_at + self._gather if endpoint.arrival_rate * self._gather > 1.0 else now
