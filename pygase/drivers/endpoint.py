"""A core with its socket, its clock and the lock around it: what every driver drives.

The lock is held around the core and the socket only, never while user code runs. `turn` is one round: read what has
arrived, run the timers that are due, send what there is to send, hand the signals on. `take_in` only reads and `flush`
only sends; both may be called from any thread: that is how an event leaves the moment it is dispatched.
"""

import contextlib
import socket
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from pygase.config import BUSY_RATE, COALESCE_DELAY, LONGEST_GATHER, MAX_RECEIVE_BATCH, NEVER
from pygase.drivers.arrivals import ANCILLARY_BYTES, arrival_time, has_arrival_times
from pygase.drivers.system import Address, DatagramSocket
from pygase.drivers.unreachable import reported_addresses

__all__ = ["Core", "Endpoint"]

_RECEIVE_BYTES = 2_048
"""More than the largest datagram of ours (1,226 bytes), so that a longer one shows and is dropped by its length."""


_RATE_WINDOW = 0.25
"""Seconds over which arrivals are counted."""


_ALIKE = 0.001
_MOST_ALIKE = 7
"""Datagrams that follow each other within a millisecond, and how many of them at most, may count as one arrival, with
the next one: to ask the system for each takes half as long again as to read it. Later than it was harms nobody: a round
trip that is measured too short would."""

_PATIENCE = 3.0
"""After so many intervals of a tick that looks into the socket itself, and has not, somebody else does."""

_MOST_BATCHES = 16
"""How much a tick reads at once: 80,000 datagrams a second at 20 Hz. What is beyond waits."""


class Core(Protocol):
    """A sans-I/O session: one client's or one server's."""

    is_over: bool

    def receive_datagram(self, data: bytes, address: Address, now: float) -> None:
        """Take in one datagram; never raises."""
        ...

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, Address]]:
        """Return what has to go out now."""
        ...

    def next_timer(self) -> float | None:
        """Return when `handle_timer` is due."""
        ...

    def handle_timer(self, now: float) -> None:
        """Do what is due."""
        ...

    def take_signals(self) -> list[Any]:
        """Return what has happened since the last call."""
        ...


