"""What moves, and the straight lines on which it is shown to move: from one update's value to the next one's."""

from __future__ import annotations

import math
from typing import Any, Final

__all__ = ["JUMP_FACTOR", "Pace", "Periods", "Plan", "Track", "Values", "components_of", "same_shape"]

JUMP_FACTOR: Final = 4.0
"""A change this many times as fast as what moves on the same path is a jump: between a dash and a teleport."""

STEADY: Final = 1.5
"""Two changes whose speeds are within this factor are a motion, however fast: nobody teleports twice the same way."""

ROUNDING: Final = 1e-6
"""A difference below this is one of rounding, not a turn: values that come round do so after more than that."""

FORGET: Final = 60.0
"""Seconds in which half of the fastest speed on a path is forgotten."""

Values = float | tuple[float, ...]
"""A value's number, or its components."""

Periods = float | tuple[float, ...]
"""After how much values come round again; 0 if they do not. A number holds for all components."""

_Line = tuple[float, float, float, float]
"""Offset and slope, so that the value at the server's time t is `offset + slope * t`; lowest value, period or 0."""


_Group = tuple[list[dict[Any, Any]], Any, list[float], list[float], list[float], list[float]]


class Track:
    """One smoothed value: where in the state it is, and what it was last.

    Attributes:
        container: The dict in the state that holds the value.
        key: The value's key in it.
        values: Its last value.
        is_pair: Whether that has two components.
        speed: Its last speed, in units of the value per second.
        number: The number of the last plan that has an entry for it; 0 for none.
    """

    __slots__ = ("container", "is_pair", "key", "number", "speed", "values")

    def __init__(self, container: dict[Any, Any], key: Any, values: Values) -> None:
        self.container = container
        self.key = key
        self.values = values
        self.is_pair = isinstance(values, tuple) and len(values) == 2
        self.number = 0
        self.speed = 0.0


class Plan:
    """How everything that moves does so between two moments of the server's time.

    Entries are flat tuples, by shape, because placing them is done in every frame for everything that moves.

    Attributes:
        begin: The server's time at which it begins.
        end: The server's time at which it ends.
        since: The server's time at which the first motion begins that leads into it.
        pairs: Lists of two numbers: (container, key, value at the beginning and slope of the one, of the other).
        scalars: Numbers: (container, key, value at the beginning, slope).
        others: All else: (container, key, lines, whether it is a number).
        groups: Pairs that move together, as columns: (containers, key, values, ways to go, values, ways to go).
    """

    __slots__ = ("begin", "end", "groups", "number", "others", "pairs", "scalars", "since")

    def __init__(self, number: int, begin: float, end: float) -> None:
        self.number = number
        self.begin = begin
        self.end = end
        self.since = begin
        self.pairs: list[tuple[dict[Any, Any], Any, float, float, float, float]] = []
        self.scalars: list[tuple[dict[Any, Any], Any, float, float]] = []
        self.groups: list[_Group] = []
        self.others: list[tuple[dict[Any, Any], Any, tuple[_Line, ...], bool]] = []

    def __bool__(self) -> bool:
        return bool(self.groups or self.pairs or self.scalars or self.others)

    def show(self, track: Track, to: Values, periods: Periods, pace: Pace) -> None:
        """Add a track on its way from its last value to another of the same shape, unless it jumps there.

        Args:
            track: The track; it gets its new speed, but not its new value.
            to: The new value.
            periods: After how much its values come round.
            pace: How fast values change on its path.
        """
        old = track.values
        if type(to) is float:
            self._show_scalar(track, to, periods, pace)
        elif len(to) == 2:  # type: ignore[arg-type]
            self._show_pair(track, to, periods, pace)  # type: ignore[arg-type]
        else:
            ways = [_way(one, other, period) for one, other, period in _together(old, to, periods)]
            if pace.is_jump(track, math.hypot(*ways) / (self.end - self.begin)):
                self.hold(track)
            else:
                self._turn(track, to, periods)

    def _show_pair(self, track: Track, to: tuple[float, ...], periods: Periods, pace: Pace) -> None:
        x, y = track.values  # type: ignore[misc]
        way_x, way_y = to[0] - x, to[1] - y
        if periods:
            a, b = periods[:2] if isinstance(periods, tuple) else (periods, periods)
            way_x, way_y = _way(x, to[0], a), _way(y, to[1], b)
        seconds = self.end - self.begin
        u, v = way_x / seconds, way_y / seconds
        if pace.is_jump(track, math.sqrt(u * u + v * v)):
            self.hold(track)
        elif periods and abs(x + way_x - to[0]) + abs(y + way_y - to[1]) > ROUNDING:
            self._turn(track, to, periods)
        else:
            self.pairs.append((track.container, track.key, x, u, y, v))

    def _show_scalar(self, track: Track, to: float, periods: Periods, pace: Pace) -> None:
        old: float = track.values  # type: ignore[assignment]
        way = to - old
        if periods:
            way = _way(old, to, periods[0] if isinstance(periods, tuple) else periods)
        u = way / (self.end - self.begin)
        if pace.is_jump(track, abs(u)):
            self.hold(track)
        elif periods and abs(old + way - to) > ROUNDING:
            self._turn(track, to, periods)
        else:
            self.scalars.append((track.container, track.key, old, u))

    def hold(self, track: Track) -> None:
        """Add a track at rest at its last value."""
        values = track.values
        if not isinstance(values, tuple):
            self.scalars.append((track.container, track.key, values, 0.0))
        elif len(values) == 2:
            self.pairs.append((track.container, track.key, values[0], 0.0, values[1], 0.0))
        else:
            self._turn(track, values, 0.0)

    def lead_into(self, other: Plan) -> None:
        """Put what it has into a plan for a part of its time; it has no groups."""
        passed = other.begin - self.begin
        for container, key, x, u, y, v in self.pairs:
            other.pairs.append((container, key, x + u * passed, u, y + v * passed, v))
        for container, key, x, u in self.scalars:
            other.scalars.append((container, key, x + u * passed, u))
        if self.others:
            other.others += self.others

    def _turn(self, track: Track, to: Values, periods: Periods) -> None:
        """Add a track that passes a turn on its way, or has other than one or two components."""
        lines = tuple(
            _cyclic_line(old, new, period, self.begin, self.end)
            for old, new, period in _together(track.values, to, periods)
        )
        self.others.append((track.container, track.key, lines, type(to) is float))

    def originals(self) -> list[tuple[dict[Any, Any], Any, Any]]:
        """Return where entries write to, with what is there now.

        Raises:
            KeyError: At one of the places there is nothing.
        """
        return [(entry[0], entry[1], entry[0][entry[1]]) for entries in self._all for entry in entries]

    def rebind(self, containers: dict[int, dict[Any, Any]]) -> None:
        """Write to other containers in place of those with the given ids."""
        for entries in self._all:
            entries[:] = [(containers.get(id(entry[0]), entry[0]), *entry[1:]) for entry in entries]
        self.groups = [([containers.get(id(one), one) for one in group[0]], *group[1:]) for group in self.groups]

    def forget(self, container: dict[Any, Any], key: Any) -> None:
        """Take out what is written to one key of a container."""
        for entries in self._all:
            entries[:] = [entry for entry in entries if entry[0] is not container or entry[1] != key]
        for group in self.groups:
            if group[1] == key and any(one is container for one in group[0]):
                self.groups.remove(group)
                seconds = self.end - self.begin
                self.pairs += [
                    (one, key, x, u / seconds, y, v / seconds)
                    for one, x, u, y, v in zip(group[0], *group[2:], strict=True)
                    if one is not container
                ]
                break

    @property
    def _all(self) -> tuple[list[Any], list[Any], list[Any]]:
        return self.pairs, self.scalars, self.others


