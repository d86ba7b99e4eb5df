"""What a game may name its attributes, and how it may number its states."""

from collections.abc import Iterable
from typing import Any, Final

from pygase.config import MAX_TIME_ORDER
from pygase.errors import NotSendable

__all__ = ["check_names", "check_time_order"]

_RESERVED: Final = frozenset({"time_order", "is_paused", "to_dict"})
"""Attributes of a `GameState` that a game cannot use for its own values."""


def check_names(names: Iterable[Any]) -> None:
    """Refuse attribute names that a game state cannot have.

    Raises:
        NotSendable: A name is not a str.
        ValueError: A name is one of the game state's own.
    """
    for name in names:
        if not isinstance(name, str):
            raise NotSendable(f"{name!r} cannot name an attribute of the game state: it is not a str")
        if name in _RESERVED or (name[:2] == "__" and name[-2:] == "__"):
            raise ValueError(f"{name!r} cannot name an attribute of the game state: it means something already")


def check_time_order(time_order: Any) -> int:
    """Check a time order, and make a plain int of it.

    Raises:
        TypeError: It is not an int.
        ValueError: It is negative or has more than 63 bits.
    """
    if isinstance(time_order, bool) or not isinstance(time_order, int):
        raise TypeError(f"time_order is an int, not {type(time_order).__name__}")
    plain = int(time_order)
    if not 0 <= plain <= MAX_TIME_ORDER:
        raise ValueError(f"time_order is between 0 and 2^63 - 1, not {plain}")
    return plain
