"""The part of a simulation that is about time: what happens when, and letting it."""

from collections import deque
from collections.abc import Callable
from typing import Any

from pygase.errors import WrongThread
from pygase.testing.headway import INSTANT, Headway
from pygase.testing.schedule import Schedule, Scheduled

__all__ = ["VirtualTime"]


class VirtualTime:
    """A clock that only `run` moves, from one thing that happens to the next.

    Args:
        seed: Named in what it raises.

    Attributes:
        schedule: What is to happen.
        ready: Who takes a turn at this very moment, in this order.
        headway: Where whoever takes a turn says so.
        is_running: Whether `run` is under way.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.schedule = Schedule()
        self.ready: deque[Callable[[], None]] = deque()
        self.headway = Headway(self.clock, seed)
        self.is_running = False
        self._has_news = False

    @property
    def now(self) -> float:
        """Seconds since the simulation began."""
        return self.schedule.now

    def at(self, when: float, action: Callable[[], Any]) -> Scheduled:
        """Call something at a time, in seconds since the simulation began: a change of the network, a player's move."""
        scheduled = Scheduled()
        self.schedule.at(when, self._act, scheduled, action, self.is_running and when - self.now < INSTANT)
        return scheduled

    def after(self, seconds: float, action: Callable[[], Any]) -> Scheduled:
        """Call something in so many seconds from now."""
        return self.at(self.now + seconds, action)

    def every(self, interval: float, action: Callable[[], Any]) -> Scheduled:
        """Call something every so many seconds, until cancelled: a game's frames, a player's input."""
        scheduled = Scheduled()
        start = self.now

        def again(count: int) -> None:
            self._act(scheduled, action, interval < INSTANT)
            if not scheduled.is_cancelled:  # the times are multiples: sums of 1/60 would drift
                self.schedule.at(start + (count + 1) * interval, again, count + 1)

        self.schedule.at(start + interval, again, 1)
        return scheduled

    def run(self, seconds: float) -> None:
        """Let simulated time pass.

        Raises:
            RuntimeError: It cannot, since somebody wants to be called again and again at the same instant; the message
                names who. So do `run_until` and all that lets time pass.
        """
        self._run(self.now + seconds, None)

    def run_until(self, condition: Callable[[], Any], timeout: float = 10.0) -> None:
        """Let simulated time pass until a condition holds.

        Raises:
            TimeoutError: It did not hold in time; the message has the seed.
        """
        if not self._run(self.now + timeout, condition):
            raise TimeoutError(f"the condition did not hold within {timeout} simulated seconds (seed {self.seed})")

    def clock(self) -> float:
        """Return the simulated time."""
        return self.schedule.now

    def look_around(self) -> None:
        """Take note that somebody begins to run, to drive it from the next moment on."""
        self._has_news = True

    def _act(self, scheduled: Scheduled, action: Callable[[], Any], is_at_once: bool) -> None:
        if scheduled.is_cancelled:
            return
        if is_at_once:
            self.headway.note(_name(action))
        action()

    def _run(self, until: float, condition: Callable[[], Any] | None) -> bool:
        if self.is_running:
            raise WrongThread("the simulation is running already: a handler cannot run it")
        schedule = self.schedule
        while True:
            self.is_running = True
            try:
                self._settle()
            finally:
                self.is_running = False
            if condition is not None and condition():
                return True
            when = schedule.next_time()
            if when is None or when > until:
                schedule.now = until
                return condition is not None and bool(condition())
            self.is_running = True
            try:
                schedule.advance(when)
            finally:
                self.is_running = False

    def _settle(self) -> None:
        """Let everybody take a turn who has something to do at this moment."""
        ready = self.ready
        while ready or self._has_news:
            if self._has_news:
                self._has_news = False
                self._adopt()
            if ready:
                ready.popleft()()

    def _adopt(self) -> None:
        """Take in those who have begun to run since; `look_around` asks for it."""


def _name(action: Callable[[], Any]) -> str:
    return f"the action {getattr(action, '__qualname__', action)!r}"
