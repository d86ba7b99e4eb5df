"""Reliable messages on their way in: each once, in the order they were sent."""

from pygase.config import FRAGMENT_BYTES, RELIABLE_WINDOW, RELIABLE_WINDOW_BYTES
from pygase.errors import MalformedDatagram
from pygase.protocol.layout import MODE_RELIABLE, RELIABLE_HEAD, read_length
from pygase.protocol.stats import TrafficStats

__all__ = ["ReliableReceiver"]


class ReliableReceiver:
    """Puts reliable messages in order, each once.

    Attributes:
        expected: Id of the next message to be handled.
    """

    __slots__ = ("_early", "_early_bytes", "_messages", "_stats", "expected")

    def __init__(self, messages: list[tuple[int, bytes]], stats: TrafficStats) -> None:
        self._messages = messages
        self._stats = stats
        self.expected = 0
        self._early: dict[int, bytes] = {}
        self._early_bytes = 0

    def expand(self, low_bits: int) -> int:
        """The message id nearest to the expected one with these lowest 16 bits.

        Raises:
            MalformedDatagram: It is beyond the window that a sender has to keep to.
        """
        ahead = (low_bits - self.expected) & 0xFFFF
        if ahead >= 0x8000:
            if self.expected + ahead < 0x10000:
                raise MalformedDatagram("a message id below zero")
            return self.expected + ahead - 0x10000
        if ahead >= RELIABLE_WINDOW:
            raise MalformedDatagram("a reliable message beyond the window")
        return self.expected + ahead

    def parse(self, data: bytes, position: int, runs: list[tuple[int, list[bytes]]]) -> int:
        """Read a run of messages, without any effect yet.

        Args:
            data: The packet.
            position: Where the frame begins.
            runs: Gets `(first id, messages)`.

        Returns:
            The position behind the frame.
        """
        _, low_bits, count = RELIABLE_HEAD.unpack_from(data, position)
        position += RELIABLE_HEAD.size
        if not count:
            raise MalformedDatagram("an empty run")
        first = self.expand(low_bits)
        if first + count - 1 >= self.expected + RELIABLE_WINDOW:
            raise MalformedDatagram("a reliable message beyond the window")
        messages = []
        size = len(data)
        for _ in range(count):
            length = data[position]
            if length < 0x80:
                position += 1
                end = position + length
                if end > size:
                    raise MalformedDatagram("a length beyond the packet's end")
            else:
                position, end = read_length(data, position)
            messages.append(data[position:end])
            position = end
        if first > self.expected and self._early_bytes + size > RELIABLE_WINDOW_BYTES + 2 * FRAGMENT_BYTES:
            raise MalformedDatagram("more reliable bytes than the window")
        runs.append((first, messages))
        return position

    def accept(self, first: int, messages: list[bytes]) -> None:
        """Take in a run that `parse` has read."""
        expected = self.expected
        if first == expected and not self._early:
            self._messages.extend([(MODE_RELIABLE, message) for message in messages])
            self.expected = expected + len(messages)
            self._stats.messages_received += len(messages)
            return
        early = self._early
        for number, message in enumerate(messages, first):
            if number < expected or number in early:
                self._stats.messages_duplicated += 1
            else:
                early[number] = message
                self._early_bytes += len(message)
        while expected in early:
            message = early.pop(expected)
            self._early_bytes -= len(message)
            self._messages.append((MODE_RELIABLE, message))
            self._stats.messages_received += 1
            expected += 1
        self.expected = expected

    def has(self, number: int) -> bool:
        """Whether message `number` has been received whole."""
        return number < self.expected or number in self._early
