"""The game state machine: runs the game loop and turns events into updates of the state."""

import asyncio
import contextlib
import inspect
import logging
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any

from pygase.config import (
    MAX_CATCH_UP,
    MAX_INBOX_EVENTS,
    MAX_INBOX_LIFECYCLE_EVENTS,
    MAX_TICK_DT,
    TICK_INTERVAL,
)
from pygase.drivers import SYSTEM, Begun, System, UserCode, inside_event_loop
from pygase.errors import AlreadyRunning
from pygase.event import Event, UniversalEventHandler
from pygase.gamestate import GameState, GameStateStore, GameStatus
from pygase.session.events import LIFECYCLE_EVENT_TYPES, EventFrom, check_at_server
from pygase.session.tick import current_tick

__all__ = ["GameStateMachine"]

_log = logging.getLogger("pygase.machine")

Step = Generator[float | Awaitable[Any], Any, None]
"""The game loop as a generator: it yields seconds to sleep, or an awaitable whose result it wants back."""


class GameStateMachine:
    """Progress a game state through time.

    Either inherit and implement `time_step`, or assign a function to it.

    Args:
        game_state_store: Holds the state.

    Attributes:
        game_time: Seconds the game has been running.
    """

    def __init__(self, game_state_store: GameStateStore) -> None:
        self.game_time = 0.0
        self._store = game_state_store
        self._system: System = SYSTEM
        self._handlers = UniversalEventHandler()
        self._user_code = UserCode("pygase.machine")
        self._events: deque[EventFrom | tuple[Event, dict[str, Any]]] = deque()
        self._is_running = False
        self._stopping = threading.Event()
        self._stopped = threading.Event()
        self._take_in: Callable[[float], None] | None = None  # has events that have arrived pushed
        self._hurry: Callable[[], None] | None = None  # has the loop look at `_stopping`, where it waits for others

    def time_step(self, game_state: GameState, dt: float) -> Any:
        """Return what changes in one tick, once its events are handled. Implement this.

        Args:
            game_state: The state before the step, events of this tick included. Read it; changes go into the result.
            dt: Seconds since the last step.

        Returns:
            A dict of changed attributes, nested where the state is; `TO_DELETE` deletes. Or None. May be a coroutine.
        """
        raise NotImplementedError("inherit from GameStateMachine and implement time_step, or assign a function to it")

    def register_event_handler(self, event_type: str, event_handler_function: Callable[..., Any]) -> None:
        """Call a function for every event of a type, within a tick.

        Besides the event's data it gets `game_state`, `dt` and `client_address`, as far as its signature takes them,
        and returns an update like `time_step`.

        Args:
            event_type: The event type; also "CLIENT_CONNECTED" and "CLIENT_DISCONNECTED".
            event_handler_function: A function or coroutine function.

        Raises:
            TypeError: The handler is not callable.
            ReservedEventType: The event type is one that happens at clients only.
        """
        check_at_server(event_type)
        self._handlers.register_event_handler(event_type, event_handler_function)

    def run_game_loop(self, interval: float = TICK_INTERVAL) -> Coroutine[Any, Any, None] | None:
        """Run the simulation until it is stopped; inside a running event loop, return an awaitable that does.

        Args:
            interval: Seconds between ticks.

        Raises:
            ValueError: The interval is no number of seconds above 0 and below 3,600.
            AlreadyRunning: It runs already.
        """
        _check_interval(interval)
        if inside_event_loop():
            return self._run_in_loop(interval)
        self._begin()
        self._run_here(interval)
        return None

    def run_game_loop_in_thread(self, interval: float = TICK_INTERVAL) -> threading.Thread:
        """Run the simulation in a thread of its own, a daemon. See `run_game_loop`."""
        _check_interval(interval)
        thread = threading.Thread(target=self._run_here, args=(interval,), name="pygase-game-loop", daemon=True)
        self._begin()
        thread.start()
        return thread

    def stop(self, timeout: float = 1.0) -> Any:
        """Pause the simulation; `run_game_loop` resumes it where it stopped.

        Inside a tick it returns True at once, and that tick's update still counts. Inside a running event loop it
        returns an awaitable that has begun already.

        Args:
            timeout: Seconds to wait for the tick under way.

        Returns:
            bool: Whether the simulation has stopped.
        """
        self._stopping.set()
        if self._hurry is not None:
            self._hurry()
        tick = current_tick.get()
        inside_tick = tick is not None and tick[0] is self._store
        if not self._is_running and not inside_tick:
            self._pause()
        if inside_event_loop():
            return Begun(lambda: self._wait_stopped(0.0 if inside_tick else timeout, inside_tick=inside_tick))
        return inside_tick or not self._is_running or self._system.wait(self._stopped, timeout)

    @property
    def errors(self) -> int:
        """How many exceptions the game's own code raised here; each kind was logged with its traceback."""
        return self._user_code.errors

    # --- the event wire -------------------------------------------------------------------------------------------

    def _push_event(self, event: Event, injected: dict[str, Any] | None = None) -> None:
        """Queue an event for the next tick.

        Past the limit, which a stopped game reaches when clients go on sending, only comings and goings are queued:
        without them players would be missing, or stand about for ever. How many there are the joins' rate bounds.
        """
        waiting = len(self._events)
        if waiting < MAX_INBOX_EVENTS or (
            event.type in LIFECYCLE_EVENT_TYPES and waiting < MAX_INBOX_EVENTS + MAX_INBOX_LIFECYCLE_EVENTS
        ):
            self._events.append((event, injected or {}))

    def _push_events(self, events: list[EventFrom]) -> None:
        """Queue what clients sent for the next tick, as far as there is room."""
        room = max(0, MAX_INBOX_EVENTS - len(self._events))
        self._events.extend(events if len(events) <= room else events[:room])

    def _check_can_run(self, interval: float) -> None:
        """Raise what running the game loop would raise."""
        _check_interval(interval)
        if self._is_running:
            raise AlreadyRunning("the game loop is running already; stop it before running it again")

    def _begin(self) -> None:
        if self._is_running:
            raise AlreadyRunning("the game loop is running already; stop it before running it again")
        self._is_running = True
        self._stopping.clear()
        self._stopped.clear()

    # --- the loop ---------------------------------------------------------------------------------------------------

    def _game_loop(self, interval: float) -> Step:
        """Tick until stopped. Deadlines are fixed from the start, so ticks keep their rate whatever each one costs."""
        clock = self._system.clock
        longest = max(MAX_TICK_DT, 2.0 * interval)
        said = False
        try:
            if self._store.get_game_state().game_status != GameStatus.ACTIVE:
                self._set_status(GameStatus.ACTIVE)
            due = clock()
            last = due - interval
            while not self._stopping.is_set():
                now = clock()
                dt, last = now - last, now
                if dt > longest:
                    if not said:
                        _log.warning("the game loop stood still for %.2f s, the step is %.2f s", dt, longest)
                        said = True
                    dt = longest
                if self._take_in is not None:
                    self._take_in(interval)
                yield from self._tick(dt)
                if self._store.get_game_state().game_status != GameStatus.ACTIVE:
                    break
                due += interval
                now = clock()
                if due < now - max(MAX_CATCH_UP, interval):
                    due = now
                yield max(0.0, due - now)
        finally:
            self._pause()
            self._is_running = False
            self._stopped.set()

    def _tick(self, dt: float) -> Step:
        """Handle the events that have arrived, step time, push one update."""
        draft = self._store.begin_tick()
        state = draft.game_state
        token = current_tick.set((self._store, draft.time_order))
        events, call = self._events, self._handlers.call
        try:
            for left in range(len(events), -1, -1):
                event: Event | None = None
                try:
                    if left:
                        waiting = events.popleft()
                        if isinstance(waiting, EventFrom):
                            event, address = waiting, waiting.seat.peer.address
                            update = call(event, {"client_address": address, "game_state": state, "dt": dt})
                        else:
                            event, injected = waiting
                            update = call(event, {"client_address": None, **injected, "game_state": state, "dt": dt})
                    else:
                        update = self.time_step(state, dt)
                    if type(update) is not dict:  # most are, and asking whether it is to be awaited costs more
                        if update is not None and inspect.isawaitable(update):
                            update = yield update
                        if update is None:
                            continue
                        if not isinstance(update, dict):
                            what = _name(event)
                            raise TypeError(f"{what} returned {update!r}; it returns a dict of changes, or None")
                    draft.merge(update)  # wholly or not at all
                except (Exception, SystemExit):  # sys.exit in a handler must not end the loop in silence
                    self._user_code.failed(_name(event))
            if self._stopping.is_set():
                draft.merge({"game_status": int(GameStatus.PAUSED)})
        finally:
            # A loop that is thrown away in the middle of a tick is closed in another context, with nothing to reset.
            with contextlib.suppress(ValueError):
                current_tick.reset(token)
            self.game_time += dt
            self._store.commit(draft)

    def _pause(self) -> None:
        if self._store.get_game_state().game_status == GameStatus.ACTIVE:
            self._set_status(GameStatus.PAUSED)

    def _set_status(self, status: GameStatus) -> None:
        draft = self._store.begin_tick()
        draft.merge({"game_status": int(status)})
        self._store.commit(draft)

    # --- ways of running the loop -------------------------------------------------------------------------------------

    def _run_here(self, interval: float) -> None:
        steps = self._game_loop(interval)
        loop: asyncio.AbstractEventLoop | None = None
        try:
            step = next(steps)
            while True:
                if isinstance(step, (int, float)):
                    self._stopping.wait(step)
                    step = next(steps)
                    continue
                if loop is None:
                    loop = asyncio.new_event_loop()
                step = resolve(steps, loop, step)
        except StopIteration:
            pass
        finally:
            steps.close()
            if loop is not None:
                loop.close()

    async def _run_in_loop(self, interval: float) -> None:
        self._begin()
        steps = self._game_loop(interval)
        try:
            step = next(steps)
            while True:
                if isinstance(step, (int, float)):
                    await asyncio.sleep(step)
                    step = next(steps)
                    continue
                try:
                    result = await step
                except Exception as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(result)
        except StopIteration:
            pass
        finally:
            steps.close()

    async def _wait_stopped(self, timeout: float, *, inside_tick: bool) -> bool:
        deadline = asyncio.get_running_loop().time() + timeout
        while self._is_running and not inside_tick and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.001)
        return inside_tick or not self._is_running


def _name(event: Event | None) -> str:
    """Say what user code ran."""
    return "time_step" if event is None else f"the handler of {event.type!r}"


def resolve(steps: Step, loop: asyncio.AbstractEventLoop, awaitable: Awaitable[Any]) -> float | Awaitable[Any]:
    """Run an awaitable that the game loop yielded to its end, and return what the loop yields next."""
    try:
        result = loop.run_until_complete(_awaited(awaitable))
    except Exception as error:
        return steps.throw(error)
    return steps.send(result)


async def _awaited(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


def _check_interval(interval: float) -> None:
    if not isinstance(interval, (int, float)) or isinstance(interval, bool) or not 0.0 < interval < 3600.0:
        raise ValueError(f"an interval is a number of seconds above 0 and below 3,600, not {interval!r}")
