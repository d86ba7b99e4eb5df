"""Snapshot interpolation: the state as it was a moment ago, at every moment and not only at each update.

An update says what changed since the one before, at which time of the server. In between, values are taken to change
evenly. `Playout` says which moment is shown; for the time between two updates there is a `Plan`, made when the later
one arrives, of what moves from where to where. Drawing places a plan's values into the state and takes them out again.

Glenn Fiedler's "Snapshot Interpolation" is the idea's best description; where the delay comes from stands in
`playout`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from pygase.state.gamestate import GameState
from pygase.state.motions import Motions, Originals
from pygase.state.paths import Angle, Cyclic, Smoothed
from pygase.state.playout import Playout
from pygase.state.replica import StateArrival
from pygase.state.tracks import Plan

__all__ = ["Angle", "Cyclic", "Interpolator", "Smoothed"]


class Interpolator:
    """Keeps what has arrived for as long as it is being shown, and places it into the state.

    Args:
        paths: What is smoothed: strings, `Angle` or `Cyclic`.
        delay: A fixed delay behind the fastest delivery in seconds, or None to adapt it.

    Raises:
        ValueError: A path has no parts, or the delay is negative.
    """

    def __init__(self, paths: Iterable[str | Smoothed], *, delay: float | None = None) -> None:
        if delay is not None and not (math.isfinite(delay) and delay >= 0.0):
            raise ValueError(f"delay is {delay!r}; it is a number of seconds, or None")
        self._delay = delay
        self._playout = Playout(delay)
        self._motions = Motions(paths, self._playout)
        self._saved: list[tuple[dict[Any, Any], Any, Any]] = []
        self._saved_groups: list[Originals] = []
        self._placed: Plan | None = None
        self._is_placed = False

    @property
    def delay(self) -> float:
        """How far what is shown is meant to be behind the fastest delivery, in seconds."""
        return self._playout.delay

    def receive(
        self, history: Iterable[StateArrival], game_state: GameState, now: float, *, is_untouched: bool = False
    ) -> None:
        """Take in updates.

        Args:
            history: The updates, oldest first.
            game_state: The state, to which they have been applied.
            now: The client's monotonic seconds.
            is_untouched: Whether nobody can have changed the state since the newest update.
        """
        state, motions = game_state.__dict__, self._motions
        for arrival in history:
            if self._playout.is_foreign(arrival.server_time, arrival.arrival) or arrival.version <= motions.version:
                self._playout = Playout(self._delay)
                motions.forget(self._playout)
            motions.take(arrival, state, now)
            self._saved_groups = motions.written
        self._placed = None
        if not is_untouched:
            self._saved_groups = []

    def place(self, now: float) -> None:
        """Put the values of this moment into the state, until `restore`.

        Args:
            now: The client's monotonic seconds.
        """
        plans = self._motions.plans
        if self._motions.version < 0:
            return
        time = self._playout.time
        still_until = None
        if plans and time is not None and time < plans[0].begin:
            still_until = plans[0].begin
        elif not plans:
            still_until = self._motions.latest
        time = self._playout.advance(now, still_until)
        while plans and time >= plans[0].end:
            plans.popleft()
        if plans:
            self._place(plans[0], time)

    def restore(self) -> None:
        """Put back what `place` replaced."""
        if self._is_placed:
            self._is_placed = False
            for container, key, value in self._saved:
                container[key] = value
            for containers, key, values in self._saved_groups:
                for container, value in zip(containers, values):  # noqa: B905  (of one length; `strict` costs)
                    container[key] = value

    # --- showing ------------------------------------------------------------------------------------------------

    def _place(self, plan: Plan, time: float) -> None:
        if plan is not self._placed:
            try:
                self._saved = plan.originals()
                self._saved_groups = [self._originals(containers, key) for containers, key, *_ in plan.groups]
            except KeyError:  # history was cut short and something has gone unseen: show the state as it is
                self._motions.plans.clear()
                return
            self._placed = plan
        self._is_placed = True
        if time < plan.begin:  # noqa: PLR1730  (max() takes four times as long)
            time = plan.begin
        passed = time - plan.begin
        part = passed / (plan.end - plan.begin)
        for containers, key, xs, ways_x, ys, ways_y in plan.groups:
            for container, x, u, y, v in zip(containers, xs, ways_x, ys, ways_y):  # noqa: B905  (as above)
                container[key] = [x + u * part, y + v * part]
        for container, key, x, u, y, v in plan.pairs:  # the frame's whole cost is in here
            container[key] = [x + u * passed, y + v * passed]
        for container, key, x, u in plan.scalars:
            container[key] = x + u * passed
        for container, key, lines, is_scalar in plan.others:
            values = [(x + u * time - low) % period + low if period else x + u * time for x, u, low, period in lines]
            container[key] = values[0] if is_scalar else values

    def _originals(self, containers: list[dict[Any, Any]], key: Any) -> Originals:
        """Return where a group writes to, with what is there now: what the newest update has put there, if known.

        Raises:
            KeyError: At one of the places there is nothing.
        """
        for saved in self._saved_groups:
            if saved[0] is containers and saved[1] is key:
                return saved
        return containers, key, [container[key] for container in containers]
