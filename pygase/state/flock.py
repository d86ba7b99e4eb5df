"""What moves together: values that one update after the other brings, kept as columns from each to the next."""

from __future__ import annotations

import math
from math import hypot
from operator import attrgetter, sub
from typing import Any, Final

from pygase.state.rows import Pairs
from pygase.state.tracks import JUMP_FACTOR, Pace, Plan, Track

__all__ = ["Flock"]

NEARLY: Final = 0.99
"""What is usual is found out anew once it is below this part of the fastest speed: not for each bit of forgetting."""

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
        containers: The dicts that hold the values.
        name: The key of the values in them.
        number: The number of the last plan that has all of them; 0 for none.
        tracks: One for each.
    """

    __slots__ = ("_keys", "_known", "_seconds", "_ways", "_xs", "_ys", "containers", "name", "number", "tracks")

    def __init__(self, keys: list[Any], known: dict[Any, Any], name: Any) -> None:
        self.tracks: list[Track] = [known[key][name] for key in keys]
        if set(map(type, self.tracks)) != {Track} or not all(map(_is_pair, self.tracks)):
            raise TypeError
        self.number = 0
        self._keys = keys
        self._known = known
        self.containers = [track.container for track in self.tracks]
        self.name = next((key for key in self.containers[0] if key == name), name)  # the same one is found faster
        self._xs: list[float] = [track.values[0] for track in self.tracks]  # type: ignore[index]
        self._ys: list[float] = [track.values[1] for track in self.tracks]  # type: ignore[index]
        self._ways = [track.speed for track in self.tracks]
        self._seconds = 1.0

    def is_of(self, keys: list[Any], known: dict[Any, Any]) -> bool:
        """Return whether these are its tracks."""
        return known is self._known and keys == self._keys

    def move(self, to: Pairs, plan: Plan, pace: Pace, *, may_rest: bool = True) -> bool:
        """Add all to a plan, on their way to new values.

        Args:
            to: The values.
            plan: The plan.
            pace: How fast values change on this path.
            may_rest: Whether one that stands still while others move is sure to rest, and did not only skip an update.

        Returns:
            Whether that could be done: not if one may jump or skip a plan, or is not finite. Nothing has changed then.
        """
        xs, ys = to.components
        seconds = plan.end - plan.begin
        ways_x, ways_y = list(map(sub, xs, self._xs)), list(map(sub, ys, self._ys))
        ways = list(map(hypot, ways_x, ways_y))
        longest, usual = max(ways), pace.fastest * seconds
        if not (longest <= JUMP_FACTOR * usual and sum(ways) < math.inf):
            return False
        has_resting = not all(ways)
        if has_resting and longest and not may_rest:
            return False
        if not longest:  # all rest: there is nothing to show
            return True
        scale = seconds / self._seconds
        if NEARLY * longest > usual:
            again = max([min(now, scale * before) for now, before in zip(ways, self._ways) if now > usual])  # noqa: B905
            pace.fastest = max(pace.fastest, again / seconds)
        if has_resting:  # a pause does not count
            ways = [now or scale * before for now, before in zip(ways, self._ways)]  # noqa: B905
        plan.groups.append((self.containers, self.name, self._xs, ways_x, self._ys, ways_y))
        self._xs, self._ys, self._ways, self._seconds = xs, ys, ways, seconds
        self.number = plan.number
        return True

    def settle(self) -> None:
        """Leave it to the tracks again to know their values and speeds."""
        if self.number:
            seconds = self._seconds
            for track, x, y, way in zip(self.tracks, self._xs, self._ys, self._ways):  # noqa: B905
                track.values = (x, y)
                track.speed = way / seconds
                track.number = self.number
