"""How a client's connection begins, who drives it, and how it ends."""

import asyncio
import logging
from threading import get_ident
from typing import Final

from pygase.connection import ClientConnection
from pygase.destination import ConnectOptions, Destination
from pygase.drivers import SYSTEM, Run, StateAccess, System, UserCode, at_exit
from pygase.errors import AlreadyRunning, ConnectionFailed, DisconnectReason
from pygase.event import UniversalEventHandler
from pygase.inbox import Inbox
from pygase.session.client import ClientSession

__all__ = ["POLL_INTERVAL", "Connector", "is_our_own"]

_log = logging.getLogger("pygase.client")

POLL_INTERVAL: Final = 0.005
"""Seconds between two looks at what somebody waits for."""

_LONGEST_GOODBYE: Final = 2.0
"""How long `disconnect` waits at most, in seconds: the session itself gives up after one."""


class Connector:
    """Has a session, what runs it, and what takes its signals to the game; new ones for each connection."""

    def __init__(self) -> None:
        self.connection: ClientConnection | None = None
        self._system: System = SYSTEM
        self._handlers = UniversalEventHandler()
        self._user_code = UserCode("pygase.client")
        self._run: Run | None = None
        self._session: ClientSession | None = None
        self._inbox: Inbox | None = None
        self._claimed_by: object = None
        self._frame_thread = self._handler_thread = 0
        self._access = StateAccess(lambda: self._system.clock())  # noqa: PLW0108  (a simulation has another one)

    def _begin(self, port: int, hostname: str, options: ConnectOptions) -> Destination:
        """Make the session, so that events can be queued from here on."""
        destination = Destination(port, hostname, options)
        if self._run is not None and not self._run.over.is_set():
            raise AlreadyRunning("this client is connected already, or connecting; disconnect it first")
        system, user_code = self._system, self._user_code
        session = ClientSession(system.clock(), system.entropy, reconnects=destination.reconnects)
        inbox = Inbox(session, self._handlers, user_code, system.clock)
        run = Run(system, session, user_code, inbox.handle, inbox.sort)
        inbox.mailbox = run.mailbox
        run.claimed_by = self._claimed_by
        self._session, self._inbox, self._run = session, inbox, run
        self.connection = ClientConnection(session, hostname, port)
        self._access.follow(run, session)
        return destination

    def _launch(self, destination: Destination) -> bool:
        """Find the server's address and begin the handshake. Returns False if that cannot be."""
        run, session, system = self._run, self._session, self._system
        assert run is not None
        assert session is not None
        try:
            sock, make_link = destination.reach(system)
        except (OSError, UnicodeError) as error:
            _log.warning("cannot connect to %s, port %s: %s", destination.hostname, destination.port, error)
            run.submit(session.fail, DisconnectReason.UNRESOLVED)
            run.abort()
            return False
        if not session.is_over:  # or disconnected while the name was looked up
            run.submit(session.start, make_link, system.clock())
        if session.is_over:  # so too with a token that is none
            sock.close()
            run.abort()
            return False
        run.listen(sock)
        at_exit(self, Connector._leave_at_exit)
        return True

    def _run_here(self, destination: Destination) -> None:
        """Connect, and run the game's handlers on this thread until the connection is over."""
        run = self._run
        assert run is not None
        self._handler_thread = get_ident()
        if self._launch(destination):
            run.drive_in_thread()
        try:
            run.run_here()
        except BaseException:  # Ctrl-C
            self._leave_at_exit()
            raise
        finally:
            if self._run is run:  # or it is connected again already, on another thread
                self._user_code.close()

    async def _connect_in_loop(self, destination: Destination) -> None:
        """Connect, and run the game's handlers on the running event loop until the connection is over."""
        run = self._run
        assert run is not None
        loop = asyncio.get_running_loop()
        try:
            has_begun = await loop.run_in_executor(None, self._launch, destination)
        except asyncio.CancelledError:
            self._leave_at_exit()
            run.abort()
            raise
        if has_begun:
            await run.run_in_loop(self._leave_at_exit)
        elif self._claimed_by is None:
            run.deliver()
        self._raise_if_failed(destination)

    def _raise_if_failed(self, destination: Destination) -> None:
        failure = None if self._inbox is None else self._inbox.failure
        if failure is not None:
            raise ConnectionFailed(f"no connection to {destination}: {failure}", failure)

    # --- the end --------------------------------------------------------------------------------------------------

    def _leave(self, *, shutdown_server: bool) -> None:
        """Begin to leave the server."""
        run, session = self._run, self._session
        if run is not None and session is not None:
            _send_handed_over(run, session)
            run.submit(session.disconnect, self._system.clock(), shutdown_server=shutdown_server)
            if run.endpoint is None and session.is_over:
                run.abort()

    def _leave_at_exit(self) -> None:
        """Say goodbye without waiting for anything."""
        run, session = self._run, self._session
        if run is not None and session is not None and not session.is_over:
            _send_handed_over(run, session)
            run.submit(session.disconnect, self._system.clock(), wait=0.0)

    def _wait_for_end(self, run: Run) -> None:
        """Wait until the goodbye is sent, then until the last handlers have run."""
        run.wait_over(_LONGEST_GOODBYE)
        if run.is_pumped and self._claimed_by is None:
            run.deliver()


def is_our_own(error: BaseException) -> bool:
    """Return whether an exception came from pygase itself, and not from the game's code that it called."""
    trace = error.__traceback__
    while trace is not None:
        if str(trace.tb_frame.f_globals.get("__name__")).split(".")[0] not in ("pygase", "threading"):
            return False
        trace = trace.tb_next
    return True


def _send_handed_over(run: Run, session: ClientSession) -> None:
    """Send what a frame loop has left to be sent, before it is too late."""
    if session.is_awaited and run.endpoint is not None and not run.over.is_set():
        run.endpoint.flush()
