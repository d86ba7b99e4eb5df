"""Which packets of the peer's have arrived: for telling duplicates, and for acknowledging every one of them.

The shape is RFC 9000 section 13.2 (ack ranges with gaps, and forgetting what the peer knows to be acknowledged).
"""

from pygase.config import MAX_ACK_RUN_BYTES, MAX_ACK_RUNS
from pygase.protocol.layout import LENGTHS, varint

__all__ = ["ReceivedPackets"]

_MAX_RUNS_ON_THE_WIRE = 31


class ReceivedPackets:
    """A set of packet numbers, kept as runs and bounded in number.

    Attributes:
        top: Largest number received, -1 if none.
        start: First number of the run that ends in `top`.
        runs: Older runs `(first, last)`, newest first, each separated from the next by a gap.
        floor: Numbers below it count as received: they are too old to tell.
        known: The peer knows what we received up to here; no need to say it again.
    """

    __slots__ = ("_late_since", "floor", "known", "runs", "start", "top")

    def __init__(self) -> None:
        self.top = -1
        self.start = 0
        self.runs: list[tuple[int, int]] = []
        self.floor = 0
        self.known = -1
        self._late_since = 0

    def expand(self, low_bits: int) -> int:
        """The packet number nearest to the next expected one that has these lowest 16 bits (RFC 9000 A.3)."""
        expected = self.top + 1
        return expected + ((low_bits - expected + 0x8000) & 0xFFFF) - 0x8000

    def __contains__(self, number: int) -> bool:
        if number > self.top:
            return False
        if number >= self.start or number < self.floor:
            return True
        return any(first <= number <= last for first, last in self.runs)

    def missing_between(self, low: int, high: int) -> int:
        """Return how many packets between two that have arrived have not."""
        if low >= self.start - 1:
            return 0
        missing = high - low - 1
        for first, last in ((self.start, self.top), *self.runs):
            if last <= low:
                break
            missing -= max(0, min(last, high - 1) - max(first, low + 1) + 1)
        return missing

    def add(self, number: int, next_own_number: int = 0) -> bool:
        """Note a packet.

        Args:
            number: The packet's number.
            next_own_number: The number of the next packet of ours: only packets from that one on can tell the peer of
                a packet that comes out of order.

        Returns:
            Whether it is new.
        """
        top = self.top
        if number == top + 1:
            self.top = number
            return True
        if number > top:
            if top >= self.start:
                self.runs.insert(0, (self.start, top))
                self._bound()
            self.start = self.top = number
            return True
        if number >= self.start or number < self.floor:
            return False
        return self._fill(number, next_own_number)

    def _fill(self, number: int, next_own_number: int) -> bool:
        runs = self.runs
        above = self.start
        index = 0
        for first, last in runs:
            if number > last:
                break
            if number >= first:
                return False
            above = first
            index += 1
        self._late_since = next_own_number
        if number <= self.known:
            self.known = number - 1
        joins_above = number + 1 == above
        joins_below = index < len(runs) and runs[index][1] + 1 == number
        first = runs.pop(index)[0] if joins_below else number
        if not joins_above:
            runs.insert(index, (first, number))
            self._bound()
        elif index == 0:
            self.start = first
        else:
            runs[index - 1] = (first, runs[index - 1][1])
        return True

    def _bound(self) -> None:
        while len(self.runs) > MAX_ACK_RUNS:
            self.floor = self.runs.pop()[1] + 1

    def peer_knows(self, top: int, told_in: int) -> None:
        """Our packet number `told_in`, which acknowledged up to `top`, has itself been acknowledged."""
        if told_in >= self._late_since and top > self.known:
            self.known = top

    def encode(self) -> tuple[int, bytes, int]:
        """What to acknowledge.

        Returns:
            Number of packets right below `top` that have arrived too; then the further gaps and runs, encoded; and
            how many pairs of them there are.
        """
        known = self.known
        start = self.start
        if known >= start or not self.runs:
            return (self.top - known if known >= start else self.top - start), b"", 0
        encoded = b""
        count = 0
        above = start
        for first, last in self.runs:
            if last < known or count == _MAX_RUNS_ON_THE_WIRE:
                break
            pair = LENGTHS[above - last - 2] if above - last < 1_000 else varint(above - last - 2)
            first = max(first, known)  # noqa: PLW2901  (the peer knows the rest)
            pair += varint(last - first)
            if len(encoded) + len(pair) > MAX_ACK_RUN_BYTES:
                break
            encoded += pair
            count += 1
            above = first
        return self.top - start, encoded, count
