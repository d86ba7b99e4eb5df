"""Events that have come before the state they wait for."""

from collections import deque

from pygase.config import HELD_EVENT_OVERHEAD, MAX_HELD_BYTES
from pygase.session.event import Event
from pygase.session.signals import EventArrived

__all__ = ["HeldEvents"]


class HeldEvents:
    """Holds events until the client's state is new enough for them. Reliable ones keep their order.

    Attributes:
        bytes: What they take; 0 if there are none.
        reliable: Reliable ones, oldest first: the time order they wait for, the event, and what it takes.
        others: The others.
    """

    __slots__ = ("_released_version", "bytes", "others", "reliable")

    def __init__(self) -> None:
        self.reliable: deque[tuple[int, Event, int]] = deque()
        self.others: deque[tuple[int, Event, int]] = deque()
        self.bytes = 0
        self._released_version = -1

    def add(self, gate: int, event: Event, size: int, *, is_reliable: bool) -> bool:
        """Hold an event back.

        Args:
            gate: The time order that it waits for.
            event: The event.
            size: What it took on the line, in bytes.
            is_reliable: Whether others must not overtake it.

        Returns:
            Whether that was within the limit.
        """
        size += HELD_EVENT_OVERHEAD
        self.bytes += size
        if self.bytes > MAX_HELD_BYTES:
            return False
        (self.reliable if is_reliable else self.others).append((gate, event, size))
        return True

    def release(self, version: int) -> list[EventArrived]:
        """Let go of what may be handled now.

        Args:
            version: The time order of the client's state.
        """
        if version == self._released_version:
            return []
        self._released_version = version
        released: list[EventArrived] = []
        ordered, others = self.reliable, self.others
        while ordered and ordered[0][0] <= version:
            _, event, size = ordered.popleft()
            self.bytes -= size
            released.append(EventArrived(event, size))
        for _ in range(len(others)):
            gate, event, size = others.popleft()
            if gate <= version:
                self.bytes -= size
                released.append(EventArrived(event, size))
            else:
                others.append((gate, event, size))
        return released
