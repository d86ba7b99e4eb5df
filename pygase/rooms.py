"""Several rooms in one process: backends that share a port, a network thread and a thread for their ticks."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Unpack

from pygase.backend import Backend
from pygase.config import SEAT_HOLD, TICK_INTERVAL
from pygase.drivers import Begun, Run, TickThread, inside_event_loop
from pygase.errors import AlreadyRunning
from pygase.listener import CLOSE_TIMEOUT, Listener, ServerOptions, check_max_clients, until_over
from pygase.netcode import room_bytes
from pygase.room import Room, RoomRun, RoomsUserCode
from pygase.session.rooms import RoomClosed, RoomsSession
from pygase.session.server import ServerSession

__all__ = ["RoomServer"]


class RoomServer(Listener[RoomsSession]):
    """Run many games side by side, each a `Backend` with its own state and clients.

    All rooms share one UDP port and one network thread. Their ticks share another thread: a room whose tick takes long
    makes the ticks that are due meanwhile late by as much. Handlers of the rooms' `Server`s run one after another,
    where `run` was called.

    Example:
        ```python
        server = RoomServer()
        server.open("lobby", lobby_backend)
        server.open("arena", arena_backend, interval=0.05, max_clients=16)
        server.run("0.0.0.0", 8080)
        ```
    """

    def __init__(self) -> None:
        super().__init__()
        self._user_code: RoomsUserCode = RoomsUserCode()
        self._open: dict[str, Room] = {}
        self._opening = threading.RLock()
        self._ticks: TickThread | None = None
        self._begin_loop: Callable[[Room], None] | None = None  # while it runs

    @property
    def rooms(self) -> Mapping[str, Backend]:
        """The `Backend` of each open room by its name, in the order in which they were opened."""
        return {room.name: room.backend for room in list(self._open.values())}

    # --- rooms ----------------------------------------------------------------------------------------------------

    def open(
        self, name: str, backend: Backend, interval: float = TICK_INTERVAL, *, max_clients: int | None = None
    ) -> None:
        """Open a room, before `run` or while it runs; also from within a handler.

        Clients enter it with `connect(port, hostname, room=name)`. Those that name no room enter the one named "", or
        if there is none, the one that has been open for longest.

        Args:
            name: Up to 32 bytes in UTF-8.
            backend: Its game, which does not run yet.
            interval: Seconds between its ticks.
            max_clients: How many clients it takes; unless given, only the whole server's limit counts.

        Raises:
            TypeError: The name is no string, or the backend none.
            ValueError: The name is too long, `max_clients` no number from 1 up, or the interval out of range.
            AlreadyRunning: There is a room of that name, or the backend runs already.
        """
        if not isinstance(name, str) or not isinstance(backend, Backend):
            raise TypeError(f"a room is opened with its name and its Backend, not with {name!r} and {backend!r}")
        room_bytes(name)
        if max_clients is not None:
            check_max_clients(max_clients)
        with self._opening:
            if name in self._open:
                raise AlreadyRunning(f"there is a room {name!r} already; close it first")
            former = backend.server._run
            if backend in self.rooms.values() or (former is not None and not former.over.is_set()):
                raise AlreadyRunning("this backend runs already; shut it down first")
            backend.game_state_machine._check_can_run(interval)
            room = self._open[name] = Room(name, backend, interval, max_clients)
            self._start(room)

    def close(self, name: str) -> Coroutine[Any, Any, None] | None:
        """Close a room: its game stops, its clients get DISCONNECTED with SERVER_SHUTDOWN, and the others play on.

        Waits until they have been told, except within a tick. Inside a running event loop it returns an awaitable that
        has begun already.

        Raises:
            KeyError: There is no room of that name.
        """
        with self._opening:
            room = self._open.get(name)
            if room is None:
                raise KeyError(f"there is no room {name!r}; open are {list(self._open)}")
            self._forget(room)
        room.backend.game_state_machine.stop()
        host, session, run = self._run, self._session, room.run
        if host is not None and session is not None and run is not None and room.session is not None:
            host.submit(session.close_room, room.session, self._system.clock())
        if inside_event_loop():
            return Begun(lambda: until_over(run))
        if run is not None:
            run.wait_over(CLOSE_TIMEOUT)
        return None

    # --- running ----------------------------------------------------------------------------------------------------

    def run(self, hostname: str, port: int, **options: Unpack[ServerOptions]) -> Coroutine[Any, Any, None] | None:
        """Run all rooms until `shutdown`; inside a running event loop, return an awaitable that does.

        Args:
            hostname: The address to listen on; see `Server.run`.
            port: The UDP port, 0 for any free one; see the `port` attribute.
            **options: See `ServerOptions`; `max_clients` counts all rooms' clients.

        Raises:
            AddressUnavailable: The port is taken, or the address is not this machine's.
            AlreadyRunning: It runs already.
            TypeError: There is no such option, or it or the hostname is of the wrong type.
            ValueError: The port or an option is out of range.
        """
        if inside_event_loop():
            return self._run_in_loop(hostname, port, **options)
        self._listen(port, hostname, **options)
        self._run_here(self._tick_in_thread)
        return None

    def run_in_thread(self, hostname: str, port: int, **options: Unpack[ServerOptions]) -> threading.Thread:
        """Run all rooms in threads of their own; when this returns, the server listens. See `run`.

        Returns:
            The thread on which handlers run, a daemon.
        """
        self._listen(port, hostname, **options)
        thread = threading.Thread(
            target=self._run_here, args=(self._tick_in_thread,), name="pygase-server", daemon=True
        )
        thread.start()
        return thread

    def shutdown(self) -> Coroutine[Any, Any, None] | None:
        """Close all rooms and stop; `run` opens them again.

        Inside a running event loop it returns an awaitable that has begun already.
        """
        for room in list(self._open.values()):
            room.machine.stop()
        return super().shutdown()

    # --- inside ---------------------------------------------------------------------------------------------------

    def _listen(self, port: int, hostname: str, **options: Unpack[ServerOptions]) -> None:
        sock = self._bind(port, hostname, options)
        session = RoomsSession(self._system.is_own_ip, options.get("seat_hold", SEAT_HOLD))
        session.link = self._new_link(sock, options, session.admit)
        run = Run(self._system, session, self._user_code, self._deliver_to, self._sort, on_end=self._stopped)
        with self._opening:
            self._serve(session, run, sock)
            for room in list(self._open.values()):
                self._start(room)

    async def _run_in_loop(self, hostname: str, port: int, **options: Unpack[ServerOptions]) -> None:
        self._listen(port, hostname, **options)
        loop = asyncio.get_running_loop()
        ticking: set[asyncio.Task[None]] = set()

        def begin(room: Room) -> None:
            def start() -> None:
                if room.run is not None and not room.run.over.is_set():
                    ticking.add(loop.create_task(room.machine._run_in_loop(room.interval)))

            loop.call_soon_threadsafe(start)

        self._tick_with(begin)
        run = self._run
        assert run is not None
        try:
            await self._serve_in_loop()
        finally:
            await asyncio.gather(*ticking, return_exceptions=True)

    def _tick_in_thread(self) -> None:
        ticks = self._ticks = TickThread(self._system.clock)

        def begin(room: Room) -> None:
            room.machine._begin()
            loop = room.loop = ticks.begin(room.machine._game_loop(room.interval), room.interval)
            room.machine._hurry = loop.hurry

        self._tick_with(begin)

    def _tick_with(self, begin: Callable[[Room], None]) -> None:
        """Begin the rooms' game loops, those of rooms that are opened later too."""
        with self._opening:
            self._begin_loop = begin
            for room in list(self._open.values()):
                begin(room)

    def _start(self, room: Room) -> None:
        """Let clients into a room and have it tick, if the server runs."""
        host, session = self._run, self._session
        if host is None or session is None or host.over.is_set() or session.is_over:
            return
        host.submit(self._let_in, room, host, session, send=False)
        if self._begin_loop is not None:
            self._begin_loop(room)

    def _let_in(self, room: Room, host: Run, session: RoomsSession) -> None:
        """Inside the core's lock, so that nobody enters half a room."""
        server = room.backend.server
        server._system = self._system
        feed, view_feed = server._new_feeds()
        self._user_code.add(server._user_code)
        room.session = session.open(room.name, feed, room.max_clients, view_feed)
        room.session.owner = room
        room.run = RoomRun(self._system, room, host, lambda: self._ticks)
        assert self._hostname is not None
        assert self._port is not None
        server._enter(room.run, room.session, room.machine, self._hostname, self._port)

    def _sort(self, signals: list[tuple[ServerSession, list[Any]]]) -> None:
        """Hand each room its signals. Inside the core's lock."""
        for session, its_signals in signals:
            room: Room = session.owner
            ends = isinstance(its_signals[-1], RoomClosed)
            if ends:
                its_signals.pop()
            if its_signals:
                room.backend.server._delivery.sort(its_signals)
            if ends:
                self._room_ended(room)

    def _room_ended(self, room: Room) -> None:
        if room.run is not None:
            room.run.end()
        self._user_code.let_go(room.backend.server._user_code)
        room.machine._stopping.set()
        if room.loop is not None and self._ticks is not None:
            self._ticks.make_due(room.loop)  # in its own time: stepping it here, inside the lock, would not do
        session = self._session
        if session is not None and not session.is_closing:
            self._forget(room)  # its own server was shut down, or its host asked for it

    def _forget(self, room: Room) -> None:
        if self._open.get(room.name) is room:
            del self._open[room.name]

    def _deliver_to(self, room: Run) -> bool:
        """Run the handlers of a room's server."""
        return room.deliver() > 0

    def _stopped(self) -> None:
        self._hostname = self._port = None
        self._begin_loop = None