class Endpoint:
    """Joins a core to a socket.

    Args:
        core: The session.
        sock: A non-blocking datagram socket.
        clock: Returns monotonic seconds.
        lock: Guards core and socket.
        on_signals: Gets the core's signals, in order, inside the lock. It only passes them on.

    Attributes:
        is_left_to_ticks: Whether the driver sleeps for as long as it `rides_ticks`, and is woken when that ends.
    """

    def __init__(
        self,
        core: Core,
        sock: DatagramSocket,
        clock: Callable[[], float],
        lock: AbstractContextManager[Any],
        on_signals: Callable[[list[Any]], None],
    ) -> None:
        self.core = core
        self.sock = sock
        self.clock = clock
        self.lock = lock
        self.wake: Callable[[], None] = _nobody_waits
        self.sleeps_until = 0.0
        self.is_left_to_ticks = self._awaits_company = False
        self.is_closed = False
        self.drained_at = self.drained_until = float("-inf")
        self.arrival_rate = 0.0
        self._arrived, self._counted_from = 0, clock()
        self._on_signals = on_signals
        self._recvfrom, self._sendto = sock.recvfrom, sock.sendto
        self._recvmsg = sock.recvmsg if isinstance(sock, socket.socket) and has_arrival_times(sock) else None
        self.tells_arrivals = self._recvmsg is not None  # the system does, whenever it is asked
        self._latest = clock()

    def turn(self) -> bool:
        """Do one round. Returns True if there may be more to read at once."""
        with self.lock:
            now = self.clock()
            self._awaits_company = False
            more = self._receive(now, MAX_RECEIVE_BATCH)
            timer = self.core.next_timer()
            if timer is not None and timer <= now:
                self.core.handle_timer(now)
            self._send(self.core.datagrams_to_send(now))
            self._hand_on()
        return more

    def read(self) -> bool:
        """Do the first half of a round: read a batch, and hand the signals on.

        Returns:
            Whether there may be more to read.
        """
        with self.lock:
            more = self._receive(self.clock(), MAX_RECEIVE_BATCH)
            self._hand_on()
        return more

    def read_one(self) -> None:
        """Do the first half of a round, with the datagram that has just come.

        Whoever waits for the socket finds the caches cold, so this is the shortest way there is.
        """
        with self.lock:
            if self.is_closed:
                return
            try:
                data, address = self._recvfrom(_RECEIVE_BYTES)
            except (BlockingIOError, InterruptedError):
                data = None
            except OSError:
                self._read_reports()
                data = None
            self._latest = self.drained_at = now = self.clock()
            if data is not None:
                self.core.receive_datagram(data, address, now)
                self._arrived += 1
            if now - self._counted_from > _RATE_WINDOW:
                self._measure_rate(now)
            signals = self.core.take_signals()
            if signals:
                self._on_signals(signals)

    def finish(self) -> None:
        """Do the second half: sending, answers first, and the timers. Notes that the driver sleeps from then on."""
        core = self.core
        with self.lock:
            self._latest = now = self.clock()
            self._awaits_company = False
            out = core.datagrams_to_send(now)
            if out:
                self._send(out)
            timer = core.next_timer()
            if timer is not None and timer <= now:
                core.handle_timer(now)
                self._send(core.datagrams_to_send(now))
                timer = core.next_timer()
            signals = core.take_signals()
            if signals:
                self._on_signals(signals)
            self.sleeps_until = NEVER if timer is None else timer

    def take_in(self, again_in: float) -> None:
        """Read what has arrived and hand the signals on. What there is to send goes with the next `turn` or `flush`.

        Args:
            again_in: Seconds until this is called again: whoever drives a busy server may wait for that.
        """
        for _ in range(_MOST_BATCHES):  # all of what came since the last tick, unless that is beyond measure
            if not self.read():
                break
        self.drained_until = self.drained_at + (again_in if again_in <= LONGEST_GATHER else 0.0)

    @property
    def ticks_are_late_at(self) -> float:
        """When the next tick's `take_in` is so late that nobody waits for it any more."""
        return self.drained_at + _PATIENCE * (self.drained_until - self.drained_at)

    def rides_ticks(self, now: float) -> bool:
        """Return whether ticks read (`take_in`) and run timers (`flush`) so often that the driver can leave it to them.

        That is so where much arrives, and while nothing is in a hurry: an event from between ticks waits for company,
        not for the next tick. Ticks that do not come any more have it end.
        """
        return (
            now < self.ticks_are_late_at
            and self.arrival_rate > BUSY_RATE
            and self.tells_arrivals
            and getattr(self.core, "hurried_until", now) <= now
            and not self._awaits_company
            and not self.core.is_over
        )

    def flush(self, *, in_tick: bool = False, ends_tick: bool = False) -> None:
        """Send what is ready, and have the driver woken if it sleeps past the next timer.

        Args:
            in_tick: Whether a tick sends this.
            ends_tick: Whether this is the last that a tick sends: timers that are due by now are run as well.
        """
        core = self.core
        with self.lock:
            self._latest = now = self.clock()
            out = core.datagrams_to_send(now)
            if out:
                self._send(out)
            timer = core.next_timer()
            if ends_tick and timer is not None and timer <= now:
                core.handle_timer(now)
                self._send(core.datagrams_to_send(now))
                timer = core.next_timer()
            if not in_tick and timer is not None and now < timer <= now + COALESCE_DELAY:
                self._awaits_company = True
            signals = core.take_signals()
            if signals:
                self._on_signals(signals)
        if self.is_left_to_ticks:
            if not self.rides_ticks(now):
                self.wake()
        elif timer is not None and timer < self.sleeps_until:
            self.wake()

    def next_timer(self) -> float | None:
        """Return when the next turn is due even if nothing arrives, and note that the driver sleeps until then."""
        with self.lock:
            timer = self.core.next_timer()
            self.sleeps_until = NEVER if timer is None else timer
        return timer

    def _read_reports(self) -> bool:
        """Tell the core which addresses the network reports as gone. Returns whether there were any."""
        addresses = reported_addresses(self.sock)
        note = getattr(self.core, "note_unreachable", None)
        if note is not None:
            for address in addresses:
                note(address)
        return bool(addresses)

    def close(self) -> None:
        """Close the socket."""
        with self.lock:
            self.is_closed = True
            self.sock.close()

    def _hand_on(self) -> None:
        signals = self.core.take_signals()
        if signals:
            self._on_signals(signals)

    def _receive(self, now: float, limit: int) -> bool:  # noqa: C901  (hot: flat)
        """Read at most so many datagrams. Returns True if there may be more."""
        if self.is_closed:
            return False
        receive, recvfrom = self.core.receive_datagram, self._recvfrom
        # Where few arrive, each is read as it comes. Where many do, some that follow each other count as one arrival.
        recvmsg = self._recvmsg if self.arrival_rate > BUSY_RATE else None
        alike = min(int(self.arrival_rate * _ALIKE), _MOST_ALIKE)
        more, number, at = True, 0, now
        earliest, unix_epoch = self._latest, (time.time() - now if recvmsg is not None else 0.0)
        read: list[tuple[bytes, Address]] = []
        for number in range(limit):  # noqa: B007
            try:
                if recvmsg is None:
                    read.append(recvfrom(_RECEIVE_BYTES))
                elif len(read) < alike:
                    read.append(recvfrom(_RECEIVE_BYTES))
                    continue
                else:
                    data, ancillary, _, address = recvmsg(_RECEIVE_BYTES, ANCILLARY_BYTES)
                    read.append((data, address))
                    at = arrival_time(ancillary) - unix_epoch
                    if at <= earliest:
                        at = earliest
                    else:
                        earliest = at = at if at < now else now
            except (BlockingIOError, InterruptedError):
                more = False
                break
            except OSError:
                # An ICMP reply to something sent earlier (ConnectionResetError on Windows), or a datagram longer
                # than the buffer there (WSAEMSGSIZE): not an error of this socket, and the next one may be fine.
                self._read_reports()
                continue
            for data, address in read:
                receive(data, address, at)
            read.clear()
        for data, address in read:
            receive(data, address, now)
        self._latest = self.drained_at = now
        self._arrived += number + more
        if now - self._counted_from > _RATE_WINDOW:
            self._measure_rate(now)
        return more

    def _measure_rate(self, now: float) -> None:
        self.arrival_rate = self._arrived / (now - self._counted_from)
        self._arrived, self._counted_from = 0, now

    def _send(self, datagrams: list[tuple[bytes, Address]]) -> None:
        sendto = self._sendto
        for data, address in datagrams:
            try:
                sendto(data, address)
            except OSError:
                # A full socket buffer, no route, an address gone: to the protocol it is a lost datagram like any other.
                # It may also be a report about another address that stood in the way: then this one is fine.
                if self._read_reports():
                    with contextlib.suppress(OSError):
                        sendto(data, address)


def _nobody_waits() -> None:
    """The driver of an endpoint that is pumped never sleeps."""
