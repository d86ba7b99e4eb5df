"""Messages and snapshots larger than a packet: cut into fragments, acknowledged one by one, put together again."""

from collections import deque
from typing import Any, Final, Protocol

from pygase.config import FRAGMENT_BYTES, PARTIAL_MAX_AGE
from pygase.errors import MalformedDatagram
from pygase.protocol.layout import LENGTHS, varint
from pygase.protocol.recovery import Contents
from pygase.protocol.stats import TrafficStats

__all__ = ["Parcel", "ParcelOwner", "ParcelSender", "Partial", "Partials", "check_fragment", "claimed_bytes"]

_UNLIMITED: Final = -1


class ParcelOwner(Protocol):
    """Who gave a parcel to be sent."""

    def on_acked(self, key: Any, count: int) -> None:
        """Parcel `key` has arrived whole."""

    def on_given_up(self, key: Any) -> None:
        """Parcel `key` will not be sent any further."""


class Parcel:
    """One large message on its way out.

    Args:
        frame: Type of its fragments' frames.
        number: Its id.
        blob: The whole message; fragments are cut from it without an intermediate copy.
        retries: How often each fragment may be sent again; -1 for as often as it takes.
        owner: Who is told.
        head: What a frame holds between type and fragment index; the 16-bit id if not given.
    """

    __slots__ = (
        "_blob",
        "_fragments",
        "_head",
        "_left",
        "_owner",
        "_retries",
        "_tries",
        "number",
        "overdue",
        "queue",
        "queued",
        "stopped",
        "unsent",
    )

    def __init__(
        self, frame: int, number: int, blob: bytes, *, retries: int, owner: ParcelOwner, head: bytes | None = None
    ) -> None:
        self.number = number
        self._blob = memoryview(blob)
        self._owner = owner
        self._retries = retries
        self._fragments = (len(blob) + FRAGMENT_BYTES - 1) // FRAGMENT_BYTES
        self._head = bytes((frame,)) + (head if head is not None else (number & 0xFFFF).to_bytes(2, "little"))
        self._left = self._fragments
        # Per fragment: how often it was sent; -1 once acknowledged.
        self._tries = [0] * self._fragments
        self.unsent = 0
        self.overdue: deque[int] = deque()
        self.stopped = False
        # Where it waits its turn, if it shares with others, and whether it stands there.
        self.queue: list[Parcel] | None = None
        self.queued = False

    @property
    def waiting(self) -> bool:
        """Whether a fragment is ready to go."""
        return not self.stopped and (self.unsent < self._fragments or bool(self.overdue))

    def pack(self, parts: list[Any], contents: Contents, room: int, stats: TrafficStats) -> int:
        """Put as many fragments as fit into a packet; returns the room left then."""
        while self.waiting:
            again = bool(self.overdue)
            index = self.overdue[0] if again else self.unsent
            if self._tries[index] < 0:
                self.overdue.popleft()
                continue
            piece = self._blob[index * FRAGMENT_BYTES : (index + 1) * FRAGMENT_BYTES]
            head = self._head + varint(index) + varint(self._fragments - 1) + LENGTHS[len(piece)]
            need = len(head) + len(piece)
            if need > room:
                break
            parts += (head, piece)
            room -= need
            if again:
                self.overdue.popleft()
                stats.fragments_resent += 1
            else:
                self.unsent += 1
            self._tries[index] += 1
            contents += (self, index, 1)
        return room

    def on_acked(self, key: Any, count: int) -> None:  # noqa: ARG002  (see `Carried`)
        """Fragment `key` has arrived."""
        if self._tries[key] < 0:
            return
        self._tries[key] = -1
        self._left -= 1
        if not self._left:
            self.stopped = True
            self._owner.on_acked(self.number, 1)

    def on_lost(self, key: Any, count: int, number: int) -> None:  # noqa: ARG002  (see `Carried`)
        """A packet with fragment `key` is lost: once more, or that was it for the whole parcel."""
        tries = self._tries[key]
        if tries < 0 or self.stopped or key in self.overdue:
            return
        if self._retries == _UNLIMITED or tries <= self._retries:
            self.overdue.append(key)
            if self.queue is not None and not self.queued:
                self.queued = True
                self.queue.append(self)
        else:
            self.stopped = True
            self._owner.on_given_up(self.number)


