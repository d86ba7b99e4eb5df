"""A server's side of all its sessions, without I/O: secure links, traffic, state and events."""

import heapq
from collections.abc import Callable, Iterable
from typing import Any, Final

from pygase.config import COALESCE_DELAY, EVENTS_BURST, EVENTS_PER_SECOND, FAREWELL_WAIT, IDLE_STATE_INTERVAL
from pygase.errors import BacklogFull, DisconnectReason, MalformedDatagram
from pygase.netcode import Peer, PeerConnected, SecureServer
from pygase.protocol import Traffic
from pygase.session import events
from pygase.session.signals import ClientJoined, ClientLeft, EventAcknowledgedBy, EventFrom, ShutdownRequested
from pygase.state import StateFeed

__all__ = ["Seat", "ServerSession"]

_NEVER: Final = float("inf")


class Seat:
    """A connected client, as the server's session sees it.

    Attributes:
        peer: Its secure link.
        traffic: What is under way to and from it.
        owner: Free for the layer above.
    """

    __slots__ = (
        "budget",
        "budget_at",
        "deadline",
        "dropped",
        "ends_at",
        "farewell",
        "gate",
        "is_local",
        "is_over",
        "offered_at",
        "offered_version",
        "owner",
        "peer",
        "traffic",
    )

    def __init__(self, peer: Peer, now: float, *, is_local: bool) -> None:
        self.peer = peer
        self.traffic = Traffic(now, accepts_snapshots=False)
        self.is_local = is_local
        self.is_over = False
        self.owner: Any = None
        self.dropped = 0
        self.farewell: DisconnectReason | None = None  # why the connection is about to end
        self.ends_at = _NEVER
        self.gate = -1  # the newest time_order that an event under way to this client waits for
        self.offered_at = -_NEVER
        self.offered_version = -1
        self.deadline = _NEVER
        self.budget, self.budget_at = float(EVENTS_BURST), now

    @property
    def address(self) -> tuple[Any, ...]:
        """The client's address."""
        address: tuple[Any, ...] = self.peer.address
        return address


