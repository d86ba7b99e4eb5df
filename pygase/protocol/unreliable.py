"""Messages that are sent once."""

from collections import deque
from typing import Any

from pygase.config import MAX_BACKLOG_BYTES, MAX_BACKLOG_MESSAGES, UNRELIABLE_MAX_AGE
from pygase.errors import BacklogFull
from pygase.protocol.layout import UNRELIABLE_HEADS
from pygase.protocol.recovery import Contents
from pygase.protocol.stats import TrafficStats

__all__ = ["UnreliableSender", "backlog_full"]


def backlog_full(waiting_messages: int, waiting_bytes: int) -> BacklogFull:
    """The error for a message that there is no room for."""
    return BacklogFull(
        f"{waiting_messages} messages with {waiting_bytes} bytes are waiting for this connection, which carries less "
        "than is being sent: send less often, put what changes all the time into the game state, "
        "or catch this and try again later"
    )


class UnreliableSender:
    """Queue of small messages that go out once, with or without a tag.

    Attributes:
        queue: Messages without a tag.
        tagged: Messages with their tags; they go first.
        bytes: Size of all of them.
    """

    __slots__ = ("_acked", "_gone", "_old_at", "_old_until", "_stats", "bytes", "queue", "tagged")

    def __init__(self, acked: list[object], stats: TrafficStats) -> None:
        self.queue: deque[bytes] = deque()
        self.tagged: deque[tuple[bytes, object]] = deque()
        self.bytes = 0
        self._acked = acked
        self._stats = stats
        self._gone = 0
        self._old_until = 0
        self._old_at = 0.0

    def send(self, message: bytes, tag: object) -> None:
        """Queue one message.

        Raises:
            BacklogFull: Too much is waiting.
        """
        size = self.bytes + len(message)
        waiting = len(self.queue) + len(self.tagged)
        if size > MAX_BACKLOG_BYTES or waiting >= MAX_BACKLOG_MESSAGES:
            raise backlog_full(waiting, self.bytes)
        self.bytes = size
        if tag is None:
            self.queue.append(message)
        else:
            self.tagged.append((message, tag))

    def pack(self, parts: list[Any], contents: Contents, room: int, *, share: bool) -> int:
        """Put what fits into a packet.

        Args:
            parts: The packet's pieces.
            contents: The packet's contents.
            room: Bytes left in the packet.
            share: Others wait too: after half the room, leave the rest to them.

        Returns:
            The room left then.
        """
        tagged = self.tagged
        while tagged:
            message, tag = tagged[0]
            size = len(message)
            need = size + (2 if size < 0x80 else 3)
            if need > room:
                return room
            tagged.popleft()
            parts += (UNRELIABLE_HEADS[size], message)
            contents += (self, tag, 1)
            room -= need
            self.bytes -= size
        queue = self.queue
        waiting = len(queue)
        least = room >> 1 if share else 0
        while queue:
            message = queue[0]
            size = len(message)
            need = size + (2 if size < 0x80 else 3)
            if need > room:
                break
            queue.popleft()
            parts += (UNRELIABLE_HEADS[size], message)
            room -= need
            self.bytes -= size
            if room < least:
                break
        self._gone += waiting - len(queue)
        return room

    def on_acked(self, key: Any, count: int) -> None:  # noqa: ARG002  (see `Carried`)
        """The message with this tag has arrived."""
        self._acked.append(key)

    def on_lost(self, key: Any, count: int, number: int) -> None:
        """It was sent once, and that was it."""

    def drop_old(self, now: float) -> None:
        """Called while messages wait for the line: drop those that have waited for too long."""
        if self._gone >= self._old_until:
            self._old_until = self._gone + len(self.queue)
            self._old_at = now
        elif now - self._old_at >= UNRELIABLE_MAX_AGE:
            drop = self._old_until - self._gone
            for _ in range(drop):
                self.bytes -= len(self.queue.popleft())
            self._gone += drop
            self._stats.messages_dropped += drop
