"""The state's channel: the newest version wins, and what is too large for a packet is a transfer of fragments."""

# ruff: noqa: PLR1730  (this runs for every packet, and max() costs four times a comparison)

from functools import lru_cache
from typing import Any

from pygase.config import FRAGMENT_BYTES, MAX_SNAPSHOT_BYTES
from pygase.errors import MalformedDatagram, TooLarge
from pygase.protocol.fragments import Parcel, Partial, check_fragment
from pygase.protocol.layout import FRAGMENT_SNAPSHOT, LENGTHS, SNAPSHOT, read_length, read_varint, varint
from pygase.protocol.received import ReceivedPackets
from pygase.protocol.recovery import Contents
from pygase.protocol.stats import TrafficStats

__all__ = ["SnapshotReceiver", "SnapshotSender"]

_SNAPSHOT_BYTE = bytes((SNAPSHOT,))


@lru_cache(maxsize=256)
def _head(version: int, distance: int, size: int) -> bytes:
    """What precedes a snapshot; the same for most clients of a tick."""
    return _SNAPSHOT_BYTE + varint(version) + varint(distance) + LENGTHS[size]


class SnapshotSender:
    """Sends the newest snapshot offered.

    Attributes:
        offer: `(baseline, version, blob)` that is to go into the next packet, or None.
        transfer: The large snapshot under way, or None.
        acked_version: Newest version the peer has, -1 if none.
        due: See `Traffic.snapshot_due`.
    """

    __slots__ = ("_newest_sent", "_stats", "_wanted", "acked_version", "due", "offer", "transfer")

    def __init__(self, stats: TrafficStats) -> None:
        self.offer: tuple[int | None, int, bytes] | None = None
        self.transfer: Parcel | None = None
        self.acked_version = -1
        self.due = False
        self._wanted = -1
        self._newest_sent = -1
        self._stats = stats

    def make_offer(self, baseline: int | None, version: int, blob: bytes) -> None:
        """Replace what is offered.

        Raises:
            TooLarge: The blob is too large.
            ValueError: The baseline is not older than the version.
        """
        if baseline is not None and baseline >= version:
            raise ValueError(f"a snapshot of version {version} cannot be a delta against {baseline}")
        if version > self._wanted:
            self._wanted = version
        if self.transfer is not None:
            return
        self.due = False
        if version <= self.acked_version:
            return
        size = len(blob)
        if size <= FRAGMENT_BYTES:
            self.offer = (baseline, version, blob)
            return
        if size > MAX_SNAPSHOT_BYTES:
            raise TooLarge(f"a state update of {size} bytes is larger than the limit of {MAX_SNAPSHOT_BYTES}")
        self.offer = None
        head = varint(version) + varint(0 if baseline is None else version - baseline)
        self.transfer = Parcel(FRAGMENT_SNAPSHOT, version, blob, retries=-1, owner=self, head=head)
        self._newest_sent = version
        self._stats.snapshots_sent += 1

    def pack(self, parts: list[Any], contents: Contents, room: int) -> int:
        """Put the offer into a packet if it fits; returns the room left then."""
        offer = self.offer
        assert offer is not None
        baseline, version, blob = offer
        size = len(blob)
        if size + 21 > room:
            return room
        head = _head(version, 0 if baseline is None else version - baseline, size)
        parts += (head, blob)
        contents += (self, version, 0)
        self.offer = None
        self._newest_sent = version
        self._stats.snapshots_sent += 1
        return room - len(head) - size

    def on_acked(self, key: Any, count: int) -> None:
        """Version `key` has arrived; as a transfer if `count`, else in one packet."""
        if key > self.acked_version:
            self.acked_version = key
        if count:
            self.transfer = None
            self.due = self._wanted > key
        elif self._wanted <= self.acked_version:
            self.due = False

    def on_lost(self, key: Any, count: int, number: int) -> None:  # noqa: ARG002  (see `Carried`)
        """A packet with version `key` is lost: that matters if nothing newer is under way."""
        if key == self._newest_sent and key > self.acked_version and self.offer is None and self.transfer is None:
            self.due = True

    def on_given_up(self, key: Any) -> None:
        """Never called: transfers are not given up."""


