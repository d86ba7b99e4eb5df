"""The client: connect to a server, share its game state, exchange events."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from threading import get_ident
from typing import Any, TypeVar, Unpack

from pygase.config import RELIABLE
from pygase.connector import POLL_INTERVAL, Connector, is_our_own
from pygase.destination import ConnectOptions
from pygase.drivers import Begun, Run, StateAccess, inside_event_loop
from pygase.errors import AdapterMisuse, NotConnected
from pygase.event import Event
from pygase.session.client import ClientSession
from pygase.session.events import encode_event
from pygase.state import GameState, StateArrival

__all__ = ["Client", "ConnectOptions"]

T = TypeVar("T")


class Client(Connector):
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
        destination = self._begin(port, hostname, options)
        if inside_event_loop():
            return self._connect_in_loop(destination)
        try:
            self._run_here(destination)
        except KeyboardInterrupt as interrupt:
            if is_our_own(interrupt):  # whoever pressed Ctrl-C need not see where this waited
                raise interrupt.with_traceback(None) from None
            raise
        self._raise_if_failed(destination)
        return None

    def connect_in_thread(
        self, port: int, hostname: str = "localhost", **options: Unpack[ConnectOptions]
    ) -> threading.Thread:
        """Connect in a thread of its own, on which the event handlers run. See `connect`.

        Returns:
            The thread, a daemon. It ends with the connection, also when none came about.
        """
        destination = self._begin(port, hostname, options)
        thread = threading.Thread(target=self._run_here, args=(destination,), name="pygase-client", daemon=True)
        thread.start()
        return thread

    def open(self, port: int, hostname: str = "localhost", **options: Unpack[ConnectOptions]) -> None:
        """Begin to connect, to be driven by `pump` from your own loop: no thread, and never blocking.

        A hostname other than an IP address or "localhost" is looked up first, which may take the resolver's time.
        See `connect` for the arguments.
        """
        self._launch(self._begin(port, hostname, options))

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
        run = self._run
        self._leave(shutdown_server=shutdown_server)
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
        if (
            run.has_thread
            and (thread == self._frame_thread or self._is_in_frame(thread, session))
            and session.hand_over(message, retries, ack_callback)
        ):
            if not session.is_awaited:
                session.is_awaited = True
                run.flush_soon()
            return
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
        run, inbox = self._run, self._inbox
        if run is None or inbox is None or not (run.mailbox.items or self._user_code.tasks):  # as in most frames
            return 0
        inbox.observer = observer
        try:
            return run.deliver(max_events)
        finally:
            inbox.observer = None

    def clock(self) -> float:
        """Return monotonic seconds: the machine's, or a simulation's."""
        return self._system.clock()

    def take_state_history(self) -> list[StateArrival]:
        """Return the state updates applied since the last call, oldest first, for smoothing. Bounded."""
        return self._access.take_history()

    # --- inside ---------------------------------------------------------------------------------------------------

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
            self._system.sleep(POLL_INTERVAL)


def check_dispatch(retries: int, ack_callback: object) -> None:
    if not isinstance(retries, int) or isinstance(retries, bool) or retries < RELIABLE:
        raise ValueError(f"retries is a number from 0 up, or RELIABLE; not {retries!r}")
    if ack_callback is not None and not callable(ack_callback):
        raise TypeError(f"ack_callback must be callable, not {ack_callback!r}")


async def _wait_over(run: Run | None) -> None:
    while run is not None and not run.over.is_set():
        if run.is_pumped:
            run.turn()
        await asyncio.sleep(POLL_INTERVAL)
