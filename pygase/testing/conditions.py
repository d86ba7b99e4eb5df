"""What a simulated line does to datagrams."""

import random
from dataclasses import dataclass, fields, replace
from typing import Any, Final

__all__ = ["PROFILES", "Conditions", "Line", "Lines", "lines"]

_PROBABILITIES: Final = ("loss", "duplication", "reordering", "burst_start", "burst_end", "burst_loss")


@dataclass(frozen=True, slots=True)
class Conditions:
    """What one direction of a line does to datagrams. Probabilities are from 0 to 1.

    Losses come one by one (`loss`), or in bursts as on radio links (the three `burst_...`, the model of Gilbert and
    Elliott): a burst begins at each datagram with the one probability and ends with the other, so it is
    `1 / burst_end` datagrams long on average. Jitter reorders by itself, once it exceeds the gaps between datagrams.

    Attributes:
        latency: One-way delay in seconds.
        jitter: Each datagram takes up to so many seconds more or less, evenly spread.
        loss: How likely a datagram is lost, outside bursts.
        duplication: How likely a datagram arrives twice.
        reordering: How likely a datagram is held back by `reordering_delay` and overtaken.
        reordering_delay: Seconds.
        bytes_per_second: The line's rate, payload of UDP; None for no limit.
        queue_bytes: What waits in front of a line with a rate before the rest is thrown away.
        burst_start: How likely, at each datagram, a burst of losses begins.
        burst_end: How likely, at each datagram, a burst ends.
        burst_loss: How likely a datagram is lost in a burst.

    Raises:
        ValueError: A number makes no sense.

    Example:
        ```python
        bad = Conditions(latency=0.1, jitter=0.03, loss=0.05)
        worse = bad.but(loss=0.2, bytes_per_second=64_000)
        ```
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

    def __post_init__(self) -> None:
        for name in _PROBABILITIES:
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} is a probability from 0 to 1, not {getattr(self, name)!r}")
        for name in ("latency", "jitter", "reordering_delay", "queue_bytes"):
            if not 0.0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"{name} is a number from 0 up, not {getattr(self, name)!r}")
        if self.bytes_per_second is not None and not self.bytes_per_second > 0.0:
            raise ValueError(f"bytes_per_second is a number above 0, or None, not {self.bytes_per_second!r}")

    def but(self, **changes: Any) -> "Conditions":
        """Return these conditions with some changed."""
        return replace(self, **changes)

    def __str__(self) -> str:
        """Return what differs from a perfect line."""
        perfect = Conditions()
        changed = {f.name: getattr(self, f.name) for f in fields(self)}
        told = [f"{name}={value!r}" for name, value in changed.items() if value != getattr(perfect, name)]
        return ", ".join(told) or "perfect"


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

Lines = Conditions | str | tuple[Conditions | str, Conditions | str]
"""A line both ways: conditions or a profile's name for both directions, or a pair of them, up and down."""


def lines(both: Lines) -> tuple[Conditions, Conditions]:
    """Return the conditions up and down that somebody means.

    Raises:
        ValueError: There is no profile of that name.
    """
    up, down = both if isinstance(both, tuple) else (both, both)
    return _conditions(up), _conditions(down)


def _conditions(what: Conditions | str) -> Conditions:
    if isinstance(what, Conditions):
        return what
    if what not in PROFILES:
        raise ValueError(f"there is no profile {what!r}; there are {', '.join(PROFILES)}")
    return PROFILES[what]


class Line:
    """One direction of a line under conditions, with its queue and its spell of luck.

    Args:
        conditions: May be changed at any time, also with datagrams under way, which keep their times.
        dice: Decides; the same dice give the same line.

    Attributes:
        sent, lost, doubled, held_back, overflowed: Counts of datagrams. `overflowed` ones found the queue full.
    """

    __slots__ = ("_dice", "_free_at", "_in_burst", "conditions", "doubled", "held_back", "lost", "overflowed", "sent")

    def __init__(self, conditions: Conditions, dice: random.Random) -> None:
        self.conditions = conditions
        self.sent = self.lost = self.doubled = self.held_back = self.overflowed = 0
        self._dice = dice
        self._free_at = 0.0
        self._in_burst = False

    def arrivals(self, size: int, now: float) -> list[float]:
        """Return when a datagram of `size` bytes that is sent now arrives: never, once or twice."""
        c, dice = self.conditions, self._dice
        self.sent += 1
        if self._is_lost():
            self.lost += 1
            return []
        leaves = now
        if c.bytes_per_second is not None:
            waiting = max(0.0, self._free_at - now)
            if waiting * c.bytes_per_second + size > c.queue_bytes:
                self.overflowed += 1
                return []
            leaves = self._free_at = now + waiting + size / c.bytes_per_second
        if c.duplication and dice.random() < c.duplication:
            self.doubled += 1
            return [leaves + self._delay(), leaves + self._delay()]
        return [leaves + self._delay()]

    def add(self, other: "Line") -> None:
        """Count another line's datagrams with one's own."""
        self.sent += other.sent
        self.lost += other.lost
        self.doubled += other.doubled
        self.held_back += other.held_back
        self.overflowed += other.overflowed

    def _is_lost(self) -> bool:
        c, dice = self.conditions, self._dice
        loss = c.loss
        if c.burst_start:
            self._in_burst = dice.random() >= c.burst_end if self._in_burst else dice.random() < c.burst_start
            if self._in_burst:
                loss = max(loss, c.burst_loss)
        return bool(loss) and dice.random() < loss

    def _delay(self) -> float:
        c, dice = self.conditions, self._dice
        delay = c.latency
        if c.jitter:
            delay += c.jitter * (2.0 * dice.random() - 1.0)
        if c.reordering and dice.random() < c.reordering:
            self.held_back += 1
            delay += c.reordering_delay
        return max(0.0, delay)
