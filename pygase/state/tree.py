"""The shapes that a game state is made of: read-only containers, and what only updates contain.

A state is a tree of dicts whose leaves are scalars and lists. On the server many versions of it live side by side
and share whatever did not change between them, so its containers refuse to be changed: an accidental
`game_state.players["ann"]["x"] = 3` in a handler would reach into the past and never reach a client. Reading them
costs what reading a dict or a list costs, for they are a dict and a list.
"""

from typing import Any, Final, NoReturn

from pygase.config import MAX_VALUE_DEPTH

__all__ = ["TO_DELETE", "Change", "FrozenDict", "FrozenList", "Replacement", "freeze", "same", "size_of", "thaw"]


class _Marker:
    """The value of a key that an update deletes. There is one, and copying or pickling it yields that one."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "TO_DELETE"

    def __copy__(self) -> "_Marker":
        return self

    def __deepcopy__(self, memo: object) -> "_Marker":
        return self

    def __reduce__(self) -> str:
        return "TO_DELETE"


TO_DELETE: Final = _Marker()
"""In an update, the value of a key that is to go."""


class Replacement(dict[Any, Any]):
    """In an update, a dict that takes the place of what was there instead of being merged into it.

    Nobody writes one: it comes of combining an update that deletes a key, or gives it a plain value, with one that
    puts a dict there afterwards.
    """

    __slots__ = ()


class Change(dict[Any, Any]):
    """In an update, what a dict without dicts in it needs, and the same as a record: packed once for all who see it.

    Attributes:
        form: How the record is packed, a `records.Form`; None if it has none.
        record: The values, packed.
    """

    __slots__ = ("form", "record")

    def __init__(self, row: dict[Any, Any], form: Any, record: bytes) -> None:
        super().__init__(row)
        self.form = form
        self.record = record


_ADVICE: Final = "the game state is read-only here: return an update, or change a copy (to_dict(), dict(), list())"


class FrozenDict(dict[Any, Any]):
    """A dict of a game state, shared between versions and therefore read-only."""

    __slots__ = ()

    def _refuse(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise TypeError(_ADVICE)

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __copy__(self) -> dict[Any, Any]:
        return dict(self)

    def __deepcopy__(self, memo: object) -> Any:
        return thaw(self)

    def __reduce__(self) -> Any:
        return dict, (dict(self),)


class FrozenList(list[Any]):
    """A list of a game state, shared between versions and therefore read-only."""

    __slots__ = ()

    def _refuse(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise TypeError(_ADVICE)

    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = extend = insert = remove = pop = clear = sort = reverse = _refuse

    def __copy__(self) -> list[Any]:
        return list(self)

    def __deepcopy__(self, memo: object) -> Any:
        return thaw(self)

    def __reduce__(self) -> Any:
        return list, (list(self),)


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


_THAWED: Final = (dict, list, tuple)
_CONTAINERS: Final = frozenset({dict, list, FrozenDict, FrozenList, Replacement, tuple})


def thaw(value: Any) -> Any:
    """Copy a value into plain dicts and lists that belong to the caller alone. Deletions in it are left out."""
    if not isinstance(value, _THAWED):
        return value
    if not isinstance(value, dict):
        return [thaw(member) if type(member) in _CONTAINERS else member for member in value]
    return {
        key: thaw(member) if type(member) in _CONTAINERS else member
        for key, member in value.items()
        if member is not TO_DELETE
    }


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are the same down to their types: 1, 1.0 and True differ, 0.0 and -0.0 too, nan not."""
    if one is other:
        return True
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and len(one) == len(other)
            and all(key in other and same(member, other[key]) for key, member in one.items())
        )
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(same, one, other))
    if type(one) is not type(other):
        return False
    if type(one) is float:
        return repr(one) == repr(other) if not one or one != one else one == other  # noqa: PLR0124
    return bool(one == other)


_FIXED_BYTES: Final = 9
_HEADER_BYTES: Final = 5
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
