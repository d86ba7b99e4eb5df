"""Runs the user's view function: for all clients when the state has changed, and for new ones when they come."""

import logging
import threading
from collections.abc import Callable
from typing import Any

from pygase.drivers.run import Run
from pygase.drivers.usercode import UserCode
from pygase.session import ServerSession
from pygase.session.rota import Rota
from pygase.session.seat import Seat
from pygase.state import GameState, GameStateStore, GameStatus, Near, View, Views

__all__ = ["Viewing"]

_log = logging.getLogger("pygase.server")

_LONG_AMISS = 1.0
"""Seconds in which a game puts into its state what was not there at its start."""

_AT_ONCE = 32
"""To so many clients packets are sent together; the others' follow while theirs are on their way."""


class Viewing:
    """Asks the view function what each client sees, and hands that to the session.

    One thread at a time does so, without the core's lock: the one that has changed the state, or the one that delivers
    events when a client has come. Whoever comes second leaves it to the first.

    Args:
        function: The user's.
        store: The state.
        session: Whose clients look.
        run: How to call into the session.
        user_code: Logs the exceptions.
    """

    def __init__(
        self,
        function: Callable[[GameState, int], Any],
        store: GameStateStore,
        session: ServerSession,
        run: Run,
        user_code: UserCode,
    ) -> None:
        self._function = function.copy().look if isinstance(function, Near) else function
        self._unproven = function if isinstance(function, Near) else None  # its path has found nothing so far
        self._amiss_since: float | None = None
        self._store = store
        self._session = session
        self._run = run
        self._user_code = user_code
        self._views = Views()
        self._looking = threading.Lock()
        self._looker: int | None = None
        self._is_due = False
        self._version = -1  # the newest that has been shown
        self._shows_all = True  # to all clients, not to those whose turn it was
        self._rota = Rota()

    def begin_tick(self, interval: float) -> None:
        """Take note that a tick begins, which should take no longer than its interval."""
        self._rota.begin_tick(self._run.system.clock(), interval)

    def look_for_new(self) -> None:
        """Show the state to clients that have come, unless the next tick does so in a moment."""
        if not self._rota.expects_version(self._run.system.clock()):
            self.look()

    def look(self) -> None:
        """Show the state as it is now to the clients that have not been shown it."""
        if self._looker == threading.get_ident():
            return  # the view function has changed the state: the next change shows it
        self._is_due = True
        while self._is_due and self._looking.acquire(blocking=False):
            try:
                self._looker = threading.get_ident()
                self._is_due = False
                self._look()
            finally:
                self._looker = None
                self._looking.release()

    def _look(self) -> None:
        run, session, clock = self._run, self._session, self._run.system.clock
        if run.endpoint is None or session.is_over:
            return
        began = clock()
        state = self._store.get_game_state()
        version = state.time_order
        is_new_version = version != self._version
        seats = run.submit(session.viewers, send=False)
        if is_new_version:
            self._version = version
            self._views.turn()
            # A game that stops may stay as it is: its last version is for all.
            shown = self._rota.pick(seats) if state.game_status == GameStatus.ACTIVE else seats
            self._shows_all, seats = len(shown) == len(seats), shown
        else:
            seats = [seat for seat in seats if self._is_new(seat)]
        # Who has waited longest for what it did comes first: then nobody waits for a tick and for all others besides.
        seats = run.submit(session.longest_waiting_first, seats, send=False)
        views = [(seat, self._view(state, seat)) for seat in seats]
        if views:
            touched = run.submit(session.show, version, views, clock(), send=False)
            for first in range(0, len(touched), _AT_ONCE):
                if first:
                    run.flush()
                run.submit(session.touch, touched[first : first + _AT_ONCE], send=False)
        run.flush(ends_tick=is_new_version)
        if is_new_version:
            self._rota.note_shown(began, clock(), len(seats))
            if self._unproven is not None and seats:
                self._prove(self._unproven, state, began)

    def _prove(self, near: Near, state: GameState, now: float) -> None:
        """Say once if the path of `near` finds nothing: a typing error would show everybody everything, or nothing."""
        missing = near.missing_in(state)
        if missing == "":
            self._unproven = None
        elif missing is None or self._amiss_since is None:
            self._amiss_since = None if missing is None else now
        elif now - self._amiss_since > _LONG_AMISS:
            self._unproven = None
            _log.warning("the view `near` finds nothing: %s", missing)

    def _is_new(self, seat: Seat) -> bool:
        """Whether a client has come, or come back, since the newest version was shown."""
        return seat.track is None or (self._shows_all and seat.track.version < self._version)

    def _view(self, state: GameState, seat: Seat) -> View | None:
        try:
            return self._views.view(self._function(state, seat.peer.client_id), state)
        except Exception:
            self._user_code.failed("the view function")
            return None
