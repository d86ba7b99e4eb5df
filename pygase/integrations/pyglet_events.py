"""What pyglet keeps of a window's event types and handlers, looked at and added to for one window alone.

Needs no engine: it only looks into what the engine has made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakMethod

if TYPE_CHECKING:
    import arcade

__all__ = ["ANY_EVENT", "PREFIX", "EventTypes", "Hooks", "handlers_of", "push_late"]

PREFIX: Final = "on_net_"
"""Begins the name of every handler of a network event."""

ANY_EVENT: Final = "on_net_event"
"""The handler of all of them."""


class Hooks:
    """Attributes put on single objects in front of those of their classes, and taken away again."""

    def __init__(self) -> None:
        self._undo: list[tuple[dict[str, Any], str, bool, Any]] = []

    def put(self, owner: Any, name: str, value: Any) -> None:
        """Give an object an attribute of its own."""
        attributes = vars(owner)
        self._undo.append((attributes, name, name in attributes, attributes.get(name)))
        attributes[name] = value

    def undo(self) -> None:
        """Take all of them away, the last first."""
        while self._undo:
            attributes, name, was_there, value = self._undo.pop()
            if was_there:
                attributes[name] = value
            else:
                attributes.pop(name, None)


class EventTypes(list[str]):
    """A window's event types: those of its class, whatever is registered there later, and all of `on_net_...`.

    pyglet keeps one list for all windows, to which a registration appends; a copy of it would miss later ones.
    """

    def __init__(self, window_class: type[arcade.Window]) -> None:
        super().__init__([ANY_EVENT])
        self._class = window_class

    def learn(self, owner: object) -> None:
        """Take up the names of an object's handlers of network events."""
        self.extend(name for name in dir(owner) if name.startswith(PREFIX) and name not in list.__iter__(self))

    def __contains__(self, name: object) -> bool:
        return (isinstance(name, str) and name.startswith(PREFIX)) or name in self._class.event_types

    def __iter__(self) -> Iterator[str]:
        return chain(self._class.event_types, super().__iter__())


def push_late(window: arcade.Window, view: arcade.View, types: EventTypes) -> None:
    """Add a view's handlers of network events to those that Arcade pushed when it showed the view."""
    names = [name for name in list.__iter__(types) if callable(getattr(view, name, None))]
    for frame in getattr(window, "_event_stack", ()):
        if any(isinstance(h, WeakMethod) and getattr(h(), "__self__", None) is view for h in frame.values()):
            frame.update({name: WeakMethod(getattr(view, name)) for name in names})
            return


def handlers_of(window: arcade.Window, name: str) -> list[Callable[..., Any]]:
    """Return a window's handlers of a name, in pyglet's order: what was pushed last, then the window's own."""
    handlers = []
    for frame in tuple(getattr(window, "_event_stack", ())):
        handler = frame.get(name)
        if isinstance(handler, WeakMethod):
            handler = handler()
        if handler is not None:
            handlers.append(handler)
    own = getattr(window, name, None)
    if callable(own):
        handlers.append(own)
    return handlers
