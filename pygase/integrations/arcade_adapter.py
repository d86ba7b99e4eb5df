"""ArcadeAdapter: a client in step with an Arcade 3 window.

Arcade calls handlers in three ways: its own loop dispatches them through pyglet, its headless loop calls them on the
view or the window without dispatching, and `Window.test` puts them in a queue first. The adapter sees to all three,
by attributes of the one window that it is attached to: Arcade's classes stay as they are.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from types import MethodType
from typing import Any, Final

from pygase.client import Client
from pygase.errors import AdapterMisuse, EngineUnusable
from pygase.event import Event, UniversalEventHandler
from pygase.integrations.base import FrameAdapter
from pygase.integrations.pyglet_events import ANY_EVENT, PREFIX, EventTypes, Hooks, handlers_of, push_late
from pygase.session.events import LIFECYCLE_EVENT_TYPES
from pygase.state.interpolation import Smoothed

try:
    import arcade
    from pyglet.event import EventDispatcher
except ImportError as error:
    raise EngineUnusable(
        f"arcade cannot be imported ({error}). Install it with `python -m pip install 'arcade>=3'`; without a display, "
        "set the environment variable ARCADE_HEADLESS=1 and install the system's EGL library (libegl1)."
    ) from error

if not hasattr(arcade.Window, "on_fixed_update"):
    raise EngineUnusable("this Arcade is too old: `python -m pip install --upgrade 'arcade>=3'`.")

__all__ = ["ArcadeAdapter", "adapter_of"]

_UPDATES: Final = ("on_fixed_update", "on_update")
_FRAME_EVENTS: Final = frozenset({*_UPDATES, "on_draw"})


class ArcadeAdapter(FrameAdapter):
    """Couples a `Client` to an Arcade window.

    Once attached it pumps before the first `on_fixed_update` or `on_update` of each frame, and holds `render_state`
    around `on_draw`, which ends before the window's buffers are swapped. Each received event calls
    `on_net_event(event)` and then `on_net_<event_type>(*args, **kwargs)`, the event type in lower case, on the view
    and then on the window; one that returns True ends its event's way, as in Arcade.

    Closing the window detaches the adapter and disconnects the client.

    Example:
        ```python
        client = Client()
        client.connect_in_thread(port=8080)
        net = ArcadeAdapter(client, interpolate=("ships.*.position", "ships.*.angle"))
        net.attach(window)
        ```
    """

    def __init__(
        self,
        client: Client,
        *,
        max_events: int = 256,
        interpolate: Iterable[str | Smoothed] = (),
        delay: float | None = None,
    ) -> None:
        super().__init__(client, max_events=max_events, interpolate=interpolate, delay=delay)
        self._window: arcade.Window | None = None
        self._hooks = Hooks()
        self._view_hooks = Hooks()
        self._update_depth = 0
        self._has_pumped = False

    @property
    def window(self) -> arcade.Window | None:
        """The window that the adapter is attached to."""
        return self._window

    def attach(self, window: arcade.Window) -> ArcadeAdapter:
        """Attach to a window, of whichever class; its current view, if it shows one, included.

        Args:
            window: The window.

        Returns:
            The adapter.

        Raises:
            AdapterMisuse: The adapter or the window is attached already, or the adapter is closed.
        """
        self._owner.require("attach")
        if self._is_closed:
            raise AdapterMisuse("this adapter is closed; make a new one")
        if self._window is not None:
            raise AdapterMisuse("this adapter is attached to a window already; make one adapter per window")
        if adapter_of(window) is not None:
            raise AdapterMisuse("this window has an adapter already; close that one first")
        self._window = window
        hooks, types = self._hooks, EventTypes(type(window))
        hooks.put(window, "_pygase_adapter", self)
        hooks.put(window, "event_types", types)
        types.learn(window)
        self._hook_dispatching(window)
        self._hook_views(window, types)
        self._hook_close(window)
        if window.headless:
            self._guard(window, self._hooks)
        if window.current_view is not None:
            types.learn(window.current_view)
            push_late(window, window.current_view, types)
            self._guard_view()
        return self

    # --- frames -----------------------------------------------------------------------------------------------------

    def _hook_dispatching(self, window: arcade.Window) -> None:
        dispatch, dispatch_queued = window.dispatch_event, window.dispatch_events

        def dispatch_event(event_type: str, *args: Any) -> Any:
            is_queued = getattr(window, "_enable_event_queue", False) and not getattr(
                window, "_allow_dispatch_event", False
            )
            if is_queued or event_type not in _FRAME_EVENTS:
                return dispatch(event_type, *args)
            return self._in_frame(event_type, lambda: dispatch(event_type, *args))

        def dispatch_events() -> None:
            while (queue := getattr(window, "_event_queue", None)) and isinstance(queue[0][0], str):
                name, *args = queue.popleft()
                if name in _FRAME_EVENTS:
                    self._in_frame(name, lambda: EventDispatcher.dispatch_event(window, name, *args))  # noqa: B023
                else:
                    EventDispatcher.dispatch_event(window, name, *args)
            if not window.closed:
                dispatch_queued()

        self._hooks.put(window, "dispatch_event", dispatch_event)
        self._hooks.put(window, "dispatch_events", dispatch_events)

    def _in_frame(self, event_type: str, call: Callable[[], Any]) -> Any:
        """Run a handler of the frame, however it came to be called, with what belongs before and around it."""
        window = self._window
        if event_type == "on_draw":
            with self.render_state():
                return call()
        if self._update_depth == 0 and not self._has_pumped and not self._is_pumping:
            self._has_pumped = True
            self.pump()
        if window is not None and window.closed:  # by the handler of an event
            return None
        self._update_depth += 1
        try:
            return call()
        finally:
            self._update_depth -= 1
            if event_type == "on_update" and self._update_depth == 0:
                self._has_pumped = False  # Arcade's last update of a frame; fixed ones come before it

    def _guard(self, owner: Any, hooks: Hooks) -> None:
        """Have a window's or a view's frame handlers go through `_in_frame` when they are called directly."""
        for event_type in _FRAME_EVENTS:
            handler = getattr(owner, event_type, None)
            if callable(handler):
                hooks.put(owner, event_type, _guarded(self, owner, event_type, handler))

    def _guard_view(self) -> None:
        window = self._window
        if window is not None and window.headless and window.current_view is not None:
            self._guard(window.current_view, self._view_hooks)

    # --- views ------------------------------------------------------------------------------------------------------

    def _hook_views(self, window: arcade.Window, types: EventTypes) -> None:
        show, hide = window.show_view, window.hide_view

        def show_view(new_view: arcade.View) -> None:
            self._view_hooks.undo()  # Arcade finds the old view's handlers again by comparing them
            types.learn(new_view)  # before it pushes the new view's
            try:
                show(new_view)
            finally:
                self._guard_view()

        def hide_view() -> None:
            self._view_hooks.undo()
            hide()

        self._hooks.put(window, "show_view", show_view)
        self._hooks.put(window, "hide_view", hide_view)

    # --- events -----------------------------------------------------------------------------------------------------

    def _translate(self, event: Event) -> None:
        window = self._window
        if window is None:
            return
        self._offer(window, ANY_EVENT, Event(event.type, event), {})
        specific = PREFIX + event.type.lower()
        if specific != ANY_EVENT:  # or a remote event of the type "EVENT" would pass its own data for an event
            injected = event.handler_kwargs if event.type in LIFECYCLE_EVENT_TYPES else {}
            self._offer(window, specific, event, injected)

    def _offer(self, window: arcade.Window, name: str, event: Event, injected: dict[str, Any]) -> None:
        """Call the handlers of a name, from the view's down to the window's own, until one returns True."""
        for handler in handlers_of(window, name):
            single = UniversalEventHandler()
            single.register_event_handler(event.type, handler)
            is_handled = False

            def call(single: UniversalEventHandler = single) -> Any:
                nonlocal is_handled
                result = single.call(event, injected)
                if inspect.isawaitable(result):
                    return result
                is_handled = bool(result)
                return None

            self._call(name, call)
            if is_handled:
                return

    # --- the end ----------------------------------------------------------------------------------------------------

    def _hook_close(self, window: arcade.Window) -> None:
        close = window.close

        def close_window() -> None:
            try:
                self.close()
            finally:
                close()

        self._hooks.put(window, "close", close_window)

    def _detach(self) -> None:
        self._view_hooks.undo()
        self._hooks.undo()
        self._window = None


def _guarded(adapter: ArcadeAdapter, owner: Any, event_type: str, handler: Callable[..., Any]) -> MethodType:
    # A bound method, since pyglet holds handlers by weak references to such.
    def call(_owner: Any, *args: Any) -> Any:
        return adapter._in_frame(event_type, lambda: handler(*args))

    return MethodType(call, owner)


def adapter_of(window: Any) -> ArcadeAdapter | None:
    """Return the adapter that is attached to a window, if any."""
    adapter = vars(window).get("_pygase_adapter")
    return adapter if isinstance(adapter, ArcadeAdapter) else None
