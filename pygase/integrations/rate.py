"""Sending at a limited rate without ever losing the newest value."""

from __future__ import annotations

from typing import Any

__all__ = ["RateLimiter"]

Held = tuple[str, tuple[Any, ...], dict[str, Any]]


class RateLimiter:
    """Decides, per event type, which of many values are sent. Knows no clock: callers say what time it is.

    Attributes:
        held: Arguments and keyword arguments that are held back, by event type.
    """

    def __init__(self) -> None:
        self._due: dict[str, float] = {}  # when the next one of a type may go
        self._interval: dict[str, float] = {}
        self.held: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {}

    def admit(self, event_type: str, args: tuple[Any, ...], kwargs: dict[str, Any], rate: float, now: float) -> bool:
        """Return whether to send this value now; if not, it is held back, in place of the one held so far.

        Args:
            event_type: The event type.
            args: Arguments.
            kwargs: Keyword arguments.
            rate: Values per second.
            now: Monotonic seconds.
        """
        if not isinstance(rate, (int, float)) or not rate > 0.0:
            raise ValueError(f"rate is {rate!r}; it is a number of dispatches per second, above 0")
        self._interval[event_type] = 1.0 / rate
        if now < self._due.get(event_type, now):
            self.held[event_type] = (args, kwargs)
            return False
        self.held.pop(event_type, None)
        self._sent(event_type, now)
        return True

    def due(self, now: float) -> list[Held]:
        """Return the held values whose time has come; they count as sent.

        Args:
            now: Monotonic seconds.
        """
        if not self.held:
            return []
        ready = [event_type for event_type in self.held if now >= self._due[event_type]]
        for event_type in ready:
            self._sent(event_type, now)
        return [(event_type, *self.held.pop(event_type)) for event_type in ready]

    def drain(self) -> list[Held]:
        """Return all held values and forget them."""
        held = [(event_type, args, kwargs) for event_type, (args, kwargs) in self.held.items()]
        self.held.clear()
        return held

    def _sent(self, event_type: str, now: float) -> None:
        # On a grid rather than from now: frames do not fall on the rate's own beat, and measuring from each
        # frame anew would make 20 a second at 60 frames a second into 15. Falling behind by a beat starts a
        # new grid.
        interval = self._interval[event_type]
        due = self._due.get(event_type, now)
        self._due[event_type] = due + interval if now - due < interval else now + interval
