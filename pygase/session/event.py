"""An event, as dispatched and as handlers get it."""

from typing import Any

__all__ = ["Event"]


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
