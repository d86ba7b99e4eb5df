"""A whole game server in one object: store, state machine and server."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Unpack

from pygase.config import TICK_INTERVAL, TICK_WAIT
from pygase.drivers import Begun, inside_event_loop
from pygase.gamestate import GameState, GameStateStore
from pygase.machine import GameStateMachine
from pygase.server import Server, ServerOptions

__all__ = ["Backend", "GameStateMachine", "GameStateStore", "Server"]


class Backend:
    """Run a game: hold its state, step it through time, serve its clients.

    Args:
        initial_game_state: The state before the first tick.
        time_step_function: Gets `game_state` and `dt`, returns a dict of changes, or None.
        event_handlers: Functions by event type, as for `GameStateMachine.register_event_handler`.
        view: What each client may see: see `Server`. All see everything if it is None.
        precision: Steps to which the clients get floats rounded, by path: see `Server`.

    Attributes:
        game_state_store: The store.
        game_state_machine: The state machine.
        server: The server.

    Raises:
        TypeError: A function is not callable, or `event_handlers` or `precision` is no mapping.
        ValueError: A path in `precision` has an empty part, or a step is no number from 1e-12 up.
        ReservedEventType: One of `event_handlers` is for an event that happens at clients only.

    Example:
        ```python
        Backend(
            initial_game_state=GameState(foo=0.0, bar=0.5),
            time_step_function=lambda game_state, dt: {"foo": game_state.foo + game_state.bar * dt},
            event_handlers={"SET_BAR": lambda new_bar, **kwargs: {"bar": new_bar}},
        ).run(hostname="localhost", port=8080)
        ```
    """

    def __init__(
        self,
        initial_game_state: GameState,
        time_step_function: Callable[..., Any],
        event_handlers: Mapping[str, Callable[..., Any]] | None = None,
        *,
        view: Callable[[GameState, int], Any] | None = None,
        precision: Mapping[str, float] | None = None,
    ) -> None:
        if not callable(time_step_function):
            raise TypeError(f"time_step_function must be callable, not {time_step_function!r}")
        self.game_state_store = GameStateStore(initial_game_state)
        self.game_state_machine = GameStateMachine(self.game_state_store)
        self.game_state_machine.time_step = time_step_function  # type: ignore[method-assign]
        if event_handlers is not None and not isinstance(event_handlers, Mapping):
            raise TypeError(f"event_handlers is a dict of functions by event type, not {event_handlers!r}")
        for event_type, handler in (event_handlers or {}).items():
            self.game_state_machine.register_event_handler(event_type, handler)
        self.server = Server(self.game_state_store, view=view, precision=precision)

    def run(
        self,
        hostname: str,
        port: int,
        interval: float = TICK_INTERVAL,
        **options: Unpack[ServerOptions],
    ) -> Coroutine[Any, Any, None] | None:
        """Run the game until `shutdown`; inside a running event loop, return an awaitable that does.

        Ctrl-C says goodbye to the clients, and ends the program with the exit code 130 unless the `KeyboardInterrupt`
        is caught.

        Args:
            hostname: The address to listen on; see `Server.run`.
            port: The UDP port, 0 for any free one.
            interval: Seconds between ticks.
            **options: See `ServerOptions`.

        Raises:
            AddressUnavailable: The port is taken, or the address is not this machine's.
            AlreadyRunning: The game runs already.
            TypeError: There is no such option, or it or the hostname is of the wrong type.
            ValueError: The interval, the port or an option is out of range.
        """
        # What is wrong raises before anything has been started; the port next, which may be taken.
        self.game_state_machine._check_can_run(interval)
        if inside_event_loop():
            return self._run_in_loop(hostname, port, interval, **options)
        machine, server = self.game_state_machine, self.server
        server._listen(port, hostname, machine, **options)
        try:
            server._run_here(lambda: machine.run_game_loop_in_thread(interval))
        finally:
            machine.stop()
        return None

    def run_in_thread(
        self,
        hostname: str,
        port: int,
        interval: float = TICK_INTERVAL,
        **options: Unpack[ServerOptions],
    ) -> Any:
        """Run the game in threads of its own; when this returns, the server listens. See `run`.

        Returns:
            threading.Thread: The server's thread, a daemon.
        """
        self.game_state_machine._check_can_run(interval)
        thread = self.server.run_in_thread(port, hostname, self.game_state_machine, **options)
        self.game_state_machine.run_game_loop_in_thread(interval)
        return thread

    def shutdown(self) -> Coroutine[Any, Any, None] | None:
        """Stop the game loop and the server; `run` may be called again.

        The tick under way is waited for, at most `TICK_WAIT` seconds, unless this is called within it. Inside a
        running event loop it returns an awaitable that has begun already.
        """
        stopped = self.game_state_machine.stop(TICK_WAIT)
        closed = self.server.shutdown()
        return Begun(lambda: _both(stopped, closed)) if inside_event_loop() else None

    async def _run_in_loop(self, hostname: str, port: int, interval: float, **options: Unpack[ServerOptions]) -> None:
        self.server._listen(port, hostname, self.game_state_machine, **options)
        ticking = asyncio.ensure_future(self.game_state_machine._run_in_loop(interval))
        try:
            await self.server._serve_in_loop()
        finally:
            self.game_state_machine.stop()
            await ticking


async def _both(stopped: Awaitable[bool], closed: Awaitable[None] | None) -> None:
    await stopped
    if closed is not None:
        await closed