class Pace:
    """How fast the values of one path usually change, to tell a motion from a jump."""

    __slots__ = ("_at", "fastest")

    def __init__(self) -> None:
        self.fastest = 0.0
        self._at = 0.0

    def is_jump(self, track: Track, speed: float) -> bool:
        """Return whether a track jumps rather than moves, and remember its speed.

        Args:
            track: The track.
            speed: How fast it would move, in units of the value per second.
        """
        before, track.speed = track.speed, speed
        usual = speed if speed < before else before  # what is followed by nothing like it is not usual
        if usual > self.fastest:  # noqa: PLR1730  (max() takes four times as long)
            self.fastest = usual
        return speed > JUMP_FACTOR * self.fastest and speed > STEADY * before and self.fastest > 0.0

    def pass_to(self, now: float) -> None:
        """Forget with time.

        Args:
            now: The server's seconds.
        """
        self.fastest *= 0.5 ** (max(0.0, now - self._at) / FORGET)
        self._at = now


def components_of(value: Any) -> Values | None:
    """Return a number as a float, a list of numbers as a tuple, and None for anything else."""
    kind = type(value)
    if kind is float or kind is int:
        return float(value)
    if kind is list:
        if len(value) == 2 and type(value[0]) is float and type(value[1]) is float:
            return (value[0], value[1])
        for member in value:
            kind = type(member)
            if kind is not float and kind is not int:
                return None
        return tuple(value) or None
    return None


def same_shape(one: Values, other: Values) -> bool:
    """Return whether two values are both numbers, or both have as many components."""
    if type(one) is tuple:
        return type(other) is tuple and len(one) == len(other)
    return type(other) is float


def _cyclic_line(old: float, new: float, period: float, begin: float, end: float) -> _Line:
    """Return the line of a value that takes the short way and stays in the range it comes in: from 0 up, or around 0.

    Args:
        old: The value at `begin`.
        new: The value at `end`.
        period: After which values come round again; 0 for a value that does not.
        begin: The server's time.
        end: The server's time.
    """
    way = _way(old, new, period)
    slope = way / (end - begin)
    if not period or abs(old + way - new) <= ROUNDING:
        return old - slope * begin, slope, 0.0, 0.0  # no turn of the range on the way
    return old - slope * begin, slope, (0.0 if old >= 0.0 and new >= 0.0 else -period / 2), period


def _way(old: float, new: float, period: float) -> float:
    return (new - old + period / 2) % period - period / 2 if period else new - old


def _together(old: Values, new: Values, periods: Periods) -> list[tuple[float, float, float]]:
    """Return components side by side with their periods."""
    olds = old if isinstance(old, tuple) else (old,)
    news = new if isinstance(new, tuple) else (new,)
    each = (*periods, *[0.0] * len(olds)) if isinstance(periods, tuple) else (periods,) * len(olds)
    return list(zip(olds, news, each, strict=False))
