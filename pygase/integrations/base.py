"""FrameAdapter: a client in step with a frame loop, whichever engine runs that loop.

A game's thread calls `pump` once per frame and draws inside `render_state`. In between, the network is looked
after elsewhere (a thread, an asyncio loop) or by `pump` itself, if the client was opened with `Client.open`.
All handlers run inside `pump`, so that game code is single-threaded.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractContextManager
from threading import get_ident
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from pygase.drivers.usercode import UserCode
from pygase.errors import AdapterMisuse, NotConnected
from pygase.event import Event
from pygase.integrations.hearers import Hearers
from pygase.integrations.owner import Owner
from pygase.integrations.pacing import FramePace
from pygase.integrations.rate import RateLimiter
from pygase.integrations.rendering import RenderPass
from pygase.state.interpolation import Angle, Cyclic, Interpolator, Smoothed

if TYPE_CHECKING:
    from typing import Self

    from pygase.client import Client
    from pygase.gamestate import GameState

__all__ = ["Angle", "Cyclic", "FrameAdapter", "Smoothed"]

_UPS = frozenset({"CONNECTED", "RECONNECTED"})
_DOWNS = frozenset({"DISCONNECTED", "CONNECTION_FAILED"})

Handler = TypeVar("Handler", bound=Callable[..., Any])


class FrameAdapter:
    """Couples a `Client` to a frame loop. Needs no engine: bots, tests and other engines use it as it is.

    Args:
        client: The client. From now on its handlers run inside `pump` only.
        max_events: Events delivered per `pump`, at most. The rest waits for the next frame, and nothing is
            lost: a burst makes a game late, never a frame.
        interpolate: Paths whose values are smoothed between server updates inside `render_state`, such as
            `"players.*.position"`, where `*` stands for every key. A last part `angle`, `heading` or
            `rotation` means degrees, which turn the short way; `Angle` and `Cyclic` say it for other names
            and units.
        delay: How far behind the server smoothed values are, in seconds. None adapts it to the connection.

    The thread that makes the adapter owns it.
    """

    def __init__(
        self,
        client: Client,
        *,
        max_events: int = 256,
        interpolate: Iterable[str | Smoothed] = (),
        delay: float | None = None,
    ) -> None:
        if not hasattr(client, "claim_delivery"):
            raise TypeError(f"an adapter is made for a Client, not for {client!r}")
        if max_events < 1:
            raise ValueError(f"max_events is {max_events}; at least one event must be deliverable per pump")
        self._client = client
        self._max_events = max_events
        self._owner = Owner()
        self._user_code = UserCode("pygase.integrations")
        self._hearers = Hearers(self._user_code)
        self._limiter = RateLimiter()
        self._interpolator: Interpolator | None = None
        if paths := _as_paths(interpolate):
            self._interpolator = Interpolator(paths, delay=delay)
        self._render = RenderPass(client, self._owner, self._interpolator)
        self._is_pumping = False
        self._is_closed = False
        self._pace = FramePace()
        self._farewell: asyncio.Future[Any] | None = None
        self._is_up = False  # as the game has been told, and has had a frame to act on it
        self._is_ending = False
        client.claim_delivery(self)

    @property
    def client(self) -> Client:
        """The client that this adapter looks after."""
        return self._client

    @property
    def is_closed(self) -> bool:
        """Whether the adapter has let go of its client."""
        return self._is_closed

    @property
    def errors(self) -> int:
        """Exceptions that handlers of this adapter raised. Each was logged with its traceback."""
        return self._user_code.errors

    @property
    def interpolation_delay(self) -> float:
        """How far smoothed values are behind the server's, in seconds; 0 without smoothing."""
        return self._interpolator.delay if self._interpolator is not None else 0.0

    # --- once per frame -------------------------------------------------------------------------------------

    def pump(self, dt: float | None = None) -> None:  # noqa: ARG002  (so that an engine's update hook can be pump)
        """Take in what the network brought, deliver events to their handlers, send what is due.

        Call it exactly once per frame, from the thread that made the adapter. Never blocks. Does nothing once
        the adapter is closed.

        Args:
            dt: Ignored. It is there so that `pump` itself can be given to an engine as its update function.

        Raises:
            WrongThread: Another thread called.
            AdapterMisuse: Called inside `render_state`, or by a handler that `pump` called.
        """
        if get_ident() != self._owner.ident or self._render.depth or self._is_pumping:
            self._refuse_pump()
        if self._is_closed:
            return
        self._is_pumping = True
        if self._is_ending:
            self._is_up = self._is_ending = False
        try:
            client = self._client
            client.pump()
            room = self._room()
            if room > 0:
                client.deliver(room, self._observe)
            if self._user_code.tasks:
                self._user_code.step()
            if self._limiter.held:
                self._send_due()
        finally:
            self._is_pumping = False
            if self._is_closed and self._farewell is None:
                self._let_go()

    def render_state(self) -> AbstractContextManager[GameState]:
        """Return a context manager that yields the game state, locked and still until it is left.

        Draw inside it and do not wait for anything there, such as the screen's refresh. It nests. What is
        smoothed holds its smoothed value inside; read values for game logic from `client.access_game_state()`
        elsewhere.

        Raises:
            WrongThread: Another thread than the owner entered it.
        """
        return self._render

    @property
    def state(self) -> GameState:
        """The game state inside `render_state`, for drawing code that is far from where it was entered.

        Raises:
            AdapterMisuse: Read outside, where it may change at any time.
        """
        if self._render.state is None:
            raise AdapterMisuse(
                "the state can be read inside render_state() only, or in on_draw() of an attached window: elsewhere "
                "it changes under your hands. Use `with client.access_game_state()` there."
            )
        return self._render.state

    async def frame(self, fps: float = 60.0) -> float:
        """Wait for the end of the frame, in an asyncio game.

        `while True: net.pump(); draw(); await net.frame(60)`

        It waits for a deadline, so the time that the frame's own work took counts. A frame that is late
        begins at once, and missed frames are not made up for. (`await asyncio.sleep(0)` in its place spins:
        the loop looks at its sockets for an instant in each turn and the process burns a core.)

        Args:
            fps: Frames per second.

        Returns:
            Seconds since the previous call returned; on the first call, the length of a frame.
        """
        return await self._pace.wait(fps)

    # --- events ---------------------------------------------------------------------------------------------

    def on(self, event_type: str) -> Callable[[Handler], Handler]:
        """Return a decorator that registers a handler for events of one type.

        Handlers run inside `pump`, on the game's thread, after the one registered with the client, in the
        order of registration. They get the event's arguments. Functions or coroutine functions. An exception
        in one is logged and harms nothing else.

        Args:
            event_type: The event type, `CONNECTED`, `CONNECTION_FAILED` and `DISCONNECTED` included.
        """

        def register(handler: Handler) -> Handler:
            self._hearers.add(event_type, handler)
            return handler

        return register

    def send(self, event_type: str, *args: Any, rate: float | None = None, **kwargs: Any) -> None:
        """Dispatch an event to the server, at most `rate` times a second.

        Made for calling it every frame with the newest input. What comes too soon replaces what is waiting,
        and the newest value goes out in the first `pump` after its time has come: the last one always arrives
        at the dispatch, however fast they came.

        Args:
            event_type: The event type. Rates are kept per event type.
            *args: The event's arguments.
            rate: Dispatches per second, or None for no limit.
            **kwargs: The event's keyword arguments, and `retries` and `ack_callback` of
                `Client.dispatch_event`.

        Raises:
            NotConnected: There is no connection, and none being made. When one ends in the middle of a frame, before
                the game could hear of it, what is sent is lost instead.
            WrongThread: Another thread than the owner called.
        """
        if get_ident() != self._owner.ident:
            self._owner.require("send")
        if rate is None or self._limiter.admit(event_type, args, kwargs, rate, self._client.clock()):
            try:
                self._client.dispatch_event(event_type, *args, **kwargs)
            except NotConnected:
                # Lost in the middle of a frame, which the game could not know of: DISCONNECTED is on its way to it.
                if not self._is_up:
                    raise

    # --- the end --------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Let go of the client and disconnect it. Values that `send` still holds back go out first.

        `DISCONNECTED` is delivered before this returns. Inside a running event loop the disconnection goes on
        in the background: there, prefer `async with`, which waits for it.
        """
        if self._is_closed:
            return
        self._owner.require("close")
        self._is_closed = True
        self._flush_held_back()
        if self._client.connection is not None:
            farewell = self._client.disconnect()
            if inspect.isawaitable(farewell):
                self._farewell = asyncio.ensure_future(self._let_go_after(farewell))
        if not self._is_pumping and self._farewell is None:
            self._let_go()  # otherwise pump() does it, once the handler that closes has returned

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
        if self._farewell is not None:
            await self._farewell

    # --- for adapters of engines ----------------------------------------------------------------------------

    def _room(self) -> int:
        """Return how many events the engine takes now, `max_events` at most; one whose queue is full says none."""
        return self._max_events

    def _translate(self, event: Event) -> None:
        """Hand one event to the engine, after its handlers have run."""

    def _detach(self) -> None:
        """Undo what the adapter did to the engine."""

    def _call(self, what: str, function: Callable[[], Any]) -> None:
        """Run user code: what it raises is logged and counted."""
        self._user_code.run(what, function)

    # --- inside ---------------------------------------------------------------------------------------------

    def _observe(self, event: Event) -> None:
        if event.type in _UPS:
            self._is_up, self._is_ending = True, False
        elif event.type in _DOWNS:
            self._is_ending = True
        self._hearers.tell(event)
        self._translate(event)

    def _send_due(self) -> None:
        for event_type, args, kwargs in self._limiter.due(self._client.clock()):
            try:
                self._client.dispatch_event(event_type, *args, **kwargs)
            except NotConnected:  # lost meanwhile: DISCONNECTED tells, a frame loop must not end over a late input
                return

    def _flush_held_back(self) -> None:
        for event_type, args, kwargs in self._limiter.drain():
            try:
                self._client.dispatch_event(event_type, *args, **kwargs)
            except NotConnected:
                return

    async def _let_go_after(self, farewell: Awaitable[Any]) -> None:
        try:
            await farewell
        finally:
            self._let_go()

    def _let_go(self) -> None:
        self._client.deliver(None, self._observe)
        self._detach()
        self._client.release_delivery()
        self._user_code.close()

    def _refuse_pump(self) -> NoReturn:
        self._owner.require("pump")
        if self._render.depth:
            raise AdapterMisuse(
                "pump() was called inside render_state(): it would change the state that is being drawn. "
                "Pump before drawing, once per frame."
            )
        raise AdapterMisuse(
            "pump() was called by a handler that pump() runs. Call it once per frame, in the frame loop."
        )


def _as_paths(interpolate: Iterable[str | Smoothed]) -> tuple[str | Smoothed, ...]:
    """Return the paths as a tuple; a single one need not be wrapped."""
    if isinstance(interpolate, (str, Smoothed)):
        return (interpolate,)
    return tuple(interpolate)