class SnapshotReceiver:
    """Hands on complete snapshots, each newer than the one before.

    Attributes:
        newest: Version of the newest one, -1 if none.
        missed: See `Traffic.missed_snapshots`.
        partial: What there is of a transfer under way.
    """

    __slots__ = (
        "_baseline",
        "_carrier",
        "_received",
        "_snapshots",
        "_stats",
        "_version",
        "missed",
        "newest",
        "partial",
    )

    def __init__(
        self, snapshots: list[tuple[int | None, int, bytes]], received: ReceivedPackets, stats: TrafficStats
    ) -> None:
        self._snapshots = snapshots
        self._received = received
        self._stats = stats
        self._carrier = -1  # number of the packet that brought the newest; -1 if many did
        self.newest = -1
        self.missed: int | None = None
        self.partial: Partial | None = None
        self._version = -1
        self._baseline: int | None = None

    @staticmethod
    def parse_versions(data: bytes, position: int) -> tuple[int | None, int, int]:
        """Read baseline and version; returns them and the position behind.

        Raises:
            MalformedDatagram: The baseline is below zero.
        """
        version, position = read_varint(data, position)
        distance, position = read_varint(data, position)
        if distance > version:
            raise MalformedDatagram("a baseline below zero")
        return (version - distance if distance else None), version, position

    def parse(self, data: bytes, position: int) -> tuple[tuple[int | None, int, bytes], int]:
        """Read a whole snapshot; returns it and the position behind the frame."""
        version = data[position + 1]
        distance = data[position + 2]
        if version < 0x80 and distance <= version:
            baseline = version - distance if distance else None
            position += 3
        else:
            baseline, version, position = self.parse_versions(data, position + 1)
        start, end = read_length(data, position)
        return (baseline, version, data[start:end]), end

    def accept(self, snapshot: tuple[int | None, int, bytes], carrier: int = -1) -> None:
        """Take in a whole snapshot: late ones are older than what is there.

        Args:
            snapshot: The snapshot.
            carrier: Number of the packet that brought it, which counts as received; -1 if there were many.
        """
        version = snapshot[1]
        if version > self.newest:
            before, self._carrier = self._carrier, carrier
            self.missed = self._received.missing_between(before, carrier) if carrier > before >= 0 else None
            self.newest = version
            self._snapshots.append(snapshot)
            self._stats.snapshots_received += 1

    def check_fragment(self, baseline: int | None, version: int, index: int, count: int, size: int) -> None:
        """Whether a fragment is well-formed.

        Raises:
            MalformedDatagram: It is not, or disagrees with the transfer under way.
        """
        check_fragment(index, count, size, MAX_SNAPSHOT_BYTES)
        partial = self.partial if version == self._version else None
        if partial is not None and (count != partial.count or baseline != self._baseline):
            raise MalformedDatagram("fragments of a snapshot that disagree")

    def accept_fragment(self, fragment: tuple[int | None, int, bytes], index: int, count: int, now: float) -> None:
        """Take in a fragment that `check_fragment` has passed. A newer transfer ends an older one.

        Args:
            fragment: Baseline and version of the snapshot, and the piece.
            index: Which piece it is.
            count: How many pieces there are.
            now: The current time.
        """
        baseline, version, piece = fragment
        if version <= self.newest or version < self._version:
            return
        partial = self.partial
        if partial is None or version > self._version:
            partial = self.partial = Partial(count, now)
            self._version = version
            self._baseline = baseline
        elif partial.count != count:
            return
        blob = partial.add(index, piece, now)
        if blob is not None:
            self.partial = None
            self.accept((baseline, version, blob))
