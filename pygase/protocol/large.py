"""Large messages of the modes that keep no order: unreliable ones, and ones with retries. Each mode has its own ids."""

from collections import deque
from typing import Any

from pygase.config import (
    LARGE_WINDOW,
    LARGE_WINDOW_BYTES,
    MAX_BACKLOG_BYTES,
    MAX_LOST_REMEMBERED,
    MAX_MESSAGE_BYTES,
)
from pygase.errors import MalformedDatagram
from pygase.protocol.fragments import Parcel, ParcelSender, Partials, check_fragment, claimed_bytes
from pygase.protocol.stats import TrafficStats
from pygase.protocol.unreliable import backlog_full

__all__ = ["LargeReceiver", "LargeSender"]


class LargeSender:
    """Queue of large messages of one mode.

    The window, in number and in bytes as fragments claim them, runs from the oldest message that may still be sent to
    the newest; the receiver's limits are the same.

    Attributes:
        fresh: Messages not begun: `(message, retries, tag)`.
        bytes: Size of all messages queued or unsettled.
    """

    __slots__ = (
        "_acked",
        "_claims",
        "_first",
        "_frame",
        "_given_up",
        "_parcels",
        "_stats",
        "_under_way",
        "bytes",
        "fresh",
    )

    def __init__(self, frame: int, acked: list[object], parcels: ParcelSender, stats: TrafficStats) -> None:
        self._frame = frame
        self._acked = acked
        self._parcels = parcels
        self._stats = stats
        self.fresh: deque[tuple[bytes, int, object]] = deque()
        self.bytes = 0
        # Claims of all messages from id `_first` on, and those of them that are not settled: id -> (size, tag).
        self._claims: deque[int] = deque()
        self._first = 0
        self._under_way: dict[int, tuple[int, object]] = {}
        # Tags of messages given up: the missing acks may only be late.
        self._given_up: dict[int, object] = {}

    def send(self, message: bytes, retries: int, tag: object) -> None:
        """Queue one message.

        Raises:
            BacklogFull: Too much is waiting or unsettled.
        """
        size = self.bytes + len(message)
        if size > MAX_BACKLOG_BYTES:
            raise backlog_full(len(self.fresh), self.bytes)
        self.bytes = size
        self.fresh.append((message, retries, tag))

    def __len__(self) -> int:
        """Messages queued or unsettled."""
        return len(self.fresh) + len(self._under_way)

    def start(self) -> None:
        """Begin as many messages as the window allows."""
        while self._claims and self._first not in self._under_way:
            self._claims.popleft()
            self._first += 1
        while self.fresh and len(self._claims) < LARGE_WINDOW:
            message, retries, tag = self.fresh[0]
            claim = claimed_bytes(len(message))
            if self._claims and sum(self._claims) + claim > LARGE_WINDOW_BYTES:
                break
            self.fresh.popleft()
            number = self._first + len(self._claims)
            self._claims.append(claim)
            self._under_way[number] = (len(message), tag)
            self._parcels.add(Parcel(self._frame, number, message, retries=retries, owner=self))

    def on_acked(self, key: Any, count: int) -> None:  # noqa: ARG002  (see `ParcelOwner`)
        """Message `key` has arrived whole."""
        if key in self._under_way:
            size, tag = self._under_way.pop(key)
            self.bytes -= size
        else:
            tag = self._given_up.pop(key, None)
        if tag is not None:
            self._acked.append(tag)

    def on_given_up(self, key: Any) -> None:
        """Message `key` has lost a fragment for the last time."""
        size, tag = self._under_way.pop(key)
        self.bytes -= size
        self._stats.messages_dropped += 1
        if tag is not None:
            self._given_up[key] = tag
            if len(self._given_up) > MAX_LOST_REMEMBERED:
                del self._given_up[next(iter(self._given_up))]


class LargeReceiver:
    """Puts the large messages of one mode together, each at most once.

    Args:
        mode: What is put beside the messages.
        messages: Gets `(mode, message)`.
    """

    __slots__ = ("_done", "_messages", "_mode", "_newest", "_stats", "partials")

    def __init__(self, mode: int, messages: list[tuple[int, bytes]], stats: TrafficStats) -> None:
        self._mode = mode
        self._messages = messages
        self._stats = stats
        self.partials = Partials(LARGE_WINDOW_BYTES)
        self._done: set[int] = set()
        self._newest = -1

    def check(self, low_bits: int, index: int, count: int, size: int) -> int:
        """Whether a fragment is well-formed; returns its message's id.

        Raises:
            MalformedDatagram: It is not.
        """
        following = self._newest + 1
        number = following + ((low_bits - following + 0x8000) & 0xFFFF) - 0x8000
        if number < 0:
            raise MalformedDatagram("a message id below zero")
        check_fragment(index, count, size, MAX_MESSAGE_BYTES)
        self.partials.check(number, count)
        return number

    def accept(self, number: int, index: int, count: int, piece: bytes, now: float) -> None:
        """Take in a fragment that `check` has passed."""
        if number > self._newest:
            self._newest = number
            oldest = number - LARGE_WINDOW + 1
            self.partials.forget_before(oldest)
            if self._done and min(self._done) < oldest:
                self._done = {done for done in self._done if done >= oldest}
        elif number <= self._newest - LARGE_WINDOW or number in self._done:
            self._stats.messages_duplicated += 1
            return
        whole = self.partials.add(number, index, count, piece, now)
        if whole is not None:
            self._done.add(number)
            self._messages.append((self._mode, whole))
            self._stats.messages_received += 1
