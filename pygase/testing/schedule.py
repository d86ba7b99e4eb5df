"""Virtual time: a clock that jumps from one thing that happens to the next."""

import asyncio
import heapq
from collections.abc import Callable
from typing import Any

__all__ = ["Schedule", "Scheduled", "VirtualLoop"]


class Scheduled:
    """Something that is to happen; `cancel` it and it will not."""

    __slots__ = ("is_cancelled",)

    def __init__(self) -> None:
        self.is_cancelled = False

    def cancel(self) -> None:
        """Do not let it happen, nor any more if it repeats."""
        self.is_cancelled = True


class Schedule:
    """What is to happen, in order of time; of things at the same time, in the order in which they were put here.

    Attributes:
        now: Virtual seconds.
    """

    __slots__ = ("_count", "_heap", "now")

    def __init__(self) -> None:
        self.now = 0.0
        self._heap: list[tuple[float, int, Callable[..., Any], tuple[Any, ...]]] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._heap)

    def clock(self) -> float:
        """Return the virtual time."""
        return self.now

    def at(self, when: float, action: Callable[..., Any], *args: Any) -> None:
        """Have something called at a time."""
        self._count += 1
        heapq.heappush(self._heap, (when, self._count, action, args))

    def next_time(self) -> float | None:
        """Return when the next thing happens."""
        return self._heap[0][0] if self._heap else None

    def advance(self, when: float) -> None:
        """Move the clock, and call what is due by then."""
        self.now = max(self.now, when)
        heap, now = self._heap, self.now
        while heap and heap[0][0] <= now:
            _, _, action, args = heapq.heappop(heap)
            action(*args)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An asyncio loop whose time is virtual: a coroutine that sleeps takes simulated time, not ours."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._virtual_clock = clock
        super().__init__()

    def time(self) -> float:
        """Return the virtual time."""
        return self._virtual_clock()

    def step(self) -> None:
        """Run what is ready, and wait for nothing."""
        self.call_soon(self.stop)
        self.run_forever()
