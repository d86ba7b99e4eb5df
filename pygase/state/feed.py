"""What the server sends of its state: each update encoded once for all clients that need the same."""

from collections.abc import Callable, Mapping

from pygase.config import NEVER, WHOLE_LIFETIME
from pygase.state.codec import Encoder, WholeEncoding
from pygase.state.precision import parse_precision
from pygase.state.store import GameStateStore

__all__ = ["StateFeed"]

_STAMP_PERIOD_MS = 65_536


class StateFeed:
    """Encodes what leads from the clients' states to the newest.

    A blob is the server's time of the newest state, in milliseconds modulo 2^16 and little-endian, and then the
    update.

    Args:
        store: The state.
        clock: Tells monotonic seconds.
        precision: Steps to round floats to, by path: `{"players.*.position": 0.1}`. Everything else is exact.

    Attributes:
        store: The state.
    """

    def __init__(
        self, store: GameStateStore, clock: Callable[[], float], *, precision: Mapping[str, float] | None = None
    ) -> None:
        self.store = store
        self._clock = clock
        self._encoder = Encoder(parse_precision(precision) if precision else None)
        self._version = -1
        self._came = -1, 0.0  # the newest version that was told of, and when it was
        self._stamp = bytes(2)
        self._encoded: dict[int | None, bytes] = {}
        self._whole: _Whole | None = None

    def note_version(self, now: float) -> None:
        """Take note that the newest version has just come about: updates say when, however late they are made."""
        self._came = self.store.time_order, now

    def offer(self, baseline: int | None, now: float) -> tuple[int, bytes] | None:
        """Do both: `prepare`, and `encoded` if that says so."""
        version = self.store.time_order
        if version == self._version:
            blob = self._encoded.get(baseline)
            if blob is not None:
                return version, blob
        return self.encoded(baseline) if self.prepare(baseline, now) else None

    def prepare(self, baseline: int | None, now: float) -> bool:
        """Do what takes long before `encoded` can be called: a slice of it, and no more than one for each `now`.

        Args:
            baseline: As for `encoded`.
            now: Monotonic seconds.

        Returns:
            Whether `encoded` takes no time any more.
        """
        if not self.store.has_forgotten(baseline):
            return True
        whole = self._usable(now) or self._begin_whole()
        if whole.encoding.blob is None and whole.worked_at != now:
            whole.go_on(now)
        return whole.encoding.blob is not None

    def encoded(self, baseline: int | None) -> tuple[int, bytes]:
        """Encode what leads from a state to the newest one; or to one that is little older, if that is what there is.

        Args:
            baseline: The time order of the state to start from, or None for none.

        Returns:
            The time order that it leads to, and the blob.
        """
        if self.store.time_order == self._version and baseline in self._encoded:
            return self._version, self._encoded[baseline]
        if self.store.has_forgotten(baseline):
            now = self._clock()
            whole = self._usable(now) or self._begin_whole()
            while whole.encoding.blob is None:
                whole.go_on(now)
            return whole.version, whole.stamp + whole.encoding.blob
        update, version = self.store.delta(baseline)
        self._turn_to(version)
        blob = self._encoded[baseline] = self._stamp + self._encoder.encode(update, baseline)
        return version, blob

    def _turn_to(self, version: int) -> None:
        if version != self._version:
            self._version = version
            newest, came_at = self._came
            at = came_at if version == newest else self._clock()
            self._stamp = (int(at * 1000) % _STAMP_PERIOD_MS).to_bytes(2, "little")
            self._encoded = {}
            self._encoder.begin(version)

    def _usable(self, now: float) -> "_Whole | None":
        """Return the whole state that is under way or done, if it is not too old by now."""
        whole = self._whole
        if whole is None or whole.encoding.blob is None or whole.version == self.store.time_order:
            return whole
        is_worth_it = whole.slices > 1 and now - whole.worked_at < WHOLE_LIFETIME
        return whole if is_worth_it and not self.store.has_forgotten(whole.version) else None

    def _begin_whole(self) -> "_Whole":
        update, version = self.store.delta(None)
        self._turn_to(version)
        whole = self._whole = _Whole(version, self._stamp, self._encoder.encode_whole(update))
        return whole


class _Whole:
    """The whole state of some time, encoded or on its way to be."""

    __slots__ = ("encoding", "slices", "stamp", "version", "worked_at")

    def __init__(self, version: int, stamp: bytes, encoding: WholeEncoding) -> None:
        self.version = version
        self.stamp = stamp
        self.encoding = encoding
        self.slices = 0
        self.worked_at = -NEVER

    def go_on(self, now: float) -> None:
        self.encoding.go_on()
        self.slices += 1
        self.worked_at = now
