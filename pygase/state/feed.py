"""What the server sends of its state: each update encoded once for all clients that need the same."""

from collections.abc import Callable, Mapping

from pygase.state.codec import Encoder
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
        self._stamp = bytes(2)
        self._encoded: dict[int | None, bytes] = {}

    def encoded(self, baseline: int | None) -> tuple[int, bytes]:
        """Encode what leads from a state to the newest one.

        Args:
            baseline: The time order of the state to start from, or None for none.

        Returns:
            The newest time order, and the blob.
        """
        if self.store.time_order == self._version and baseline in self._encoded:
            return self._version, self._encoded[baseline]
        update, version = self.store.delta(baseline)
        if version != self._version:
            self._version = version
            self._stamp = (int(self._clock() * 1000) % _STAMP_PERIOD_MS).to_bytes(2, "little")
            self._encoded = {}
            self._encoder.begin(version)
        blob = self._encoded[baseline] = self._stamp + self._encoder.encode(update, baseline)
        return version, blob
