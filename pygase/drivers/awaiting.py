"""Calls that block outside an event loop and can be awaited inside one."""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Generic, TypeVar

__all__ = ["Begun", "inside_event_loop"]

T = TypeVar("T")


def inside_event_loop() -> bool:
    """Return whether the calling code runs inside an asyncio event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class Begun(Coroutine[Any, Any, T], Generic[T]):
    """Something that has begun already; awaiting it waits for its end, and not awaiting it is no mistake.

    It passes for a coroutine, so `asyncio.create_task` takes it.

    Args:
        wait: Returns the coroutine that waits; called only when somebody does.
    """

    def __init__(self, wait: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._wait = wait
        self._waiting: Coroutine[Any, Any, T] | None = None

    def __await__(self) -> Generator[Any, Any, T]:
        return self._wait().__await__()

    def send(self, value: Any) -> Any:
        """Step the wait."""
        if self._waiting is None:
            self._waiting = self._wait()
        return self._waiting.send(value)

    def throw(self, *error: Any) -> Any:
        """Raise inside the wait."""
        if self._waiting is None:
            self._waiting = self._wait()
        return self._waiting.throw(*error)

    def close(self) -> None:
        """Give the wait up."""
        if self._waiting is not None:
            self._waiting.close()
