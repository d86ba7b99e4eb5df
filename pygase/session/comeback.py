"""When a client that was cut off tries to get its connection back, and for how long."""

from collections.abc import Callable
from typing import Final

from pygase.config import MAX_RECONNECT_PAUSE, NEVER, RECONNECT_FOR, RECONNECT_PAUSE
from pygase.errors import DisconnectReason

__all__ = ["Comeback"]

_WORTH_RETRYING: Final = (DisconnectReason.NO_ANSWER, DisconnectReason.TIMED_OUT, DisconnectReason.DENIED)
"""Ends of an attempt to get back that the next one may not meet."""


class Comeback:
    """One after another the attempts to get back one connection that was lost.

    Args:
        now: Monotonic seconds.
        entropy: Randomness, for the pauses between them.

    Attributes:
        retry_at: When the next attempt begins; `NEVER` while one is under way.
    """

    __slots__ = ("_attempts", "_entropy", "_gives_up_at", "retry_at")

    def __init__(self, now: float, entropy: Callable[[int], bytes]) -> None:
        self._attempts = 0
        self._entropy = entropy
        self._gives_up_at = now + RECONNECT_FOR
        self.retry_at = now + self._pause()

    def begin_attempt(self) -> None:
        """Take note that an attempt begins."""
        self._attempts += 1
        self.retry_at = NEVER

    def goes_on_after(self, reason: DisconnectReason, now: float) -> bool:
        """Return whether there will be another attempt, now that one has ended with this reason."""
        if reason not in _WORTH_RETRYING or now >= self._gives_up_at:
            return False
        self.retry_at = now + self._pause()
        return True

    def _pause(self) -> float:
        """Return the pause before the next attempt: growing, and jittered so that a full server's clients spread."""
        pause = min(MAX_RECONNECT_PAUSE, RECONNECT_PAUSE * 2.0**self._attempts)
        return pause * (0.5 + self._entropy(1)[0] / 255)
