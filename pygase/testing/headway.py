"""Whether simulated time goes on: the guard against whoever wants to be called again and again at one instant."""

from collections import Counter
from collections.abc import Callable
from typing import Final

__all__ = ["INSTANT", "MAX_TURNS", "Headway"]

INSTANT: Final = 0.001
"""Seconds of simulated time that count as one instant: a clock that moves by nanoseconds stands still, too."""

MAX_TURNS: Final = 10_000
"""Turns that one may have within an instant: no program takes one in 0.1 microseconds, and the busiest of pygase's
tests, on lines without any latency, take a few hundred."""


class Headway:
    """Counts who has how many turns within an instant.

    Args:
        clock: Returns the simulated time.
        seed: Named in what it raises.
    """

    __slots__ = ("_clock", "_counts", "_seed", "_since")

    def __init__(self, clock: Callable[[], float], seed: int) -> None:
        self._clock = clock
        self._seed = seed
        self._since = 0.0
        self._counts: Counter[object] = Counter()

    def note(self, who: object) -> None:
        """Take note that somebody has a turn.

        Raises:
            RuntimeError: It is one too many; the message names who, by its `str`.
        """
        now = self._clock()
        if now - self._since >= INSTANT:
            self._since = now
            self._counts.clear()
        self._counts[who] += 1
        if self._counts[who] > MAX_TURNS:
            raise RuntimeError(
                f"simulated time makes no headway at {now:.9f} s: {who} has had {MAX_TURNS} turns within"
                f" {INSTANT * 1000:g} ms (seed {self._seed})"
            )
