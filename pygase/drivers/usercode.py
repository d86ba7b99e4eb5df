"""How user code is run: exceptions are logged and counted, coroutines are stepped on the thread that delivers."""

import asyncio
import inspect
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any

from pygase.config import LOG_INTERVAL
from pygase.drivers.awaiting import inside_event_loop

__all__ = ["UserCode"]


class UserCode:
    """Runs handlers and callbacks of one client or server, on whichever thread calls.

    A coroutine is started at once. Inside a running event loop it becomes a task of that loop; elsewhere it runs on a
    private loop of this object, which `step` moves on: it stays on the thread that delivers, so two handlers never
    run at the same time.

    Attributes:
        tasks: Coroutines under way. Those of the private loop need `step`.
    """

    def __init__(self, logger_name: str) -> None:
        self.new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop  # a simulation has its own
        self._log = logging.getLogger(logger_name)
        self._loop: asyncio.AbstractEventLoop | None = None
        self.tasks: set[asyncio.Task[Any]] = set()
        self._logged_at: dict[str, float] = {}
        self._left_out: dict[str, int] = {}
        self.errors = 0

    @property
    def has_tasks(self) -> bool:
        """Whether coroutines are under way that need `step`."""
        return self._loop is not None and bool(self.tasks)

    def run(
        self,
        what: str,
        function: Callable[..., Any],
        *args: Any,
        event_type: str | None = None,
        then: Callable[[], None] | None = None,
    ) -> None:
        """Call a function, or start it if it returns a coroutine.

        Args:
            what: Names it in the log.
            function: The user's code.
            *args: Its arguments.
            event_type: What the log tells besides, if it handles an event.
            then: Called when it is done, failed or not.
        """
        try:
            result = function(*args)
        except (Exception, SystemExit):  # a handler cannot end the program, and must not end a thread in silence
            self.failed(_named(what, event_type))
        else:
            if result is not None and inspect.isawaitable(result):
                self._start(_named(what, event_type), result, then)
                return
        if then is not None:
            then()

    def handle(self, call: Callable[[Any, Any], Any], event: Any, injected: Any) -> None:
        """Call the handler of an event, as `run` does.

        Args:
            call: Gets the other two.
            event: The event.
            injected: What its handler gets besides its data.
        """
        try:
            result = call(event, injected)
        except (Exception, SystemExit):
            self.failed(_named("the handler", event.type))
        else:
            if result is not None and inspect.isawaitable(result):
                self._start(_named("the handler", event.type), result, None)

    def failed(self, what: str) -> None:
        """Count and log the exception being handled, at most one a second for each `what`."""
        self.errors += 1
        now = time.monotonic()
        last = self._logged_at.get(what)
        if last is not None and now - last < LOG_INTERVAL:
            self._left_out[what] = self._left_out.get(what, 0) + 1
            return
        if len(self._logged_at) > 256:  # `what` may hold an event type that a client chose
            self._logged_at.clear()
            self._left_out.clear()
        self._logged_at[what] = now
        left_out = self._left_out.pop(what, 0)
        more = f" ({left_out} more like it since the last such line)" if left_out else ""
        self._log.exception("%s raised an exception; the game goes on%s", what, more)

    def step(self) -> None:
        """Move the private loop's coroutines on as far as they go without waiting."""
        if self.tasks and self._loop is not None and not inside_event_loop():
            self._loop.call_soon(self._loop.stop)
            self._loop.run_forever()
            if not self.tasks:
                self.close()  # a loop holds sockets: none is kept for games without coroutines under way

    async def finish(self, timeout: float) -> None:
        """Wait for the coroutines under way on the running loop, at most `timeout` seconds."""
        tasks = self.tasks - {asyncio.current_task()}
        if tasks:
            await asyncio.wait(tasks, timeout=timeout)

    def close(self) -> None:
        """Cancel coroutines that are still under way on the private loop."""
        if self._loop is None or inside_event_loop():
            return
        for task in self.tasks:
            task.cancel()
        if self.tasks:
            self._loop.run_until_complete(asyncio.gather(*self.tasks, return_exceptions=True))
        self._loop.close()
        self._loop = None

    def _start(self, what: str, awaitable: Any, then: Callable[[], None] | None) -> None:
        async def guarded() -> None:
            try:
                await awaitable
            except Exception:
                self.failed(what)
            finally:
                if then is not None:
                    then()

        self._spawn(guarded())

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            if self._loop is None:
                self._loop = self.new_loop()
            loop = self._loop
        task = loop.create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        self.step()


def _named(what: str, event_type: str | None) -> str:
    return what if event_type is None else f"{what} of {event_type!r}"
