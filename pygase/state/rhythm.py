"""How often something moves, and since when what an update tells of has been moving.

A server sends nothing while nothing changes, and who starts to move has not been moving all that time: taken for a long
motion that came late, each rest of somebody who taps a key would delay what is shown. Mirror (`NetworkTransform`, where
it sends on change only) decides by the pause's length. Here it is known how many updates can have been lost: all other
versions that did not come brought nothing.
"""

from __future__ import annotations

from typing import Final

__all__ = ["FIRST_INTERVAL", "Rhythm"]

FIRST_INTERVAL: Final = 0.05
"""Update interval assumed before the first two updates: 20 a second is what most such games send."""

LONGEST_STEP: Final = 0.09
"""Longest time between two changes that are one motion, though others were told of in between. Players who send their
own positions 20 times a second do so every 50 to 67 ms, and are heard at a tick. Nobody lets go of a key for 40 ms."""

LONGEST_REGULAR_STEP: Final = 0.13
"""The same for changes that come as regularly as no fingers do: ten a second."""

REGULAR: Final = 4
"""Changes after one another, each as long after the one before within a quarter, that are regular."""


class Rhythm:
    """When updates came in which something moved.

    Attributes:
        interval: Estimated time between two versions of the state, in seconds.
        longest_step: Longest time between two changes of a value that are one motion, in seconds.
    """

    def __init__(self) -> None:
        self.interval = FIRST_INTERVAL
        self.longest_step = LONGEST_STEP
        self._beat = FIRST_INTERVAL  # between two changes while something moves: several versions, perhaps
        self._gap = 0.0
        self._alike = 0
        self._newest = -1  # version of the newest update
        self._version = -1  # of the newest in which something moved, and the server's time of it
        self._time = 0.0
        self._candidates = 1  # versions that may have brought what the newest update tells of

    def begin_of_change(self, server_time: float, version: int, missed: int | None) -> float:
        """Return when that began which an update tells of.

        At the last motion, if nothing is known to have rested since. Otherwise it is as long ago as the updates take
        that may have brought it: this one, and those that are lost.

        Args:
            server_time: The update's time.
            version: The version it leads to.
            missed: See `StateArrival`.
        """
        if self._newest < 0:
            return server_time
        steps = version - self._newest
        self._candidates = steps if missed is None else min(steps, missed + 1)
        gap = server_time - self._time
        if self._candidates == version - self._version:
            if gap > 1.5 * steps * self.interval + 0.5 * self.interval:  # a server whose versions do not count ticks
                return server_time - steps * self.interval
        elif gap > self.longest_step:
            return max(self._time, server_time - self._candidates * self._beat)
        return self._time

    def note(self, server_time: float, version: int, *, moves: bool) -> None:
        """Take note of an update.

        Args:
            server_time: The update's time.
            version: The version it leads to.
            moves: Whether anything moves in it.
        """
        if moves and self._newest >= 0:
            self._measure(server_time - self._time, version - self._version)
        if moves or self._newest < 0:
            self._time, self._version = server_time, version
        self._newest = version

    def _measure(self, gap: float, versions: int) -> None:
        sample = gap / versions
        if sample > self.interval:
            self.interval += 0.15 * (min(sample, 2.0 * self.interval) - self.interval)
        else:
            self.interval += 0.3 * (sample - self.interval)
        self._alike = self._alike + 1 if abs(gap - self._gap) < 0.25 * gap else 0
        self._gap = gap
        longest = LONGEST_REGULAR_STEP if self._alike >= REGULAR else LONGEST_STEP
        if self._candidates == 1 and (gap <= longest or gap < 1.5 * self.interval):
            self._beat += 0.15 * (gap - self._beat)
            self.longest_step = max(LONGEST_STEP, 1.3 * self._beat)
