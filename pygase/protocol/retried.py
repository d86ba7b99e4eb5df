"""Messages that are resent a limited number of times, and handled at most once, in no order."""

from collections import deque
from typing import Any

from pygase.config import MAX_BACKLOG_BYTES, MAX_BACKLOG_MESSAGES, MAX_LOST_REMEMBERED, RETRIED_WINDOW
from pygase.protocol.layout import LENGTHS, RETRIED, RETRIED_HEAD
from pygase.protocol.recovery import Contents
from pygase.protocol.stats import TrafficStats
from pygase.protocol.unreliable import backlog_full

__all__ = ["RetriedSender", "SeenIds"]

_HEAD_BYTES = 3


class RetriedSender:
    """Queue of small messages with retries.

    Attributes:
        fresh: Messages never sent: `(message, retries, tag)`.
        overdue: Ids of messages to be sent again.
        bytes: Size of all messages queued or unsettled.
    """

    __slots__ = ("_acked", "_first", "_given_up", "_next", "_stats", "_under_way", "bytes", "fresh", "overdue")

    def __init__(self, acked: list[object], stats: TrafficStats) -> None:
        self._acked = acked
        self._stats = stats
        self.fresh: deque[tuple[bytes, int, object]] = deque()
        self.overdue: deque[int] = deque()
        self.bytes = 0
        # id -> (message, retries left, tag); `_first` is at or below the oldest of them.
        self._under_way: dict[int, tuple[bytes, int, object]] = {}
        # Tags of messages given up: the missing ack may only be late.
        self._given_up: dict[int, object] = {}
        self._first = 0
        self._next = 0

    def send(self, message: bytes, retries: int, tag: object) -> None:
        """Queue one message.

        Raises:
            BacklogFull: Too much is waiting or unsettled.
        """
        size = self.bytes + len(message)
        if size > MAX_BACKLOG_BYTES or len(self.fresh) >= MAX_BACKLOG_MESSAGES:
            raise backlog_full(len(self.fresh), self.bytes)
        self.bytes = size
        self.fresh.append((message, retries, tag))

    def blocked(self) -> bool:
        """Whether fresh messages wait for older ones to be settled."""
        if self._next - self._first < RETRIED_WINDOW:
            return False
        while self._first < self._next and self._first not in self._under_way:
            self._first += 1
        return self._next - self._first >= RETRIED_WINDOW

    @property
    def waiting(self) -> bool:
        """Whether a message is ready to go."""
        return bool(self.overdue) or (bool(self.fresh) and not self.blocked())

    def __len__(self) -> int:
        """Messages queued or unsettled."""
        return len(self.fresh) + len(self._under_way)

    def pack(self, parts: list[Any], contents: Contents, room: int) -> int:
        """Put what fits into a packet, lost messages first; returns the room left then."""
        overdue = self.overdue
        while overdue:
            key = overdue[0]
            entry = self._under_way.get(key)
            if entry is not None:
                message, left, tag = entry
                need = self._put(parts, room, key, message)
                if not need:
                    return room
                room -= need
                self._under_way[key] = (message, left - 1, tag)
                contents += (self, key, 1)
                self._stats.messages_resent += 1
            overdue.popleft()
        fresh = self.fresh
        while fresh and not self.blocked():
            entry = fresh[0]
            key = self._next
            need = self._put(parts, room, key, entry[0])
            if not need:
                break
            fresh.popleft()
            room -= need
            self._under_way[key] = entry
            self._next = key + 1
            contents += (self, key, 1)
        return room

    @staticmethod
    def _put(parts: list[Any], room: int, key: int, message: bytes) -> int:
        size = len(message)
        need = _HEAD_BYTES + size + (1 if size < 0x80 else 2)
        if need > room:
            return 0
        parts += (RETRIED_HEAD.pack(RETRIED, key & 0xFFFF), LENGTHS[size], message)
        return need

    def on_acked(self, key: Any, count: int) -> None:  # noqa: ARG002  (see `Carried`)
        """Message `key` has arrived."""
        entry = self._under_way.pop(key, None)
        if entry is not None:
            self.bytes -= len(entry[0])
            if entry[2] is not None:
                self._acked.append(entry[2])
        elif key in self._given_up:
            self._acked.append(self._given_up.pop(key))

    def on_lost(self, key: Any, count: int, number: int) -> None:  # noqa: ARG002  (see `Carried`)
        """A packet with message `key` is lost: once more, or never again."""
        entry = self._under_way.get(key)
        if entry is None or key in self.overdue:
            return
        if entry[1] > 0:
            self.overdue.append(key)
        else:
            del self._under_way[key]
            self.bytes -= len(entry[0])
            self._stats.messages_dropped += 1
            if entry[2] is not None:
                self._given_up[key] = entry[2]
                if len(self._given_up) > MAX_LOST_REMEMBERED:
                    del self._given_up[next(iter(self._given_up))]


class SeenIds:
    """Which of the newest ids have been seen: a sliding window over 16-bit ids, as one integer of bits.

    Senders never have more than the window between the oldest id they may still send and the newest they have sent, so
    what lies below the window can only be a late copy.
    """

    __slots__ = ("_bits", "_mask", "newest")

    def __init__(self, window: int) -> None:
        self._mask = (1 << window) - 1
        self._bits = 0
        self.newest = -1

    def expand(self, low_bits: int) -> int:
        """The id nearest to the next one with these lowest 16 bits."""
        following = self.newest + 1
        return following + ((low_bits - following + 0x8000) & 0xFFFF) - 0x8000

    def add(self, number: int) -> bool:
        """Note an id; returns whether it is new."""
        ahead = number - self.newest
        if ahead > 0:
            self._bits = (self._bits << ahead | 1) & self._mask
            self.newest = number
            return True
        bit = 1 << -ahead
        if bit > self._mask or self._bits & bit:
            return False
        self._bits |= bit
        return True

    def __contains__(self, number: int) -> bool:
        behind = self.newest - number
        return behind >= 0 and (1 << behind > self._mask or bool(self._bits >> behind & 1))
