"""Messages of all modes on their way out: each mode's sender, and who may fill a packet first."""

from typing import Any

from pygase.config import FRAGMENT_BYTES, MAX_MESSAGE_BYTES, RELIABLE
from pygase.errors import TooLarge
from pygase.protocol.fragments import ParcelSender
from pygase.protocol.large import LargeSender
from pygase.protocol.layout import FRAGMENT_RETRIED, FRAGMENT_UNRELIABLE
from pygase.protocol.recovery import Contents
from pygase.protocol.reliable_sender import ReliableSender
from pygase.protocol.retried import RetriedSender
from pygase.protocol.stats import TrafficStats
from pygase.protocol.unreliable import UnreliableSender

__all__ = ["Messages"]


class Messages:
    """What is to be sent besides the state. Senders that few connections need are made when they are.

    Attributes:
        parcels: Fragments of large messages.
        reliable: Reliable messages.
    """

    __slots__ = (
        "_acked",
        "_has_large",
        "_has_others",
        "_large_retried",
        "_large_unreliable",
        "_reliable_first",
        "_retried",
        "_stats",
        "_unreliable",
        "parcels",
        "reliable",
    )

    def __init__(self, acked: list[object], stats: TrafficStats) -> None:
        self._acked = acked
        self._stats = stats
        self.parcels = ParcelSender(stats)
        self.reliable = ReliableSender(acked, self.parcels, stats)
        self._unreliable: UnreliableSender | None = None
        self._retried: RetriedSender | None = None
        self._large_unreliable: LargeSender | None = None
        self._large_retried: LargeSender | None = None
        # Whether there may be any besides small ones that go once: most connections mostly have none.
        self._has_others = False
        # Whether large messages may be waiting to become parcels: spares looking.
        self._has_large = False
        self._reliable_first = False

    @property
    def unreliable(self) -> UnreliableSender:
        """Small messages that go once."""
        unreliable = self._unreliable
        if unreliable is None:
            unreliable = self._unreliable = UnreliableSender(self._acked, self._stats)
        return unreliable

    @property
    def retried(self) -> RetriedSender:
        """Small messages with retries."""
        retried = self._retried
        if retried is None:
            retried = self._retried = RetriedSender(self._acked, self._stats)
        return retried

    @property
    def large_unreliable(self) -> LargeSender:
        """Large messages that go once."""
        large = self._large_unreliable
        if large is None:
            large = LargeSender(FRAGMENT_UNRELIABLE, self._acked, self.parcels, self._stats)
            self._large_unreliable = large
        return large

    @property
    def large_retried(self) -> LargeSender:
        """Large messages with retries."""
        large = self._large_retried
        if large is None:
            large = LargeSender(FRAGMENT_RETRIED, self._acked, self.parcels, self._stats)
            self._large_retried = large
        return large

    def send(self, message: bytes, retries: int, tag: object) -> None:
        """Queue one message. See `Traffic.send`."""
        size = len(message)
        if size <= FRAGMENT_BYTES:
            if retries == 0:
                unreliable = self._unreliable
                (self.unreliable if unreliable is None else unreliable).send(message, tag)
                return
            self._has_others = True
            if retries == RELIABLE:
                self.reliable.send(message, tag)
            else:
                self.retried.send(message, retries, tag)
            return
        if size > MAX_MESSAGE_BYTES:
            raise TooLarge(f"a message of {size} bytes is larger than the limit of {MAX_MESSAGE_BYTES}")
        if retries == RELIABLE:
            self.reliable.send(message, tag)
        elif retries == 0 and tag is None:
            self.large_unreliable.send(message, 0, None)
        else:
            # With a tag even what is sent once goes where the receiver forgets no part of it: the tag must be true.
            self.large_retried.send(message, retries, tag)
        self._has_large = self._has_others = True

    # --- what there is ----------------------------------------------------------------------------------------------

    @property
    def are_left(self) -> bool:
        """Whether any is queued, or may have to be sent again."""
        unreliable = self._unreliable
        if unreliable is not None and (unreliable.queue or unreliable.tagged):
            return True
        if self._has_others:
            self._has_others = self._are_others_left()
        return self._has_others

    def drop_old(self, now: float) -> None:
        """Called when packets have been made, and some are left: drop what waits for the line too long."""
        unreliable = self._unreliable
        if unreliable is not None and unreliable.queue:
            unreliable.drop_old(now)

    def _are_others_left(self) -> bool:
        reliable, retried = self.reliable, self._retried
        if reliable.overdue or self.parcels.ready or self._has_large:
            return True
        if len(reliable) or (retried is not None and (len(retried) or retried.overdue)):
            return True
        once, resent = self._large_unreliable, self._large_retried
        return (once is not None and bool(len(once))) or (resent is not None and bool(len(resent)))

    @property
    def bytes(self) -> int:
        """Size of all that are queued or, where they may be resent, not acknowledged yet."""
        size = self.reliable.bytes
        for sender in (self._unreliable, self._retried, self._large_unreliable, self._large_retried):
            if sender is not None:
                size += sender.bytes
        return size

    @property
    def are_overdue(self) -> bool:
        """Whether some are to be sent again."""
        if not self._has_others:
            return False
        retried = self._retried
        return bool(self.reliable.overdue) or (retried is not None and bool(retried.overdue))

    @property
    def small_waiting(self) -> bool:
        """Whether one that fits into a packet is ready to go."""
        unreliable = self._unreliable
        if unreliable is not None and (unreliable.queue or unreliable.tagged):
            return True
        if not self._has_others:
            return False
        reliable, retried = self.reliable, self._retried
        if (reliable.fresh or reliable.overdue) and reliable.waiting:
            return True
        return retried is not None and bool(retried.fresh or retried.overdue) and retried.waiting

    @property
    def large_waiting(self) -> bool:
        """Whether a fragment is ready to go."""
        if not self._has_others or not (self._has_large or self.parcels.ready):
            return False
        self._has_large = False
        for large in (self._large_unreliable, self._large_retried):
            if large is not None:
                large.start()
                if large.fresh:
                    self._has_large = True
        return self.parcels.waiting

    # --- into a packet ----------------------------------------------------------------------------------------------

    def pack(  # noqa: C901  (one branch for each mode)
        self, parts: list[Any], contents: Contents, room: int, number: int, now: float
    ) -> int:
        """Put small messages into a packet: lost ones first, then fresh ones of all modes.

        Args:
            parts: The packet's pieces.
            contents: The packet's contents.
            room: Bytes left in the packet.
            number: The packet's number.
            now: The current time.

        Returns:
            The room left then.
        """
        unreliable = self._unreliable
        if unreliable is not None and not (unreliable.queue or unreliable.tagged):
            unreliable = None
        reliable, retried = self.reliable, self._retried
        if retried is not None and not (retried.fresh or retried.overdue):
            retried = None
        if not self._has_others or (retried is None and not (reliable.fresh or reliable.overdue)):
            if unreliable is not None:
                self._reliable_first = False
                room = unreliable.pack(parts, contents, room, share=False)
            return room
        if reliable.overdue:
            room = reliable.pack_overdue(parts, contents, room, number)
        if retried is not None and retried.overdue:
            room = retried.pack(parts, contents, room)
        # Where both wait, they take turns in who fills the packet first, so that neither starves.
        reliable_first = self._reliable_first
        if unreliable is not None:
            others_wait = bool(reliable.fresh) or (retried is not None and bool(retried.fresh))
            self._reliable_first = others_wait and not reliable_first
            if not reliable_first:
                room = unreliable.pack(parts, contents, room, share=self._reliable_first)
        if retried is not None and retried.fresh:
            room = retried.pack(parts, contents, room)
        if reliable.fresh:
            room = reliable.pack(parts, contents, room, now)
        if unreliable is not None and reliable_first:
            room = unreliable.pack(parts, contents, room, share=False)
        return room
