"""Reliable messages on their way out: resent until acknowledged."""

from bisect import bisect_left
from collections import deque
from typing import Any

from pygase.config import (
    FRAGMENT_BYTES,
    MAX_BACKLOG_BYTES,
    MAX_BACKLOG_MESSAGES,
    RELIABLE_WINDOW,
    RELIABLE_WINDOW_BYTES,
)
from pygase.protocol.fragments import Parcel, ParcelSender, claimed_bytes
from pygase.protocol.layout import (
    FRAGMENT_RELIABLE,
    LENGTHS,
    RELIABLE_HEAD,
    RELIABLE_RUN,
)
from pygase.protocol.recovery import Contents
from pygase.protocol.stats import TrafficStats
from pygase.protocol.unreliable import backlog_full

__all__ = ["ReliableSender"]

_HEAD_BYTES = 4
_MAX_RUN = 255

_REPEAT_AFTER = 0.008
"""A copy right behind the original would be lost with it; and faster streams than this notice losses by themselves."""

_LOSSY = 0.01
_VERY_LOSSY = 0.08
"""From how much loss on messages go a second time, and with every packet until they are acknowledged."""

_REPEAT_BYTES = 300
_REPEAT_WITHIN = 1_000
"""Repeat at most so much per packet, and only while so little is unacknowledged: thin streams, at little cost."""


