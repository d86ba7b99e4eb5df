"""An event, as dispatched and as handlers get it."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pygase.session.seat import Seat

__all__ = ["Event", "EventFrom"]


class Event:
    """Something that happened, with its data.

    Args:
        event_type: Links the event to its handlers.
        *args: Positional data for the handler.
        **kwargs: Keyword data for the handler.

    Attributes:
        type: The event type.
        handler_args: The positional data, a list.
        handler_kwargs: The keyword data, a dict.
    """

    __slots__ = ("handler_args", "handler_kwargs", "type")

    def __init__(self, event_type: str, /, *args: Any, **kwargs: Any) -> None:
        self.type = event_type
        self.handler_args = list(args)
        self.handler_kwargs = kwargs

    def __repr__(self) -> str:
        data = [repr(a) for a in self.handler_args] + [f"{k}={v!r}" for k, v in self.handler_kwargs.items()]
        return f"Event({', '.join([repr(self.type), *data])})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Event):
            return NotImplemented
        return (self.type, self.handler_args, self.handler_kwargs) == (
            other.type,
            other.handler_args,
            other.handler_kwargs,
        )

    __hash__ = None  # type: ignore[assignment]  # mutable, like the dict it holds


class EventFrom(Event):
    """A signal: a client sent an event. It is the event, since one object for each is enough.

    Attributes:
        seat: The client.
    """

    __slots__ = ("seat",)
    seat: "Seat"

    def alone(self) -> Event:
        """Return the event without its sender, for code that knows nothing of clients."""
        event = Event.__new__(Event)
        event.type, event.handler_args, event.handler_kwargs = self.type, self.handler_args, dict(self.handler_kwargs)
        return event
