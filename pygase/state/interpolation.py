"""Snapshot interpolation: values between server updates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

__all__ = ["Angle", "Cyclic", "Interpolator", "Smoothed"]


@dataclass(frozen=True, slots=True)
class Smoothed:
    """A path whose values are smoothed."""

    path: str


@dataclass(frozen=True, slots=True)
class Cyclic(Smoothed):
    """A path whose values come round again."""

    period: float | tuple[float, ...] = 360.0


@dataclass(frozen=True, slots=True)
class Angle(Cyclic):
    """A path whose values are angles."""


class Interpolator:
    """Places smoothed values into a game state and takes them out again."""

    def __init__(self, paths: Iterable[str | Smoothed], *, delay: float | None = None) -> None:
        self.paths = tuple(paths)
        self.delay = delay or 0.0

    def receive(self, history: Iterable[Any], game_state: Any) -> None:
        """Take in updates that have been applied to the state."""

    def place(self, now: float) -> None:
        """Put smoothed values into the state."""

    def restore(self) -> None:
        """Put the true values back."""
