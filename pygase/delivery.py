"""What becomes of a server session's signals: events go to handlers and onto the event wire, the rest elsewhere."""

import logging
from collections.abc import Mapping
from typing import Any, Final, Protocol

from pygase.config import MAX_INBOX_EVENTS
from pygase.connection import ServerConnection
from pygase.drivers import Run, UserCode, Viewing
from pygase.event import Event, UniversalEventHandler
from pygase.machine import GameStateMachine
from pygase.session.server import ServerSession
from pygase.session.signals import (
    ClientJoined,
    ClientLeft,
    ClientReturned,
    EventAcknowledgedBy,
    EventFrom,
    ShutdownRequested,
)

__all__ = ["Address", "Delivery", "EventWire"]

_log = logging.getLogger("pygase.server")

Address = tuple[Any, ...]

_EVENTS: Final = {EventFrom}
"""The types among what a busy game's clients have to say."""

_VIEWS_WANTED: Final = object()
"""In the mailbox: a client has come that needs its view, though the state may not change for long."""


class EventWire(Protocol):
    """What events are repeated to: usually a `GameStateMachine`."""

    def _push_event(self, event: Event) -> Any: ...


class Delivery:
    """Takes each signal of a session to whom it concerns.

    A signal is sorted first, inside the core's lock. What needs nobody's code but the tick's ends there; the rest waits
    in the run's mailbox until it is handled, where the user's code may run.

    Args:
        user_code: Runs the handlers.

    Attributes:
        handlers: The user's, by event type.
        connections: Of each connected client, by its address.
        wire: What events are repeated to.
        viewing: Shows clients what they may see, if that is not everything.
    """

    def __init__(self, user_code: UserCode) -> None:
        self.handlers = UniversalEventHandler()
        self.connections: Mapping[Address, ServerConnection] = {}
        self.wire: EventWire | None = None
        self.viewing: Viewing | None = None
        self._user_code = user_code
        self._session: ServerSession | None = None
        self._run: Run | None = None

    def begin(self, session: ServerSession, run: Run, wire: EventWire | None, viewing: Viewing | None) -> None:
        """Take note of whose signals come from now on."""
        self._session, self._run, self.wire, self.viewing = session, run, wire, viewing

    # --- inside the core's lock -----------------------------------------------------------------------------------

    def sort(self, signals: list[Any]) -> None:
        """Pass signals on. Inside the core's lock, so it runs no user code."""
        run = self._run
        assert run is not None
        are_events = type(signals[0]) is EventFrom if len(signals) == 1 else set(map(type, signals)) == _EVENTS
        if not are_events:
            for signal in signals:
                if type(signal) is not EventFrom:
                    self._note(signal)
        wire, mail = self.wire, signals
        if isinstance(wire, GameStateMachine) and not len(self.handlers) and not run.mailbox.items:
            # With nothing to run here, events go straight into the tick.
            if are_events:
                wire._push_events(signals)
                return
            mail = [signal for signal in signals if not _is_pushed(wire, signal)]
        if mail:
            if len(run.mailbox.items) > MAX_INBOX_EVENTS:  # its handlers cannot keep up, and memory is bounded
                mail = [signal for signal in mail if type(signal) is not EventFrom]
            run.mailbox.post(mail)

    def _note(self, signal: Any) -> None:
        """Keep `connections` up to date, and have new clients shown what they may see."""
        if isinstance(signal, ClientJoined):
            signal.seat.owner = ServerConnection(signal.seat)
            self.connections = {**self.connections, signal.seat.address: signal.seat.owner}
        elif isinstance(signal, ClientReturned):
            kept = {a: c for a, c in self.connections.items() if a != signal.former_address}
            self.connections = {**kept, signal.seat.address: signal.seat.owner}
        elif isinstance(signal, ClientLeft):
            self.connections = {a: c for a, c in self.connections.items() if c is not signal.seat.owner}
        if self.viewing is not None and self._run is not None and isinstance(signal, (ClientJoined, ClientReturned)):
            self._run.mailbox.post([_VIEWS_WANTED])

    # --- where the user's code runs -------------------------------------------------------------------------------

    def handle(self, signal: Any) -> bool:
        """Run the user's code for one signal. Returns whether it was an event."""
        event: Event
        if type(signal) is EventFrom:
            event, injected = signal, {"client_address": signal.seat.peer.address}
        else:
            lifecycle_event = _as_event(signal)
            if lifecycle_event is None:
                self._handle_other(signal)
                return False
            event, injected = lifecycle_event
        if self.wire is None:
            self._user_code.handle(self.handlers.call, event, injected)
        else:
            self._handle_and_repeat(event, injected, self.wire)
        return True

    def _handle_and_repeat(self, event: Event, injected: dict[str, Any], wire: EventWire) -> None:
        """Run an event's handler, if there is one, and then put the event on the wire."""
        run = self._user_code.run

        def repeat() -> None:
            run("the event wire", _push_onto, wire, event, injected)

        if self.handlers.has_event_type(event.type):
            run("the handler", self.handlers.call, event, injected, event_type=event.type, then=repeat)
        else:
            repeat()

    def _handle_other(self, signal: Any) -> None:
        """Do what a signal asks for that is no event."""
        if signal is _VIEWS_WANTED:
            if self.viewing is not None:
                self.viewing.look_for_new()
        elif isinstance(signal, EventAcknowledgedBy):
            callback: Any = signal.tag
            self._user_code.run("an ack callback", callback, signal.seat.owner)
        elif isinstance(signal, ShutdownRequested):
            _log.info("the host asked for a shutdown")
            if self._run is not None and self._session is not None:
                self._run.submit(self._session.close, self._run.system.clock())


def _as_event(signal: Any) -> tuple[Event, dict[str, Any]] | None:
    """Return a client's coming or going as an event, and what its handlers get; None if the signal is neither."""
    if isinstance(signal, ClientJoined):
        who = {"client_address": signal.seat.address, "client_id": signal.seat.peer.client_id}
        name = "CLIENT_RECONNECTED" if signal.is_returning else "CLIENT_CONNECTED"
        return Event(name), {**who, "user_data": signal.seat.peer.user_data}
    if isinstance(signal, ClientReturned):
        who = {"client_address": signal.seat.address, "client_id": signal.seat.peer.client_id}
        return Event("CLIENT_RECONNECTED"), {**who, "former_address": signal.former_address}
    if isinstance(signal, ClientLeft):
        who = {"client_address": signal.seat.address, "client_id": signal.seat.peer.client_id}
        return Event("CLIENT_DISCONNECTED"), {**who, "reason": signal.reason}
    return None


def _is_pushed(machine: GameStateMachine, signal: Any) -> bool:
    """Put a signal that is an event into a machine's next tick. Returns whether it is one."""
    if type(signal) is EventFrom:
        machine._push_events([signal])
        return True
    lifecycle_event = _as_event(signal)
    if lifecycle_event is not None:
        machine._push_event(*lifecycle_event)
    return lifecycle_event is not None


def _push_onto(wire: EventWire, event: Event, injected: dict[str, Any]) -> Any:
    """Put an event on the event wire. Returns an awaitable if that takes one."""
    if isinstance(wire, GameStateMachine):
        return wire._push_event(event, injected)
    if isinstance(event, EventFrom):
        event = event.alone()
    event.handler_kwargs.update(injected)
    return wire._push_event(event)
