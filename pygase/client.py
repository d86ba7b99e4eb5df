"""The client: connect to a server, share its game state, exchange events."""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from threading import get_ident
from typing import Any, Final, TypedDict, TypeVar, Unpack

from pygase.config import (
    CONNECT_TIMEOUT,
    MAX_INBOX_BYTES,
    MAX_INBOX_EVENTS,
    RECONNECT_ATTEMPT,
    RELIABLE,
)
from pygase.connection import ClientConnection
from pygase.drivers import SYSTEM, Begun, Run, StateAccess, System, UserCode, at_exit, inside_event_loop
from pygase.errors import AdapterMisuse, AlreadyRunning, ConnectionFailed, DisconnectReason, NotConnected
from pygase.event import Event, UniversalEventHandler
from pygase.netcode import ConnectToken, SecureClient, parse_url, room_bytes
from pygase.session.client import ClientSession
from pygase.session.events import encode_event
from pygase.session.signals import Connected, Ended, EventAcknowledged, EventArrived, Lost, Reconnected
from pygase.state import GameState, StateArrival

__all__ = ["Client", "ConnectOptions"]

_log = logging.getLogger("pygase.client")

T = TypeVar("T")

_POLL: Final = 0.005
"""Seconds between two looks at the state in `wait_until` and `try_to`."""

_NOTHING: Final[dict[str, Any]] = {}

_GRACE: Final = 0.5
"""What `disconnect` allows, above its wait for acknowledgements, for the last handlers to run."""


class ConnectOptions(TypedDict, total=False):
    """What `connect`, `connect_in_thread` and `open` take besides the address.

    Attributes:
        password: What the server asks for, if it does. It goes only inside the sealed channel.
        reconnect: Whether to try for a minute and a half to get back a connection that was lost; True unless given.
        token: A connect token that the game's own service has made with `pygase.tokens`; no join exchange then.
        room: The room to enter at a `RoomServer`; unless given, the one that it keeps for such clients. A token names
            its own.
    """

    password: str | None
    reconnect: bool
    room: str
    token: ConnectToken | bytes | None


