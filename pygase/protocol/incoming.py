"""The receiving half of `Traffic`: one packet in, all of it or nothing."""

# ruff: noqa: PLR1730  (this runs for every packet, and max() costs four times a comparison)

from struct import error as StructError  # noqa: N812
from typing import Final

from pygase.config import ACK_EVERY_PACKETS, MAX_ACK_DELAY, RELAXED_ACK_DELAY
from pygase.errors import MalformedDatagram
from pygase.protocol.congestion import Congestion
from pygase.protocol.layout import (
    ACK_DELAY_UNIT,
    FLAG_ACK,
    MODE_UNRELIABLE,
    RELIABLE_RUN,
    RUNS_SHIFT,
    SNAPSHOT,
    UNKNOWN_ACK_DELAY,
    UNRELIABLE,
    URGENCY_MASK,
    URGENCY_NOW,
    URGENCY_RELAXED,
    read_varint,
)
from pygase.protocol.rare import RareFrame, RareFrames
from pygase.protocol.received import ReceivedPackets
from pygase.protocol.recovery import Recovery
from pygase.protocol.reliable_receiver import ReliableReceiver
from pygase.protocol.rtt import RoundTrip
from pygase.protocol.snapshots import SnapshotReceiver
from pygase.protocol.stats import TrafficStats

__all__ = ["NEVER", "Incoming"]

NEVER: Final = float("inf")


class Incoming:
    """What `Traffic` does with packets of the peer's. See there for attributes."""

    __slots__ = (
        "_ack_at",
        "_congestion",
        "_rare",
        "_received",
        "_received_at",
        "_recovery",
        "_reliable_in",
        "_round_trip",
        "_snapshot_in",
        "_unacked_packets",
        "latency",
        "messages",
        "snapshots",
        "stats",
    )

    def __init__(self, now: float, *, accepts_snapshots: bool) -> None:
        self.messages: list[tuple[int, bytes]] = []
        self.snapshots: list[tuple[int | None, int, bytes]] = []
        self.latency = 0.0
        self.stats = stats = TrafficStats()
        self._received = ReceivedPackets()
        self._round_trip = RoundTrip()
        self._congestion = Congestion(now)
        self._recovery = Recovery(self._congestion, self._round_trip, self._received, stats)
        self._reliable_in = ReliableReceiver(self.messages, stats)
        self._snapshot_in = SnapshotReceiver(self.snapshots, self._received, stats) if accepts_snapshots else None
        self._rare: RareFrames | None = None
        self._received_at = now
        self._ack_at = NEVER
        self._unacked_packets = 0

    def receive_packet(self, payload: bytes, now: float) -> None:  # noqa: C901, PLR0912, PLR0915  (hot: flat)
        """Take in one packet of the peer's.

        Raises:
            MalformedDatagram: It is not a packet of ours, or breaks a limit; nothing has changed then.
        """
        size = len(payload)
        received = self._received
        recovery = self._recovery
        messages = self.messages
        before = len(messages)
        reliable_runs: list[tuple[int, list[bytes]]] | None = None
        rare: list[RareFrame] | None = None
        snapshot: tuple[int | None, int, bytes] | None = None
        runs: list[tuple[int, int]] | None = None
        ack_top = ack_low = delay = -1
        try:
            low_bits, flags = payload[0] | payload[1] << 8, payload[2]
            number = expected = received.top + 1
            if low_bits != expected & 0xFFFF:
                number = received.expand(low_bits)
                if number < expected and number in received:
                    self.stats.packets_duplicated += 1
                    return
            position = 3
            if flags & FLAG_ACK:
                top, delay = payload[3] | payload[4] << 8, payload[5] | payload[6] << 8
                newest = recovery.next_number - 1
                ack_top = newest - ((newest - top) & 0xFFFF)
                run = payload[7]
                position = 8
                if run > 0x7F:
                    run, position = read_varint(payload, 7)
                ack_low = ack_top - run
                if ack_low < 0 or ack_top < newest - 0x8000:
                    raise MalformedDatagram("an ack of a packet that was never sent")
                if flags >> RUNS_SHIFT:
                    runs, position = _read_runs(payload, position, flags >> RUNS_SHIFT, ack_low)
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
                    messages.append((MODE_UNRELIABLE, payload[position:end]))
                    position = end
                elif kind == RELIABLE_RUN:
                    reliable_runs = reliable_runs or []
                    position = self._reliable_in.parse(payload, position, reliable_runs)
                elif kind == SNAPSHOT and self._snapshot_in is not None:
                    newer, position = self._snapshot_in.parse(payload, position)
                    if snapshot is None or newer[1] > snapshot[1]:
                        snapshot = newer
                else:
                    rare = rare or []
                    position = self.rare.parse(payload, position, rare)
        except MalformedDatagram:
            del messages[before:]
            raise
        except (IndexError, StructError):  # the rare frames are unpacked by struct
            del messages[before:]
            raise MalformedDatagram("a packet that ends too soon") from None
        # All is well: from here on nothing raises.
        stats = self.stats
        stats.packets_received += 1
        stats.bytes_received += size
        if flags & URGENCY_MASK:
            self._note_urgency(flags & URGENCY_MASK, now, in_order=number == expected)
        if number == expected:
            received.top = number
            self._received_at = now
        else:
            received.add(number, recovery.next_number)
            if number > expected:
                self._received_at = now
        if ack_top >= 0:
            recovery.on_ack(ack_top, ack_low, runs, delay * ACK_DELAY_UNIT if delay < UNKNOWN_ACK_DELAY else -1.0, now)
            self.latency = self._round_trip.smoothed
        stats.messages_received += len(messages) - before
        if reliable_runs is not None:
            for first, run_messages in reliable_runs:
                self._reliable_in.accept(first, run_messages)
        if snapshot is not None:
            self._snapshot_in.accept(snapshot, number)  # type: ignore[union-attr]
        if rare is not None:
            self.rare.apply(rare, now)

    @property
    def rare(self) -> RareFrames:
        """What takes in rare frames, made once one has come."""
        frames = self._rare
        if frames is None:
            frames = self._rare = RareFrames(self.messages, self._reliable_in, self._snapshot_in, self.stats)
        return frames

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
