"""What a simulated line does to datagrams."""

import random
from dataclasses import dataclass, replace
from typing import Any

__all__ = ["PROFILES", "Conditions", "Line"]


@dataclass(frozen=True, slots=True)
class Conditions:
    """What one direction of a line does to datagrams. Probabilities are from 0 to 1.

    Attributes:
        latency: One-way delay in seconds.
        jitter: Each datagram takes up to so many seconds more or less, evenly spread.
        loss: How likely a datagram is lost, in a good spell.
        duplication: How likely a datagram arrives twice.
        reordering: How likely a datagram is held back by `reordering_delay` and overtaken.
        reordering_delay: Seconds.
        bytes_per_second: The line's rate; None for no limit.
        queue_bytes: What waits in front of a line with a rate before the rest is thrown away.
        burst_start: How likely, at each datagram, a bad spell begins (Gilbert-Elliott model).
        burst_end: How likely, at each datagram, a bad spell ends.
        burst_loss: How likely a datagram is lost in a bad spell.
    """

    latency: float = 0.0
    jitter: float = 0.0
    loss: float = 0.0
    duplication: float = 0.0
    reordering: float = 0.0
    reordering_delay: float = 0.05
    bytes_per_second: float | None = None
    queue_bytes: int = 64 * 1024
    burst_start: float = 0.0
    burst_end: float = 0.25
    burst_loss: float = 0.8

    def but(self, **changes: Any) -> "Conditions":
        """Return these conditions with some changed."""
        return replace(self, **changes)


PROFILES: dict[str, Conditions] = {
    "perfect": Conditions(),
    "lan": Conditions(latency=0.000_5, jitter=0.000_2),
    "wifi": Conditions(latency=0.008, jitter=0.006, loss=0.01, reordering=0.005, burst_start=0.002),
    "mobile_4g": Conditions(
        latency=0.035, jitter=0.015, loss=0.01, burst_start=0.003, bytes_per_second=1_000_000, queue_bytes=256 * 1024
    ),
    "satellite": Conditions(latency=0.3, jitter=0.02, loss=0.02, bytes_per_second=500_000, queue_bytes=256 * 1024),
    "hotel": Conditions(
        latency=0.06,
        jitter=0.05,
        loss=0.04,
        duplication=0.01,
        reordering=0.03,
        burst_start=0.01,
        bytes_per_second=128_000,
    ),
}
"""Lines as players have them, each direction. Rough figures to develop against, not measurements of a place."""


class Line:
    """One direction of a line under conditions, with its queue and its spell of luck."""

    def __init__(self, conditions: Conditions, dice: random.Random) -> None:
        self.conditions = conditions
        self._dice = dice
        self._free_at = 0.0
        self._bad_spell = False

    def arrivals(self, size: int, now: float) -> list[float]:
        """Return when a datagram of `size` bytes that is sent now arrives: never, once or twice."""
        c, dice = self.conditions, self._dice
        if self._is_lost():
            return []
        leaves = now
        if c.bytes_per_second is not None:
            waiting = max(0.0, self._free_at - now)
            if waiting * c.bytes_per_second + size > c.queue_bytes:
                return []
            leaves = self._free_at = max(now, self._free_at) + size / c.bytes_per_second
        times = 2 if c.duplication and dice.random() < c.duplication else 1
        return [leaves + self._delay() for _ in range(times)]

    def _is_lost(self) -> bool:
        c, dice = self.conditions, self._dice
        if c.burst_start:
            self._bad_spell = dice.random() >= c.burst_end if self._bad_spell else dice.random() < c.burst_start
        loss = max(c.loss, c.burst_loss) if self._bad_spell else c.loss
        return bool(loss) and dice.random() < loss

    def _delay(self) -> float:
        c, dice = self.conditions, self._dice
        delay = c.latency
        if c.jitter:
            delay += dice.uniform(-c.jitter, c.jitter)
        if c.reordering and dice.random() < c.reordering:
            delay += c.reordering_delay
        return max(0.0, delay)
