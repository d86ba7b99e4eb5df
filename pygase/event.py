"""Events and the handlers that are registered for them."""

import inspect
import logging
from collections.abc import Callable, Mapping
from typing import Any

from pygase.session.events import Event

__all__ = ["Event", "UniversalEventHandler"]

_log = logging.getLogger("pygase.event")

Handler = Callable[..., Any]
"""A function or coroutine function."""


class UniversalEventHandler:
    """The handlers of one client, server or state machine: at most one per event type."""

    def __init__(self) -> None:
        # The handler, and the injected names that its signature takes (None: all, it has **kwargs).
        self._event_handlers: dict[str, tuple[Handler, frozenset[str] | None]] = {}

    def register_event_handler(self, event_type: str, event_handler_function: Handler) -> None:
        """Call a function for every event of a type; a later registration replaces an earlier one.

        Args:
            event_type: The event type.
            event_handler_function: A function or coroutine function. It gets the event's data.

        Raises:
            TypeError: The handler is not callable, or the event type is not a string.
        """
        if not isinstance(event_type, str):
            raise TypeError(f"an event type is a string, not {event_type!r}")
        if not callable(event_handler_function):
            raise TypeError(f"the handler of {event_type!r} must be callable, not {event_handler_function!r}")
        self._event_handlers[event_type] = (event_handler_function, _keywords_taken(event_handler_function))
        _log.debug("handler registered for event type %s", event_type)

    def has_event_type(self, event_type: str) -> bool:
        """Return whether a handler is registered for an event type."""
        return event_type in self._event_handlers

    def __len__(self) -> int:
        return len(self._event_handlers)

    def call(self, event: Event, injected: Mapping[str, Any]) -> Any:
        """Call the handler of an event, if there is one.

        Args:
            event: The event.
            injected: What pygase adds. A name that the handler does not take is left out, and one that the event
                brought along is overruled: the sender cannot forge it.

        Returns:
            What the handler returned: an awaitable if it is a coroutine function. None without a handler.
        """
        entry = self._event_handlers.get(event.type)
        if entry is None:
            return None
        handler, taken = entry
        keywords: Mapping[str, Any] = event.handler_kwargs
        if injected:
            if taken is None:
                keywords = {**keywords, **injected} if keywords else injected
            else:
                keywords = {name: value for name, value in keywords.items() if name not in injected}
                for name in taken:
                    if name in injected:
                        keywords[name] = injected[name]
        return handler(*event.handler_args, **keywords)

    async def handle(self, event: Event, **kwargs: Any) -> Any:
        """Call the handler of an event and wait for it if it is a coroutine.

        Args:
            event: The event.
            **kwargs: Injected values, as in `call`.
        """
        result = self.call(event, kwargs)
        return await result if inspect.isawaitable(result) else result


def _keywords_taken(handler: Handler) -> frozenset[str] | None:
    """Return the names that may be passed to a handler by keyword, or None if it takes any."""
    try:
        parameters = inspect.signature(handler).parameters.values()
    except (TypeError, ValueError):  # some built-ins tell nothing; they take what the event brings
        return frozenset()
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return None
    return frozenset(p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY))
