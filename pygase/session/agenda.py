"""What a server's session has to do next; the sessions of several rooms share one, and the link below them."""

# ruff: noqa: PLR1730  (deadlines are looked at for every packet, and min() costs four times a comparison)

import heapq
import itertools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from pygase.config import NEVER
from pygase.errors import DisconnectReason
from pygase.netcode import Peer, PeerConnected, PeerDisconnected

if TYPE_CHECKING:
    from pygase.session.seat import Seat
    from pygase.session.server import ServerSession

__all__ = ["Agenda", "ServerLink"]


class Agenda:
    """Whom to look after, when, and what to tell above.

    Attributes:
        touched: Clients that may have something to send; in order, so that runs repeat.
        heard: Clients from whom something has come. `sift` finds out who of them may have to be answered, unless all
            are served anyway.
        timers: A heap of deadlines, each with the clients for whom it counts: those that have no other one by now.
        published: Sessions of which all clients may have something to send.
        served: Clients that were looked after, in groups: their deadlines are found out once what they get is sent.
        tellers: Sessions that have signals for the layer above.
        hurried_until: Until when what arrives should be read at once, for a bulk transfer's sake.
    """

    __slots__ = (
        "_numbers",
        "_tidy_above",
        "heard",
        "hurried_until",
        "published",
        "served",
        "tellers",
        "timers",
        "touched",
    )

    def __init__(self) -> None:
        self.touched: dict[Seat, None] = {}
        self.heard: dict[Seat, None] = {}
        self.timers: list[tuple[float, int, list[Seat]]] = []
        self.published: list[ServerSession] = []
        self.served: list[list[Seat]] = []
        self.tellers: list[ServerSession] = []
        self.hurried_until = -NEVER
        self._numbers: Iterator[int] = itertools.count(1)  # tell entries of one deadline apart
        self._tidy_above = 64

    def sift(self) -> None:
        """Have those of the clients that were heard looked after who may have to be answered."""
        touched = self.touched
        for seat in self.heard:
            if seat not in touched and not seat.session.is_published and seat.session.is_stirred(seat):
                touched[seat] = None
        self.heard.clear()

    def schedule(self, seat: "Seat", deadline: float) -> None:
        """Set a client's deadline, which is earlier than the one that it had."""
        seat.deadline = seat.due = deadline
        self._push(deadline, [seat])

    def _reschedule_served(self) -> None:
        served, self.served = self.served, []
        for seats in served:
            self.reschedule(seats)

    def reschedule(self, seats: "list[Seat]") -> None:
        """Find out and note the deadlines of clients that have been looked after together."""
        deadline, are_together, soonest = seats[0].deadline, True, NEVER
        for seat in seats:
            due = seat.due = NEVER if seat.is_over else seat.session.deadline_of(seat)
            if due < soonest:
                soonest = due
            if seat.deadline != deadline:
                are_together = False
        if are_together and deadline <= soonest:
            return  # their entry changes when that comes: deadlines mostly move on
        for seat in seats:
            seat.deadline = soonest
        if soonest < NEVER:
            self._push(soonest, seats)

    def _push(self, deadline: float, seats: "list[Seat]") -> None:
        timers = self.timers
        heapq.heappush(timers, (deadline, next(self._numbers), seats))
        if len(timers) > self._tidy_above:  # entries that no longer count may lie hours ahead
            self._tidy()

    def _tidy(self) -> None:
        """Leave one entry for each deadline that counts, however often clients have come back to it."""
        counting: dict[float, dict[Seat, None]] = {}
        for deadline, _, seats in self.timers:
            for seat in seats:
                if seat.deadline == deadline and not seat.is_over:
                    counting.setdefault(deadline, {})[seat] = None
        self.timers[:] = [(deadline, next(self._numbers), list(seats)) for deadline, seats in counting.items()]
        heapq.heapify(self.timers)
        self._tidy_above = 4 * len(self.timers) + 64

    def next_deadline(self) -> float:
        """Return when a client's deadline is due; `NEVER` for not at all.

        Deadlines mostly move on while they wait, which changes no entry: the first one is looked at again until it
        holds.
        """
        if self.served:
            self._reschedule_served()
        timers = self.timers
        while timers:
            deadline, _, seats = timers[0]
            soonest, holds = self._look_again(deadline, seats)
            if holds:
                return deadline
            if soonest < NEVER:
                heapq.heapreplace(timers, (soonest, next(self._numbers), seats))
            else:
                heapq.heappop(timers)
        return NEVER

    @staticmethod
    def _look_again(deadline: float, seats: "list[Seat]") -> tuple[float, bool]:
        """Have an entry moved on with its clients, of which those that have another one are dropped.

        Returns:
            When the first of them is due, and whether that is at the entry's own deadline: then nothing has changed.
        """
        soonest = NEVER
        counting = [seat for seat in seats if seat.deadline == deadline and not seat.is_over]
        for seat in counting:
            if seat.due <= deadline:
                seat.due = seat.session.deadline_of(seat)
                if seat.due <= deadline:
                    return deadline, True
            if seat.due < soonest:
                soonest = seat.due
        for seat in counting:
            seat.deadline = soonest
        seats[:] = counting
        return soonest, False

    def pop_due(self, now: float) -> "Seat | None":
        """Take a client whose deadline has come, or that of another one with which it was looked after."""
        if self.served:
            self._reschedule_served()
        timers = self.timers
        while timers and timers[0][0] <= now:
            deadline, _, seats = timers[0]
            while seats:
                seat = seats.pop(0)
                if not seat.is_over and seat.deadline == deadline:
                    seat.deadline = NEVER
                    return seat
            heapq.heappop(timers)
        return None


class ServerLink(Protocol):
    """What a server's session needs of the secure link below: all of one, or a room's share."""

    @property
    def fingerprint(self) -> str:
        """What proves the server's identity."""
        ...

    @property
    def stats(self) -> Mapping[str, int]:
        """Counters."""
        ...

    @property
    def peers(self) -> Mapping[Any, Peer]:
        """Who is connected to the link, by address."""
        ...

    def receive_datagram(self, data: bytes, address: tuple[Any, ...], now: float) -> tuple[Peer, bytes] | None:
        """Take a datagram from the socket."""
        ...

    def datagrams_to_send(self) -> list[tuple[bytes, tuple[Any, ...]]]:
        """Take what has to go out."""
        ...

    def enqueue(self, datagram: bytes, address: tuple[Any, ...]) -> None:
        """Put something that a peer has sealed in line with the rest."""
        ...

    def next_timer(self) -> float | None:
        """When `handle_timer` has something to do."""
        ...

    def handle_timer(self, now: float) -> None:
        """Do what is due."""
        ...

    def next_signal(self) -> PeerConnected | PeerDisconnected | None:
        """Take the next thing to know."""
        ...

    def make_ticket(self, peer: Peer, now: float) -> bytes:
        """Make a reconnect ticket."""
        ...

    def disconnect(self, peer: Peer, now: float, reason: DisconnectReason = ...) -> None:
        """End a client's session, with a goodbye."""
        ...

    def close(self, now: float) -> None:
        """End all sessions, and take no new ones."""
        ...
