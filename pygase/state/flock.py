"""What moves together: values that one update after the other brings, kept as columns from each to the next."""

from __future__ import annotations

import math
from math import hypot
from operator import attrgetter
from typing import Any, Final

from pygase.state.rows import Pairs
from pygase.state.tracks import JUMP_FACTOR, Pace, Plan, Track

__all__ = ["Flock"]

_is_pair: Final = attrgetter("is_pair")


class Flock:
    """Tracks of lists of two floats, all under one key. While it exists it is what knows their values and speeds.

    Args:
        keys: The keys of the dicts that hold the values.
        known: The tracks of these and others: `known[key][name]`.
        name: The key of the values in these dicts.

    Raises:
        KeyError: One of them is not known.
        TypeError: One of them is something else.

    Attributes:
        number: The number of the last plan that has all of them; 0 for none.
    """

    __slots__ = ("_containers", "_keys", "_known", "_name", "_speeds", "_xs", "_ys", "number", "tracks")

    def __init__(self, keys: list[Any], known: dict[Any, Any], name: Any) -> None:
        self.tracks: list[Track] = [known[key][name] for key in keys]
        if set(map(type, self.tracks)) != {Track} or not all(map(_is_pair, self.tracks)):
            raise TypeError
        self.number = 0
        self._keys = keys
        self._known = known
        self._name = name
        self._containers = [track.container for track in self.tracks]
        self._xs: list[float] = [track.values[0] for track in self.tracks]  # type: ignore[index]
        self._ys: list[float] = [track.values[1] for track in self.tracks]  # type: ignore[index]
        self._speeds = [track.speed for track in self.tracks]

    def is_of(self, keys: list[Any], known: dict[Any, Any]) -> bool:
        """Return whether these are its tracks."""
        return known is self._known and keys == self._keys

    def move(self, to: Pairs, plan: Plan, pace: Pace) -> bool:
        """Add all to a plan, on their way to new values.

        Args:
            to: The values.
            plan: The plan.
            pace: How fast values change on this path.

        Returns:
            Whether that could be done: not when one may jump, or is not finite. Nothing has changed then.
        """
        xs, ys = to.components
        seconds = plan.end - plan.begin
        us = [(new - old) / seconds for old, new in zip(self._xs, xs)]  # noqa: B905  (of one length; `strict` costs)
        vs = [(new - old) / seconds for old, new in zip(self._ys, ys)]  # noqa: B905
        speeds = list(map(hypot, us, vs))
        fastest = max(speeds)
        if not (fastest <= JUMP_FACTOR * pace.fastest and sum(speeds) < math.inf):
            return False
        if not fastest:  # all rest: there is nothing to show
            return True
        if fastest > pace.fastest:
            pace.fastest = max(pace.fastest, *map(min, speeds, self._speeds))
        if 0.0 in speeds:  # a pause does not count
            speeds = [now or before for now, before in zip(speeds, self._speeds)]  # noqa: B905
        plan.groups.append((self._containers, self._name, self._xs, us, self._ys, vs))
        self._xs, self._ys, self._speeds = xs, ys, speeds
        self.number = plan.number
        return True

    def settle(self) -> None:
        """Leave it to the tracks again to know their values and speeds."""
        if self.number:
            for track, x, y, speed in zip(self.tracks, self._xs, self._ys, self._speeds):  # noqa: B905
                track.values = (x, y)
                track.speed = speed
                track.number = self.number
