"""Which tick the running code belongs to, if any: an event dispatched in a tick waits for that tick's update."""

from contextvars import ContextVar
from typing import Any, Final

__all__ = ["current_tick"]

current_tick: Final[ContextVar[tuple[Any, int] | None]] = ContextVar("pygase_current_tick", default=None)
"""The store and the `time_order` that its state will have after the tick. Follows a tick into its coroutines."""
