"""The sending half of `Traffic`: when a packet goes, and what goes into it."""

# ruff: noqa: PLR1730  (this runs for every packet, and max() costs four times a comparison)

from typing import Any, Final

from pygase.config import COALESCE_DELAY, MAX_PAYLOAD_BYTES
from pygase.protocol.incoming import NEVER, Incoming
from pygase.protocol.layout import (
    ACK,
    ACK_DELAY_UNIT,
    FLAG_ACK,
    HEADER,
    HEADER_WITH_ACK,
    RUNS_SHIFT,
    UNKNOWN_ACK_DELAY,
    URGENCY_NONE,
    URGENCY_NOW,
    URGENCY_RELAXED,
    URGENCY_SOON,
    varint,
)
from pygase.protocol.messages import Messages
from pygase.protocol.recovery import Contents
from pygase.protocol.snapshots import SnapshotSender

__all__ = ["Outgoing"]

_FULL_PACKET: Final = 1_000
"""So many bytes of small messages are worth a packet even when a packet has just gone."""

_RESERVE: Final = 2 * MAX_PAYLOAD_BYTES
"""How far small messages may go beyond what fragments have filled: they never wait behind those."""

_MANY_RUNS: Final = 8
"""An ack that has grown to so many runs asks to be acknowledged itself, so that it may shrink."""

_ASKS_PER_WINDOW: Final = 4
_SILENT_ASKS_PER_WINDOW: Final = 8
"""How often per window an ack is asked for at once: keeps it moving, whatever the peer's ack delay is beside the round
trip. More often among packets that ask for none by themselves."""

_LEAST_ROOM: Final = 64
"""Less room than this in a packet is not worth looking for something to fill it with."""


