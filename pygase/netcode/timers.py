"""All deadlines of a server or a client in one table."""

from collections.abc import Hashable
from heapq import heappop, heappush
from typing import Generic, TypeVar

__all__ = ["TimerTable"]

_Key = TypeVar("_Key", bound=Hashable)


class TimerTable(Generic[_Key]):
    """Each key has at most one deadline, and the nearest is found at once.

    The heap may hold outdated entries of a key; `_deadlines` says which one counts. There is at most one live entry per
    key, and outdated ones go as they come to the top.
    """

    __slots__ = ("_deadlines", "_heap", "_serial")

    def __init__(self) -> None:
        self._deadlines: dict[_Key, tuple[float, int]] = {}
        self._heap: list[tuple[float, int, _Key]] = []
        self._serial = 0  # keeps keys, which have no order, from being compared

    def __len__(self) -> int:
        return len(self._deadlines)

    def __contains__(self, key: _Key) -> bool:
        return key in self._deadlines

    def set(self, key: _Key, when: float) -> None:
        """Give a key its deadline, in place of the one it may have."""
        self._serial += 1
        self._deadlines[key] = (when, self._serial)
        heappush(self._heap, (when, self._serial, key))
        if len(self._heap) > 4 * len(self._deadlines) + 16:
            self._heap = [(when, serial, key) for key, (when, serial) in self._deadlines.items()]
            self._heap.sort()

    def cancel(self, key: _Key) -> None:
        """Take a key's deadline away, if it has one."""
        self._deadlines.pop(key, None)

    def next(self) -> float | None:
        """The nearest deadline."""
        heap = self._heap
        while heap:
            when, serial, key = heap[0]
            if self._deadlines.get(key) == (when, serial):
                return when
            heappop(heap)
        return None

    def pop_due(self, now: float) -> _Key | None:
        """Take out and return a key whose deadline has come, the earliest first."""
        when = self.next()
        if when is None or when > now:
            return None
        key = heappop(self._heap)[2]
        del self._deadlines[key]
        return key
