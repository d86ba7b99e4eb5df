"""What leads from any of several states to one: the deltas of clients that each see something else.

A client that has acknowledged one state may have received any of those sent since, and its delta has to be right on
all of them. Clients see different rows, but the rows themselves are the same objects for all of them. So what a row
needs is worked out once, for the first client that needs it, and then found by the identity of the row as it was.
"""

from collections.abc import Sequence
from typing import Any, Final

from pygase.state.precision import Rules, of_rules, rounded_value
from pygase.state.records import change_of
from pygase.state.tree import TO_DELETE, Change, FrozenDict
from pygase.state.values import same

__all__ = ["MISSING", "SAME", "Spans", "is_flat", "loses"]

MISSING: Final = object()
"""Stands for a row that is not there."""

SAME: Final = object()
"""Stands for a change where there is none."""

_DICTS: Final = frozenset({dict, FrozenDict})
_NOTHING: Final[dict[Any, Any]] = {}
_EVERY: Final = frozenset({"*"})

_Memory = dict[int, tuple[Any, Any, Any]]


class Spans:
    """Finds what leads from several states to one, and remembers it for the parts that they share.

    Args:
        rules: Which floats to round, as `parse_precision` returns them.
    """

    __slots__ = ("_memories", "_rules")

    def __init__(self, rules: Rules | None = None) -> None:
        self._rules = rules
        # By the identity of the rule, since one row may stand in two places; then by that of the value before, or of
        # the new one where there was none: both, and what leads from one to the other, all kept alive.
        self._memories: dict[int, _Memory] = {}

    def forget(self) -> None:
        """Forget what is remembered: a new version has other rows."""
        self._memories.clear()

    def update(self, olds: Sequence[dict[Any, Any]], new: dict[Any, Any]) -> dict[Any, Any]:
        """Make the update that leads from each of some states to another one.

        Args:
            olds: The states to start from, at least one.
            new: The state to arrive at. None of them may be changed while this remembers.

        Returns:
            The update, rounded; empty if all states are the same.
        """
        update = self._span(olds[0], new, self._rules)
        for old in olds[1:]:
            update = _joined(update, self._span(old, new, self._rules))
        return update

    def _span(self, old: dict[Any, Any], new: dict[Any, Any], rules: Rules | None) -> dict[Any, Any]:
        update: dict[Any, Any] = {}
        if type(new) is not dict:
            new = dict(new)  # compiled code reads exact dicts faster, by more than copying takes
        if type(old) is not dict:
            old = dict(old)
        is_alike = rules is None or "" in rules or rules.keys() == _EVERY
        below = of_rules(rules, "*")
        memory = self._memory(below)
        for key, value in new.items():
            before = old.get(key, MISSING)
            if before is value:
                continue
            if not is_alike:
                below = of_rules(rules, key)
                memory = self._memory(below)
            known = memory.get(id(value) if before is MISSING else id(before))
            if known is not None and known[0] is before and known[1] is value:
                change = known[2]
            else:
                change = self._change(before, value, below)
                memory[id(value) if before is MISSING else id(before)] = before, value, change
            if change is not SAME:
                update[key] = change
        if not old.keys() <= new.keys():
            update.update(dict.fromkeys(old.keys() - new.keys(), TO_DELETE))
        return update

    def _memory(self, rules: Rules | None) -> _Memory:
        memory = self._memories.get(id(rules))
        if memory is None:
            memory = self._memories[id(rules)] = {}
        return memory

    def rules_for(self, name: str) -> Rules | None:
        """Return the rules for what stands at a name of the state."""
        return of_rules(self._rules, name)

    def row_update(self, befores: Sequence[Any], value: Any, rules: Rules | None) -> Any:
        """Find what leads from several values of a key to one.

        Args:
            befores: The values to start from, `MISSING` for none.
            value: The one to arrive at.
            rules: Those for the key.

        Returns:
            The change, rounded; `SAME` if they are.
        """
        if is_flat(value):
            return self._row_change(befores, value, rules)
        change: Any = SAME
        for before in befores:
            if before is not value:
                one = self._change(before, value, rules)
                if one is not SAME:
                    change = one if change is SAME else _both(change, one)
        return change

    def _row_change(self, befores: Sequence[Any], value: dict[Any, Any], rules: Rules | None) -> Any:
        """Do the same for a dict that has no dicts in it."""
        memory = self._memory(rules)
        known = memory.get(id(value))  # all of it: the same for everybody, wherever they start from
        is_known = known is not None and known[0] is MISSING and known[1] is value
        olds = [before for before in befores if isinstance(before, dict)]
        if not olds:
            row = value if is_known else rounded_value(value, rules)
        else:
            is_alike = len(olds) == len(befores)
            row = _row(olds if is_alike else [*olds, _NOTHING], value, rules)
            if row.keys() != value.keys():
                return change_of(row) if row else SAME
            if not row and is_alike:
                return SAME
        if not is_known:
            known = memory[id(value)] = MISSING, value, change_of(row)
        return known[2] if known is not None else SAME

    def _change(self, before: Any, value: Any, rules: Rules | None) -> Any:
        """Find what a key needs, `SAME` if nothing."""
        change: Any = SAME
        if type(value) not in _DICTS:
            if not same(before, value):
                change = rounded_value(value, rules)
        elif not _DICTS.isdisjoint(map(type, value.values())):
            if isinstance(before, dict):
                change = self._span(before, value, rules) or SAME
            else:
                change = rounded_value(value, rules)
        elif isinstance(before, dict):
            row = _row((before,), value, rules)
            if row:
                change = change_of(row)
        else:
            change = change_of(rounded_value(value, rules))
        return change


def _row(olds: Sequence[dict[Any, Any]], new: dict[Any, Any], rules: Rules | None) -> dict[Any, Any]:
    """Make the update of a dict that has no dicts in it, where there is nothing worth remembering."""
    update: dict[Any, Any] = {}
    for key, value in new.items():
        for old in olds:
            before = old.get(key, MISSING)
            if before is not value and not same(before, value):
                update[key] = value if rules is None else rounded_value(value, of_rules(rules, key))
                break
    for old in olds:
        if not old.keys() <= new.keys():
            update.update(dict.fromkeys(old.keys() - new.keys(), TO_DELETE))
    return update


def _joined(one: dict[Any, Any], other: dict[Any, Any]) -> dict[Any, Any]:
    """Make one update of two that lead to the same state from different ones: what either of them changes."""
    joined = one
    for key, value in other.items():
        there = joined.get(key, MISSING)
        both = value if there is MISSING else _both(there, value)
        if both is not there:
            if joined is one:
                joined = dict(one)
            joined[key] = both
    return joined


def _both(one: Any, other: Any) -> Any:
    """Make one change of two of a key, which are the same value, or dicts of which each has a part."""
    if one is other or not isinstance(other, dict):
        return one
    if type(one) is Change and type(other) is Change and one.form is other.form is not None:
        return one
    return _joined(one, other)


def is_flat(value: Any) -> bool:
    """Tell whether a value is a dict that has no dicts in it."""
    return type(value) in _DICTS and _DICTS.isdisjoint(map(type, value.values()))


def loses(change: Any) -> bool:
    """Tell whether a change deletes anything."""
    if type(change) is Change and change.form is not None:
        return False
    return change is TO_DELETE or (isinstance(change, dict) and any(map(loses, change.values())))
