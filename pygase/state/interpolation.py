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
from pygase.state.paths import Angle, Cyclic, Known, Path, Smoothed
from pygase.state.playout import Playout
from pygase.state.replica import StateArrival
from pygase.state.rows import Pairs, Rows
from pygase.state.tracks import JUMP_FACTOR, Plan, Track, Values, components_of, same_shape
from pygase.state.tree import Replacement

__all__ = ["Angle", "Cyclic", "Interpolator", "Smoothed"]

_DICTS: Final = frozenset({dict, Replacement, Rows})

_Originals = tuple[list[dict[Any, Any]], Any, list[Any]]

MAX_PLANS: Final = 256
"""Updates kept for showing: over four seconds at 60 a second. Past it the oldest are not shown."""

_MAX_ENDS: Final = 16
"""Updates within a `longest_step`: as many as at 170 a second."""


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
        self._saved_groups: list[_Originals] = []
        self._placed: Plan | None = None
        self._is_placed = False
        self._forget_all()

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
        state = game_state.__dict__
        for arrival in history:
            if self._playout.is_foreign(arrival.server_time, arrival.arrival) or arrival.version <= self._version:
                self._forget_all()
            self._receive(arrival, state, now)
        self._placed = None
        if not is_untouched:
            self._saved_groups = []

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
                self._plans.clear()
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

    def _originals(self, containers: list[dict[Any, Any]], key: Any) -> _Originals:
        """Return where a group writes to, with what is there now: what the newest update has put there, if known.

        Raises:
            KeyError: At one of the places there is nothing.
        """
        for saved in self._saved_groups:
            if saved[0] is containers and saved[1] is key:
                return saved
        return containers, key, [container[key] for container in containers]

    # --- taking in ----------------------------------------------------------------------------------------------

    def _forget_all(self) -> None:
        self._playout = Playout(self._delay)
        self._plans: deque[Plan] = deque(maxlen=MAX_PLANS)
        for path in self._paths:
            path.forget()
        self._latest = 0.0
        self._version = -1
        self._number = 0
        self._ends: deque[float] = deque(maxlen=_MAX_ENDS)  # the times of the last updates

    def _receive(self, arrival: StateArrival, state: dict[Any, Any], now: float) -> None:
        is_first = self._version < 0
        end = arrival.server_time if is_first else max(arrival.server_time, self._latest + 0.001)  # its resolution
        rhythm = self._playout.rhythm
        begin = rhythm.begin_of_change(end, arrival.version, arrival.missed)
        self._latest, self._version = end, arrival.version
        self._number += 1
        plan = Plan(self._number, begin, end)
        self._saved_groups = []
        for path in self._paths:
            path.pace.pass_to(end)
            if type(arrival.update) is Replacement:
                self._rebind(path, path.known, state)
            self._walk(path, 0, arrival.update, state, path.known, plan)
        moves = bool(plan)
        self._ends.append(end)
        rhythm.note(end, arrival.version, moves=moves)
        self._playout.arrived(plan.since, end, arrival.arrival, now, moves=moves)
        if moves:
            self._plans.append(plan)

    def _walk(  # noqa: C901, PLR0912, PLR0917  (it calls itself for each entity: keywords would cost)
        self, path: Path, depth: int, update: dict[Any, Any] | Rows, state: dict[Any, Any], known: Known, plan: Plan
    ) -> None:
        """Go down an update, the state and what is known of it side by side, along a path.

        Args:
            path: The path.
            depth: How many parts of the path have been gone.
            update: The part of the update that is reached.
            state: The part of the state that is reached.
            known: The tracks there, in dicts like those of the state.
            plan: Gets the changes that are found.
        """
        parts = path.parts
        part = parts[depth] if depth < len(parts) else "*"
        changes: dict[Any, Any]
        if not isinstance(update, Rows):
            changes = update
        elif part == "*" and depth == len(parts) - 2 and self._take_rows(path, update, known, plan):
            return
        else:
            changes = update.in_dicts()
        if part == "*":
            items: Iterable[tuple[Any, Any]] = changes.items()
        elif part in changes:
            items = ((part, changes[part]),)
        else:
            return
        left = len(parts) - 1 - depth
        leaf = parts[-1] if left == 1 and parts[-1] != "*" else None
        if leaf is not None and not path.periods:
            items = self._take_pairs(path, leaf, items, known, plan)
        for key, value in items:
            if type(value) not in _DICTS:
                if left > 0:
                    self._drop(path, known, key)
                else:
                    self._take(path, key, value, state, known, plan)
                continue
            inner, below = state.get(key), known.get(key)
            if below is None or type(below) is Track:
                self._drop(path, known, key)  # a number has become a dict
                below = known[key] = {}
            elif type(value) is Replacement:
                self._rebind(path, below, inner)
            if type(inner) is not dict:  # a later update of the same batch has deleted it
                continue
            if leaf is None or type(value.get(leaf)) is dict:
                self._walk(path, depth + 1, value, inner, below, plan)
            elif leaf in value:  # the same, for one call less per entity
                self._take(path, leaf, value[leaf], inner, below, plan)

    def _take_rows(self, path: Path, rows: Rows, known: Known, plan: Plan) -> bool:
        """Take in what nearly all changes are: bodies that are known have moved, each by a list of two floats.

        It does what `_walk`, `_take` and `Plan.show` would do, column by column, at a fraction of their cost.

        Returns:
            Whether that is all; if not, nothing has been done.
        """
        leaf = path.parts[-1]
        if leaf not in rows.names:
            return leaf != "*"
        column = rows.columns[rows.names.index(leaf)]
        if type(column) is not Pairs or path.periods:
            return False
        last = plan.number - 1
        flock = path.flock(rows.keys, known, last)
        if flock is None:
            return False
        is_new = flock.number != last
        may_rest = 2.0 * (plan.end - plan.begin) > self._playout.rhythm.longest_step
        skips = is_new and any(track.number != last and self._since(track, plan) < plan.begin for track in flock.tracks)
        if skips or not flock.move(column, plan, path.pace, may_rest=may_rest):
            return False
        if flock.number != plan.number:
            return True
        self._saved_groups.append((flock.containers, flock.name, column))
        if is_new:
            for track in flock.tracks:  # they do not know yet that they have moved
                if track.number != last:
                    self._hold_before(track)
        return True

    def _take_pairs(
        self, path: Path, leaf: str, items: Iterable[tuple[Any, Any]], known: Known, plan: Plan
    ) -> list[tuple[Any, Any]]:
        """Take in what nearly all changes are: a known body's position, a list of two floats.

        It does what `_walk`, `_take` and `Plan.show` would do, in one loop, at half of their cost.

        Returns:
            The items that are anything else.
        """
        path.settle()
        others: list[tuple[Any, Any]] = []
        pace, newest = path.pace, plan.number
        seconds = plan.end - plan.begin
        for item in items:
            below, update = known.get(item[0]), item[1]
            track = below.get(leaf) if type(below) is dict else None
            value = update.get(leaf) if type(update) is dict else None
            if type(track) is not Track or type(value) is not list or not track.is_pair or len(value) != 2:
                others.append(item)
                continue
            x, y = value
            if type(x) is not float or type(y) is not float:
                others.append(item)
                continue
            old_x, old_y = track.values  # type: ignore[misc]
            u, v = (x - old_x) / seconds, (y - old_y) / seconds
            if not u and not v:
                continue
            if track.number != newest - 1:
                self._show_since(track, (x, y), path, plan)
            elif pace.is_jump(track, math.sqrt(u * u + v * v)):
                plan.hold(track)
            else:
                plan.pairs.append((track.container, leaf, old_x, u, old_y, v))
            track.values = (x, y)
            track.number = newest
        return others

    def _take(  # noqa: PLR0917  (as above)
        self, path: Path, key: Any, value: Any, container: dict[Any, Any], known: Known, plan: Plan
    ) -> None:
        """Take in one value's change."""
        path.settle()
        values, track = components_of(value), known.get(key)
        if values is None or type(track) is not Track or not same_shape(track.values, values):
            self._drop(path, known, key)
            if values is not None and key in container:
                known[key] = Track(container, key, values)
            return
        if track.values == values:
            return
        if track.number != plan.number - 1:
            self._show_since(track, values, path, plan)
        else:
            plan.show(track, values, path.periods, path.pace)
        track.values = values
        track.number = plan.number

    def _since(self, track: Track, plan: Plan) -> float:
        """Return when a motion began that has skipped some updates: what changes less often has not rested between."""
        ago = plan.number - track.number
        at = self._ends[-ago] if ago <= len(self._ends) else -math.inf
        if at >= plan.begin or plan.end - at > self._playout.rhythm.longest_step:
            return plan.begin
        plan.since = min(plan.since, at)
        shown = self._playout.time
        if shown is None or shown <= at:
            return at
        return shown if shown < plan.begin else plan.begin

    def _show_since(self, track: Track, to: Values, path: Path, plan: Plan) -> None:
        """Add a track's motion to a plan and to those before that it begins in; until then it rests."""
        way = Plan(0, self._since(track, plan), plan.end)
        if way.begin == plan.begin and track.speed > JUMP_FACTOR * path.pace.fastest:
            track.speed = 0.0  # it has rested since it jumped: if it does so again, that is no steady motion
        way.show(track, to, path.periods, path.pace)
        for earlier in reversed(self._plans):
            if earlier.number <= track.number:
                break
            if earlier.end > way.begin:
                way.lead_into(earlier)
            else:
                earlier.hold(track)
        way.lead_into(plan)

    def _hold_before(self, track: Track) -> None:
        """Keep a track at rest in the plans since its last change, while the state has gone on."""
        for earlier in reversed(self._plans):
            if earlier.number <= track.number:
                break
            earlier.hold(track)

    def _drop(self, path: Path, known: Known, key: Any) -> None:
        """Forget a value that is gone or no number any more, or all values in a dict that is gone."""
        path.settle()
        track = known.pop(key, None)
        if type(track) is Track:  # those in a dict that is gone go on moving there, where nobody sees them
            for plan in self._plans:
                plan.forget(track.container, key)

    def _rebind(self, path: Path, known: Known, state: Any) -> None:
        """Follow what is known into dicts that have taken the place of the old ones."""
        path.settle()
        containers: dict[int, dict[Any, Any]] = {}
        _follow(known, state, containers)
        for plan in self._plans:
            plan.rebind(containers)


def _follow(known: Known, state: Any, containers: dict[int, dict[Any, Any]]) -> None:
    """Move tracks to the dicts of a new state, and note which dict has taken the place of which."""
    for key, below in list(known.items()):
        if not isinstance(state, dict) or key not in state:
            del known[key]
        elif type(below) is Track:
            containers[id(below.container)] = state
            below.container = state
        else:
            _follow(below, state[key], containers)
