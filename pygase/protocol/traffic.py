"""`Traffic`: everything two connected peers say to each other above the secure session and below events and state."""

from collections import deque
from struct import error as StructError  # noqa: N812
from typing import Any, Final

from pygase.config import (
    ACK_EVERY_PACKETS,
    COALESCE_DELAY,
    FRAGMENT_BYTES,
    MAX_ACK_DELAY,
    MAX_MESSAGE_BYTES,
    MAX_PAYLOAD_BYTES,
    RELAXED_ACK_DELAY,
    RELIABLE,
)
from pygase.errors import MalformedDatagram, TooLarge
from pygase.protocol.congestion import Congestion
from pygase.protocol.fragments import ParcelSender
from pygase.protocol.large import LargeSender
from pygase.protocol.layout import (
    ACK,
    ACK_DELAY_UNIT,
    FLAG_ACK,
    FRAGMENT_RETRIED,
    FRAGMENT_UNRELIABLE,
    HEADER,
    HEADER_WITH_ACK,
    MODE_UNRELIABLE,
    RELIABLE_RUN,
    RUNS_SHIFT,
    SNAPSHOT,
    UNKNOWN_ACK_DELAY,
    UNRELIABLE,
    URGENCY_MASK,
    URGENCY_NONE,
    URGENCY_NOW,
    URGENCY_RELAXED,
    URGENCY_SOON,
    read_varint,
    varint,
)
from pygase.protocol.rare import RareFrame, RareFrames
from pygase.protocol.received import ReceivedPackets
from pygase.protocol.recovery import Contents, Recovery
from pygase.protocol.reliable import ReliableReceiver, ReliableSender
from pygase.protocol.retried import RetriedSender
from pygase.protocol.rtt import RoundTrip
from pygase.protocol.snapshots import SnapshotReceiver, SnapshotSender
from pygase.protocol.stats import TrafficStats
from pygase.protocol.unreliable import UnreliableSender

__all__ = ["Traffic"]

_NEVER: Final = float("inf")

_FULL_PACKET: Final = 1_000
"""So many bytes of small messages are worth a packet even when a packet has just gone."""

_RESERVE: Final = 2 * MAX_PAYLOAD_BYTES
"""How far small messages may go beyond what fragments have filled: they never wait behind those."""

_LOSSY: Final = 0.01
"""From this loss on, small reliable messages go out a second time early (see `ReliableSender`)."""

_MANY_RUNS: Final = 8
"""An ack that has grown to so many runs asks to be acknowledged itself, so that it may shrink."""


