"""Packets in flight: what became of each, after RFC 9002 sections 5 and 6 and RACK (RFC 8985)."""

# ruff: noqa: PLR1730  (this runs for every packet, and max() costs four times a comparison)

from typing import Any, Final, Protocol

from pygase.config import (
    MAX_ACK_DELAY,
    MAX_LOST_REMEMBERED,
    MAX_PROBE_INTERVAL,
    PACKET_THRESHOLD,
    RELAXED_ACK_DELAY,
)
from pygase.protocol.congestion import Congestion
from pygase.protocol.layout import URGENCY_NONE, URGENCY_RELAXED
from pygase.protocol.received import ReceivedPackets
from pygase.protocol.rtt import RoundTrip
from pygase.protocol.stats import TrafficStats

__all__ = ["Carried", "Contents", "Recovery"]


class Carried(Protocol):
    """Whoever put something into a packet and wants to hear what became of it."""

    def on_acked(self, key: Any, count: int) -> None:
        """The packet with it has arrived. May come after `on_lost`: then it was only late."""

    def on_lost(self, key: Any, count: int, number: int) -> None:
        """Packet `number` with it is lost."""


Contents = list[Any]
"""Who put what into a packet: who, key and count in turn. Flat, since there is one of these for every packet under way,
and the garbage collector looks at each tuple and list that there is."""

_SentPacket = tuple[Any, ...]
"""Its number, when it was sent, its size in bytes, its urgency, up to where it acknowledged (-1: nowhere); then its
contents."""

_CONTENTS: Final = 5
"""Where a `_SentPacket`'s contents begin."""

_NEVER: Final = float("inf")
_LOSS_WEIGHT: Final = 1 / 64
_LEAST_REORDERING: Final = 1 / 8
_MOST_REORDERING: Final = 1.0
_PROBE_BYTES: Final = 1_000
"""What a probe carries again: as many of the oldest packets as fit into one."""