class ParcelSender:
    """Parcels of all message modes, served one after another: a later one goes on while an earlier one has to wait.

    Attributes:
        ready: Parcels that may have something to send, the next one first.
    """

    __slots__ = ("_stats", "ready")

    def __init__(self, stats: TrafficStats) -> None:
        self.ready: list[Parcel] = []  # few, however large they are
        self._stats = stats

    def add(self, parcel: Parcel) -> None:
        """Send this one too."""
        parcel.queue = self.ready
        parcel.queued = True
        self.ready.append(parcel)

    @property
    def waiting(self) -> bool:
        """Whether a fragment of any is ready to go."""
        ready = self.ready
        while ready:
            if ready[0].waiting:
                return True
            ready.pop(0).queued = False
        return False

    def pack(self, parts: list[Any], contents: Contents, room: int) -> int:
        """Put as many fragments as fit into a packet; returns the room left then."""
        while self.waiting:
            parcel = self.ready[0]
            room = parcel.pack(parts, contents, room, self._stats)
            if parcel.waiting:
                break
        return room


class Partial:
    """One large message on its way in."""

    __slots__ = ("_pieces", "count", "progress_at", "received")

    def __init__(self, count: int, now: float) -> None:
        self.count = count
        self.received = 0
        self._pieces: dict[int, bytes] = {}
        self.progress_at = now

    def add(self, index: int, piece: bytes, now: float) -> bytes | None:
        """Take in one fragment; returns the whole message with its last one."""
        if index in self._pieces:
            return None
        self._pieces[index] = piece
        self.received += len(piece)
        self.progress_at = now
        if len(self._pieces) < self.count:
            return None
        return b"".join([self._pieces[i] for i in range(self.count)])


def claimed_bytes(size: int) -> int:
    """What a message of this size counts in windows: whole fragments, as receivers see no more than their number."""
    return (size + FRAGMENT_BYTES - 1) // FRAGMENT_BYTES * FRAGMENT_BYTES


def check_fragment(index: int, count: int, size: int, max_bytes: int) -> None:
    """Whether a fragment can be one.

    Raises:
        MalformedDatagram: It cannot, or the message would be larger than `max_bytes`.
    """
    if count < 2:
        raise MalformedDatagram("a fragment of what would have fit into one packet")
    if index >= count or count * FRAGMENT_BYTES >= max_bytes + FRAGMENT_BYTES:
        raise MalformedDatagram("a fragment beyond its message's end, or of a message beyond the limit")
    if size != FRAGMENT_BYTES if index < count - 1 else not 0 < size <= FRAGMENT_BYTES:
        raise MalformedDatagram("a fragment of the wrong size")


class Partials:
    """Unfinished large messages of one mode, bounded in number, bytes and age.

    Bytes are counted as the fragments claim, not as they have come: so the sender, who knows what it claims, can keep
    to the same limit, and nothing of an honest sender's is ever thrown away. Too much is thrown away oldest first.
    """

    __slots__ = ("_claimed", "_max_bytes", "_partials")

    def __init__(self, max_bytes: int) -> None:
        self._partials: dict[int, Partial] = {}
        self._max_bytes = max_bytes
        self._claimed = 0

    def __len__(self) -> int:
        return len(self._partials)

    @property
    def held_bytes(self) -> int:
        """Bytes of fragments held."""
        return sum(partial.received for partial in self._partials.values())

    def check(self, number: int, count: int) -> None:
        """Whether a fragment agrees with the others of its message.

        Raises:
            MalformedDatagram: It does not.
        """
        partial = self._partials.get(number)
        if partial is not None and partial.count != count:
            raise MalformedDatagram("fragments that disagree about their number")

    def add(self, number: int, index: int, count: int, piece: bytes, now: float) -> bytes | None:
        """Take in one fragment; returns the whole message with its last one."""
        partial = self._partials.get(number)
        if partial is None:
            partial = self._partials[number] = Partial(count, now)
            self._claimed += count * FRAGMENT_BYTES
            while self._claimed > self._max_bytes and len(self._partials) > 1:
                self.forget(min(self._partials))
            if number not in self._partials:
                return None
        elif partial.count != count:
            return None
        whole = partial.add(index, piece, now)
        if whole is not None:
            self.forget(number)
        return whole

    def forget(self, number: int) -> None:
        """Drop one, if it is there."""
        partial = self._partials.pop(number, None)
        if partial is not None:
            self._claimed -= partial.count * FRAGMENT_BYTES

    def forget_before(self, number: int) -> None:
        """Drop those with a smaller id."""
        if self._partials and min(self._partials) < number:
            for old in [old for old in self._partials if old < number]:
                self.forget(old)

    def forget_stalled(self, now: float) -> None:
        """Drop those without progress for too long."""
        for old in [old for old, partial in self._partials.items() if now - partial.progress_at > PARTIAL_MAX_AGE]:
            self.forget(old)