class Client:
    """Exchange events with a server and follow its game state.

    Attributes:
        connection: The `ClientConnection`, from the first call of `connect` on; None before.

    Example:
        ```python
        client = Client()
        client.connect_in_thread(port=8080)
        client.dispatch_event("JOIN", "Ada", retries=RELIABLE)
        client.wait_until(lambda state: "Ada" in state.names)
        client.disconnect()
        ```
    """

    def __init__(self) -> None:
        self.connection: ClientConnection | None = None
        self._system: System = SYSTEM
        self._handlers = UniversalEventHandler()
        self._user_code = UserCode("pygase.client")
        self._run: Run | None = None
        self._session: ClientSession | None = None
        self._failure: DisconnectReason | None = None
        self._is_up = False  # as the game has been told
        # What events in the mailbox take is the difference: the network only adds to one, deliveries to the other.
        self._bytes_posted = self._bytes_taken = 0
        self._observer: Callable[[Event], None] | None = None
        self._claimed_by: object = None
        self._frame_thread = self._handler_thread = 0
        self._access = StateAccess(self.clock)

    # --- connecting ---------------------------------------------------------------------------------------------

    def connect(
        self, port: int, hostname: str = "localhost", **options: Unpack[ConnectOptions]
    ) -> Coroutine[Any, Any, None] | None:
        """Connect, and run the event handlers on this thread until the connection is over.

        Inside a running event loop it returns an awaitable instead, and handlers run on that loop.

        Args:
            port: The server's port.
            hostname: Its name or address, or the `pygase://host:port/#fingerprint` that it prints.
            **options: See `ConnectOptions`.

        Raises:
            ConnectionFailed: No connection came about; `reason` says why.
        """
        self._begin(port, hostname, options)
        if inside_event_loop():
            return self._connect_in_loop(port, hostname, options)
        self._run_here(port, hostname, options)
        self._raise_if_failed(hostname, port)
        return None

    def connect_in_thread(
        self, port: int, hostname: str = "localhost", **options: Unpack[ConnectOptions]
    ) -> threading.Thread:
        """Connect in a thread of its own, on which the event handlers run. See `connect`.

        Returns:
            The thread, a daemon. It ends with the connection, also when none came about.
        """
        self._begin(port, hostname, options)
        thread = threading.Thread(
            target=self._run_here, args=(port, hostname, options), name="pygase-client", daemon=True
        )
        thread.start()
        return thread

    def open(self, port: int, hostname: str = "localhost", **options: Unpack[ConnectOptions]) -> None:
        """Begin to connect, to be driven by `pump` from your own loop: no thread, and never blocking.

        A hostname other than an IP address or "localhost" is looked up first, which may take the resolver's time.
        See `connect` for the arguments.
        """
        self._begin(port, hostname, options)
        self._launch(port, hostname, options)

    def pump(self) -> None:
        """Send and receive what there is, and run the handlers of what has arrived.

        With a connection that a thread or an event loop drives, it does nothing.
        """
        run = self._run
        if run is not None and run.is_pumped:
            run.turn()
            if self._session is not None:
                self._session.traffic.hurry()
            if self._claimed_by is None:
                run.deliver()

    def close(self) -> None:
        """Leave the server; the end of what `open` began. Without a connection it does nothing."""
        if self._run is not None:
            self.disconnect()

    def disconnect(self, shutdown_server: bool = False) -> Coroutine[Any, Any, None] | None:
        """Leave the server.

        Waits up to a second for `RELIABLE` events to be acknowledged, and has said goodbye when it returns. Inside a
        running event loop it returns an awaitable that has begun already.

        Args:
            shutdown_server: Also ask the server to shut down, which it does for its host only. A client that is still
                connecting, or coming back, waits up to that second for the connection to ask through.
        """
        run, session = self._run, self._session
        if run is not None and session is not None:
            _send_handed_over(run, session)
            run.submit(session.disconnect, self._system.clock(), shutdown_server=shutdown_server)
            if run.endpoint is None and session.is_over:
                run.abort()
        if inside_event_loop():
            return Begun(lambda: _wait_over(run))
        if run is not None:
            self._wait_for_end(run)
        return None

    # --- state --------------------------------------------------------------------------------------------------

    def access_game_state(self) -> StateAccess:
        """Return a context manager that yields the game state, current and locked.

        ```python
        with client.access_game_state() as game_state:
            draw(game_state.players)
        ```

        It may be entered again on the same thread; the state changes only on the outermost entry.
        """
        return self._access

    def wait_until(self, game_state_condition: Callable[[GameState], Any], timeout: float = 1.0) -> None:
        """Block until a condition on the game state holds.

        Args:
            game_state_condition: Gets the `GameState`; true when it holds. Before the first state has come it may
                fail with AttributeError or KeyError, and just does not hold; what it raises afterwards is passed on.
            timeout: Seconds to wait at most.

        Raises:
            TimeoutError: It did not hold in time.
            AttributeError: The condition asks for what the state does not have. (`try_to` waits for it to come.)
            KeyError: The same, of a dict in the state.
        """

        def holds(state: GameState) -> bool:
            try:
                return bool(game_state_condition(state))
            except (KeyError, AttributeError):
                if self._access.has_state:
                    raise
                return False  # nothing has arrived yet that could be asked

        if not self._poll(holds, lambda met: met, timeout)[0]:
            raise TimeoutError(f"the condition did not hold within {timeout} seconds")

    def try_to(self, function: Callable[[GameState], T | None], timeout: float = 1.0) -> T:
        """Call a function with the game state until it gives something: no KeyError, no AttributeError, not None.

        Args:
            function: Gets the `GameState`.
            timeout: Seconds to try at most.

        Returns:
            The first result other than None.

        Raises:
            TimeoutError: There was none in time.
        """

        def attempt(state: GameState) -> T | None:
            try:
                return function(state)
            except (KeyError, AttributeError):
                return None

        found, given = self._poll(attempt, lambda result: result is not None, timeout)
        if not found:
            raise TimeoutError(f"the function gave no result within {timeout} seconds")
        result: T = given
        return result

    # --- events -------------------------------------------------------------------------------------------------

    def dispatch_event(
        self,
        event_type: str,
        *args: Any,
        retries: int = 0,
        ack_callback: Callable[[], Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Send an event to the server.

        Args:
            event_type: Links it to the handlers on the other side.
            *args: Positional data for the handler.
            retries: 0: sent once. n: resent up to n times if lost. `RELIABLE`: resent until it arrives, in order.
            ack_callback: Called without arguments once the server has the event; a function or coroutine function.
            **kwargs: Keyword data for the handler.

        Raises:
            NotConnected: There is no connection, and none being made.
            NotSendable: Something in the data has no form on the wire.
            TooLarge: The event is over 256 KiB.
            BacklogFull: More is waiting than the connection can carry.
            ReservedEventType: The event type is one of pygase's own.
        """
        if ack_callback is not None or type(retries) is not int or retries < RELIABLE:
            check_dispatch(retries, ack_callback)
        message = encode_event(event_type, args, kwargs)
        run, session = self._run, self._session
        if run is None or session is None or session.is_over:
            raise NotConnected(f"event {event_type!r} was dispatched without a connection: call connect first")
        thread = get_ident()
        is_in_frame = run.has_thread and (thread == self._frame_thread or self._is_in_frame(thread, session))
        if is_in_frame and session.hand_over(message, retries, ack_callback):
            if not session.is_awaited:
                session.is_awaited = True
                run.flush_soon()
        else:
            with run.lock:
                session.dispatch(message, retries, ack_callback)
            run.send()

    def register_event_handler(self, event_type: str, event_handler_function: Callable[..., Any]) -> None:
        """Call a function for every event of a type that the server sends.

        Args:
            event_type: The event type; also "CONNECTED", "CONNECTION_FAILED" and "DISCONNECTED".
            event_handler_function: A function or coroutine function; it gets the event's data.

        Raises:
            TypeError: The handler is not callable.
        """
        self._handlers.register_event_handler(event_type, event_handler_function)

    @property
    def errors(self) -> int:
        """How many exceptions the game's own code raised here; each kind was logged with its traceback."""
        return self._user_code.errors

    # --- for adapters and other loops -----------------------------------------------------------------------------

    def claim_delivery(self, owner: object) -> None:
        """Have handlers run only inside `deliver` from now on, for an adapter that runs them once per frame.

        Raises:
            AdapterMisuse: Another adapter has claimed it.
        """
        if self._claimed_by not in (None, owner):
            raise AdapterMisuse(f"this client already belongs to {self._claimed_by!r}; close that adapter first")
        self._claimed_by = owner
        self._frame_thread = get_ident()
        if self._run is not None:
            self._run.claimed_by = owner
            self._run.mailbox.wake()

    def release_delivery(self) -> None:
        """Let handlers run where they ran before `claim_delivery`."""
        self._claimed_by = None
        self._frame_thread = 0
        if self._run is not None:
            self._run.claimed_by = None
            self._run.mailbox.wake()

    def deliver(self, max_events: int | None = None, observer: Callable[[Event], None] | None = None) -> int:
        """Run the handlers of what has arrived, on this thread.

        Args:
            max_events: How many events at most; the rest waits for the next call.
            observer: Called with each event after its handler.

        Returns:
            How many events there were.
        """
        run = self._run
        if run is None or not (run.mailbox.items or self._user_code.tasks):  # as in most frames
            return 0
        self._observer = observer
        try:
            return run.deliver(max_events)
        finally:
            self._observer = None

    def clock(self) -> float:
        """Return monotonic seconds: the machine's, or a simulation's."""
        return self._system.clock()

    def take_state_history(self) -> list[StateArrival]:
        """Return the state updates applied since the last call, oldest first, for smoothing. Bounded."""
        return self._access.take_history()

    # --- inside ---------------------------------------------------------------------------------------------------

    def _begin(self, port: int, hostname: str, options: ConnectOptions) -> None:
        """Make the session, so that events can be queued from here on."""
        if unknown := set(options) - ConnectOptions.__annotations__.keys():
            raise TypeError(f"connect has no option {min(unknown)!r}; it has {sorted(ConnectOptions.__annotations__)}")
        _check_connect(port, hostname, options)
        if self._run is not None and not self._run.over.is_set():
            raise AlreadyRunning("this client is connected already, or connecting; disconnect it first")
        reconnects = bool(options.get("reconnect", True))
        self._session = ClientSession(self._system.clock(), self._system.entropy, reconnects=reconnects)
        self._run = Run(self._system, self._session, self._user_code, self._handle, self._sort)
        self._run.claimed_by = self._claimed_by
        self._failure, self._is_up = None, False
        self.connection = ClientConnection(self._session, hostname, port)
        self._access.follow(self._run, self._session)

    def _launch(self, port: int, hostname: str, options: ConnectOptions) -> bool:
        """Find the server's address and begin the handshake. Returns False if that cannot be."""
        run, session, system = self._run, self._session, self._system
        assert run is not None
        assert session is not None
        pinned = None
        if "://" in hostname:
            url = parse_url(hostname)
            hostname, port, pinned = url.host, url.port, url.fingerprint
        try:
            address = system.resolve(hostname, port)
            sock = system.client_socket(address)
        except (OSError, UnicodeError) as error:  # the latter for a name that no machine can have
            _log.warning("cannot connect to %s, port %s: %s", hostname, port, error)
            run.submit(session.fail, DisconnectReason.UNRESOLVED)
            run.abort()
            return False
        unix_epoch = system.unix_epoch()

        def make_link(now: float, ticket: bytes) -> SecureClient:
            return SecureClient(
                address=address,
                entropy=system.entropy,
                unix_epoch=unix_epoch,
                now=now,
                fingerprint=pinned,
                token=None if ticket else options.get("token"),
                password=options.get("password"),
                room=options.get("room", ""),
                ticket=ticket,
                connect_timeout=RECONNECT_ATTEMPT if ticket else CONNECT_TIMEOUT,
            )

        if not session.is_over:  # or disconnected while the name was looked up
            run.submit(session.start, make_link, system.clock())
        if session.is_over:  # so too with a token that is none
            sock.close()
            run.abort()
            return False
        run.listen(sock)
        at_exit(self, Client._leave_at_exit)
        return True

    def _run_here(self, port: int, hostname: str, options: ConnectOptions) -> None:
        run = self._run
        assert run is not None
        self._handler_thread = get_ident()
        if self._launch(port, hostname, options):
            run.drive_in_thread()
        try:
            run.run_here()
        except BaseException:  # Ctrl-C
            self._leave_at_exit()
            raise
        finally:
            if self._run is run:  # or it is connected again already, on another thread
                self._user_code.close()

    async def _connect_in_loop(self, port: int, hostname: str, options: ConnectOptions) -> None:
        run = self._run
        assert run is not None
        loop = asyncio.get_running_loop()
        try:
            has_begun = await loop.run_in_executor(None, self._launch, port, hostname, options)
        except asyncio.CancelledError:
            self._leave_at_exit()
            run.abort()
            raise
        if has_begun:
            await run.run_in_loop(self._leave_at_exit)
        elif self._claimed_by is None:
            run.deliver()
        self._raise_if_failed(hostname, port)

    def _raise_if_failed(self, hostname: str, port: int) -> None:
        if self._failure is not None:
            raise ConnectionFailed(f"no connection to {hostname}, port {port}: {self._failure}", self._failure)

    def _wait_for_end(self, run: Run) -> None:
        """Wait until the goodbye is sent, then until the last handlers have run."""
        run.wait_over(2.0)
        if run.is_pumped and self._claimed_by is None:
            run.deliver()

    def _leave_at_exit(self) -> None:
        """Say goodbye without waiting for anything."""
        run, session = self._run, self._session
        if run is not None and session is not None and not session.is_over:
            _send_handed_over(run, session)
            run.submit(session.disconnect, self._system.clock(), wait=0.0)

    def _sort(self, signals: list[Any]) -> None:
        """Put signals into the mailbox. Inside the core's lock, so it runs no user code."""
        posted = self._bytes_posted
        for signal in signals:
            if type(signal) is EventArrived:
                posted += signal.size
        self._bytes_posted = posted
        run = self._run
        assert run is not None
        mailbox = run.mailbox
        if len(mailbox.items) + len(signals) > MAX_INBOX_EVENTS or posted - self._bytes_taken > MAX_INBOX_BYTES:
            signals = self._leave_overrun(signals)
        mailbox.post(signals)

    def _leave_overrun(self, signals: list[Any]) -> list[Any]:
        """End a connection that brings more than the game takes. Returns what the game is to hear of it."""
        run, session = self._run, self._session
        assert run is not None
        assert session is not None
        if session.is_over:
            return signals
        waiting = self._bytes_posted - self._bytes_taken
        _log.error("%s events of %s bytes wait and the game takes none: the connection ends", len(run.mailbox), waiting)
        session.disconnect(self._system.clock(), wait=0.0, reason=DisconnectReason.INBOX_FULL)
        return [s for s in signals if not isinstance(s, EventArrived)] + session.take_signals()

    def _handle(self, signal: Any) -> bool:
        """Run the user's code for one signal."""
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
                self._failure = signal.reason
            event_type = "CONNECTION_FAILED" if failed else "DISCONNECTED"
            self._call_handler(Event(event_type, reason=signal.reason), {"reason": signal.reason})
        return True

    def _call_handler(self, event: Event, injected: dict[str, Any]) -> None:
        self._user_code.handle(self._handlers.call, event, injected)
        if self._observer is not None:
            self._observer(event)

    def _is_in_frame(self, thread: int, session: ClientSession) -> bool:
        """Return whether whoever dispatches is a frame loop, which has better things to do than to send datagrams.

        An adapter's is one: `_frame_thread`. Without an adapter, whoever looks at the state between two events is taken
        for one; others may be waiting for what comes of the event, and send it themselves, for one change of threads
        less. A handler is the network's guest anyway.
        """
        access = self._access
        if thread == self._handler_thread:
            return False
        if thread == access.looked_by:
            access.looked_by = 0
            return True
        return session.is_awaited

    def _poll(
        self, attempt: Callable[[GameState], Any], is_good: Callable[[Any], bool], timeout: float
    ) -> tuple[bool, Any]:
        """Call `attempt` with the state until its result is good, at most for `timeout` seconds."""
        deadline = self._system.clock() + timeout
        while True:
            with self._access as game_state:
                result = attempt(game_state)
            if is_good(result):
                return True, result
            if self._system.clock() >= deadline:
                return False, result
            if self._run is not None:
                self._run.turn()
            self._system.sleep(_POLL)


def _check_connect(port: int, hostname: str, options: ConnectOptions) -> None:
    """Raise for what can never connect, on the thread of whoever asked for it."""
    if not isinstance(hostname, str):
        raise TypeError(f"a hostname is a string, not {hostname!r}")
    if "://" in hostname:
        parse_url(hostname)
    elif not isinstance(port, int) or isinstance(port, bool) or not 0 < port < 65536:
        raise ValueError(f"a port is a number from 1 to 65535, not {port!r}")
    password, token, room = options.get("password"), options.get("token"), options.get("room", "")
    if password is not None and not isinstance(password, str):
        raise TypeError(f"a password is a string, not {type(password).__name__}")
    if token is not None and not isinstance(token, (bytes, ConnectToken)):
        raise TypeError(f"a token is a ConnectToken or its bytes, not {token!r}")
    if not isinstance(room, str):
        raise TypeError(f"a room is a string, not {room!r}")
    room_bytes(room)


def check_dispatch(retries: int, ack_callback: object) -> None:
    if not isinstance(retries, int) or isinstance(retries, bool) or retries < RELIABLE:
        raise ValueError(f"retries is a number from 0 up, or RELIABLE; not {retries!r}")
    if ack_callback is not None and not callable(ack_callback):
        raise TypeError(f"ack_callback must be callable, not {ack_callback!r}")


def _send_handed_over(run: Run, session: ClientSession) -> None:
    """Send what a frame loop has left to be sent, before it is too late."""
    if session.is_awaited and run.endpoint is not None and not run.over.is_set():
        run.endpoint.flush()


async def _wait_over(run: Run | None) -> None:
    while run is not None and not run.over.is_set():
        if run.is_pumped:
            run.turn()
        await asyncio.sleep(_POLL)
