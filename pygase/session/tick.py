"""Which tick the running code belongs to, if any: an event dispatched in a tick waits for that tick's update."""

from contextvars import ContextVar
from typing import Any, Final

__all__ = ["Tick", "current_tick"]


class Tick:
    """A tick under way.

    Attributes:
        store: Whose state it works on.
        time_order: What the state will have after it.
        has_dispatched: Whether an event waits for that: then the tick counts even if it changes nothing.
    """

    __slots__ = ("has_dispatched", "store", "time_order")

    def __init__(self, store: Any, time_order: int) -> None:
        self.store = store
        self.time_order = time_order
        self.has_dispatched = False


current_tick: Final[ContextVar[Tick | None]] = ContextVar("pygase_current_tick", default=None)
"""Follows the code of a tick into its coroutines, and nothing else's."""
