"""What runs on virtual time: sessions, which take a turn when they have mail or a timer is due, and game loops."""

import asyncio
import contextvars
from collections.abc import Awaitable, Generator
from typing import TYPE_CHECKING, Any, Final

from pygase.drivers import Run, UserCode
from pygase.machine import Step
from pygase.testing.host import SimulatedHost, SimulatedSocket

if TYPE_CHECKING:
    from pygase.testing.network import SimulatedNetwork

__all__ = ["SimulatedDriver", "SimulatedGameLoop"]

_COROUTINE_STEP: Final = 0.005
"""How often coroutines under way are moved on, as by a thread of pygase's."""

_INSTANT: Final = 1e-9
"""A timer a hair in the past must not hold the clock; so much later it is due."""


class SimulatedDriver:
    """Drives one run of a client or server, and runs its user's code unless an adapter does.

    Args:
        network: Whose clock it goes by.
        run: What to drive.
        host: The machine it is on.
        user_code: Its handlers.
        name: What to call it in a complaint.
    """

    __slots__ = (
        "_deadline",
        "_host",
        "_is_ready",
        "_name",
        "_network",
        "_run",
        "_timer",
        "_turning",
        "_user_code",
        "_wakes_at",
    )

    def __init__(
        self, network: "SimulatedNetwork", run: Run, host: SimulatedHost, user_code: UserCode, name: str
    ) -> None:
        self._network = network
        self._name = name
        self._run = run
        self._host = host
        self._user_code = user_code
        self._is_ready = self._turning = False
        self._deadline = 0.0
        self._timer: float | None = None
        self._wakes_at: float | None = None  # the entry in the schedule that counts; there may be stale ones
        run.driven_by(self)
        run.mailbox.on_mail = self.wake
        if run.endpoint is not None:
            run.endpoint.wake = self.wake
            assert isinstance(run.endpoint.sock, SimulatedSocket)
            run.endpoint.sock.on_mail = self.wake
        self.wake()

    def __str__(self) -> str:
        """Return who it is, and when it has said that it is to be woken."""
        return f"{self._name}{'' if self._timer is None else f', whose timer is due at {self._timer:.9f} s,'}"

    def wake(self) -> None:
        """Have a turn at this very moment."""
        if not self._is_ready and not self._turning:
            self._is_ready = True
            self._network.ready.append(self.turn)

    def turn(self) -> None:
        """Do one round, run the user's code, and note when the next one is due."""
        self._is_ready = False
        if self._host.is_frozen:
            self._host.on_thaw.append(self._thaw)
            self._is_ready = True
            return
        self._network.headway.note(self)
        run, endpoint = self._run, self._run.endpoint
        if endpoint is not None and not run.over.is_set():
            self._turning = True  # its own mail need not wake it: it is delivered below
            endpoint.sleeps_until = 0.0
            run.take_turn()
            self._turning = False
        if run.claimed_by is None:
            run.deliver()
        if self._user_code.has_tasks:
            self._network.schedule.at(self._network.now + _COROUTINE_STEP, self.wake)
        if endpoint is not None and not run.over.is_set():
            self._plan(endpoint.next_timer())

    def _thaw(self) -> None:
        self._is_ready = False
        self.wake()

    def _plan(self, timer: float | None) -> None:
        self._timer = timer
        if timer is None:
            self._wakes_at = None
            return
        now = self._network.now
        self._deadline = when = timer if timer > now else now + _INSTANT
        if self._wakes_at is None or when < self._wakes_at:
            self._wakes_at = when
            self._network.schedule.at(when, self._due, when)

    def _due(self, when: float) -> None:
        if when != self._wakes_at:
            return
        self._wakes_at = None
        if self._deadline > when:  # put off since the entry was made
            self._wakes_at = self._deadline
            self._network.schedule.at(self._deadline, self._due, self._deadline)
        else:
            self.wake()


class SimulatedGameLoop:
    """Has a state machine tick in virtual time, in a context of its own as a thread has one.

    Args:
        network: Whose clock it goes by.
        steps: The game loop.
        host: The machine it is on.
        name: What to call it in a complaint.
    """

    def __init__(self, network: "SimulatedNetwork", steps: Step, host: SimulatedHost, name: str) -> None:
        self._network = network
        self._name = name
        self._steps: Generator[float | Awaitable[Any], Any, None] = steps
        self._host = host
        self._context = contextvars.copy_context()
        self._task: asyncio.Task[Any] | None = None
        self.go_on()

    def go_on(self) -> None:
        """Run the loop up to its next sleep, or to a coroutine that waits for something."""
        if self._host.is_frozen:
            self._host.on_thaw.append(self.go_on)
            return
        self._network.headway.note(self._name)
        try:
            step = self._context.run(self._resume)
        except StopIteration:
            return
        while step is None or not isinstance(step, (int, float)):
            loop = self._network.loop
            if step is not None:
                self._task = self._context.run(loop.create_task, _awaited(step))
            loop.step()
            assert self._task is not None
            if not self._task.done():
                self._network.after(_COROUTINE_STEP, self.go_on)
                return
            try:
                step = self._context.run(self._resume)
            except StopIteration:
                return
        self._network.after(step, self.go_on)

    def close(self) -> None:
        """End the loop where it is: thrown away later, in the middle of something else, it would still say so."""
        self._context.run(self._steps.close)

    def _resume(self) -> float | Awaitable[Any] | None:
        """Let the loop go on; None if it waits for the coroutine under way."""
        task = self._task
        if task is None:
            return next(self._steps)
        if not task.done():
            return None
        self._task = None
        error = task.exception()
        return self._steps.send(task.result()) if error is None else self._steps.throw(error)


async def _awaited(awaitable: Awaitable[Any]) -> Any:
    return await awaitable
