"""What one client may ask of a server per second: packets, bytes, events."""

from typing import Final

__all__ = ["Budget"]


class Budget:
    """A token bucket that is refilled only when it runs dry: spending is one subtraction.

    Args:
        rate: Tokens that come back per second.
        burst: Tokens that fit in, and that it begins with.
        now: Monotonic seconds.
    """

    __slots__ = ("_burst", "_filled_at", "_rate", "left")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate: Final = rate
        self._burst: Final = burst
        self._filled_at = now
        self.left = burst

    def is_overdrawn(self, now: float) -> bool:
        """Refill, once `left` has become negative. Returns whether it still is."""
        self.left = min(self._burst, self.left + (now - self._filled_at) * self._rate)
        self._filled_at = now
        return self.left < 0.0
