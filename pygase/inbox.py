"""What has come for a client's game: counted while it waits, then taken to the game's handlers."""

import logging
from collections.abc import Callable
from typing import Any, Final

from pygase.config import MAX_INBOX_BYTES, MAX_INBOX_EVENTS
from pygase.drivers import Mailbox, UserCode
from pygase.errors import DisconnectReason
from pygase.event import Event, UniversalEventHandler
from pygase.session.client import ClientSession
from pygase.session.signals import Connected, Ended, EventAcknowledged, EventArrived, Lost, Reconnected

__all__ = ["Inbox"]

_log = logging.getLogger("pygase.client")

_NOTHING: Final[dict[str, Any]] = {}


class Inbox:
    """Takes each signal of one session to the game: into the mailbox first, then to its handlers.

    Args:
        session: The session.
        handlers: The game's.
        user_code: Runs them.
        clock: Returns monotonic seconds.

    Attributes:
        mailbox: Where signals wait. Set before the first comes.
        failure: Why no connection came about, if none did.
        observer: Called with each event after its handler.
    """

    mailbox: Mailbox[Any]

    def __init__(
        self,
        session: ClientSession,
        handlers: UniversalEventHandler,
        user_code: UserCode,
        clock: Callable[[], float],
    ) -> None:
        self.failure: DisconnectReason | None = None
        self.observer: Callable[[Event], None] | None = None
        self._session = session
        self._handlers = handlers
        self._user_code = user_code
        self._clock = clock
        self._is_up = False  # as the game has been told
        # What events in the mailbox take is the difference: the network only adds to one, deliveries to the other.
        self._bytes_posted = self._bytes_taken = 0

    # --- inside the core's lock -----------------------------------------------------------------------------------

    def sort(self, signals: list[Any]) -> None:
        """Put signals into the mailbox. Inside the core's lock, so it runs no user code."""
        posted = self._bytes_posted
        for signal in signals:
            if type(signal) is EventArrived:
                posted += signal.size
        self._bytes_posted = posted
        mailbox = self.mailbox
        if len(mailbox.items) + len(signals) > MAX_INBOX_EVENTS or posted - self._bytes_taken > MAX_INBOX_BYTES:
            signals = self._leave_overrun(signals)
        mailbox.post(signals)

    def _leave_overrun(self, signals: list[Any]) -> list[Any]:
        """End a connection that brings more than the game takes. Returns what the game is to hear of it."""
        session, count = self._session, len(self.mailbox)
        if session.is_over:
            return signals
        waiting = self._bytes_posted - self._bytes_taken
        _log.error("%s events of %s bytes wait and the game takes none: the connection ends", count, waiting)
        session.disconnect(self._clock(), wait=0.0, reason=DisconnectReason.INBOX_FULL)
        return [s for s in signals if not isinstance(s, EventArrived)] + session.take_signals()

    # --- where the game's code runs -------------------------------------------------------------------------------

    def handle(self, signal: Any) -> bool:
        """Run the game's code for one signal. Returns whether it was an event."""
        if type(signal) is EventArrived:
            self._bytes_taken += signal.size
            self._call_handler(signal.event, _NOTHING)
            return True
        if isinstance(signal, EventAcknowledged):
            callback: Any = signal.tag
            self._user_code.run("an ack callback", callback)
            return False
        if isinstance(signal, Connected):
            self._is_up = True
            self._call_handler(Event("CONNECTED", client_id=signal.client_id), {"client_id": signal.client_id})
        elif isinstance(signal, Reconnected):
            self._is_up = True
            self._call_handler(Event("RECONNECTED", client_id=signal.client_id), {"client_id": signal.client_id})
        elif isinstance(signal, Lost):
            self._is_up = False
            self._call_handler(Event("DISCONNECTED", reason=signal.reason), {"reason": signal.reason})
        elif isinstance(signal, Ended):
            own_wish = signal.reason is DisconnectReason.CLIENT_LEFT
            failed = not own_wish and not self._is_up
            if failed:
                self.failure = signal.reason
            event_type = "CONNECTION_FAILED" if failed else "DISCONNECTED"
            self._call_handler(Event(event_type, reason=signal.reason), {"reason": signal.reason})
        return True

    def _call_handler(self, event: Event, injected: dict[str, Any]) -> None:
        self._user_code.handle(self._handlers.call, event, injected)
        if self.observer is not None:
            self.observer(event)