class Recovery:
    """The packets that we sent and that are neither acknowledged nor forgotten.

    Attributes:
        next_number: Number of the next packet.
        largest_acked: Largest packet number that the peer has acknowledged, -1 if none.
        loss_at: When the oldest packet in flight will be lost by age, or never.
        probes: Probes owed: packets that may go past window and pacer.
        eliciting: Packets in flight that ask for an ack.
    """

    __slots__ = (
        "_backoff",
        "_congestion",
        "_last_eliciting",
        "_lost",
        "_peer_delay",
        "_received",
        "_reordering",
        "_round_trip",
        "_sent",
        "_spurious_at",
        "_stats",
        "_threshold",
        "eliciting",
        "largest_acked",
        "loss_at",
        "next_number",
        "probes",
    )

    def __init__(
        self, congestion: Congestion, round_trip: RoundTrip, received: ReceivedPackets, stats: TrafficStats
    ) -> None:
        self._congestion = congestion
        self._round_trip = round_trip
        self._received = received
        self._stats = stats
        self._sent: list[_SentPacket] = []  # in order, and mostly one or two
        self._lost: dict[int, _SentPacket] = {}
        self.next_number = 0
        self.largest_acked = -1
        self.loss_at = _NEVER
        self.probes = 0
        self.eliciting = 0
        self._last_eliciting = 0.0
        self._peer_delay = MAX_ACK_DELAY
        self._backoff = 0
        self._reordering = _LEAST_REORDERING
        self._threshold = PACKET_THRESHOLD
        self._spurious_at = -1

    def on_sent(self, now: float, size: int, urgency: int, contents: Contents, ack_top: int) -> None:
        """Packet `next_number` goes out; ack-only packets are not noted here."""
        number = self.next_number
        if len(contents) == 3:  # as with most
            self._sent.append((number, now, size, urgency, ack_top, contents[0], contents[1], contents[2]))
        else:
            self._sent.append((number, now, size, urgency, ack_top, *contents))
        if urgency:
            self.eliciting += 1
            self._last_eliciting = now
            self._peer_delay = RELAXED_ACK_DELAY if urgency == URGENCY_RELAXED else MAX_ACK_DELAY
        self._congestion.sent(size)

    # --- acks -------------------------------------------------------------------------------------------------------

    def on_ack(self, top: int, low: int, runs: list[tuple[int, int]] | None, ack_delay: float, now: float) -> None:
        """The peer has received packets `low`..`top` and those in `runs`, newest first.

        Args:
            top: Largest packet number the peer has received.
            low: First of the run that ends in `top`.
            runs: Older runs `(first, last)`.
            ack_delay: How long the peer held this back, in seconds; negative if unknown.
            now: The current time.
        """
        packets = self._take_gaps(top, low, runs) if runs else self._take(top, low)
        if self._lost:
            self._take_back(top, low, runs)
        if not packets:
            return
        self._backoff = 0
        self.probes = 0
        acked_bytes = newest = 0
        for packet in packets:
            newest = packet[0]
            size: int = packet[2]
            acked_bytes += size
            if packet[3]:
                self.eliciting -= 1
            self._tell_arrived(packet)
        congestion = self._congestion
        one = len(packets) == 1  # as mostly
        congestion.loss *= 1.0 - _LOSS_WEIGHT if one else max(1.0 - _LOSS_WEIGHT * len(packets), 0.5)
        rtt = 0.0
        if newest == top and ack_delay >= 0.0:
            sent_at: float = packets[-1][1]
            rtt = self._round_trip.sample(now, now - sent_at, ack_delay)
        if top > self.largest_acked:
            self.largest_acked = top
        if self._sent:
            self.detect_losses(now)
        else:
            self.loss_at = _NEVER
        congestion.on_ack(now, rtt, acked_bytes, newest, self.next_number)

    def _take(self, top: int, low: int) -> list[_SentPacket]:
        """Take out the packets in flight from `low` to `top`."""
        sent = self._sent
        if sent and sent[0][0] >= low and sent[-1][0] <= top:  # all of them, as mostly
            self._sent = []
            return sent
        count = len(sent)
        first = 0
        while first < count and sent[first][0] < low:
            first += 1
        end = first
        while end < count and sent[end][0] <= top:
            end += 1
        packets = sent[first:end]
        if packets:
            del sent[first:end]
        return packets

    def _take_gaps(self, top: int, low: int, runs: list[tuple[int, int]]) -> list[_SentPacket]:
        """Take out the packets in flight that an ack with gaps covers."""
        packets: list[_SentPacket] = []
        others: list[_SentPacket] = []
        # Both go upwards, so one pass does, however many runs a peer makes up.
        spans = iter([*runs[::-1], (low, top)])
        first, last = next(spans)
        end = 0
        for packet in self._sent:
            number: int = packet[0]
            if number > top:
                break
            while number > last:
                first, last = next(spans)
            (packets if number >= first else others).append(packet)
            end += 1
        if packets:
            self._sent[:end] = others
        return packets

    def _tell_arrived(self, packet: _SentPacket) -> None:
        """Tell whoever has something in a packet that it has arrived."""
        ack_top: int = packet[4]
        if ack_top >= 0:
            self._received.peer_knows(ack_top, packet[0])
        place = _CONTENTS
        while place < len(packet):
            packet[place].on_acked(packet[place + 1], packet[place + 2])
            place += 3

    def _take_back(self, top: int, low: int, runs: list[tuple[int, int]] | None) -> None:
        """Packets declared lost that have arrived after all: note it, and be more patient with reordering."""
        lowest = runs[-1][0] if runs else low
        late = []
        for number in reversed(self._lost):
            if number < lowest:
                break
            if low <= number <= top or (runs and _within(number, runs)):
                late.append(number)
        for number in late:
            packet = self._lost.pop(number)
            self._stats.packets_lost -= 1
            self._congestion.loss = max(self._congestion.loss - _LOSS_WEIGHT, 0.0)
            self._tell_arrived(packet)
        if late and late[0] > self._spurious_at:
            # RFC 8985 section 6.2: a wrong guess widens the allowance, once per round trip, and ends counting packets.
            self._spurious_at = self.next_number
            self._threshold = 1 << 30
            self._reordering = min(self._reordering + 0.25, _MOST_REORDERING)

    # --- losses -----------------------------------------------------------------------------------------------------

    def detect_losses(self, now: float) -> None:
        """Declare lost what is overdue, and set `loss_at` for what will be."""
        largest = self.largest_acked
        overdue = now - self._round_trip.loss_delay(self._reordering)
        sent = self._sent
        lost = 0
        self.loss_at = _NEVER
        for packet in sent:
            number: int = packet[0]
            sent_at: float = packet[1]
            if number > largest:
                break
            if number > largest - self._threshold and sent_at > overdue:
                # The extra microsecond keeps rounding from making a timer that fires without effect.
                self.loss_at = sent_at + (now - overdue) + 1e-6
                break
            lost += 1
        if lost:
            packets = sent[:lost]
            del sent[:lost]
            for packet in packets:
                self._lose(packet)

    def _lose(self, packet: _SentPacket) -> None:
        """Note that a packet that is no longer in flight is lost."""
        number: int = packet[0]
        size: int = packet[2]
        self._stats.packets_lost += 1
        if packet[3]:
            self.eliciting -= 1
        congestion = self._congestion
        congestion.on_lost(size)
        congestion.loss += (1.0 - congestion.loss) * _LOSS_WEIGHT
        lost = self._lost
        lost[number] = packet
        if len(lost) > MAX_LOST_REMEMBERED:
            del lost[next(iter(lost))]
        for place in range(_CONTENTS, len(packet), 3):
            packet[place].on_lost(packet[place + 1], packet[place + 2], number)

    # --- silence ----------------------------------------------------------------------------------------------------

    def probe_at(self) -> float:
        """When silence calls for a probe (RFC 9002 section 6.2), or never."""
        if not self.eliciting:
            return _NEVER
        timeout = self._round_trip.probe_timeout + self._peer_delay
        if self._backoff:
            timeout = max(timeout, min(timeout * (1 << self._backoff), MAX_PROBE_INTERVAL))
        return self._last_eliciting + timeout

    def probe(self, now: float) -> None:
        """Silence for too long: send the oldest contents again, past window and pacer.

        Where there is nothing to send again, an empty probe goes only if the window is full of what nobody will ever
        acknowledge by itself.
        """
        self._backoff = min(self._backoff + 1, 8)
        self._last_eliciting = now
        room = _PROBE_BYTES
        useful = False
        packets, self._sent = self._sent, []
        for packet in packets:
            size: int = packet[2]
            is_carrier = len(packet) > _CONTENTS
            if packet[3] == URGENCY_NONE or (is_carrier and useful and room < size):
                self._sent.append(packet)
                continue
            if is_carrier:
                room -= size
                useful = True
            self._lose(packet)
        if useful or self._congestion.in_flight * 2 > self._congestion.window:
            self.probes = 1

    def lose_everything(self) -> None:
        """The path is gone: whatever was in flight counts as lost."""
        packets, self._sent = self._sent, []
        for packet in packets:
            self._lose(packet)
        self.loss_at = _NEVER
        self._backoff = 0
        self.probes = 0


def _within(number: int, runs: list[tuple[int, int]]) -> bool:
    return any(first <= number <= last for first, last in runs)
