"""One thread for many game loops: whichever is due next takes its step."""

import asyncio
import contextvars
import heapq
import itertools
import logging
import math
import threading
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Final

__all__ = ["GameLoop", "TickThread"]

_log = logging.getLogger("pygase.machine")

Steps = Generator[float | Awaitable[Any], Any, None]
"""A game loop: it yields seconds to sleep, or an awaitable whose result it wants back."""

_LONGEST_GRID: Final = 0.1
"""Nobody notices that a game begins so much later; loops with longer intervals begin at once."""

_TOGETHER: Final = 0.001
"""Loops that are due within so many seconds count as due together: the first ones' steps take about that long."""

_COROUTINE_STEP: Final = 0.002
"""How often coroutines under way are moved on."""

_LONGEST_BATCH: Final = 0.005
"""What is to follow the ticks that are due together waits no longer than this: a tenth of a tick at 20 Hz."""


class GameLoop:
    """A game loop on a `TickThread`."""

    __slots__ = ("_thread", "context", "due", "is_over", "steps", "task")

    def __init__(self, thread: "TickThread", steps: Steps) -> None:
        self.steps = steps
        self.context = contextvars.copy_context()  # which tick the running code belongs to is kept there
        self.task: asyncio.Task[Any] | None = None
        self.due = 0.0
        self.is_over = False
        self._thread = thread

    def hurry(self) -> None:
        """Have it look at once whether it has been stopped; within another loop's step, it has when this returns."""
        thread = self._thread
        if thread.is_current and thread.running is not self and self.task is None and not self.is_over:
            outer, thread.running = thread.running, self
            thread.step(self)
            thread.running = outer
        else:
            thread.make_due(self)


class TickThread:
    """Steps game loops in the order in which they are due. The thread lives as long as there are any.

    A step that takes long makes the others late by as much, once: whoever is due first is next, and a loop that is
    always late gets no more turns than the others.

    Args:
        clock: Returns monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.running: GameLoop | None = None
        self._clock = clock
        self._due: list[tuple[float, int, GameLoop]] = []  # a heap; entries of another deadline are skipped
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._later: Callable[[], None] | None = None
        self._later_since = 0.0

    @property
    def is_current(self) -> bool:
        """Whether the caller runs on this thread."""
        return threading.current_thread() is self._thread

    def begin(self, steps: Steps, interval: float) -> GameLoop:
        """Step a game loop until it ends.

        Args:
            steps: The loop.
            interval: Its tick's. It begins at a multiple of it, so that loops of one interval are due together.
        """
        loop = GameLoop(self, steps)
        with self._changed:
            now = self._clock()
            self._push(loop, math.ceil(now / interval) * interval if interval <= _LONGEST_GRID else now)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="pygase-game-loops", daemon=True)
                self._thread.start()
            self._changed.notify()
        return loop

    def make_due(self, loop: GameLoop) -> None:
        """Step a loop as soon as possible. From any thread."""
        with self._changed:
            if not loop.is_over and loop is not self.running:
                self._push(loop, self._clock())
                self._changed.notify()

    def call_after(self, function: Callable[[], None]) -> bool:
        """Call a function once, when the steps that are due together are done.

        Returns:
            Whether it will be: only what runs within a step may ask for it.
        """
        if not self.is_current:
            return False
        if self._later is None:
            self._later, self._later_since = function, self._clock()
        return True

    def _push(self, loop: GameLoop, when: float) -> None:
        loop.due = when
        heapq.heappush(self._due, (when, next(self._numbers), loop))

    def _run(self) -> None:
        while (loop := self._next()) is not None:
            pause = self.step(loop)
            with self._changed:
                self.running = None
                if pause is not None:
                    self._push(loop, self._clock() + pause)
            if self._later is not None and self._clock() - self._later_since > _LONGEST_BATCH:
                self._call_later()

    def _next(self) -> GameLoop | None:
        """Wait until a loop is due, and take it. None when all have ended."""
        while True:
            with self._changed:
                due = self._due
                while due and (due[0][2].is_over or due[0][2].due != due[0][0]):
                    heapq.heappop(due)
                wait = due[0][0] - self._clock() if due else 0.0
                if self._later is None and not due:
                    self._end()
                    return None
                if due and wait > 0.0 and (self._later is None or wait <= _TOGETHER):
                    self._changed.wait(wait)
                    continue
                if due and wait <= 0.0:
                    self.running = heapq.heappop(due)[2]
                    return self.running
            self._call_later()

    def _call_later(self) -> None:
        later, self._later = self._later, None
        if later is not None:
            later()

    def _end(self) -> None:
        self._thread = None
        if self._loop is not None:
            self._loop.close()
            self._loop = None

    def step(self, loop: GameLoop) -> float | None:
        """Step a loop up to its next sleep. Returns for how long, or None if it has ended."""
        try:
            result = loop.context.run(self._resume, loop)
            while not isinstance(result, (int, float)):
                if result is not None:
                    loop.task = loop.context.run(self._private_loop().create_task, _awaited(result))
                assert loop.task is not None
                private = self._private_loop()
                private.call_soon(private.stop)
                private.run_forever()
                if not loop.task.done():
                    return _COROUTINE_STEP
                result = loop.context.run(self._resume, loop)
        except StopIteration:
            loop.is_over = True
            return None
        except Exception:  # it ends this game, as it would end a thread of its own, and no other
            _log.exception("a game loop stopped")
            loop.is_over = True
            return None
        return result

    def _resume(self, loop: GameLoop) -> float | Awaitable[Any] | None:
        """Let a loop go on; None if it waits for the coroutine under way."""
        task = loop.task
        if task is None:
            return next(loop.steps)
        if not task.done():
            return None
        loop.task = None
        error = task.exception()
        return loop.steps.send(task.result()) if error is None else loop.steps.throw(error)

    def _private_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        return self._loop


async def _awaited(awaitable: Awaitable[Any]) -> Any:
    return await awaitable
