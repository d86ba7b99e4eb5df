"""Whom a server shows a new version where each client has its own view and there is no time to show it to all."""

from pygase.config import LONGEST_UNSEEN, NEVER, SHOWING_SHARE
from pygase.session.seat import Seat

__all__ = ["Rota"]

_WEIGHT = 0.125
_MOST = 2.0
"""Of the newest tick in the averages: one that took long, for whatever reason, changes nothing; some in a row do."""

_SPARE = 0.05
"""Once not all can be shown, this share of a tick is left free besides."""

_PATIENCE = 1.25
"""Where nobody can be shown enough, all wait this much longer than they had to, that ticks may be less late."""


class Rota:
    """Measures what ticks take, and picks who is shown one: all, if it can be done in time.

    They take turns: first who is new or was left out for too long, then who waits for the effect of what it did, by
    ticks. Those who do the same are shown equally many.
    """

    def __init__(self) -> None:
        self._interval = 0.0
        self._began_at: float | None = None  # the tick that is under way
        self._ticked_at = -NEVER
        self._rest = 0.0  # seconds that a tick takes without showing, on average
        self._each = 0.0  # seconds that showing takes for each client
        self._shown_at: dict[Seat, float] = {}  # in this order, while there are turns

    def begin_tick(self, now: float, interval: float) -> None:
        """Take note that a tick begins, and how many seconds it may take."""
        self._began_at = self._ticked_at = now
        self._interval = interval

    def expects_version(self, now: float) -> bool:
        """Whether ticks follow each other so fast that another version is to be shown in a moment."""
        return self._interval <= LONGEST_UNSEEN and now - self._ticked_at < 2.0 * self._interval

    def pick(self, seats: list[Seat]) -> list[Seat]:
        """Return those of some clients who are shown the newest version; all, unless a tick is under way."""
        wanted = self._wanted(len(seats))
        if wanted >= len(seats):
            self._shown_at.clear()  # all alike from now on
            return seats
        now, before, present = self._ticked_at, self._shown_at, set(seats)
        shown_at = {seat: -NEVER for seat in seats if seat not in before}
        shown_at.update((seat, at) for seat, at in before.items() if seat in present)
        overdue = now + self._interval - LONGEST_UNSEEN

        def ticks_until_urgent(seat: Seat) -> float:
            if shown_at[seat] < overdue:
                return -NEVER
            return (min(seat.waits_since, now) - now) // self._interval

        # Who shares encodings goes on to share them.
        groups: dict[object, list[Seat]] = {}
        for seat in sorted(shown_at, key=ticks_until_urgent):
            lineage = None if seat.track is None else seat.track.lineage
            groups.setdefault(lineage or seat, []).append(seat)
        picked: list[Seat] = []
        for group in groups.values():
            picked += group
            if len(picked) >= wanted:
                break
        for seat in picked:
            del shown_at[seat]
            shown_at[seat] = now
        self._shown_at = shown_at
        return picked

    def _wanted(self, count: int) -> float:
        """Return how many of so many clients there is time for, and no fewer than see enough."""
        interval, rest, showing = self._interval, self._rest, self._each * count
        if self._began_at is None or rest + showing <= SHOWING_SHARE * interval:
            return count
        in_time = count * ((SHOWING_SHARE - _SPARE) * interval - rest) / max(showing, 1e-9)
        # The fewer are shown each tick, the longer all wait, for what else there is to do in each.
        longest = max(LONGEST_UNSEEN, _PATIENCE * (rest + showing))
        return max(in_time, count * interval / longest, count * rest / (longest - showing))

    def note_shown(self, began: float, ended: float, count: int) -> None:
        """Take note of when the showing began and ended, and to how many clients."""
        if self._began_at is None or began < self._began_at or not count:
            return
        self._rest = _average(self._rest, began - self._began_at)
        self._each = _average(self._each, (ended - began) / count)
        self._began_at = None


def _average(average: float, newest: float) -> float:
    """Return an average with the newest measurement in it: however large that is, it changes it by little."""
    return average + (min(newest, _MOST * average) - average) * _WEIGHT if average else newest