class ReliableSender:
    """Queue and window of reliable messages.

    Thin streams learn of a loss late, as nothing follows that would show it. So on a path that loses packets each small
    message goes along a second time in the next packet, if that is some time later and the ack has not come: the idea
    of redundant coding in RFC 2198, without its fixed cost.

    Attributes:
        fresh: Messages never sent.
        overdue: Ids of messages to be sent again, sorted.
        bytes: Size of all messages queued or unacknowledged.
    """

    __slots__ = (
        "_acked",
        "_base",
        "_carrier",
        "_last_fresh_at",
        "_parcels",
        "_repeated",
        "_stats",
        "_tags",
        "_under_way",
        "_window_bytes",
        "bytes",
        "fresh",
        "overdue",
    )

    def __init__(self, acked: list[object], parcels: ParcelSender, stats: TrafficStats) -> None:
        self._acked = acked
        self._parcels = parcels
        self._stats = stats
        self.fresh: deque[bytes] = deque()
        # Sent and not settled, from id `_base` on. What is acknowledged out of order leaves its cost there, negative.
        self._under_way: deque[bytes | int] = deque()
        self._base = 0
        self._window_bytes = 0
        self._tags: dict[int, object] = {}
        # Number of the last packet that carried an id again, so that an older one's loss does not resend it once more.
        self._carrier: dict[int, int] = {}
        self._repeated = 0
        self._last_fresh_at = 0.0
        self.overdue: list[int] = []
        self.bytes = 0

    def send(self, message: bytes, tag: object) -> None:
        """Queue one message.

        Raises:
            BacklogFull: Too much is waiting or unacknowledged.
        """
        size = self.bytes + len(message)
        waiting = len(self.fresh) + len(self._under_way)
        if size > MAX_BACKLOG_BYTES or waiting >= MAX_BACKLOG_MESSAGES:
            raise backlog_full(waiting, self.bytes)
        self.bytes = size
        if tag is not None:
            self._tags[self._base + waiting] = tag
        self.fresh.append(message)

    def __len__(self) -> int:
        """Messages queued or not acknowledged."""
        return len(self.fresh) + len(self._under_way)

    @property
    def waiting(self) -> bool:
        """Whether a message is ready to go: one that was lost, or a fresh one that the window has room for."""
        if self.overdue:
            return True
        if not self.fresh or len(self._under_way) >= RELIABLE_WINDOW:
            return False
        size = len(self.fresh[0])
        cost = size if size <= FRAGMENT_BYTES else claimed_bytes(size)
        return self._window_bytes + cost <= RELIABLE_WINDOW_BYTES

    def unacknowledged(self) -> list[tuple[bytes, object]]:
        """Messages that the peer may not have, in order, with their tags."""
        messages = [*self._under_way, *self.fresh]
        tags = self._tags
        return [(m, tags.get(self._base + i)) for i, m in enumerate(messages) if not isinstance(m, int)]

    # --- packing ----------------------------------------------------------------------------------------------------

    def pack(self, parts: list[Any], contents: Contents, room: int, now: float) -> int:
        """Put fresh messages into a packet.

        Args:
            parts: The packet's pieces.
            contents: The packet's contents.
            room: Bytes left in the packet.
            now: The current time.

        Returns:
            The room left then.
        """
        fresh = self.fresh
        under_way = self._under_way
        while fresh:
            first = self._base + len(under_way)
            head = len(parts)
            left = room - _HEAD_BYTES
            count = 0
            most = min(_MAX_RUN, RELIABLE_WINDOW - len(under_way))
            while fresh and count < most:
                message = fresh[0]
                size = len(message)
                need = size + 1 if size < 0x80 else size + 2
                if need > left or size > FRAGMENT_BYTES:
                    break
                if self._window_bytes + size > RELIABLE_WINDOW_BYTES:
                    most = 0
                    break
                parts += (LENGTHS[size], message)
                fresh.popleft()
                under_way.append(message)
                self._window_bytes += size
                left -= need
                count += 1
            if count:
                parts.insert(head, RELIABLE_HEAD.pack(RELIABLE_RUN, first & 0xFFFF, count))
                contents += (self, first, count)
                self._last_fresh_at = now
                room = left
            if count >= most or not fresh or len(fresh[0]) <= FRAGMENT_BYTES or not self._start_parcel():
                break
        return room

    def _start_parcel(self) -> bool:
        """Hand a large message over to be sent in fragments; it keeps its place in the order."""
        message = self.fresh[0]
        cost = claimed_bytes(len(message))
        if self._window_bytes + cost > RELIABLE_WINDOW_BYTES:
            return False
        number = self._base + len(self._under_way)
        self.fresh.popleft()
        self._under_way.append(message)
        self._window_bytes += cost
        self._parcels.add(Parcel(FRAGMENT_RELIABLE, number, message, retries=-1, owner=self))
        return True

    def pack_overdue(self, parts: list[Any], contents: Contents, room: int, number: int) -> int:
        """Put messages that were lost into packet `number`; returns the room left then."""
        overdue = self.overdue
        packed, passed, room = self._pack_again(overdue, parts, contents, room, number)
        self._stats.messages_resent += packed
        del overdue[:passed]
        return room

    def repeatable(self, now: float, loss: float) -> int:
        """Where the ids end of messages that it makes sense to send a second time; 0 if there are none.

        To be asked before `pack`, which makes the newest message too new.

        Args:
            now: The current time.
            loss: Share of packets that the path loses.
        """
        if not self.bytes or loss < _LOSSY:
            return 0
        end = self._base + len(self._under_way)
        if loss >= _VERY_LOSSY:
            self._repeated = self._base
        if end <= self._repeated or self._window_bytes > _REPEAT_WITHIN or now - self._last_fresh_at < _REPEAT_AFTER:
            return 0
        return end

    def repeat(self, parts: list[Any], contents: Contents, room: int, number: int, end: int) -> int:
        """Put messages before id `end` into packet `number` that are unacknowledged."""
        start = max(self._repeated, self._base)
        least = max(room - _REPEAT_BYTES, 0)
        carrier = self._carrier
        keys = [key for key in range(start, end) if carrier.get(key) != number]
        packed, passed, room = self._pack_again(keys, parts, contents, room - least, number)
        self._stats.messages_repeated += packed
        self._repeated = keys[passed] if passed < len(keys) else end
        return room + least

    def _pack_again(
        self, keys: list[int], parts: list[Any], contents: Contents, room: int, number: int
    ) -> tuple[int, int, int]:
        """Put messages with these ids into packet `number`, in runs where they follow each other.

        Returns:
            How many were packed, how many ids that took care of, and the room left.
        """
        base = self._base
        under_way = self._under_way
        head = first = following = -1
        packed = passed = 0
        for key in keys:
            message = under_way[key - base] if key >= base else 0
            if isinstance(message, int) or (size := len(message)) > FRAGMENT_BYTES:
                passed += 1
                continue
            joins = key == following and key - first < _MAX_RUN
            need = size + (1 if size < 0x80 else 2) + (0 if joins else _HEAD_BYTES)
            if need > room:
                break
            if not joins:
                first = key
                head = len(parts)
                parts.append(b"")
                contents += (self, first, 0)
            parts += (LENGTHS[size], message)
            parts[head] = RELIABLE_HEAD.pack(RELIABLE_RUN, first & 0xFFFF, key - first + 1)
            contents[-1] = key - first + 1
            self._carrier[key] = number
            following = key + 1
            room -= need
            packed += 1
            passed += 1
        return packed, passed, room

    # --- what became of it ------------------------------------------------------------------------------------------

    def on_acked(self, key: Any, count: int) -> None:
        """Messages `key` to `key + count - 1` have arrived."""
        under_way = self._under_way
        base = self._base
        for number in range(key, key + count):
            if number < base:
                continue
            message = under_way[number - base]
            if isinstance(message, int):
                continue
            size = len(message)
            self.bytes -= size
            if self._tags and number in self._tags:
                self._acked.append(self._tags.pop(number))
            if self._carrier:
                self._carrier.pop(number, None)
            cost = size if size <= FRAGMENT_BYTES else claimed_bytes(size)
            if number == base:
                under_way.popleft()
                self._window_bytes -= cost
                base += 1
            else:
                under_way[number - base] = cost
        while under_way and isinstance(under_way[0], int):
            self._window_bytes -= under_way.popleft()  # type: ignore[operator]
            base += 1
        self._base = base

    def on_lost(self, key: Any, count: int, number: int) -> None:
        """Packet `number` with these messages is lost: send again what no later packet carries."""
        carrier = self._carrier
        overdue = self.overdue
        base = self._base
        for lost in range(max(key, base), key + count):
            if isinstance(self._under_way[lost - base], int) or carrier.get(lost, number) > number:
                continue
            place = bisect_left(overdue, lost)
            if place == len(overdue) or overdue[place] != lost:
                overdue.insert(place, lost)

    def on_given_up(self, key: Any) -> None:
        """Never called: reliable parcels are not given up."""
