"""Frames that are not on every packet: messages with retries, and fragments. Read first, applied when all is read."""

from pygase.config import MAX_MESSAGE_BYTES, RELIABLE_WINDOW_BYTES, RETRIED_WINDOW
from pygase.errors import MalformedDatagram
from pygase.protocol.fragments import Partials, check_fragment
from pygase.protocol.large import LargeReceiver
from pygase.protocol.layout import (
    FRAGMENT_RELIABLE,
    FRAGMENT_RETRIED,
    FRAGMENT_SNAPSHOT,
    FRAGMENT_UNRELIABLE,
    MODE_RETRIED,
    MODE_UNRELIABLE,
    RETRIED,
    read_length,
    read_varint,
)
from pygase.protocol.reliable_receiver import ReliableReceiver
from pygase.protocol.retried import SeenIds
from pygase.protocol.snapshots import SnapshotReceiver
from pygase.protocol.stats import TrafficStats

__all__ = ["RareFrame", "RareFrames"]

RareFrame = tuple[int, int, int, int, bytes, int | None]
"""Frame type, id or version, fragment index, number of fragments, content, baseline."""


class RareFrames:
    """Receiving side of retried messages and of everything fragmented."""

    __slots__ = (
        "_large_retried",
        "_large_unreliable",
        "_messages",
        "_partials",
        "_reliable",
        "_seen",
        "_snapshot",
        "_stats",
    )

    def __init__(
        self,
        messages: list[tuple[int, bytes]],
        reliable: ReliableReceiver,
        snapshot: SnapshotReceiver | None,
        stats: TrafficStats,
    ) -> None:
        self._messages = messages
        self._reliable = reliable
        self._snapshot = snapshot
        self._stats = stats
        self._seen = SeenIds(RETRIED_WINDOW)
        self._partials = Partials(RELIABLE_WINDOW_BYTES)
        self._large_unreliable = LargeReceiver(MODE_UNRELIABLE, messages, stats)
        self._large_retried = LargeReceiver(MODE_RETRIED, messages, stats)

    def parse(self, data: bytes, position: int, frames: list[RareFrame]) -> int:
        """Read one frame without any effect.

        Args:
            data: The packet.
            position: Where the frame begins.
            frames: Gets the frame.

        Returns:
            The position behind it.

        Raises:
            MalformedDatagram: It is none, or breaks a limit.
        """
        kind = data[position]
        if kind == RETRIED:
            number = self._seen.expand(data[position + 1] | data[position + 2] << 8)
            if number < 0:
                raise MalformedDatagram("a message id below zero")
            start, end = read_length(data, position + 3)
            frames.append((kind, number, 0, 1, data[start:end], None))
            return end
        baseline = None
        if kind == FRAGMENT_SNAPSHOT:
            if self._snapshot is None:
                raise MalformedDatagram("a snapshot for a side that takes none")
            baseline, number, position = SnapshotReceiver.parse_versions(data, position + 1)
        elif FRAGMENT_UNRELIABLE <= kind <= FRAGMENT_RELIABLE:
            number = data[position + 1] | data[position + 2] << 8
            position += 3
        else:
            raise MalformedDatagram("a frame of unknown type")
        index, position = read_varint(data, position)
        last, position = read_varint(data, position)
        start, end = read_length(data, position)
        frames.append(self._check((kind, number, index, last + 1, data[start:end], baseline)))
        return end

    def _check(self, frame: RareFrame) -> RareFrame:
        """Whether a fragment is well-formed; returns it with its message's full id."""
        kind, number, index, count, content, baseline = frame
        size = len(content)
        if kind == FRAGMENT_SNAPSHOT:
            assert self._snapshot is not None
            self._snapshot.check_fragment(baseline, number, index, count, size)
        elif kind == FRAGMENT_RELIABLE:
            number = self._reliable.expand(number)
            check_fragment(index, count, size, MAX_MESSAGE_BYTES)
            self._partials.check(number, count)
        elif kind == FRAGMENT_RETRIED:
            number = self._large_retried.check(number, index, count, size)
        else:
            number = self._large_unreliable.check(number, index, count, size)
        return kind, number, index, count, content, baseline

    def apply(self, frames: list[RareFrame], now: float) -> None:
        """Take in frames that `parse` has read."""
        for kind, number, index, count, content, baseline in frames:
            if kind == RETRIED:
                if self._seen.add(number):
                    self._messages.append((MODE_RETRIED, content))
                    self._stats.messages_received += 1
                else:
                    self._stats.messages_duplicated += 1
            elif kind == FRAGMENT_SNAPSHOT:
                assert self._snapshot is not None
                self._snapshot.accept_fragment((baseline, number, content), index, count, now)
            elif kind == FRAGMENT_RELIABLE:
                if not self._reliable.has(number):
                    message = self._partials.add(number, index, count, content, now)
                    if message is not None:
                        self._reliable.accept(number, [message])
            elif kind == FRAGMENT_RETRIED:
                self._large_retried.accept(number, index, count, content, now)
            else:
                self._large_unreliable.accept(number, index, count, content, now)

    def forget_stalled(self, now: float) -> None:
        """Drop unfinished unreliable messages that make no progress. Others keep within their windows."""
        partials = self._large_unreliable.partials
        if len(partials):
            partials.forget_stalled(now)

    @property
    def held_bytes(self) -> int:
        """Bytes that unfinished messages hold."""
        return sum(
            partials.held_bytes
            for partials in (self._partials, self._large_unreliable.partials, self._large_retried.partials)
        )
