"""The shapes that a game state is made of: read-only containers, and what only updates contain.

A state is a tree of dicts whose leaves are scalars and lists. On the server many versions of it live side by side
and share whatever did not change between them, so its containers refuse to be changed: an accidental
`game_state.players["ann"]["x"] = 3` in a handler would reach into the past and never reach a client. Reading them
costs what reading a dict or a list costs, for they are a dict and a list.
"""

from typing import Any, Final, NoReturn

__all__ = ["TO_DELETE", "Change", "FrozenDict", "FrozenList", "Replacement", "thaw"]


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

    form: Any
    record: bytes


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
