"""A client's whole session, without I/O: secure link, traffic, state and events."""

from collections import deque
from typing import Any, Final

from pygase.config import DISCONNECT_WAIT, MAX_HELD_BYTES
from pygase.errors import DisconnectReason, MalformedDatagram
from pygase.netcode import Connected as LinkConnected
from pygase.netcode import SecureClient
from pygase.protocol import Traffic
from pygase.session import events
from pygase.session.events import Event
from pygase.session.signals import Connected, Ended, EventAcknowledged, EventArrived
from pygase.state import Replica

__all__ = ["ClientSession"]

_RELIABLE_MODE: Final = 2


class ClientSession:
    """One client's side of a connection, from the first hello to the goodbye.

    Events may be dispatched from the start; they leave once the link stands.

    Args:
        now: Monotonic seconds.
    """

    def __init__(self, now: float) -> None:
        self.traffic = Traffic(now)
        self.replica = Replica()
        self.link: SecureClient | None = None
        self.is_connected = False
        self.is_over = False
        self.dropped = 0
        self._signals: list[Any] = []
        # Events whose state has not arrived yet, with the time_order they wait for. Reliable ones keep their order.
        self._held: deque[tuple[int, Event]] = deque()
        self._held_reliable: deque[tuple[int, Event]] = deque()
        self._held_bytes = 0
        self._closes_at: float | None = None
        self._farewell: DisconnectReason | None = None
        self._parting_reason = DisconnectReason.CLIENT_LEFT

    def start(self, link: SecureClient) -> None:
        """Begin to connect over a link."""
        self.link = link

    def fail(self, reason: DisconnectReason) -> None:
        """End a session whose link cannot even be made."""
        self._end(reason)

    def dispatch(self, message: bytes, retries: int, tag: object) -> None:
        """Queue an event message.

        Raises:
            BacklogFull: More is waiting than the connection can carry.
        """
        self.traffic.send(message, retries, tag)

    def disconnect(
        self,
        now: float,
        *,
        shutdown_server: bool = False,
        wait: float = DISCONNECT_WAIT,
        reason: DisconnectReason = DisconnectReason.CLIENT_LEFT,
    ) -> None:
        """Leave once reliable events are acknowledged, or `wait` seconds have passed."""
        if self.is_over:
            return
        if not self.is_connected:
            self._say_goodbye(now, reason)
            return
        self._parting_reason = reason
        if shutdown_server:
            self.traffic.send(bytes((events.SHUTDOWN_REQUEST,)), -1)
        if self._closes_at is None or now + wait < self._closes_at:
            self._closes_at = now + wait
        self._leave_if_done(now)

    def receive_datagram(self, data: bytes, address: tuple[Any, ...], now: float) -> None:
        """Take in one datagram off the network. Never raises."""
        link = self.link
        if link is None or self.is_over:
            return
        payload = link.receive_datagram(data, address, now)
        if payload is None:
            self._heed_link()
            return
        if not self.is_connected:
            self._heed_link()
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
                link.disconnect(now)  # which is also the server's sign that its reason was heard
                self._end(self._farewell)
                return
        if self._held or self._held_reliable:
            self._release()
        if traffic.acked:
            self._take_acks()
            self._leave_if_done(now)

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, tuple[Any, ...]]]:
        """Return what has to go out now."""
        link = self.link
        if link is None:
            return []
        out = link.datagrams_to_send()
        if self.is_connected:
            address = link.server_address
            for payload in self.traffic.packets_to_send(now):
                out.append((link.seal(payload, now), address))
        return out

    def next_timer(self) -> float | None:
        """Return when `handle_timer` wants to be called, or None."""
        link = self.link
        if link is None or self.is_over:
            return None
        timer = link.next_timer()
        if self.is_connected:
            for other in (self.traffic.next_timer(), self._closes_at):
                if other is not None and (timer is None or other < timer):
                    timer = other
        return timer

    def handle_timer(self, now: float) -> None:
        """Do what is due."""
        link = self.link
        if link is None or self.is_over:
            return
        link.handle_timer(now)
        self._heed_link()
        if self.is_connected and not self.is_over:
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

    def _heed_link(self) -> None:
        assert self.link is not None
        while (signal := self.link.next_signal()) is not None:
            if isinstance(signal, LinkConnected):
                self.is_connected = True
                self._signals.append(Connected(signal.client_id or 0))
            else:
                self._end(self._farewell or signal.reason)

    def _take_snapshots(self, now: float) -> None:
        snapshots, replica = self.traffic.snapshots, self.replica
        while snapshots:
            baseline, version, blob = snapshots.popleft()
            try:
                replica.receive(baseline, version, blob, now)
            except MalformedDatagram:
                self.dropped += 1

    def _take_messages(self, now: float) -> None:
        messages = self.traffic.messages
        have = self.replica.version
        while messages:
            mode, message = messages.popleft()
            try:
                if message[0] > 3:
                    self._take_control(message)
                    continue
                event, gate = events.decode_event(message)
            except (MalformedDatagram, IndexError):
                self.dropped += 1
                continue
            held = self._held_reliable if mode == _RELIABLE_MODE else self._held
            if gate > have or (mode == _RELIABLE_MODE and held):
                self._held_bytes += len(message)
                if self._held_bytes > MAX_HELD_BYTES:
                    messages.clear()
                    self.disconnect(now, wait=0.0, reason=DisconnectReason.PROTOCOL_VIOLATION)
                    return
                held.append((gate, event))
            else:
                self._signals.append(EventArrived(event))

    def _release(self) -> None:
        have = self.replica.version
        ordered = self._held_reliable
        while ordered and ordered[0][0] <= have:
            self._signals.append(EventArrived(ordered.popleft()[1]))
        for _ in range(len(self._held)):
            gate, event = self._held.popleft()
            if gate <= have:
                self._signals.append(EventArrived(event))
            else:
                self._held.append((gate, event))
        if not ordered and not self._held:
            self._held_bytes = 0

    def _take_control(self, message: bytes) -> None:
        if message[0] == events.CLOSING:
            self._farewell = events.decode_closing(message)  # read before the link's goodbyes, or not at all
        else:
            self.dropped += 1

    def _take_acks(self) -> None:
        acked = self.traffic.acked
        while acked:
            tag = acked.popleft()
            if tag is not None:
                self._signals.append(EventAcknowledged(tag))

    def _leave_if_done(self, now: float) -> None:
        if self._closes_at is not None and (now >= self._closes_at or not self.traffic.reliable_pending):
            self._say_goodbye(now, self._parting_reason)

    def _say_goodbye(self, now: float, reason: DisconnectReason) -> None:
        if self.link is not None:
            self.link.disconnect(now)
        self._end(reason)

    def _end(self, reason: DisconnectReason) -> None:
        if not self.is_over:
            self.is_over = True
            self._signals.append(Ended(reason, self.is_connected))
            self.is_connected = False
