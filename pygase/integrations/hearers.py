"""Functions that hear of events, several for one type."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pygase.event import UniversalEventHandler
from pygase.session.events import LIFECYCLE_EVENT_TYPES

if TYPE_CHECKING:
    from pygase.drivers.usercode import UserCode
    from pygase.event import Event

__all__ = ["Hearers"]


class Hearers:
    """What `FrameAdapter.on` has registered.

    Args:
        user_code: Runs them.
    """

    __slots__ = ("_by_type", "_user_code")

    def __init__(self, user_code: UserCode) -> None:
        self._by_type: dict[str, list[UniversalEventHandler]] = {}
        self._user_code = user_code

    def add(self, event_type: str, function: Callable[..., Any]) -> None:
        """Have a function called for each event of a type, after those that were added before it."""
        single = UniversalEventHandler()
        single.register_event_handler(event_type, function)
        self._by_type.setdefault(event_type, []).append(single)

    def tell(self, event: Event) -> None:
        """Call the functions for an event. What they raise is logged and counted."""
        hearers = self._by_type.get(event.type)
        if hearers is None:
            return
        injected: dict[str, Any] = {}
        if event.type in LIFECYCLE_EVENT_TYPES:  # what pygase itself tells may be left out of a signature
            injected = dict(event.handler_kwargs)
        for single in tuple(hearers):
            self._user_code.run(f"handler of {event.type}", single.call, event, injected)
