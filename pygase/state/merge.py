"""The algebra of updates: what an update does to a state, and how two of them make one.

A state is a tree of dicts. An update is such a tree as well, in which a dict is merged into the dict at its place, a
`Replacement` takes that place, `TO_DELETE` empties it, and anything else is the new value. For every state `s` and
updates `u` and `v`::

    applied(applied(s, u), v) == applied(s, compose(u, v))

deletions, re-creations and changes of type included. A dict that meets no dict starts from an empty one, and deleting
what does not exist does nothing.
"""

from typing import Any, Final

from pygase.state.rows import Rows
from pygase.state.tree import TO_DELETE, Change, FrozenDict, Replacement, thaw
from pygase.state.values import same

__all__ = ["apply", "compose", "diff"]

_MISSING: Final = object()
_MERGED: Final = frozenset({dict, Change, FrozenDict})
_SCALARS: Final = frozenset({float, int, bool, str, bytes, type(None)})


def apply(state: dict[Any, Any], update: dict[Any, Any]) -> None:
    """Change a state of plain dicts in place. Afterwards it shares only the lists in `Rows` with the update.

    Args:
        state: The state.
        update: The update, its values sendable.
    """
    for key, value in update.items():
        kind = type(value)
        if kind in _SCALARS:
            state[key] = value
        elif kind in _MERGED:
            old = state.get(key)
            if not isinstance(old, dict):
                old = state[key] = {}
            apply(old, value)
        elif kind is Rows:
            old = state.get(key)
            if not isinstance(old, dict):
                old = state[key] = {}
            _apply_rows(old, value)
        elif value is TO_DELETE:
            state.pop(key, None)
        else:
            state[key] = thaw(value)


def _apply_rows(state: dict[Any, Any], rows: Rows) -> None:
    try:
        members = [state[key] for key in rows.keys]
    except KeyError:
        members = [state.setdefault(key, {}) for key in rows.keys]
    if set(map(type, members)) != {dict}:
        apply(state, rows.in_dicts())
        return
    for name, column, is_plain in zip(rows.names, rows.columns, rows.are_plain, strict=True):
        if is_plain:
            for member, value in zip(members, column):  # noqa: B905  (both of one length; `strict` costs)
                member[name] = value
        else:
            for member, value in zip(members, column, strict=True):
                apply(member, {name: value})


def compose(first: dict[Any, Any], second: dict[Any, Any]) -> dict[Any, Any]:
    """Make one update of two.

    Args:
        first: The update that is applied first.
        second: The one that is applied to the outcome.

    Returns:
        An update that does what both do in turn. It may share containers with either, and changes neither.
    """
    combined = dict(first)
    for key, value in second.items():
        if type(value) not in _MERGED:
            combined[key] = value
            continue
        old = combined.get(key, _MISSING)
        if old is _MISSING:
            combined[key] = value
        elif type(old) in _MERGED:
            combined[key] = compose(old, value)
        else:
            # After `first` there is a known dict here, or nothing that is a dict: either way the outcome is known.
            known = thaw(old) if type(old) is Replacement else {}
            apply(known, value)
            combined[key] = Replacement(known)
    return combined


def diff(old: dict[Any, Any], new: dict[Any, Any]) -> dict[Any, Any]:
    """Find the smallest update that makes one state of another.

    What both share is not looked at, so that for two versions of one state the cost is that of the dicts on the way
    to the differences.

    Args:
        old: The state to start from.
        new: The state to arrive at.

    Returns:
        An update; it shares containers with `new`.
    """
    update: dict[Any, Any] = {}
    gone = len(old) - len(new)
    for key, value in new.items():
        before = old.get(key, _MISSING)
        if before is value:
            continue
        if before is _MISSING:
            gone += 1
            update[key] = value
        elif isinstance(value, dict) and isinstance(before, dict):
            inner = diff(before, value)
            if inner:
                update[key] = inner
        elif not same(before, value):
            update[key] = value
    if gone:
        for key in old:
            if key not in new:
                update[key] = TO_DELETE
    return update
