"""A server's side of all its sessions, without I/O: secure links, traffic, state and events."""

# ruff: noqa: PLR1730  (deadlines are looked at for every packet, and min() costs four times a comparison)

import contextlib
from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any, Final

from pygase.config import (
    BULK_HURRY,
    COALESCE_DELAY,
    FAREWELL_RETRIES,
    FAREWELL_WAIT,
    IDLE_STATE_INTERVAL,
    MAX_SEND_BURST,
    NEVER,
    REDUNDANT_DISCONNECTS,
    RELIABLE,
    SEAT_HOLD,
    TICKET_LIFETIME,
    WELCOME_INTERVAL,
)
from pygase.errors import BacklogFull, DisconnectReason, MalformedDatagram
from pygase.netcode import Peer, PeerConnected, PeerDisconnected
from pygase.session import events
from pygase.session.agenda import Agenda, ServerLink
from pygase.session.offers import StateOffers
from pygase.session.places import Places
from pygase.session.seat import Seat
from pygase.session.signals import (
    ClientJoined,
    ClientLeft,
    ClientReturned,
    EventAcknowledgedBy,
    EventFrom,
    ShutdownRequested,
)
from pygase.state import StateFeed, View, ViewFeed

__all__ = ["ServerSession"]

_LOST: Final = (DisconnectReason.TIMED_OUT, DisconnectReason.REPLACED)
"""Ends of a link after which the client may come back."""

_FEW: Final = 4
"""The deadlines of so few clients are found out once what they get has been sent; of more at once, while what belongs
to them is in the processor's caches."""

_waits_since = attrgetter("waits_since")