class Traffic:
    """One side's half of one connection's traffic. Symmetric, without I/O; `now` is monotonic seconds everywhere.

    The owner's turn: `receive_packet` for each payload that came in, then take what is in `messages`, `snapshots`
    and `acked`; `handle_timer` when `next_timer` is due; then `packets_to_send` and send them all.

    Args:
        now: The current time.
        accepts_snapshots: False on a side that never receives state (the server): a snapshot frame is malformed then.

    Attributes:
        messages: Received messages ready to be handled, `(mode, message)`; the owner takes them out.
        snapshots: Completed snapshots `(baseline, version, blob)`, newest last; the owner takes them out.
        acked: Tags of messages that the peer is now known to have; the owner takes them out.
        latency: Smoothed round trip in seconds, without the time the peer held its ack back; 0.0 before any sample.
        stats: Counters.
    """

    __slots__ = (
        "_ack_at",
        "_coalesce_until",
        "_congestion",
        "_fresh_bytes",
        "_large_retried",
        "_large_unreliable",
        "_messages_first",
        "_parcels",
        "_rare",
        "_received",
        "_received_at",
        "_recovery",
        "_reliable",
        "_reliable_in",
        "_retried",
        "_round_trip",
        "_silent_bytes",
        "_snapshot",
        "_snapshot_in",
        "_unacked_packets",
        "_unasked_bytes",
        "_unreliable",
        "acked",
        "latency",
        "messages",
        "snapshots",
        "stats",
    )

    def __init__(self, now: float, *, accepts_snapshots: bool = True) -> None:
        self.messages: deque[tuple[int, bytes]] = deque()
        self.snapshots: deque[tuple[int | None, int, bytes]] = deque()
        self.acked: deque[object] = deque()
        self.latency = 0.0
        self.stats = stats = TrafficStats()
        self._received = ReceivedPackets()
        self._round_trip = RoundTrip()
        self._congestion = Congestion(now)
        self._recovery = Recovery(self._congestion, self._round_trip, self._received, stats)
        # Outgoing.
        acked = self.acked
        self._parcels = ParcelSender(stats)
        self._unreliable = UnreliableSender(acked, stats)
        self._retried = RetriedSender(acked, stats)
        self._reliable = ReliableSender(acked, self._parcels, stats)
        self._large_unreliable = LargeSender(FRAGMENT_UNRELIABLE, acked, self._parcels, stats)
        self._large_retried = LargeSender(FRAGMENT_RETRIED, acked, self._parcels, stats)
        self._snapshot = SnapshotSender(stats)
        self._fresh_bytes = 0
        self._silent_bytes = 0
        self._unasked_bytes = 0
        self._coalesce_until = now
        self._messages_first = False
        # Incoming.
        self._reliable_in = ReliableReceiver(self.messages, stats)
        self._snapshot_in = SnapshotReceiver(self.snapshots, stats) if accepts_snapshots else None
        self._rare = RareFrames(self.messages, self._reliable_in, self._snapshot_in, stats)
        self._received_at = now
        self._ack_at = _NEVER
        self._unacked_packets = 0

    # --- outgoing -------------------------------------------------------------------------------------------------

    def send(self, message: bytes, retries: int = 0, tag: object = None) -> None:
        """Queue one message.

        Args:
            message: At most `config.MAX_MESSAGE_BYTES` bytes.
            retries: 0 sends it once; n > 0 resends it at most n times when lost; `config.RELIABLE` (-1) resends it
                until it is acknowledged, and in order.
            tag: If not None, put into `acked` exactly once when the peer has the whole message (in any mode).

        Raises:
            BacklogFull: More is queued than the connection carries; nothing has been queued.
            TooLarge: The message is larger than `config.MAX_MESSAGE_BYTES`.
        """
        size = len(message)
        if size <= FRAGMENT_BYTES:
            if retries == RELIABLE:
                self._reliable.send(message, tag)
            elif retries == 0:
                self._unreliable.send(message, tag)
            else:
                self._retried.send(message, retries, tag)
            self._fresh_bytes += size + 2
        elif size > MAX_MESSAGE_BYTES:
            raise TooLarge(f"a message of {size} bytes is larger than the limit of {MAX_MESSAGE_BYTES}")
        elif retries == RELIABLE:
            self._reliable.send(message, tag)
        elif retries == 0 and tag is None:
            self._large_unreliable.send(message, 0, None)
        else:
            # With a tag even what is sent once goes where the receiver forgets no part of it: the tag must be true.
            self._large_retried.send(message, retries, tag)
        self.stats.messages_sent += 1

    def offer_snapshot(self, baseline: int | None, version: int, blob: bytes) -> None:
        """Offer the newest state. It replaces an offer that was not sent yet; while `snapshot_busy`, it is only noted.

        Args:
            baseline: The version that the blob is a delta against (`acked_version` or older), None for a full state.
            version: The version that the peer has afterwards; larger than `baseline`.
            blob: Encoded update; copied once, when it goes into a packet.

        Raises:
            TooLarge: The blob is larger than `config.MAX_SNAPSHOT_BYTES`.
        """
        self._snapshot.make_offer(baseline, version, blob)

    @property
    def acked_version(self) -> int | None:
        """Newest snapshot version that the peer is known to have, or None."""
        version = self._snapshot.acked_version
        return version if version >= 0 else None

    @property
    def snapshot_busy(self) -> bool:
        """Whether a snapshot of more than one packet is under way; new offers wait until it has arrived."""
        return self._snapshot.transfer is not None

    @property
    def snapshot_due(self) -> bool:
        """Whether to offer anew, even without a further tick.

        True when the newest version offered is not acknowledged and nothing that carries it is queued or under way:
        its packet was lost, or it was offered while `snapshot_busy`. Offering clears it.
        """
        return self._snapshot.due

    def packets_to_send(self, now: float) -> list[bytes]:
        """All packets that may go now, each at most `config.MAX_PAYLOAD_BYTES`; each must be sent, in this order."""
        packets: list[bytes] = []
        if self._recovery.probes:
            self._recovery.probes = 0
            packets.append(self._build(now, bulk=True) or self._build_bare(now, URGENCY_NOW))
        small = self._small_waiting()
        if small or self._bulk_waiting():
            congestion = self._congestion
            prompt = now >= self._coalesce_until or self._prompt()
            large = self._bulk_waiting()
            while True:
                bulk = congestion.may_send(now, 0)
                if not bulk and not (small and large and congestion.may_send(now, _RESERVE)):
                    break
                if not prompt and self._fresh_bytes < _FULL_PACKET:
                    small = False
                    if not self._bulk_waiting():
                        break
                packet = self._build(now, bulk=bulk)
                if packet is None:
                    break
                packets.append(packet)
                small = self._small_waiting()
                if not small and not self._bulk_waiting():
                    self._fresh_bytes = 0
                    break
            if self._unreliable.queue:
                self._unreliable.drop_old(now)
        if packets:
            self._coalesce_until = now + COALESCE_DELAY
        elif now >= self._ack_at:
            packets.append(self._build_bare(now, URGENCY_NONE))
        return packets

    def _small_waiting(self) -> bool:
        """Whether something that fits into one packet is ready to go."""
        unreliable = self._unreliable
        if unreliable.queue or unreliable.tagged or self._snapshot.offer:
            return True
        reliable = self._reliable
        return bool((reliable.fresh or reliable.overdue) and reliable.waiting) or self._retried.waiting

    def _bulk_waiting(self) -> bool:
        """Whether a fragment is ready to go."""
        if self._large_unreliable.fresh:
            self._large_unreliable.start()
        if self._large_retried.fresh:
            self._large_retried.start()
        transfer = self._snapshot.transfer
        return (transfer is not None and transfer.waiting) or self._parcels.waiting

    def _prompt(self) -> bool:
        """Whether what waits shall not wait for company."""
        return bool(self._snapshot.offer or self._reliable.overdue or self._retried.overdue)

    def _build(self, now: float, *, bulk: bool) -> bytes | None:  # noqa: C901, PLR0912  (the hot path: flat on purpose)
        """Make the next packet of what waits; None if nothing does."""
        recovery = self._recovery
        number = recovery.next_number
        received = self._received
        ack_top = received.top
        parts: list[Any] = [b""]
        contents: Contents = []
        if ack_top > received.known:
            run, ranges, count = received.encode()
            room = MAX_PAYLOAD_BYTES - 9 - len(ranges)
        else:
            ack_top = -1
            room = MAX_PAYLOAD_BYTES - 3
        urgency = URGENCY_NONE
        unreliable = self._unreliable
        reliable = self._reliable
        retried = self._retried
        repeatable = reliable.repeatable(now) if self._congestion.loss >= _LOSSY else 0
        if reliable.overdue:
            room = reliable.pack_overdue(parts, contents, room, number)
        if retried.overdue:
            room = retried.pack(parts, contents, room)
        messages_first = self._messages_first
        if (unreliable.queue or unreliable.tagged) and not messages_first:
            share = bool(reliable.fresh or retried.fresh)
            self._messages_first = share
            room, urgency = unreliable.pack(parts, contents, room, share=share)
        if retried.fresh:
            room = retried.pack(parts, contents, room)
        if reliable.fresh:
            room = reliable.pack(parts, contents, room, now)
        if messages_first:
            self._messages_first = False
            room, urgency = unreliable.pack(parts, contents, room, share=False)
        if contents:
            urgency = URGENCY_SOON
        snapshot = self._snapshot
        if snapshot.offer is not None:
            room = snapshot.pack(parts, contents, room)
            if not urgency and contents:
                urgency = URGENCY_RELAXED
        if bulk and room > 64:
            before = len(contents)
            if self._parcels.parcels:
                room = self._parcels.pack(parts, contents, room)
            if snapshot.transfer is not None:
                room = snapshot.transfer.pack(parts, contents, room, self.stats)
            if len(contents) > before:
                urgency = URGENCY_SOON
        if len(parts) == 1:
            return None
        if repeatable and room > 64:
            before = len(contents)
            room = reliable.repeat(parts, contents, room, number, repeatable)
            if len(contents) > before:
                urgency = URGENCY_SOON
        size = MAX_PAYLOAD_BYTES - room
        urgency = self._ask(urgency, size)
        parts[0] = self._head(now, urgency, run, ranges, count) if ack_top >= 0 else HEADER.pack(number & 0xFFFF, urgency)
        packet = b"".join(parts)
        recovery.on_sent(now, len(packet), urgency, contents, ack_top)
        recovery.next_number = number + 1
        stats = self.stats
        stats.packets_sent += 1
        stats.bytes_sent += len(packet)
        self._fresh_bytes -= size
        return packet

    def _ask(self, urgency: int, size: int) -> int:
        """How soon to ask for an ack of a packet of this size whose contents need `urgency`."""
        self._unasked_bytes += size
        if urgency >= URGENCY_SOON:
            self._silent_bytes = 0
            # Four acks per window keep it moving, whatever the peer's ack delay is beside the round trip.
            if self._unasked_bytes * 4 < self._congestion.window:
                return urgency
            self._unasked_bytes = 0
            return URGENCY_NOW
        if urgency:
            self._silent_bytes = 0
            return urgency
        # What is only unreliable asks for nothing, but now and then: else nobody would know how the line does.
        self._silent_bytes += size
        if self._silent_bytes * 8 < self._congestion.window:
            return URGENCY_NONE
        self._silent_bytes = 0
        return URGENCY_NOW

    def _head(self, now: float, urgency: int, run: int, ranges: bytes, count: int) -> bytes:
        """A packet's header with its acks; none are due after it."""
        self._ack_at = _NEVER
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

    # --- incoming -------------------------------------------------------------------------------------------------

    def receive_packet(self, payload: bytes, now: float) -> None:  # noqa: C901, PLR0912, PLR0915  (the hot path: flat)
        """Take in one packet of the peer's.

        Raises:
            MalformedDatagram: It is not a packet of ours, or breaks a limit; nothing has changed then.
        """
        size = len(payload)
        received = self._received
        ready: list[tuple[int, bytes]] = []
        reliable_runs: list[tuple[int, list[bytes]]] = []
        rare: list[RareFrame] = []
        snapshot: tuple[int | None, int, bytes] | None = None
        runs: list[tuple[int, int]] | None = None
        ack_top = ack_low = -1
        try:
            low_bits, flags = HEADER.unpack_from(payload)
            expected = received.top + 1
            number = expected + ((low_bits - expected + 0x8000) & 0xFFFF) - 0x8000
            if number < expected and number in received:
                self.stats.packets_duplicated += 1
                return
            position = 3
            if flags & FLAG_ACK:
                top, delay = ACK.unpack_from(payload, 3)
                newest = self._recovery.next_number - 1
                ack_top = newest - ((newest - top) & 0xFFFF)
                run = payload[7]
                position = 8
                if run > 0x7F:
                    run, position = read_varint(payload, 7)
                ack_low = ack_top - run
                if flags >> RUNS_SHIFT:
                    runs, position = _read_runs(payload, position, flags >> RUNS_SHIFT, ack_low)
                if ack_low < 0 or ack_top < newest - 0x8000:
                    raise MalformedDatagram("an ack of a packet that was never sent")
            elif flags >> RUNS_SHIFT:
                raise MalformedDatagram("ack runs without an ack")
            while position < size:
                kind = payload[position]
                if kind == UNRELIABLE:
                    length = payload[position + 1]
                    position += 2
                    if length > 0x7F:
                        length = length & 0x7F | payload[position] << 7
                        position += 1
                    end = position + length
                    if end > size:
                        raise MalformedDatagram("a length beyond the packet's end")
                    ready.append((MODE_UNRELIABLE, payload[position:end]))
                    position = end
                elif kind == RELIABLE_RUN:
                    position = self._reliable_in.parse(payload, position, reliable_runs)
                elif kind == SNAPSHOT and self._snapshot_in is not None:
                    newer, position = self._snapshot_in.parse(payload, position)
                    if snapshot is None or newer[1] > snapshot[1]:
                        snapshot = newer
                else:
                    position = self._rare.parse(payload, position, rare)
        except (IndexError, StructError):
            raise MalformedDatagram("a packet that ends too soon") from None
        # All is well: from here on nothing raises.
        stats = self.stats
        stats.packets_received += 1
        stats.bytes_received += size
        urgency = flags & URGENCY_MASK
        if number >= expected:
            self._received_at = now
        if urgency:
            self._note_urgency(urgency, now, in_order=number == expected)
        received.add(number, self._recovery.next_number)
        if ack_top >= 0:
            self._recovery.on_ack(
                ack_top, ack_low, runs, delay * ACK_DELAY_UNIT if delay < UNKNOWN_ACK_DELAY else -1.0, now
            )
            self.latency = self._round_trip.smoothed
        if ready:
            self.messages.extend(ready)
            stats.messages_received += len(ready)
        for first, messages in reliable_runs:
            self._reliable_in.accept(first, messages)
        if snapshot is not None:
            self._snapshot_in.accept(snapshot)  # type: ignore[union-attr]
        if rare:
            self._rare.apply(rare, now)

    def _note_urgency(self, urgency: int, now: float, *, in_order: bool) -> None:
        """A packet asks for an ack: when is it due?"""
        if urgency == URGENCY_RELAXED:
            at = now + RELAXED_ACK_DELAY
        else:
            self._unacked_packets += 1
            if urgency == URGENCY_NOW or not in_order or self._unacked_packets >= ACK_EVERY_PACKETS:
                at = now
            else:
                at = now + MAX_ACK_DELAY
        if at < self._ack_at:
            self._ack_at = at

    # --- time -----------------------------------------------------------------------------------------------------

    def next_timer(self) -> float | None:
        """When to call `handle_timer` and then `packets_to_send` again, if nothing else happens; None for never."""
        recovery = self._recovery
        at = self._ack_at
        if recovery.loss_at < at:
            at = recovery.loss_at
        if recovery.eliciting:
            probe_at = recovery.probe_at()
            if probe_at < at:
                at = probe_at
        bulk = self._bulk_waiting()
        if self._small_waiting():
            send_at = self._congestion.next_send(_RESERVE if bulk else 0)
            if not self._prompt() and send_at < self._coalesce_until and self._fresh_bytes < _FULL_PACKET:
                send_at = self._coalesce_until
            if send_at < at:
                at = send_at
        if bulk:
            send_at = self._congestion.next_send(0)
            if send_at < at:
                at = send_at
        return at if at < _NEVER else None

    def handle_timer(self, now: float) -> None:
        """Run what is due: detect losses, queue probes, drop what is too old. Cheap and harmless when early."""
        recovery = self._recovery
        if now >= recovery.loss_at:
            recovery.detect_losses(now)
        if recovery.eliciting and now >= recovery.probe_at():
            recovery.probe(now)
        self._rare.forget_stalled(now)

    def resume(self, now: float) -> None:
        """The connection below came back (reconnect with the same peer `Traffic`): forget path, back-off and window.

        Everything in flight counts as lost and goes again as its mode allows.
        """
        self._recovery.lose_everything()
        self._congestion.restart(now)
        self._round_trip.__init__()  # type: ignore[misc]
        self._coalesce_until = now

    # --- looking in -----------------------------------------------------------------------------------------------

    @property
    def reliable_pending(self) -> int:
        """Number of `RELIABLE` messages that are queued or not acknowledged yet."""
        return len(self._reliable)

    @property
    def backlog_bytes(self) -> int:
        """Bytes of messages that are queued or, where they may be resent, not acknowledged yet."""
        return (
            self._unreliable.bytes
            + self._retried.bytes
            + self._reliable.bytes
            + self._large_unreliable.bytes
            + self._large_retried.bytes
        )

    @property
    def idle(self) -> bool:
        """Whether nothing is queued and nothing awaits an acknowledgement."""
        return not (self._recovery.eliciting or self.backlog_bytes or self._snapshot.offer or self._snapshot.transfer)

    @property
    def quality(self) -> float:
        """How good the line is for a game, 1.0 (perfect) to 0.0, from loss and latency."""
        loss = self._congestion.loss - _LOSSY
        lossless = 1.0 - min(max(loss, 0.0) * 4.0, 1.0)
        # Up to 50 ms nobody feels; at 300 ms a fast game is half as good.
        late = max(self.latency - 0.05, 0.0)
        return lossless * 0.25 / (0.25 + late)

    def unacknowledged(self) -> list[tuple[bytes, object]]:
        """The `RELIABLE` messages that the peer may not have, in order, with tags: to send again in a new session."""
        return self._reliable.unacknowledged()


def _read_runs(data: bytes, position: int, count: int, low: int) -> tuple[list[tuple[int, int]], int]:
    """Read further runs of acknowledged packets, below packet `low`; returns them and the position behind."""
    runs = []
    for _ in range(count):
        gap, position = read_varint(data, position)
        length, position = read_varint(data, position)
        last = low - gap - 2
        low = last - length
        runs.append((low, last))
    if low < 0:
        raise MalformedDatagram("an ack of a packet that was never sent")
    return runs, position
