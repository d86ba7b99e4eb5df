"""A client's whole session, without I/O: secure link, traffic, state and events, and the way back after a cut-off."""

# ruff: noqa: PLR1730  (deadlines are looked at for every packet, and min() costs four times a comparison)

import contextlib
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from pygase.config import (
    DISCONNECT_WAIT,
    FRAGMENT_BYTES,
    MAX_BACKLOG_BYTES,
    MAX_HANDED_OVER,
    MAX_TICKET_BYTES,
    NEVER,
    PEER_TIMEOUT,
    PING_INTERVAL,
    RELIABLE,
)
from pygase.errors import BacklogFull, DisconnectReason, MalformedDatagram
from pygase.netcode import Connected as LinkConnected
from pygase.netcode import SecureClient
from pygase.protocol import Traffic
from pygase.session import events
from pygase.session.comeback import Comeback
from pygase.session.held import HeldEvents
from pygase.session.signals import Connected, Ended, EventAcknowledged, EventArrived, Lost, Reconnected
from pygase.state import Replica

__all__ = ["ClientSession"]

_RELIABLE_MODE: Final = 2

_WELCOMES: Final = (events.WELCOME_BACK, events.WELCOME_AFRESH, events.WELCOME_AS_NEW)


class ClientSession:
    """One client's side of a connection, from the first hello to the goodbye.

    Events may be dispatched from the start; they leave once the link stands. When the link is lost, the session makes
    a new one with the ticket that the server has given it, again and again, and goes on where it was.

    Args:
        now: Monotonic seconds.
        entropy: Randomness, for the pauses between attempts.
        reconnects: Whether it tries to get back a connection that was lost.

    Attributes:
        is_connected: Whether the server can be reached, as far as is known.
        is_over: Whether it is, for good.
        client_id: Who it is to the server; None until connected.
        is_awaited: Whether its driver has been told of what was handed over. Set by whoever tells it.
    """

    def __init__(self, now: float, entropy: Callable[[int], bytes], *, reconnects: bool = True) -> None:
        self.traffic = Traffic(now)
        self.replica = Replica()
        self.link: SecureClient | None = None
        self.is_connected = False
        self.is_over = False
        self.client_id: int | None = None
        self.dropped = 0
        self.is_awaited = False
        self._handed_over: deque[tuple[bytes, int, object]] = deque()
        self._has_room = True
        self._entropy = entropy
        self._reconnects = reconnects
        self._make_link: Callable[[float, bytes], SecureClient] | None = None
        self._signals: list[Any] = []
        self._held = HeldEvents()
        self._closes_at: float | None = None
        self._farewell: DisconnectReason | None = None
        self._parting_reason = DisconnectReason.CLIENT_LEFT
        self._ticket = b""
        self._awaits_welcome = False
        self._parting: list[tuple[bytes, tuple[Any, ...]]] = []
        self._comeback: Comeback | None = None  # while the connection is lost
        self._link_timer = NEVER
        self._is_link_stirred = False  # whether the link may have something of its own to send
        self._active_at = now  # when something was done here last
        self._ping_at = now  # a client that only listens wants to know its round trip too

    def start(self, make_link: Callable[[float, bytes], SecureClient], now: float) -> None:
        """Begin to connect.

        Args:
            make_link: Makes a link that begins at once, given monotonic seconds and a reconnect ticket or nothing.
            now: Monotonic seconds.
        """
        self._make_link = make_link
        self._active_at = now
        self.link = make_link(now, b"")
        self._heed_link(now)  # a token that is none ends at once

    def fail(self, reason: DisconnectReason) -> None:
        """End a session whose link cannot even be made."""
        self._end(reason)

    def dispatch(self, message: bytes, retries: int, tag: object) -> None:
        """Queue an event message. What is sent once is not kept for a connection that is lost.

        Raises:
            BacklogFull: More is waiting than the connection can carry.
        """
        if self._handed_over or not self._has_room:
            self._take_over()
        if retries or self._comeback is None:
            self.traffic.send(message, retries, tag)

    def hand_over(self, message: bytes, retries: int, tag: object) -> bool:
        """Leave an event message to be queued when the session is driven next.

        Of all methods this one needs no lock: a game's thread calls it while another one drives the session.

        Returns:
            Whether it was taken; if not, `dispatch` says why, or finds room for it.
        """
        if not self._has_room or len(message) > FRAGMENT_BYTES or len(self._handed_over) >= MAX_HANDED_OVER:
            return False
        self._handed_over.append((message, retries, tag))
        return True

    def disconnect(
        self,
        now: float,
        *,
        shutdown_server: bool = False,
        wait: float = DISCONNECT_WAIT,
        reason: DisconnectReason = DisconnectReason.CLIENT_LEFT,
    ) -> None:
        """Leave once reliable events are acknowledged, or `wait` seconds have passed.

        Without a connection, only a request to shut down is worth waiting for one.
        """
        if self.is_over:
            return
        if not self.is_connected and not shutdown_server and self._closes_at is None:
            self._say_goodbye(now, reason)
            return
        with contextlib.suppress(BacklogFull):
            self._take_over()
        self._parting_reason = reason
        if shutdown_server:
            self.traffic.send(bytes((events.SHUTDOWN_REQUEST,)), RELIABLE)
        if self._closes_at is None or now + wait < self._closes_at:
            self._closes_at = now + wait
        self._leave_if_done(now)

    # --- the core's shape: datagrams, timers, signals -------------------------------------------------------------

    def receive_datagram(self, data: bytes, address: tuple[Any, ...], now: float) -> None:
        """Take in one datagram off the network. Never raises."""
        if now - self._active_at > PEER_TIMEOUT:
            self._wake_up(now)
        self._active_at = now
        link = self.link
        if link is None or self.is_over:
            return
        payload = link.receive_datagram(data, address, now)
        if payload is None:
            self._heed_link(now)
            return
        if not self.is_connected:
            self._heed_link(now)
        if len(payload) == 2 and payload in _WELCOMES:
            self._take_welcome(payload, link, now)
            return
        if not self._awaits_welcome and self.link is link:
            self._take_packet(payload, link, now)

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, tuple[Any, ...]]]:
        """Return what has to go out now."""
        if self._handed_over or self.is_awaited:
            try:
                self._take_over()
            except BacklogFull:  # others have been quicker: it waits for a later turn
                self._has_room = False
        link = self.link
        if link is None:
            return []
        out: list[tuple[bytes, tuple[Any, ...]]] = []
        if self._is_link_stirred:
            self._is_link_stirred = False
            out = link.datagrams_to_send()
        if self._parting:
            out, self._parting = out + self._parting, []
        if self.is_connected and not self._awaits_welcome:
            address = link.server_address
            for payload in self.traffic.packets_to_send(now):
                out.append((link.seal(payload, now), address))
        return out

    def next_timer(self) -> float | None:
        """Return when `handle_timer` wants to be called, or None."""
        if self.is_over:
            return None
        soonest = self._link_timer
        if self._comeback is not None and self._comeback.retry_at < soonest:
            soonest = self._comeback.retry_at
        if self._closes_at is not None and self._closes_at < soonest:
            soonest = self._closes_at
        if self.is_connected and not self._awaits_welcome:
            if self._ping_at < soonest:
                soonest = self._ping_at
            due_at = self.traffic.due_at()
            if due_at < soonest:
                soonest = due_at
        return soonest if soonest < NEVER else None

    def handle_timer(self, now: float) -> None:
        """Do what is due."""
        if self.is_over:
            return
        if now - self._active_at > PEER_TIMEOUT:
            self._wake_up(now)
        self._active_at = now
        if self._comeback is not None and now >= self._comeback.retry_at:
            self._try_again(self._comeback, now)
        if self.link is not None:
            self.link.handle_timer(now)
            self._heed_link(now)
        if self.is_over:
            return
        if self.is_connected and not self._awaits_welcome:
            if now >= self._ping_at:
                self._ping_at = self.traffic.measured_at + PING_INTERVAL
                if now >= self._ping_at:
                    self.traffic.ping()
                    self._ping_at = now + PING_INTERVAL
            self.traffic.handle_timer(now)
            if self.traffic.acked:
                self._take_acks()
        self._leave_if_done(now)

    def take_signals(self) -> list[Any]:
        """Return what has happened since the last call."""
        signals = self._signals
        if signals:
            self._signals = []
        return signals

    # --- events of the game's thread --------------------------------------------------------------------------------

    def _take_over(self) -> None:
        """Queue what was handed over.

        Raises:
            BacklogFull: There is no room for all of it.
        """
        self.is_awaited = False  # first: what is handed over from here on is told of anew
        handed_over = self._handed_over
        while handed_over:
            message, retries, tag = handed_over[0]
            if retries or self._comeback is None:
                self.traffic.send(message, retries, tag)
            handed_over.popleft()
        self._has_room = self.traffic.backlog_bytes <= MAX_BACKLOG_BYTES // 2

    # --- the link, lost and found ---------------------------------------------------------------------------------

    def _heed_link(self, now: float) -> None:
        link = self.link
        self._is_link_stirred = True
        while link is not None and (signal := link.next_signal()) is not None:
            if isinstance(signal, LinkConnected):
                self._heed_connected(signal.client_id or 0, now)
            elif self._comeback is not None:
                self.link = None
                if not self._comeback.goes_on_after(signal.reason, now):
                    self._end(signal.reason)
            elif self.is_connected and self._may_return(signal.reason):
                self._lose(signal.reason, now)
            else:
                self._end(self._farewell or signal.reason)
        # Payloads that come and go neither move it nor leave anything in line, so both are looked up only after this,
        # where everything else comes by.
        timer = None if self.link is None else self.link.next_timer()
        self._link_timer = NEVER if timer is None else timer

    def _heed_connected(self, client_id: int, now: float) -> None:
        was_lost = self._comeback is not None
        self.is_connected = True
        self._comeback = None
        if was_lost and client_id == self.client_id:
            self._awaits_welcome = True  # which says whether the server still has our seat
            return
        if was_lost:
            self._begin_anew(now)  # it does not know us any more: we are a new client to it
        self.client_id = client_id
        self._signals.append(Connected(client_id))

    def _take_welcome(self, welcome: bytes, link: SecureClient, now: float) -> None:
        self._parting.append((link.seal(welcome, now), link.server_address))
        if not self._awaits_welcome:
            return  # our answer was lost
        self._awaits_welcome = False
        client_id = self.client_id or 0
        if welcome == events.WELCOME_BACK:
            self.traffic.resume(now)
        else:
            # Where the seat was given up, nobody knows any more which of our events were handled: none goes twice.
            self._begin_anew(now, keeps_owed=welcome == events.WELCOME_AFRESH)
        is_new = welcome == events.WELCOME_AS_NEW
        self._signals.append(Connected(client_id) if is_new else Reconnected(client_id))

    def _begin_anew(self, now: float, *, keeps_owed: bool = True) -> None:
        """Forget the state and the counters of the last connection; reliable events that it owed are sent again."""
        owed = self.traffic.unacknowledged() if keeps_owed else []
        self.traffic, self.replica = Traffic(now), Replica()
        for message, tag in owed:
            self.traffic.send(message, RELIABLE, tag)
        self._held = HeldEvents()

    def _may_return(self, reason: DisconnectReason) -> bool:
        wanted = self._reconnects and self._closes_at is None and self._farewell is None
        return wanted and reason is DisconnectReason.TIMED_OUT and bool(self._ticket)

    def _wake_up(self, now: float) -> None:
        """Take note that this program stood still (a laptop's sleep) for so long that the server has given the link up.

        What waits in the socket is old; without this it would pass for signs of life, for another timeout.
        """
        if self.is_connected and self._may_return(DisconnectReason.TIMED_OUT):
            self._lose(DisconnectReason.TIMED_OUT, now)

    def _lose(self, reason: DisconnectReason, now: float) -> None:
        self.is_connected = False
        self._awaits_welcome = False
        self.link, self._link_timer = None, NEVER
        self._comeback = Comeback(now, self._entropy)
        self._signals.append(Lost(reason))

    def _try_again(self, comeback: Comeback, now: float) -> None:
        assert self._make_link is not None
        comeback.begin_attempt()
        self.link = self._make_link(now, self._ticket)
        self._heed_link(now)

    # --- what the server says -------------------------------------------------------------------------------------

    def _take_packet(self, payload: bytes, link: SecureClient, now: float) -> None:
        """Take what the traffic layer makes of a payload, state before events."""
        traffic = self.traffic
        try:
            traffic.receive_packet(payload, now)
        except MalformedDatagram:
            self.dropped += 1
        if traffic.snapshots:
            self._take_snapshots(now)
        if traffic.messages:
            self._take_messages(now)
            if self._farewell is not None:
                self._is_link_stirred = True
                link.disconnect(now)  # which is also the server's sign that its reason was heard
                self._end(self._farewell)
                return
        if self._held.bytes:
            self._signals += self._held.release(self.replica.version)
        if traffic.acked:
            self._take_acks()
            self._leave_if_done(now)

    def _take_snapshots(self, now: float) -> None:
        snapshots, replica = self.traffic.snapshots, self.replica
        for baseline, version, blob in snapshots:
            try:
                replica.receive(baseline, version, blob, now, missed=self.traffic.missed_snapshots)
            except MalformedDatagram:
                self.dropped += 1
        snapshots.clear()

    def _take_messages(self, now: float) -> None:
        messages, held = self.traffic.messages, self._held
        have = self.replica.version
        for mode, message in messages:
            try:
                if message[0] > 3:
                    self._take_control(message)
                    continue
                event, gate = events.decode_event(message)
            except (MalformedDatagram, IndexError):
                self.dropped += 1
                continue
            is_reliable = mode == _RELIABLE_MODE
            if gate > have or (is_reliable and held.reliable):
                if not held.add(gate, event, len(message), is_reliable=is_reliable):
                    messages.clear()
                    self.disconnect(now, wait=0.0, reason=DisconnectReason.PROTOCOL_VIOLATION)
                    return
            else:
                self._signals.append(EventArrived(event, len(message)))
        messages.clear()

    def _take_control(self, message: bytes) -> None:
        if message[0] == events.CLOSING:
            self._farewell = events.decode_closing(message)
        elif message[0] == events.TICKET:
            self._ticket = message[1 : 1 + MAX_TICKET_BYTES]
        else:
            self.dropped += 1

    def _take_acks(self) -> None:
        acked = self.traffic.acked
        self._signals += [EventAcknowledged(tag) for tag in acked if tag is not None]
        acked.clear()

    def _leave_if_done(self, now: float) -> None:
        is_owed = self.traffic.reliable_pending or self._handed_over
        if self._closes_at is not None and (now >= self._closes_at or not is_owed):
            self._say_goodbye(now, self._parting_reason)

    def _say_goodbye(self, now: float, reason: DisconnectReason) -> None:
        if self.link is not None:
            self._is_link_stirred = True
            self.link.disconnect(now)
        self._end(reason)

    def _end(self, reason: DisconnectReason) -> None:
        if not self.is_over:
            self.is_over = True
            self._signals.append(Ended(reason, self.client_id is not None))
            self.is_connected = False