class Outgoing(Incoming):
    """What `Traffic` sends. See there for attributes."""

    __slots__ = (
        "_coalesce_until",
        "_fresh_bytes",
        "_has_messages",
        "_messages",
        "_silent_bytes",
        "_unasked_bytes",
        "acked",
        "snapshot_out",
    )

    def __init__(self, now: float, *, accepts_snapshots: bool) -> None:
        super().__init__(now, accepts_snapshots=accepts_snapshots)
        self.acked: list[object] = []
        self._messages = Messages(self.acked, self.stats)
        # Whether there may be any: if not, as mostly with a server's clients, nobody looks.
        self._has_messages = False
        self.snapshot_out = SnapshotSender(self.stats)
        # Bytes of small messages queued since there were none: is it worth a packet yet?
        self._fresh_bytes = 0
        self._silent_bytes = 0
        self._unasked_bytes = 0
        self._coalesce_until = now

    # --- when -------------------------------------------------------------------------------------------------------

    def packets_to_send(self, now: float, most: float = NEVER) -> list[bytes]:
        """All packets that may go now, each at most `config.MAX_PAYLOAD_BYTES`; each must be sent, in this order.

        Args:
            now: The current time.
            most: About how many at once; `next_timer` is then due at once.
        """
        packets: list[bytes] = []
        if self._recovery.probes:
            self._recovery.probes = 0
            packets.append(self._build(now, bulk=True, probe=True) or self._build_bare(now, URGENCY_NOW))
        small, large = self._waiting()
        if small or large:
            prompt = now >= self._coalesce_until or self._prompt()
            while (large or (small and (prompt or self._fresh_bytes >= _FULL_PACKET))) and len(packets) < most:
                bulk = self._congestion.may_send(now, 0)
                if not bulk and not (small and large and self._congestion.may_send(now, _RESERVE)):
                    break
                packet = self._build(now, bulk=bulk and large)
                if packet is None:
                    break
                packets.append(packet)
                self._has_messages = self._has_messages and self._messages.are_left  # mostly none: nobody else is asked
                small, large = self._waiting()
                if not small:
                    self._fresh_bytes = 0
            if self._has_messages:
                self._messages.drop_old(now)
        if packets:
            self._coalesce_until = now + COALESCE_DELAY
        elif now >= self._ack_at:
            packets.append(self._build_bare(now, URGENCY_NONE))
        return packets

    def _send_at(self) -> float:
        """When `packets_to_send` will have more to send, as far as that is a matter of time."""
        small, large = self._waiting()
        if not small:
            return self._congestion.next_send(0) if large else NEVER
        at = self._congestion.next_send(_RESERVE if large else 0)
        if at < self._coalesce_until and self._fresh_bytes < _FULL_PACKET and not self._prompt():
            at = self._coalesce_until
        return min(at, self._congestion.next_send(0)) if large else at

    def _waiting(self) -> tuple[bool, bool]:
        """Whether something that fits into one packet is ready to go, and whether a fragment is."""
        snapshot = self.snapshot_out
        transfer = snapshot.transfer
        small = snapshot.offer is not None
        large = transfer is not None and transfer.waiting
        if self._has_messages:
            small = small or self._messages.small_waiting
            large = large or self._messages.large_waiting
        return small, large

    def _prompt(self) -> bool:
        """Whether what waits shall not wait for company: state rides with its tick, and what was lost is late."""
        return self.snapshot_out.offer is not None or (self._has_messages and self._messages.are_overdue)

    # --- what -------------------------------------------------------------------------------------------------------

    def _build(self, now: float, *, bulk: bool, probe: bool = False) -> bytes | None:
        """Make the next packet of what waits; None if nothing does.

        Args:
            now: The current time.
            bulk: Whether fragments may go along.
            probe: Whether the packet has to ask for an ack at once, whatever is in it.
        """
        recovery = self._recovery
        number = recovery.next_number
        received = self._received
        ack_top = received.top
        parts: list[Any] = [b""]
        contents: Contents = []
        if ack_top > received.known:
            run, ranges, count = received.encode()
            room = most = MAX_PAYLOAD_BYTES - 9 - len(ranges)
        else:
            run, ranges, count = 0, b"", 0
            ack_top = -1
            room = most = MAX_PAYLOAD_BYTES - 3
        urgency, repeatable = URGENCY_NONE, 0
        if self._has_messages:
            repeatable = self._messages.reliable.repeatable(now, self._congestion.loss)
            room = self._messages.pack(parts, contents, room, number, now)
            urgency = URGENCY_SOON if contents else URGENCY_NONE
        if self.snapshot_out.offer is not None:
            room = self.snapshot_out.pack(parts, contents, room)
            if contents and not urgency:
                urgency = URGENCY_RELAXED
        if bulk and room > _LEAST_ROOM:
            room, urgency = self._pack_fragments(parts, contents, room, urgency)
        if room == most:
            return None
        if repeatable and room > _LEAST_ROOM:
            left = self._messages.reliable.repeat(parts, contents, room, number, repeatable)
            if left != room:
                room = left
                urgency = URGENCY_SOON
        urgency = URGENCY_NOW if probe else self._ask(urgency, most - room)
        if ack_top >= 0:
            parts[0] = self._head(now, urgency, run, ranges, count)
        else:
            parts[0] = HEADER.pack(number & 0xFFFF, urgency)
        packet = b"".join(parts)
        size = len(packet)
        recovery.on_sent(now, size, urgency, contents, ack_top)
        recovery.next_number = number + 1
        self._fresh_bytes -= size
        stats = self.stats
        stats.packets_sent += 1
        stats.bytes_sent += size
        return packet

    def _pack_fragments(self, parts: list[Any], contents: Contents, room: int, urgency: int) -> tuple[int, int]:
        """Put fragments into a packet, messages' before the state's; returns the room left and the urgency."""
        before = len(contents)
        if self._messages.parcels.ready:
            room = self._messages.parcels.pack(parts, contents, room)
        if self.snapshot_out.transfer is not None:
            room = self.snapshot_out.transfer.pack(parts, contents, room, self.stats)
        return room, URGENCY_SOON if len(contents) > before else urgency

    def _ask(self, urgency: int, size: int) -> int:
        """How soon to ask for an ack of a packet of this size whose contents need `urgency`."""
        if urgency >= URGENCY_SOON:
            self._silent_bytes = 0
            self._unasked_bytes += size
            if self._unasked_bytes * _ASKS_PER_WINDOW < self._congestion.window:
                return urgency
            self._unasked_bytes = 0
            return URGENCY_NOW
        if urgency:
            self._silent_bytes = 0
            return urgency
        # What is only unreliable asks for nothing, but now and then: else nobody would know how the line does.
        self._silent_bytes += size
        if self._silent_bytes * _SILENT_ASKS_PER_WINDOW < self._congestion.window:
            return URGENCY_NONE
        self._silent_bytes = 0
        return URGENCY_NOW

    def _head(self, now: float, urgency: int, run: int, ranges: bytes, count: int) -> bytes:
        """A packet's header with its acks; none are due after it."""
        self._ack_at = NEVER
        self._unacked_packets = 0
        delay = int((now - self._received_at) / ACK_DELAY_UNIT)
        if delay > UNKNOWN_ACK_DELAY:
            delay = UNKNOWN_ACK_DELAY
        flags = urgency | FLAG_ACK | count << RUNS_SHIFT
        top = self._received.top & 0xFFFF
        number = self._recovery.next_number & 0xFFFF
        if run < 0x80:
            return HEADER_WITH_ACK.pack(number, flags, top, delay, run) + ranges
        return HEADER.pack(number, flags) + ACK.pack(top, delay) + varint(run) + ranges

    def _build_bare(self, now: float, urgency: int) -> bytes:
        """A packet with acks only, or a probe with nothing to say."""
        received = self._received
        recovery = self._recovery
        number = recovery.next_number
        ack_top = received.top
        if ack_top < 0:
            packet = HEADER.pack(number & 0xFFFF, urgency)
        else:
            run, ranges, count = received.encode()
            if count >= _MANY_RUNS and not urgency:
                urgency = URGENCY_RELAXED
            packet = self._head(now, urgency, run, ranges, count)
        if urgency:
            recovery.on_sent(now, len(packet), urgency, [], ack_top)
        recovery.next_number = number + 1
        self.stats.packets_sent += 1
        self.stats.bytes_sent += len(packet)
        return packet
