"""Checks, copies, compares and measures the values of a state."""

from typing import Any, Final

from pygase.config import MAX_VALUE_DEPTH
from pygase.state.tree import TO_DELETE, FrozenDict, FrozenList

__all__ = ["freeze", "frozen_key", "same", "size_of"]

_INT_MIN: Final = -(1 << 63)
_INT_MAX: Final = (1 << 64) - 1
_DICTS: Final = (dict,)
_SEQUENCES: Final = (list, tuple)
_ATOMS: Final = frozenset({float, bool, bytes, type(None)})
_BASES: Final = (float, str, int, bytes)  # bool has no subclasses, so that int means int here


def freeze(value: Any, depth: int = MAX_VALUE_DEPTH) -> Any:  # noqa: C901  (one branch per type)
    """Make a private, read-only copy of a value that a game gave us.

    Tuples become lists, subclasses of the plain types become these, and keys marked `TO_DELETE` are left out.

    Args:
        value: What the game gave.
        depth: How many levels of nesting are left.

    Raises:
        TypeError: Something in it cannot be sent; `check_sendable` says what.
    """
    kind = type(value)
    if kind in _ATOMS:
        return value
    if kind is int:
        if _INT_MIN <= value <= _INT_MAX:
            return value
    elif kind is str:
        if not value.isascii():
            value.encode()  # raises for lone surrogates, which have no form in UTF-8
        return value
    elif depth > 0:
        if isinstance(value, _SEQUENCES):
            depth -= 1
            return FrozenList([member if type(member) in _ATOMS else freeze(member, depth) for member in value])
        if isinstance(value, _DICTS):
            depth -= 1
            return FrozenDict(
                {frozen_key(key): freeze(member, depth) for key, member in value.items() if member is not TO_DELETE}
            )
        for base in _BASES:
            if isinstance(value, base):
                return freeze(base(value), 0)  # type: ignore[arg-type]
    raise TypeError("cannot be sent")


def frozen_key(key: Any) -> str | int:
    """Check a dict's key, and make a plain str or int of it."""
    kind = type(key)
    if kind is int:
        if _INT_MIN <= key <= _INT_MAX:
            return key  # type: ignore[no-any-return]
    elif kind is str:
        if not key.isascii():
            key.encode()
        return key  # type: ignore[no-any-return]
    elif isinstance(key, str):
        return frozen_key(str.__str__(key))
    elif isinstance(key, int) and kind is not bool:
        return frozen_key(int(key))
    raise TypeError("cannot be a key")


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are the same down to their types: 1, 1.0 and True differ, 0.0 and -0.0 too, nan not."""
    if one is other:
        return True
    if type(one) is float:
        if type(other) is not float:
            return False
        return one == other if one and one == one else repr(one) == repr(other)  # noqa: PLR0124
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and len(one) == len(other)
            and all(key in other and same(member, other[key]) for key, member in one.items())
        )
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and _same_members(one, other)
    return type(one) is type(other) and bool(one == other)


def _same_members(one: list[Any], other: list[Any]) -> bool:
    for member, its_other in zip(one, other):  # noqa: B905, SIM110  (of one length; `strict` and `all` cost)
        if member is not its_other and not same(member, its_other):
            return False
    return True


_FIXED_BYTES: Final = 9
"""A float or a 64-bit integer in MessagePack, its type included; the shorter forms of small numbers count as much."""

_HEADER_BYTES: Final = 5
"""The longest header of a text or a container in MessagePack: its type, and four bytes of length."""

_FIXED: Final = frozenset({float, int, bool, type(None)})


def size_of(value: Any) -> int:
    """Measure a value: what it takes in bytes at most once encoded. The state's size limit counts in these."""
    kind = type(value)
    if kind in _FIXED:
        return _FIXED_BYTES
    if kind is str:
        return _HEADER_BYTES + (len(value) if value.isascii() else len(value.encode()))
    if kind is bytes:
        return _HEADER_BYTES + len(value)
    if isinstance(value, dict):
        return _HEADER_BYTES + sum([size_of(key) + size_of(member) for key, member in value.items()])
    if isinstance(value, list):
        return _HEADER_BYTES + sum([_FIXED_BYTES if type(member) in _FIXED else size_of(member) for member in value])
    return _HEADER_BYTES  # a marker
