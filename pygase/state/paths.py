"""What is smoothed: paths into the state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from pygase.state.flock import Flock
from pygase.state.tracks import Pace, Periods

__all__ = ["Angle", "Cyclic", "Known", "Path", "Smoothed"]

Known = dict[Any, Any]
"""Tracks in dicts of dicts like those of the state."""

ANGLE_NAMES: Final = frozenset({"angle", "heading", "rotation"})
"""Last parts of a path that mean degrees, in a path that is given as a string."""


@dataclass(frozen=True, slots=True)
class Smoothed:
    """A path whose values are smoothed.

    Args:
        path: Keys from the state's attribute down, with dots between them; `*` stands for every key. The values
            there are numbers, lists of numbers, or dicts of such.
    """

    path: str


@dataclass(frozen=True, slots=True)
class Cyclic(Smoothed):
    """A path whose values come round again, such as positions in a world that wraps: they take the short way.

    Args:
        path: See `Smoothed`.
        period: After how much they come round; for a list of numbers, a tuple with a period for each, or 0 for one
            that does not come round.
    """

    period: float | tuple[float, ...] = 360.0


@dataclass(frozen=True, slots=True)
class Angle(Cyclic):
    """A path whose values are angles, which turn the short way.

    Args:
        path: See `Smoothed`.
        period: A whole turn: 360, or `math.tau` for radians.
    """


class Path:
    """A path taken apart, with what is known of its values and how fast they change."""

    def __init__(self, spec: str | Smoothed) -> None:
        path = spec.path if isinstance(spec, Smoothed) else spec
        if not isinstance(path, str):
            raise TypeError(f"a path is a string such as 'players.*.position', not {path!r}")
        self.parts = tuple(path.split("."))
        if not all(self.parts) or self.parts[0] == "*":
            raise ValueError(f"{path!r} is not a path: one is like 'players.*.position', and begins with an attribute")
        self.pace = Pace()
        self.known: Known = {}
        self._flock: Flock | None = None
        self.periods: Periods = 0.0
        if isinstance(spec, Cyclic):
            self.periods = (
                (*spec.period, 0.0)[: max(2, len(spec.period))] if isinstance(spec.period, tuple) else spec.period
            )
        elif isinstance(spec, str) and self.parts[-1] in ANGLE_NAMES:
            self.periods = 360.0

    def flock(self, keys: list[Any], known: Known, number: int) -> Flock | None:
        """Return what moves at the path's end in so many dicts, if all of it is known.

        Args:
            keys: The keys of these dicts.
            known: What is known of them.
            number: The number of the last plan: a flock that is not in there is made anew.
        """
        flock = self._flock
        if flock is None or flock.number != number or not flock.is_of(keys, known):
            self.settle()
            try:
                self._flock = flock = Flock(keys, known, self.parts[-1])
            except (KeyError, TypeError):
                return None
        return flock

    def settle(self) -> None:
        """Have each track know its own value again, before it is looked at or replaced."""
        if self._flock is not None:
            self._flock.settle()
            self._flock = None

    def forget(self) -> None:
        """Forget everything that is known."""
        self._flock = None
        self.known.clear()
