"""The server: listens to clients, hands their events on, and keeps their game states up to date."""

import inspect
import threading
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, Unpack

from pygase.client import check_dispatch
from pygase.config import RELIABLE, SEAT_HOLD
from pygase.connection import ServerConnection
from pygase.delivery import Address, Delivery, EventWire
from pygase.drivers import Run, Viewing, inside_event_loop
from pygase.gamestate import GameState, GameStateStore
from pygase.listener import Listener, ServerOptions
from pygase.machine import GameStateMachine
from pygase.session.events import check_at_server, encode_event
from pygase.session.seat import Seat
from pygase.session.server import ServerSession
from pygase.session.tick import current_tick
from pygase.state import StateFeed, ViewFeed, parse_precision

__all__ = ["EventWire", "Server", "ServerOptions"]

View = Callable[[GameState, int], Any]
"""What shows a client its part of a state: see `Server`."""


class Server(Listener[ServerSession]):
    """Listen to clients and orchestrate the flow of events and state updates.

    Args:
        game_state_store: Holds the state that the clients follow.
        view: A function of the game state, which is read-only, and a client's id (`ServerConnection.client_id`).
            Returns what that client may see: a dict of attributes or a `GameState`, which may contain parts of the
            state as they are. It is called for each client after each change, by the thread that made the change;
            for some in turn where there are too many for one tick. All see everything if it is None.
        precision: Steps to which the clients get floats rounded, by path: `{"players.*.position": 0.1}`. All other
            floats are exact, and so is the whole state that a client gets first.

    Raises:
        TypeError: `view` is no function of two things, or `precision` no mapping.
        ValueError: A path in `precision` has an empty part, or a step is no number from 1e-12 up.

    Attributes:
        game_state_store: The store.
    """

    def __init__(
        self,
        game_state_store: GameStateStore,
        *,
        view: View | None = None,
        precision: Mapping[str, float] | None = None,
    ) -> None:
        if view is not None and not _is_view(view):
            raise TypeError(f"a view is a function of two things, a game state and a client id; {view!r} is not")
        parse_precision({} if precision is None else precision)
        super().__init__()
        self.game_state_store = game_state_store
        self._delivery = Delivery(self._user_code)
        self._view = view
        self._precision = dict(precision or {})

    @property
    def connections(self) -> Mapping[Address, ServerConnection]:
        """The `ServerConnection` of each connected client, by its address."""
        return self._delivery.connections

    # --- running ------------------------------------------------------------------------------------------------

    def run(
        self,
        port: int = 0,
        hostname: str = "localhost",
        event_wire: EventWire | None = None,
        **options: Unpack[ServerOptions],
    ) -> Coroutine[Any, Any, None] | None:
        """Serve clients until `shutdown`. Handlers of this server run on this thread.

        Inside a running event loop it returns an awaitable instead, and handlers run on that loop.

        Args:
            port: The UDP port, 0 for any free one; see the `port` attribute.
            hostname: The address to listen on. "localhost" is reachable from this machine only, "0.0.0.0" from
                everywhere by IPv4, "::" by IPv6 and IPv4.
            event_wire: What clients' events are repeated to, usually a `GameStateMachine`.
            **options: See `ServerOptions`.

        Raises:
            AddressUnavailable: The port is taken, or the address is not this machine's.
            AlreadyRunning: The server runs already.
            TypeError: There is no such option, or it or the hostname is of the wrong type.
            ValueError: The port or an option is out of range.
        """
        if inside_event_loop():
            return self._run_in_loop(port, hostname, event_wire, **options)
        self._listen(port, hostname, event_wire, **options)
        self._run_here()
        return None

    def run_in_thread(
        self,
        port: int = 0,
        hostname: str = "localhost",
        event_wire: EventWire | None = None,
        daemon: bool = True,
        **options: Unpack[ServerOptions],
    ) -> threading.Thread:
        """Serve clients from a thread of its own; when this returns, the server listens. See `run`.

        Args:
            port: See `run`.
            hostname: See `run`.
            event_wire: See `run`.
            daemon: Whether the program may end while the server runs.
            **options: See `ServerOptions`.

        Raises:
            AddressUnavailable: See `run`, also for what else is wrong.
        """
        self._listen(port, hostname, event_wire, **options)
        thread = threading.Thread(target=self._run_here, name="pygase-server", daemon=daemon)
        thread.start()
        return thread

    @property
    def host_client(self) -> Address | None:
        """The address of the client that may shut the server down: the first of those on this machine. Or None."""
        host = self._session.host if self._session is not None else None
        return None if host is None else host.address

    # --- events -------------------------------------------------------------------------------------------------

    def dispatch_event(
        self,
        event_type: str,
        *args: Any,
        target_client: Any = "all",
        retries: int = 0,
        ack_callback: Callable[[ServerConnection], Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Send an event to one client, some, or all.

        A client handles it only once its state is as new as the server's is now; dispatched within a tick, as new as
        after that tick.

        Args:
            event_type: Links it to the handlers on the other side.
            *args: Positional data for the handler.
            target_client: "all", a client's address, or a list of addresses.
            retries: 0: sent once. n: resent up to n times if lost. `RELIABLE`: resent until it arrives, in order.
            ack_callback: Called with the `ServerConnection` of each client that has the event; a function or
                coroutine function.
            **kwargs: Keyword data for the handler.

        Raises:
            KeyError: An address is not a connected client's, or `target_client` is none of these.
            NotSendable: Something in the data has no form on the wire.
            TooLarge: The event is over 256 KiB.
            BacklogFull: More is waiting for the one client named than its connection can carry. Among several, such a
                client is disconnected, and the others get the event.
            ReservedEventType: The event type is one of pygase's own.
        """
        if ack_callback is not None or type(retries) is not int or retries < RELIABLE:
            check_dispatch(retries, ack_callback)
        message = encode_event(event_type, args, kwargs)
        run, session = self._run, self._session
        addresses = None if isinstance(target_client, str) and target_client == "all" else _addresses(target_client)
        if run is None or session is None:
            if addresses:
                raise KeyError(addresses[0])
            return
        tick = current_tick.get()
        in_tick = tick is not None and tick[0] is self.game_state_store
        gate = tick[1] if tick is not None and in_tick else self.game_state_store.time_order
        # What a tick dispatches is sent with the tick's update, for which the client would wait anyway.
        now, is_for_one = self._system.clock(), addresses is not None and len(addresses) == 1
        with run.lock:
            seats = session.seats
            to: Iterable[Seat] = seats.values() if addresses is None else list(map(seats.__getitem__, addresses))
            session.dispatch(message, to, retries=retries, tag=ack_callback, gate=gate, now=now, is_for_one=is_for_one)
        if not in_tick:
            run.send()

    def register_event_handler(self, event_type: str, event_handler_function: Callable[..., Any]) -> None:
        """Call a function for every event of a type that a client sends.

        Besides the event's data it gets `client_address`, if its signature takes it.

        Args:
            event_type: The event type; also "CLIENT_CONNECTED" and "CLIENT_DISCONNECTED".
            event_handler_function: A function or coroutine function.

        Raises:
            TypeError: The handler is not callable.
            ReservedEventType: The event type is one that happens at clients only.
        """
        check_at_server(event_type)
        self._delivery.handlers.register_event_handler(event_type, event_handler_function)

    @property
    def errors(self) -> int:
        """How many exceptions the game's own code raised here; each kind was logged with its traceback."""
        return self._user_code.errors

    # --- inside ---------------------------------------------------------------------------------------------------

    def _listen(self, port: int, hostname: str, event_wire: EventWire | None, **options: Unpack[ServerOptions]) -> None:
        sock = self._bind(port, hostname, options)
        link = self._new_link(sock, options)
        feed, view_feed = self._new_feeds()
        system, seat_hold = self._system, options.get("seat_hold", SEAT_HOLD)
        session = ServerSession(link, feed, system.is_own_ip, seat_hold, view_feed)
        run = Run(system, session, self._user_code, self._delivery.handle, self._delivery.sort, on_end=self._stopped)
        self._serve(session, run, sock)
        self._follow_state(session, run, event_wire)

    def _enter(self, room: Run, session: ServerSession, event_wire: EventWire, hostname: str, port: int) -> None:
        """Serve as one of the rooms of a `RoomServer`, which drives it."""
        self._session, self._run = session, room
        self._hostname, self._port = hostname, port
        self._follow_state(session, room, event_wire)

    def _new_feeds(self) -> tuple[StateFeed, ViewFeed | None]:
        """Return what encodes the state for the clients of a session, and if each has its own view, what does that."""
        clock, precision = self._system.clock, self._precision
        feed = StateFeed(self.game_state_store, clock, precision=precision)
        return feed, None if self._view is None else ViewFeed(clock, precision=precision)

    def _follow_state(self, session: ServerSession, run: Run, event_wire: EventWire | None) -> None:
        """Have a session's clients get the state, or what they may see of it, whenever it changes."""
        viewing = None
        if self._view is not None:
            viewing = Viewing(self._view, self.game_state_store, session, run, self._user_code)
        self._delivery.begin(session, run, event_wire, viewing)
        self.game_state_store.subscribe(self._on_state)
        if isinstance(event_wire, GameStateMachine):
            event_wire._take_in = self._take_in

    async def _run_in_loop(
        self, port: int, hostname: str, event_wire: EventWire | None, **options: Unpack[ServerOptions]
    ) -> None:
        self._listen(port, hostname, event_wire, **options)
        await self._serve_in_loop()

    def _stopped(self) -> None:
        self.game_state_store.unsubscribe(self._on_state)
        wire = self._delivery.wire
        if isinstance(wire, GameStateMachine):
            wire._take_in = None
        self._delivery.connections = {}
        self._hostname = self._port = None

    def _take_in(self, interval: float) -> None:
        """A tick begins, which handles what has arrived; so it may wait for the next one, unless for handlers here."""
        viewing = self._delivery.viewing
        if viewing is not None:
            viewing.begin_tick(interval)
        if self._run is not None:
            self._run.take_in(0.0 if len(self._delivery.handlers) else interval)

    def _on_state(self) -> None:
        """The store has a newer state: every client is to get it, with what the tick has dispatched."""
        run, session, viewing = self._run, self._session, self._delivery.viewing
        if viewing is not None:
            viewing.look()
        elif run is not None and session is not None and run.endpoint is not None:
            run.submit(session.publish, self._system.clock(), send=False)
            run.flush(ends_tick=True)


def _addresses(target_client: Any) -> list[Address]:
    """Return the addresses that `target_client` names: one address, a tuple or list, or a list of them."""
    if (
        type(target_client) is tuple
        and len(target_client) == 2
        and type(target_client[0]) is str
        and type(target_client[1]) is int
    ):
        return [target_client]  # as mostly
    if _is_address(target_client):
        return [tuple(target_client)]
    if isinstance(target_client, (tuple, list)) and all(map(_is_address, target_client)):
        return [tuple(item) for item in target_client]
    raise KeyError(
        'target_client is "all", the address of a client such as ("203.0.113.5", 40000), or a list of addresses,'
        f" not {target_client!r}"
    )


def _is_address(thing: Any) -> bool:
    return (
        isinstance(thing, (tuple, list)) and len(thing) >= 2 and isinstance(thing[0], str) and isinstance(thing[1], int)
    )


def _is_view(view: Any) -> bool:
    """Whether something can be called with a game state and a client id, as far as it says what it takes."""
    if not callable(view):
        return False
    try:
        inspect.signature(view).bind(None, None)
    except TypeError:
        return False
    except ValueError:  # some functions written in C do not say
        return True
    return True
