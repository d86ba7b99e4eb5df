"""Snapshot interpolation: the state as it was a moment ago, at every moment and not only at each update.

An update says what changed since the one before, at which time of the server. In between, values are taken to change
evenly. `Playout` says which moment is shown; for the time between two updates there is a `Plan`, made when the later
one arrives, of what moves from where to where. Drawing places a plan's values into the state and takes them out again.

Glenn Fiedler's "Snapshot Interpolation" is the idea's best description; where the delay comes from stands in
`playout`.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from typing import Any, Final

from pygase.state.gamestate import GameState
from pygase.state.paths import Angle, Cyclic, Path, Smoothed
from pygase.state.playout import Playout
from pygase.state.replica import StateArrival
from pygase.state.tracks import Plan, Track, Values, components_of, same_shape
from pygase.state.tree import Replacement

__all__ = ["Angle", "Cyclic", "Interpolator", "Smoothed"]

MAX_PLANS: Final = 256
"""Updates kept for showing: over four seconds at 60 a second. Past it the oldest are not shown."""

Place = tuple[Any, ...]
"""A path and the keys of one value on it."""


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
        self._paths = [Path(path) for path in paths]
        self._delay = delay
        self._saved: list[tuple[dict[Any, Any], Any, Any]] = []
        self._placed: Plan | None = None
        self._is_placed = False
        self._forget_all()

    @property
    def delay(self) -> float:
        """How far what is shown is meant to be behind the fastest delivery, in seconds."""
        return self._playout.delay

    def receive(self, history: Iterable[StateArrival], game_state: GameState, now: float) -> None:
        """Take in updates.

        Args:
            history: The updates, oldest first.
            game_state: The state, to which they have been applied.
            now: The client's monotonic seconds.
        """
        state = game_state.__dict__
        for arrival in history:
            if self._playout.is_foreign(arrival.server_time, arrival.arrival) or arrival.version <= self._version:
                self._forget_all()
            self._receive(arrival, state, now)
        self._placed = None

    def place(self, now: float) -> None:
        """Put the values of this moment into the state, until `restore`.

        Args:
            now: The client's monotonic seconds.
        """
        plans = self._plans
        if self._version < 0:
            return
        time = self._playout.time
        still_until = None
        if plans and time is not None and time < plans[0].begin:
            still_until = plans[0].begin
        elif not plans:
            still_until = self._latest
        time = self._playout.advance(now, still_until)
        while plans and time >= plans[0].end:
            plans.popleft()
        if plans:
            self._place(plans[0], max(time, plans[0].begin))

    def restore(self) -> None:
        """Put back what `place` replaced."""
        if self._is_placed:
            self._is_placed = False
            for container, key, value in self._saved:
                container[key] = value

    # --- showing ------------------------------------------------------------------------------------------------

    def _place(self, plan: Plan, time: float) -> None:
        if plan is not self._placed:
            try:
                self._saved = plan.originals()
            except KeyError:  # history was cut short and something has gone unseen: show the state as it is
                self._plans.clear()
                return
            self._placed = plan
        self._is_placed = True
        for container, key, x, u, y, v in plan.pairs:
            container[key] = [x + u * time, y + v * time]
        for container, key, x, u in plan.scalars:
            container[key] = x + u * time
        for container, key, lines, is_scalar in plan.others:
            values = [(x + u * time - low) % period + low if period else x + u * time for x, u, low, period in lines]
            container[key] = values[0] if is_scalar else values

    # --- taking in ----------------------------------------------------------------------------------------------

    def _forget_all(self) -> None:
        self._playout = Playout(self._delay)
        self._plans: deque[Plan] = deque(maxlen=MAX_PLANS)
        self._tracks: dict[Place, Track] = {}
        self._latest = 0.0
        self._version = -1
        self._number = 0
        self._sweep_at = 64

    def _receive(self, arrival: StateArrival, state: dict[Any, Any], now: float) -> None:
        is_first = self._version < 0
        end = arrival.server_time if is_first else max(arrival.server_time, self._latest + 0.001)  # its resolution
        begin = self._playout.begin_of_change(end, max(1, arrival.version - self._version) if not is_first else 1)
        self._playout.arrived(begin, end, arrival.arrival, now)
        self._latest, self._version = end, arrival.version
        self._number += 1
        plan = Plan(self._number, begin, end)
        if type(arrival.update) is Replacement:
            self._replace((), state)
        for path in self._paths:
            path.pace.pass_to(end)
            self._walk(path, arrival.update, state, 0, (path,), plan)
        if plan:
            self._plans.append(plan)
        self._sweep(state)

    def _walk(  # noqa: PLR0917  (a recursion with one caller)
        self, path: Path, update: dict[Any, Any], state: dict[Any, Any], depth: int, place: Place, plan: Plan
    ) -> None:
        """Go down an update and the state along a path.

        Args:
            path: The path.
            update: The part of the update that is reached.
            state: The part of the state that is reached.
            depth: How many parts of the path have been gone.
            place: The path and the keys on the way here.
            plan: Gets the changes that are found.
        """
        part = path.parts[depth] if depth < len(path.parts) else "*"
        if part == "*":
            items: Iterable[tuple[Any, Any]] = update.items()
        elif part in update:
            items = ((part, update[part]),)
        else:
            return
        is_last = depth >= len(path.parts) - 1
        for key, value in items:
            here = (*place, key)
            if isinstance(value, dict):
                inner = state.get(key)
                if type(value) is Replacement:
                    self._replace(here, inner)
                self._drop(here)  # in case a number has become a dict
                if isinstance(inner, dict):
                    self._walk(path, value, inner, depth + 1, here, plan)
            elif is_last and (values := components_of(value)) is not None:
                self._change(path, here, state, values, plan)
            else:
                self._drop(here)

    def _change(
        self,
        path: Path,
        place: Place,
        container: dict[Any, Any],
        values: Values,
        plan: Plan,
    ) -> None:
        """Take in one value's change."""
        track = self._tracks.get(place)
        if track is not None and (not same_shape(track.values, values)):
            self._drop(place)
            track = None
        if track is None or track.container is not container:  # another one with the same name: it shows up at once
            if place[-1] in container:  # a later update of the same batch may have deleted it
                self._tracks[place] = Track(container, place[-1], values)
            return
        if track.values == values:
            return
        for earlier in reversed(self._plans):  # it was at rest in these, while the state has gone on since
            if earlier.number <= track.number:
                break
            earlier.hold(track)
        if path.pace.is_jump(track, values, plan.end - plan.begin, path.periods):
            plan.hold(track)
        elif path.periods:
            plan.turn(track, values, path.periods)
        else:
            plan.move(track, values)
        track.values = values
        track.number = plan.number

    def _drop(self, place: Place) -> None:
        """Forget the value at a place: it is gone, or is no number any more."""
        track = self._tracks.pop(place, None)
        if track is not None:
            for plan in self._plans:
                plan.forget(track.container, track.key)

    def _replace(self, place: Place, state: Any) -> None:
        """Follow what was below a place into the dicts that have taken the place of the old ones."""
        depth = len(place)
        containers: dict[int, dict[Any, Any]] = {}
        for known, track in list(self._tracks.items()):
            if known[:depth] != place:
                continue
            container = _reached(state, known[max(depth, 1) : -1])
            if container is not None and components_of(container.get(track.key)) is not None:
                containers[id(track.container)] = container
                track.container = container
            else:
                self._drop(known)
        for plan in self._plans:
            plan.rebind(containers)

    def _sweep(self, state: dict[Any, Any]) -> None:
        """Forget values whose containers have left the state. Not at each deletion: that would search all of them."""
        if len(self._tracks) <= self._sweep_at:
            return
        gone = [place for place, track in self._tracks.items() if _reached(state, place[1:-1]) is not track.container]
        for place in gone:
            del self._tracks[place]
        self._sweep_at = 2 * len(self._tracks) + 64


def _reached(state: Any, keys: Place) -> dict[Any, Any] | None:
    """Return the dict at the end of a way through dicts, or None."""
    for key in keys:
        if not isinstance(state, dict):
            return None
        state = state.get(key)
    return state if isinstance(state, dict) else None
