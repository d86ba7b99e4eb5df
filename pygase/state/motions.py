"""What the updates say that moves: each becomes a `Plan` from where things were to where they are now."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from typing import Any, Final

from pygase.state.paths import Known, Path, Smoothed
from pygase.state.playout import Playout
from pygase.state.replica import StateArrival
from pygase.state.rows import Pairs, Rows
from pygase.state.tracks import JUMP_FACTOR, Plan, Track, Values, components_of, same_shape
from pygase.state.tree import Replacement

__all__ = ["Motions", "Originals"]

_DICTS: Final = frozenset({dict, Replacement, Rows})

Originals = tuple[list[dict[Any, Any]], Any, list[Any]]
"""Dicts, a key in each of them, and the values there that the state really has."""

MAX_PLANS: Final = 256
"""Updates kept for showing: over four seconds at 60 a second. Past it the oldest are not shown."""

_MAX_ENDS: Final = 16
"""Updates within a `longest_step`: as many as at 170 a second."""


class Motions:
    """Follows the smoothed values from update to update.

    Args:
        paths: What is smoothed.
        playout: What is told of each update, and asked for what is shown already.

    Attributes:
        plans: The updates' plans that are not yet shown to their ends, oldest first.
        latest: The server's time of the newest update.
        version: Its version; -1 before the first.
        written: Where it has put what moves in groups, with the values.
    """

    def __init__(self, paths: Iterable[str | Smoothed], playout: Playout) -> None:
        self._paths = [Path(path) for path in paths]
        self.forget(playout)

    def forget(self, playout: Playout) -> None:
        """Begin anew, with another timeline."""
        self._playout = playout
        self.plans: deque[Plan] = deque(maxlen=MAX_PLANS)
        self.written: list[Originals] = []
        for path in self._paths:
            path.forget()
        self.latest = 0.0
        self.version = -1
        self._number = 0
        self._ends: deque[float] = deque(maxlen=_MAX_ENDS)  # the times of the last updates

    def take(self, arrival: StateArrival, state: dict[Any, Any], now: float) -> None:
        """Take in an update.

        Args:
            arrival: The update.
            state: The state's attributes, to which it has been applied, and perhaps later ones too.
            now: The client's monotonic seconds.
        """
        is_first = self.version < 0
        end = arrival.server_time if is_first else max(arrival.server_time, self.latest + 0.001)  # its resolution
        rhythm = self._playout.rhythm
        begin = rhythm.begin_of_change(end, arrival.version, arrival.missed)
        self.latest, self.version = end, arrival.version
        self._number += 1
        plan = Plan(self._number, begin, end)
        self.written = []
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
            self.plans.append(plan)

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
        self.written.append((flock.containers, flock.name, column))
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
        for earlier in reversed(self.plans):
            if earlier.number <= track.number:
                break
            if earlier.end > way.begin:
                way.lead_into(earlier)
            else:
                earlier.hold(track)
        way.lead_into(plan)

    def _hold_before(self, track: Track) -> None:
        """Keep a track at rest in the plans since its last change, while the state has gone on."""
        for earlier in reversed(self.plans):
            if earlier.number <= track.number:
                break
            earlier.hold(track)

    def _drop(self, path: Path, known: Known, key: Any) -> None:
        """Forget a value that is gone or no number any more, or all values in a dict that is gone."""
        path.settle()
        track = known.pop(key, None)
        if type(track) is Track:  # those in a dict that is gone go on moving there, where nobody sees them
            for plan in self.plans:
                plan.forget(track.container, key)

    def _rebind(self, path: Path, known: Known, state: Any) -> None:
        """Follow what is known into dicts that have taken the place of the old ones."""
        path.settle()
        containers: dict[int, dict[Any, Any]] = {}
        _follow(known, state, containers)
        for plan in self.plans:
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
