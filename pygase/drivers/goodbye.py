"""Goodbyes at the end of the program: who forgot to disconnect still leaves at once instead of timing out."""

import atexit
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["at_exit"]

T = TypeVar("T")

_leavers: weakref.WeakKeyDictionary[Any, Callable[[Any], None]] = weakref.WeakKeyDictionary()


def at_exit(who: T, leave: Callable[[T], None]) -> None:
    """Call `leave(who)` when the program ends, if `who` still exists then."""
    _leavers[who] = leave


@atexit.register
def _say_goodbyes() -> None:
    for who, leave in list(_leavers.items()):
        leave(who)