class ServerSession:
    """All connections of one server.

    Args:
        link: The secure server below, or this session's share of one.
        feed: Encodes the state's updates, once per distinct baseline.
        is_own_ip: Whether an IP address is this machine's own: clients from there may become the host.
        seat_hold: Seconds for which the place of a client that was cut off is kept.
        view_feed: Takes the feed's place where each client has a view of its own.
        agenda: What is to be done, if it is shared with other sessions of the same link: `RoomsSession`.

    Attributes:
        seats: Clients by address, those that are cut off included.
        owner: Free for the layer above.
        is_over: Whether everybody has been sent away.
        is_published: Whether all clients are to be served next time, since the state has moved on.
    """

    def __init__(
        self,
        link: ServerLink,
        feed: StateFeed,
        is_own_ip: Callable[[str], bool],
        seat_hold: float = SEAT_HOLD,
        view_feed: ViewFeed | None = None,
        *,
        agenda: Agenda | None = None,
    ) -> None:
        agenda = agenda or Agenda()
        self.link = link
        self.owner: Any = None
        self._places = Places()
        self.seats = self._places.by_address
        self.is_over = False
        self.is_published = False
        self._feed = feed
        self._offers = StateOffers(feed, view_feed)
        self._is_own_ip = is_own_ip
        self._seat_hold = seat_hold
        self._signals: list[Any] = []
        self._touched = agenda.touched
        self._heard = agenda.heard
        self._agenda = agenda
        self._closes_at = NEVER
        self._newest_gate = -1
        self._published_version = -1
        self._published_at = -NEVER

    @property
    def hurried_until(self) -> float:
        """Until when what arrives should be read at once: acknowledgements let the rest of a bulk transfer go.

        Also whoever waits for the end does so until everybody has heard the goodbye.
        """
        return NEVER if self.is_closing else self._agenda.hurried_until

    @property
    def host(self) -> Seat | None:
        """The client that may shut the server down. See `Places.host`."""
        return self._places.host

    # --- what the server above says -------------------------------------------------------------------------------

    def dispatch(
        self,
        message: bytes,
        seats: Iterable[Seat],
        *,
        retries: int,
        tag: object,
        gate: int,
        now: float,
        is_for_one: bool = False,
    ) -> None:
        """Queue an event message for some clients.

        Among several, one that takes nothing any more is sent away: it must not spoil the game for the others.

        Args:
            message: From `encode_event`, shared by all.
            seats: Its receivers.
            retries: As in `Traffic.send`.
            tag: Comes back once per client that has the event.
            gate: The `time_order` the receivers' state must have reached; below 0 for none.
            now: Monotonic seconds.
            is_for_one: Whether the caller has named a single receiver.

        Raises:
            BacklogFull: More is waiting for the single receiver than its connection can carry.
        """
        if gate >= 0:
            self._newest_gate = max(gate, self._newest_gate)
            message = events.gated(message, gate)
        full: list[Seat] = []
        for seat in seats:
            if seat.is_absent and not retries:
                continue  # what is sent once and finds nobody is lost
            try:
                seat.traffic.send(message, retries, tag)
            except BacklogFull:
                if is_for_one:
                    raise
                full.append(seat)
                continue
            seat.gate = max(seat.gate, gate)
            self._touched[seat] = None
        for seat in full:
            self.kick(seat, DisconnectReason.INBOX_FULL, now)

    def publish(self, now: float) -> None:
        """Take note that the state has moved on: every client gets what it has not acknowledged."""
        store, before = self._feed.store, self._published_version
        self._feed.note_version(now)
        only_number = store.unchanged_since(before) and self._newest_gate <= before
        if only_number and now - self._published_at < IDLE_STATE_INTERVAL:
            return
        self._published_version, self._published_at = store.time_order, now
        if not self.is_published:
            self.is_published = True
            self._agenda.published.append(self)

    def has_seat(self, client_id: int) -> bool:
        """Return whether a client has a place here, cut off perhaps."""
        return self._places.of(client_id) is not None

    @property
    def is_closing(self) -> bool:
        """Whether nobody is let in any more."""
        return self._closes_at < NEVER

    def viewers(self) -> list[Seat]:
        """Return the seats whose clients see something now."""
        return self._places.present()

    def longest_waiting_first(self, seats: Iterable[Seat]) -> list[Seat]:
        """Sort seats by when the first event came that their clients have not been shown the effect of."""
        ordered = sorted(seats, key=_waits_since)
        for seat in ordered:
            seat.waits_since = NEVER
        return ordered

    def show(self, version: int, views: list[tuple[Seat, View | None]], now: float) -> list[Seat]:
        """Take what clients see from now on. Returns those to `touch`. See `StateOffers.show`."""
        self._agenda.sift()  # who is shown something is not to be sent that before its turn
        return self._offers.show(version, views, self.seats.values(), now)

    def touch(self, seats: Iterable[Seat]) -> None:
        """Have some clients sent what they have been shown."""
        self._touched.update(dict.fromkeys(seats))

    def close(self, now: float, wait: float = FAREWELL_WAIT) -> None:
        """Say goodbye to everybody; over once they all have heard it, or after `wait` seconds."""
        if self.is_over:
            return
        self._closes_at = min(now + wait, self._closes_at)
        for seat in list(self.seats.values()):
            self.kick(seat, DisconnectReason.SERVER_SHUTDOWN, now)
        self._end_if_done(now)

    def kick(self, seat: Seat, reason: DisconnectReason, now: float) -> None:
        """Tell a client why its connection ends; that it does once the client has heard it, or a moment later."""
        if seat.is_over or seat.farewell is not None:
            return
        if seat.is_absent:
            self._end_seat(seat, reason)
            return
        seat.farewell, seat.ends_at = reason, now + FAREWELL_WAIT
        with contextlib.suppress(BacklogFull):
            seat.traffic.send(events.closing_message(reason), FAREWELL_RETRIES)
        seat.traffic.ping()  # a probe goes whatever window and pacer say, and takes the message along
        for payload in seat.traffic.packets_to_send(now + COALESCE_DELAY):  # no company to wait for
            self.link.enqueue(seat.peer.seal(payload, now), seat.peer.address)
            seat.last_words = payload
        self._touched[seat] = None

    def note_unreachable(self, address: tuple[Any, ...]) -> None:
        """Take note that a client's machine reports that nobody listens at its address any more.

        Anybody can forge such a report, so it ends nothing. It only means that the seat is not held once the link has
        been silent for so long that it counts as lost: that client has ended without a goodbye.
        """
        seat = self.seats.get(address)
        if seat is not None:
            seat.is_unreachable = True

    # --- the core's shape: datagrams, timers, signals -------------------------------------------------------------

    def receive_datagram(self, data: bytes, address: tuple[Any, ...], now: float) -> None:
        """Take in one datagram off the network. Never raises."""
        received = self.link.receive_datagram(data, address, now)
        if received is None:
            self._heed_link(now)
            return
        peer, payload = received
        seat: Seat | None = peer.context
        if seat is None:
            self._heed_link(now)
            seat = peer.context
            if seat is None:
                return
        self.receive_payload(seat, payload, now)

    def receive_payload(self, seat: Seat, payload: bytes, now: float) -> None:
        """Take in what a datagram carried from one of this session's clients. Never raises."""
        if seat.is_unreachable:
            seat.is_unreachable = False
        if seat.welcome:
            self._take_answer(seat, payload)
            return
        seat.packets_left -= 1.0
        seat.bytes_left -= len(payload)
        if (seat.packets_left < 0.0 or seat.bytes_left < 0.0) and seat.is_overdrawn(now):
            self.kick(seat, DisconnectReason.FLOODING, now)
            return
        traffic = seat.traffic
        try:
            traffic.receive_packet(payload, now)
        except MalformedDatagram:
            self._note_fault(seat, now)
        if traffic.messages:
            self._take_messages(seat, now)
        if traffic.acked:
            self._take_acks(seat)
        self._heard[seat] = None

    def is_stirred(self, seat: Seat) -> bool:
        """Return whether a client that was heard may have something to be sent, and if not, note when it will.

        Mostly there is nothing to say until the next tick, and that is found out faster than by trying.
        """
        if seat.offered_version != self._offers.newest_for(seat):
            return True
        stirred_at = seat.traffic.stirred_at()
        if stirred_at < seat.deadline:
            return True
        if stirred_at < seat.due:
            seat.due = stirred_at
        return False

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, tuple[Any, ...]]]:
        """Return what has to go out now."""
        out: list[tuple[bytes, tuple[Any, ...]]] = self.link.datagrams_to_send()
        touched = self._touched
        if self.is_published:
            self._agenda.published.clear()
            self._heard.clear()
            touched.clear()
            self.serve_all(out, now)
        else:
            if self._heard:
                self._agenda.sift()
            if touched:
                seats = list(touched)
                touched.clear()
                self.serve(seats, out, now)
        return out

    def serve_all(self, out: list[tuple[bytes, tuple[Any, ...]]], now: float) -> None:
        """Append to `out` what has to go to this session's clients, after `publish`."""
        self.is_published = False
        self.serve(self.seats.values(), out, now)

    def serve(self, seats: Iterable[Seat], out: list[tuple[bytes, tuple[Any, ...]]], now: float) -> None:
        """Append to `out` what has to go to some of this session's clients."""
        served: list[Seat] = []
        for seat in seats:
            if seat.is_over:
                continue
            if not seat.is_absent:
                peer = seat.peer
                if seat.welcome:
                    if now >= seat.welcome_at:
                        out.append((peer.seal(seat.welcome, now), peer.address))
                        seat.welcome_at = now + WELCOME_INTERVAL
                else:
                    self._offers.offer(seat, now)
                    packets = seat.traffic.packets_to_send(now, MAX_SEND_BURST)
                    for payload in packets:
                        out.append((peer.seal(payload, now), peer.address))
                    if len(packets) > 1 or seat.whole_at < NEVER:
                        self._agenda.hurried_until = now + BULK_HURRY
            served.append(seat)
        if len(served) > _FEW:
            self._agenda.reschedule(served)
        elif served:
            self._agenda.served.append(served)

    def next_timer(self) -> float | None:
        """Return when `handle_timer` wants to be called, or None."""
        timer: float | None = self.link.next_timer()
        soonest = min(self._closes_at, self._agenda.next_deadline())
        return soonest if soonest < NEVER and (timer is None or soonest < timer) else timer

    def handle_timer(self, now: float) -> None:
        """Do what is due."""
        link_timer = self.link.next_timer()
        if link_timer is not None and link_timer <= now:
            self.link.handle_timer(now)
            self._heed_link(now)
        while (seat := self._agenda.pop_due(now)) is not None:
            self.handle_seat_timer(seat, now)
        self._end_if_done(now)

    def take_signals(self) -> list[Any]:
        """Return what has happened since the last call."""
        self._agenda.tellers.clear()
        return self.take_own_signals()

    def take_own_signals(self) -> list[Any]:
        """The same, for whoever empties the agenda's list of `tellers` itself."""
        signals = self._signals
        if signals:
            self._signals = []
        return signals

    def tell(self, signal: Any) -> None:
        """Have the layer above know something."""
        if not self._signals:
            self._agenda.tellers.append(self)
        self._signals.append(signal)

    # --- seats ----------------------------------------------------------------------------------------------------

    def handle_seat_timer(self, seat: Seat, now: float) -> None:
        """Do what is due for one of this session's clients."""
        if now >= seat.ends_at:
            if seat.is_absent:
                self._end_seat(seat, DisconnectReason.TIMED_OUT)
            else:
                if seat.last_words:  # as often as the link says goodbye, which says no reason
                    for _ in range(REDUNDANT_DISCONNECTS):
                        self.link.enqueue(seat.peer.seal(seat.last_words, now), seat.peer.address)
                self.link.disconnect(seat.peer, now, seat.farewell or DisconnectReason.KICKED)
                self._heed_link(now)
            return
        if not seat.is_absent and seat.farewell is None and seat.is_deaf(now):
            self.kick(seat, DisconnectReason.INBOX_FULL, now)
            return
        if now >= seat.ticket_at and not seat.is_absent:
            self._hand_ticket(seat, now)
        timer = seat.traffic.next_timer()
        if timer is not None and timer <= now and not seat.is_absent:
            seat.traffic.handle_timer(now)
            if seat.traffic.acked:
                self._take_acks(seat)
            self._touched[seat] = None
        elif (timer := self.deadline_of(seat)) > now:
            self._agenda.schedule(seat, timer)  # what was due has moved on meanwhile: mostly it has
        else:
            self._touched[seat] = None

    def deadline_of(self, seat: Seat) -> float:
        """Return when `handle_seat_timer` has something to do for a client."""
        timer = seat.ends_at
        if seat.is_absent:
            return timer
        if seat.ticket_at < timer:
            timer = seat.ticket_at
        if seat.whole_at < timer:
            timer = seat.whole_at
        at = seat.welcome_at if seat.welcome else seat.traffic.due_at()
        if at < timer:
            timer = at
        if not seat.welcome and (at := self._offers.again_at(seat)) < timer:
            timer = at
        return timer

    def _heed_link(self, now: float) -> None:
        while (signal := self.link.next_signal()) is not None:
            self.heed(signal, now)

    def heed(self, signal: PeerConnected | PeerDisconnected, now: float) -> None:
        """Take note of what the link says about a client."""
        peer = signal.peer
        if isinstance(signal, PeerConnected):
            seat = self._places.of(peer.client_id) if peer.is_returning else None
            if seat is None:
                self._seat(peer, now)
            else:
                self._seat_again(seat, peer, now)
            return
        seat = peer.context
        if seat is None or seat.peer is not peer or seat.is_over or seat.is_absent:
            return
        is_lost = signal.reason in _LOST and seat.farewell is None and self._closes_at == NEVER
        if is_lost and self._seat_hold > 0 and not seat.is_unreachable:
            seat.is_absent, seat.ends_at = True, now + self._seat_hold
            self._agenda.served.append([seat])
        else:
            self._end_seat(seat, seat.farewell or signal.reason)
            self._end_if_done(now)

    def _seat(self, peer: Peer, now: float) -> None:
        """Give a new client its place."""
        for former in self._places.occupants(peer):
            self._end_seat(former, DisconnectReason.TIMED_OUT)
        seat = Seat(peer, now, self, is_local=self._is_own_ip(str(peer.address[0])))
        self._places.add(seat)
        came_too_late = self._places.has_departed(peer.client_id)
        if peer.is_returning:  # by a ticket of an earlier run of this server, or of a seat that was given up
            seat.welcome = events.WELCOME_AS_NEW if came_too_late else events.WELCOME_AFRESH
            seat.welcome_at = now
        self._hand_ticket(seat, now)
        self._touched[seat] = None
        self.tell(ClientJoined(seat, peer.is_returning and not came_too_late))

    def _seat_again(self, seat: Seat, peer: Peer, now: float) -> None:
        """Give a client that came back its place."""
        for occupant in self._places.occupants(peer):
            if occupant is not seat:
                self._end_seat(occupant, DisconnectReason.TIMED_OUT)
        former = self._places.move(seat, peer)
        seat.is_absent, seat.is_unreachable, seat.ends_at = False, False, NEVER
        seat.welcome, seat.welcome_at = events.WELCOME_BACK, now
        seat.offered_version = -1
        seat.heard_at = NEVER
        seat.traffic.resume(now)
        self._hand_ticket(seat, now)
        self._touched[seat] = None
        self.tell(ClientReturned(seat, former))

    def _end_seat(self, seat: Seat, reason: DisconnectReason) -> None:
        seat.is_over = True
        self._places.remove(seat)
        self._touched.pop(seat, None)
        self.tell(ClientLeft(seat, reason))

    def _end_if_done(self, now: float) -> None:
        if self._closes_at < NEVER and not self.is_over and (not self.seats or now >= self._closes_at):
            self.is_over = True
            self.link.close(now)
            self._heed_link(now)

    def _hand_ticket(self, seat: Seat, now: float) -> None:
        if self._seat_hold > 0:
            seat.traffic.send(bytes((events.TICKET,)) + self.link.make_ticket(seat.peer, now), RELIABLE)
            seat.ticket_at = now + TICKET_LIFETIME / 2

    def _take_answer(self, seat: Seat, payload: bytes) -> None:
        """Take what a client that came back says to its welcome; traffic goes on from there."""
        if payload == seat.welcome:
            seat.welcome = b""
            self._touched[seat] = None

    # --- what clients say -----------------------------------------------------------------------------------------

    def _take_messages(self, seat: Seat, now: float) -> None:
        messages = seat.traffic.messages
        if seat.farewell is not None:
            messages.clear()
        for _, message in messages:
            seat.events_left -= 1.0
            if seat.events_left < 0.0 and seat.is_overdrawn(now):
                messages.clear()
                self.kick(seat, DisconnectReason.FLOODING, now)
                return
            try:
                if message[0] > 1:
                    self._take_control(seat, message, now)
                    continue
                event = EventFrom.__new__(EventFrom)
                events.decode_event(message, event)
            except (MalformedDatagram, IndexError):
                self._note_fault(seat, now)
                continue
            event.seat = seat
            self.tell(event)
            if now < seat.waits_since:
                seat.waits_since = now
        messages.clear()

    def _note_fault(self, seat: Seat, now: float) -> None:
        """Count what no honest client sends, and send away who goes on with it."""
        seat.dropped += 1
        seat.faults_left -= 1.0
        if seat.faults_left < 0.0 and seat.is_overdrawn(now):
            seat.traffic.messages.clear()
            self.kick(seat, DisconnectReason.PROTOCOL_VIOLATION, now)

    def _take_control(self, seat: Seat, message: bytes, now: float) -> None:
        if message[0] == events.SHUTDOWN_REQUEST:
            if seat is self.host:
                self.tell(ShutdownRequested(seat))
        else:
            self._note_fault(seat, now)

    def _take_acks(self, seat: Seat) -> None:
        acked = seat.traffic.acked
        for tag in acked:
            if tag is not None:
                self.tell(EventAcknowledgedBy(seat, tag))
        acked.clear()
