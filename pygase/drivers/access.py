"""How a game looks at its copy of the state: locked, current on entry, still until it leaves."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from threading import get_ident
from types import TracebackType

from pygase.config import MAX_STATE_HISTORY
from pygase.drivers.run import Run
from pygase.errors import DisconnectReason
from pygase.session.client import ClientSession
from pygase.state import GameState, StateArrival, apply_all

__all__ = ["StateAccess"]

_log = logging.getLogger("pygase.client")


class StateAccess:
    """The client's copy of the game state, its lock, and the way updates get into it.

    The network thread never waits for this lock: it leaves updates with the session, and they are applied when somebody
    enters. So a slow frame stalls no acknowledgement, and a frame never sees half an update.

    Args:
        clock: Returns monotonic seconds.

    Attributes:
        is_untouched: Whether the entry under way has applied an update, and no other has come between.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._state = GameState()
        self._lock = threading.RLock()
        self._depth = 0
        self.is_untouched = False
        self._run: Run | None = None
        self.looked_by = 0  # the thread that entered last, by its identifier
        self._session: ClientSession | None = None
        self._history: deque[StateArrival] = deque(maxlen=MAX_STATE_HISTORY)

    def follow(self, run: Run, session: ClientSession) -> None:
        """Take updates from a new session."""
        with self._lock:
            self._run, self._session = run, session
            self._history.clear()

    @property
    def has_state(self) -> bool:
        """Whether the server's state has arrived."""
        return self._session is not None and self._session.replica.version >= 0

    def take_history(self) -> list[StateArrival]:
        """Return and forget the updates applied so far."""
        if not self._history:
            return []
        with self._lock:
            taken = list(self._history)
            self._history.clear()
        return taken

    def __enter__(self) -> GameState:
        self._lock.acquire()
        self._depth += 1
        self.is_untouched = False
        if self._depth == 1:
            self.looked_by = get_ident()
            session = self._session
            if session is not None and session.replica.has_pending:
                self._bring_up_to_date(session)
        return self._state

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        self._lock.release()

    def _bring_up_to_date(self, session: ClientSession) -> None:
        assert self._run is not None
        with self._run.lock:
            taken = session.replica.take_pending()
        if apply_all(self._state, taken):
            self._history.extend(taken)
            self.is_untouched = True
        else:
            _log.error("the server's state outgrew the limit: the connection ends")
            violation = DisconnectReason.PROTOCOL_VIOLATION
            self._run.submit(session.disconnect, self._clock(), wait=0.0, reason=violation)