class ServerSession:
    """All connections of one server.

    Args:
        link: The secure server below.
        feed: Encodes the state's updates, once per distinct baseline.
        is_own_ip: Whether an IP address is this machine's own: clients from there may become the host.
    """

    def __init__(self, link: SecureServer, feed: StateFeed, is_own_ip: Callable[[str], bool]) -> None:
        self.link = link
        self.seats: dict[tuple[Any, ...], Seat] = {}
        self.dropped = 0
        self.is_over = False
        self._feed = feed
        self._is_own_ip = is_own_ip
        self._signals: list[Any] = []
        self._touched: dict[Seat, None] = {}  # may have something to send; in order, so that runs repeat
        self._timers: list[tuple[float, int, Seat]] = []  # a heap; entries of a past deadline are skipped
        self._timer_count = 0
        self._closes_at = _NEVER
        self._newest_gate = -1
        self._parting: list[tuple[bytes, tuple[Any, ...]]] = []  # last words, which go before the link's goodbyes
        self._published_version = -1
        self._published_at = -_NEVER

    @property
    def host(self) -> Seat | None:
        """The client that may shut the server down: the first of this machine's, or one whose token says so."""
        for seat in self.seats.values():
            if seat.peer.is_host_by_token:
                return seat
        return next((seat for seat in self.seats.values() if seat.is_local), None)

    def dispatch(self, message: bytes, seats: Iterable[Seat], *, retries: int, tag: object, gate: int) -> None:
        """Queue an event message for some clients.

        Args:
            message: From `encode_event`, shared by all.
            seats: Its receivers.
            retries: As in `Traffic.send`.
            tag: Comes back once per client that has the event.
            gate: The `time_order` the receivers' state must have reached; below 0 for none.

        Raises:
            BacklogFull: For some receiver more is waiting than its connection can carry; the others are served.
        """
        if gate >= 0:
            self._newest_gate = max(gate, self._newest_gate)
            message = events.gated(message, gate)
        full: BacklogFull | None = None
        for seat in seats:
            try:
                seat.traffic.send(message, retries, tag)
            except BacklogFull as error:
                full = error
                continue
            seat.gate = max(seat.gate, gate)
            self._touched[seat] = None
        if full is not None:
            raise full

    def publish(self, now: float) -> None:
        """Take note that the state has moved on: every client gets what it has not acknowledged."""
        store, before = self._feed.store, self._published_version
        only_number = store.unchanged_since(before) and self._newest_gate <= before
        if only_number and now - self._published_at < IDLE_STATE_INTERVAL:
            return
        self._published_version, self._published_at = store.time_order, now
        self._touched.update(dict.fromkeys(self.seats.values()))

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
        seat.farewell, seat.ends_at = reason, now + FAREWELL_WAIT
        seat.traffic.send(events.closing_message(reason))
        for payload in seat.traffic.packets_to_send(now + COALESCE_DELAY):  # no company to wait for
            self._parting.append((seat.peer.seal(payload, now), seat.peer.address))
        self._touched[seat] = None

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
        traffic = seat.traffic
        try:
            traffic.receive_packet(payload, now)
        except MalformedDatagram:
            seat.dropped += 1
        self._touched[seat] = None
        if traffic.messages:
            self._take_messages(seat, now)
        if traffic.acked:
            self._take_acks(seat)

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, tuple[Any, ...]]]:
        """Return what has to go out now."""
        out = self.link.datagrams_to_send()
        if self._parting:
            out, self._parting = self._parting + out, []
        if self._touched:
            touched, self._touched = self._touched, {}
            for seat in touched:
                if seat.is_over:
                    continue
                self._offer_state(seat, now)
                seal, address = seat.peer.seal, seat.peer.address
                for payload in seat.traffic.packets_to_send(now):
                    out.append((seal(payload, now), address))
                self._schedule(seat)
        return out

    def next_timer(self) -> float | None:
        """Return when `handle_timer` wants to be called, or None."""
        timer = self.link.next_timer()
        if timer is None or self._closes_at < timer:
            timer = self._closes_at if self._closes_at < _NEVER else timer
        timers = self._timers
        while timers and (timers[0][2].is_over or timers[0][2].deadline != timers[0][0]):
            heapq.heappop(timers)
        if timers and (timer is None or timers[0][0] < timer):
            return timers[0][0]
        return timer

    def handle_timer(self, now: float) -> None:
        """Do what is due."""
        link_timer = self.link.next_timer()
        if link_timer is not None and link_timer <= now:
            self.link.handle_timer(now)
            self._heed_link(now)
        timers = self._timers
        while timers and timers[0][0] <= now:
            deadline, _, seat = heapq.heappop(timers)
            if seat.is_over or seat.deadline != deadline:
                continue
            seat.deadline = _NEVER
            if now >= seat.ends_at:
                self.link.disconnect(seat.peer, now, seat.farewell or DisconnectReason.KICKED)
                self._heed_link(now)
                continue
            timer = seat.traffic.next_timer()
            if timer is not None and timer <= now:
                seat.traffic.handle_timer(now)
                if seat.traffic.acked:
                    self._take_acks(seat)
            self._touched[seat] = None
        self._end_if_done(now)

    def take_signals(self) -> list[Any]:
        """Return what has happened since the last call."""
        signals = self._signals
        if signals:
            self._signals = []
        return signals

    def _offer_state(self, seat: Seat, now: float) -> None:
        """Offer the newest state if this client needs it and none is under way that would do."""
        traffic, store = seat.traffic, self._feed.store
        acked = traffic.acked_version
        newest = store.time_order
        if acked == newest or traffic.snapshot_busy:
            return
        if newest == seat.offered_version and not traffic.snapshot_due:
            return  # on its way
        only_number = acked is not None and store.unchanged_since(acked) and seat.gate <= acked
        if only_number and now - seat.offered_at < IDLE_STATE_INTERVAL:
            return  # time_order has moved on and nothing else: worth a packet now and then, not every tick
        version, blob = self._feed.encoded(acked)
        traffic.offer_snapshot(acked, version, blob)
        seat.offered_at, seat.offered_version = now, version

    def _schedule(self, seat: Seat) -> None:
        timer = seat.traffic.next_timer()
        if seat.offered_version != self._feed.store.time_order and not seat.traffic.snapshot_busy:
            idle = seat.offered_at + IDLE_STATE_INTERVAL
            if timer is None or idle < timer:
                timer = idle
        if timer is None or seat.ends_at < timer:
            timer = seat.ends_at
        if timer == _NEVER:
            seat.deadline = _NEVER
        elif timer != seat.deadline:
            seat.deadline = timer
            self._timer_count += 1
            heapq.heappush(self._timers, (timer, self._timer_count, seat))

    def _heed_link(self, now: float) -> None:
        while (signal := self.link.next_signal()) is not None:
            peer = signal.peer
            if isinstance(signal, PeerConnected):
                seat = Seat(peer, now, is_local=self._is_own_ip(str(peer.address[0])))
                peer.context = seat
                self.seats[peer.address] = seat
                self._touched[seat] = None
                self._signals.append(ClientJoined(seat))
            elif (seat := peer.context) is not None and not seat.is_over:
                seat.is_over = True
                if self.seats.get(peer.address) is seat:
                    del self.seats[peer.address]
                self._touched.pop(seat, None)
                self._signals.append(ClientLeft(seat, seat.farewell or signal.reason))
                self._end_if_done(now)

    def _take_messages(self, seat: Seat, now: float) -> None:
        messages = seat.traffic.messages
        if seat.farewell is not None:
            messages.clear()
        while messages:
            _, message = messages.popleft()
            if not self._within_budget(seat, now):
                messages.clear()
                self.kick(seat, DisconnectReason.FLOODING, now)
                return
            try:
                if message[0] > 1:
                    self._take_control(seat, message)
                    continue
                event, _ = events.decode_event(message)
            except (MalformedDatagram, IndexError):
                seat.dropped += 1
                continue
            self._signals.append(EventFrom(seat, event))

    def _within_budget(self, seat: Seat, now: float) -> bool:
        """Spend one event of the client's token bucket."""
        if seat.budget < EVENTS_BURST:
            seat.budget = min(float(EVENTS_BURST), seat.budget + (now - seat.budget_at) * EVENTS_PER_SECOND)
        seat.budget_at = now
        seat.budget -= 1.0
        return seat.budget >= 0.0

    def _take_control(self, seat: Seat, message: bytes) -> None:
        if message[0] == events.SHUTDOWN_REQUEST:
            if seat is self.host:
                self._signals.append(ShutdownRequested(seat))
        else:
            seat.dropped += 1

    def _take_acks(self, seat: Seat) -> None:
        acked = seat.traffic.acked
        while acked:
            tag = acked.popleft()
            if tag is not None:
                self._signals.append(EventAcknowledgedBy(seat, tag))

    def _end_if_done(self, now: float) -> None:
        if self._closes_at < _NEVER and (not self.seats or now >= self._closes_at):
            self.is_over = True
            self.link.close(now)
            self._heed_link(now)
