# ruff: noqa: PLR1730  (this runs in every frame, and min() costs four times a comparison)
"""Which moment of the server's time is on the screen: as late as it must be for the next update to be there.

The ideas are those of Mirror (`SnapshotInterpolation`: a delay from the update interval and the deviation of its
delivery, and a timeline that runs a little faster or slower rather than jump) and of lightyear (a delay in
proportion to the send interval, and a timeline of its own for what is shown). Four things differ. Lateness is
measured against the fastest delivery, as jitter buffers for speech do, so that one number takes in jitter, losses and
the frames in which updates are noticed. The timeline's speed follows its error without steps. It eases out where
updates run short, where others stop dead or go on by guess: a guess overshoots each time that somebody stops. And
nobody waits for time in which nothing happened.
"""

from __future__ import annotations

import math
from typing import Final

from pygase.state.rhythm import FIRST_INTERVAL, Rhythm

__all__ = ["Playout"]

MAX_DELAY: Final = 1.0
"""Longest adaptive delay: who is shown a second late cannot be played with anyway."""

DEVIATIONS: Final = 3.0
"""Standard deviations of lateness that the delay covers. By simulation: 2 shows losses, 4 only adds delay."""

MEMORY: Final = 3.0
"""Seconds over which lateness is averaged: Mirror's are 1 to 2; with losses of 5 % that is too few of them."""

CREEP: Final = 0.002
"""Seconds per second by which the fastest delivery is forgotten: follows a route that has become slower, and far
faster than clocks drift (0.000,1), while a minute without a fast packet costs no more than a deviation."""

CATCH_UP: Final = 0.3
SLOW_DOWN: Final = 1.5
"""Change of speed per second of error. Slower to catch up than to wait: too late is harmless, too early is a stop."""

FASTEST: Final = 1.5
SLOWEST: Final = 0.75
"""Limits of the timeline's speed: beyond them motion looks hurried, or stuck."""

EASE_LEAST: Final = 0.01
EASE_MOST: Final = 0.06
"""Least and most seconds of remaining updates below which the timeline eases out; in between, what the delay has above
the mean lateness, so that a quiet line is never eased."""

JUMP: Final = 5.0
"""Seconds of error above which the timeline jumps: after so long, people expect a cut."""


class Playout:
    """The timeline of what is shown, in the server's seconds. It never runs backwards.

    Args:
        delay: A fixed delay in seconds, or None to adapt it.

    Attributes:
        time: What is shown, or None before the first update.
        delay: How far the timeline means to stay behind the fastest delivery, in seconds.
        rhythm: What is known of the intervals between updates.
    """

    def __init__(self, delay: float | None = None) -> None:
        self._is_fixed = delay is not None
        self.delay = 2.0 * FIRST_INTERVAL if delay is None else delay
        self.rhythm = Rhythm()
        self.time: float | None = None
        self._latest = 0.0  # the server's time of the newest update
        self._offset: float | None = None  # arrival minus server time, of the fastest delivery
        self._last_arrival = 0.0
        self._last_noticed = 0.0
        self._advanced_at = 0.0
        self._mean = 2.0 * FIRST_INTERVAL
        self._variance = 0.0
        self._learned = 0
        self._window = min(max(self.delay - self._mean, EASE_LEAST), EASE_MOST)

    def is_foreign(self, server_time: float, arrival: float) -> bool:
        """Return whether a time cannot belong to the server of the earlier ones: it was started anew, or is another."""
        return self._offset is not None and (
            server_time < self._latest - JUMP or abs(arrival - server_time - self._offset) > 2 * JUMP
        )

    def arrived(self, begin: float, server_time: float, arrival: float, noticed: float, *, moves: bool) -> None:
        """Take note of an update.

        Args:
            begin: The server's time at which that began which it tells of.
            server_time: The update's time.
            arrival: When it arrived, in the client's seconds.
            noticed: When it came to be known here, in the client's seconds: a frame later, perhaps.
            moves: Whether anything moves in it. How late others come keeps nobody waiting.
        """
        offset = arrival - server_time
        if self._offset is None:
            self._offset = offset
        else:
            elapsed = arrival - self._last_arrival
            crept = self._offset + CREEP * elapsed if elapsed > 0.0 else self._offset
            self._offset = crept if crept < offset else offset
            # Of updates that come together only the first can have been missed.
            if moves and not self._is_fixed and noticed - self._last_noticed > 0.1 * self.rhythm.interval:
                self._learn((noticed if noticed > arrival else arrival) - begin - self._offset)
        self._latest = server_time
        self._last_arrival = arrival
        self._last_noticed = noticed

    def _learn(self, lateness: float) -> None:
        """Adapt the delay to one more lateness: how long the update before had to last."""
        interval = self.rhythm.interval
        lateness = min(lateness, self.delay + 2.0 * interval)  # one stall is no reason to be late for seconds
        self._learned += 1
        weight = max(1.0 / (self._learned + 1), min(0.2, max(0.01, interval / MEMORY)))  # the first count for more
        error = lateness - self._mean
        self._mean += weight * error
        self._variance = (1.0 - weight) * (self._variance + weight * error * error)
        delay = self._mean + DEVIATIONS * math.sqrt(self._variance)
        self.delay = min(max(delay, interval), MAX_DELAY)
        self._window = min(max(self.delay - self._mean, EASE_LEAST), EASE_MOST)

    def advance(self, now: float, still_until: float | None = None) -> float:
        """Move the timeline on and return it.

        Args:
            now: The client's seconds.
            still_until: Up to here nothing changes from `time` on; None if something does.
        """
        assert self._offset is not None
        target = now - self._offset - self.delay
        elapsed, self._advanced_at = now - self._advanced_at, now
        if elapsed < 0.0:
            elapsed = 0.0
        if self.time is None:
            self.time = min(target, self._latest)
            return self.time
        if still_until is not None and target > self.time < still_until:
            self.time = min(target, still_until)
            return self.time
        error = target - (self.time + elapsed)
        if error > JUMP:
            self.time = max(self.time, min(target, self._latest))
            return self.time
        speed = 1.0 + error * (CATCH_UP if error > 0.0 else SLOW_DOWN)
        if speed < SLOWEST:
            speed = SLOWEST
        elif speed > FASTEST:
            speed = FASTEST
        step = speed * elapsed
        remaining = self._latest - self.time
        if remaining - step < self._window:
            step = _eased(step, remaining, self._window)
        self.time += step
        return self.time


def _eased(step: float, remaining: float, window: float) -> float:
    """Shorten a step so that the timeline slows down over the last `window` seconds and does not pass the end."""
    free = max(0.0, remaining - window)  # at full speed, the rest ever slower
    left = remaining - free
    covered = free + left * (1.0 - math.exp(-(step - free) / window)) if step > free else step
    return remaining if remaining - covered < 0.000_5 else covered
