"""What leads from any of several states to one: the deltas of clients that each see something else.

A client that has acknowledged one state may have received any of those sent since, and its delta has to be right on
all of them. Clients see different rows, but the rows themselves are the same objects for all of them. So what a row
needs is worked out once, for the first client that needs it, and then found by the identities of the row as it was and
as it is: the loop over a client's rows is one of C.
"""

from collections.abc import Sequence
from itertools import repeat
from typing import Any, Final

from pygase.state.precision import Rules, of_rules, rounded_value
from pygase.state.tree import TO_DELETE, FrozenDict, Replacement, same

__all__ = ["Spans"]

_MISSING: Final = object()
_SAME: Final = object()
_DICTS: Final = frozenset({dict, FrozenDict})
_EVERY: Final = frozenset({"*"})

_Memory = dict[tuple[int, ...], tuple[Any, tuple[Any, ...], Any]]


class Spans:
    """Finds what leads from several states to one, and remembers it for the parts that they share.

    Args:
        rules: Which floats to round, as `parse_precision` returns them.
    """

    __slots__ = ("_memories", "_rules")

    def __init__(self, rules: Rules | None = None) -> None:
        self._rules = rules
        self._memories: dict[int, _Memory] = {}  # by the identity of the rule: one row may stand in two places

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
        return self._span(olds, new, self._rules)

    def _span(self, olds: Sequence[dict[Any, Any]], new: dict[Any, Any], rules: Rules | None) -> dict[Any, Any]:
        befores = [map(id, map(old.get, new, repeat(_MISSING))) for old in olds]
        identities = zip(map(id, new.values()), *befores, strict=True)
        update: dict[Any, Any] = {}
        if rules is None or "" in rules or rules.keys() == _EVERY:
            below = of_rules(rules, "*")
            memory = self._memory(below)
            for key, known in zip(new, map(memory.get, identities), strict=True):
                change = known[0] if known is not None else self._change(olds, new, key, below, memory)
                if change is not _SAME:
                    update[key] = change
        else:
            for key, identity in zip(new, identities, strict=True):
                below = of_rules(rules, key)
                memory = self._memory(below)
                known = memory.get(identity)
                change = known[0] if known is not None else self._change(olds, new, key, below, memory)
                if change is not _SAME:
                    update[key] = change
        for old in olds:
            if not old.keys() <= new.keys():
                update.update(dict.fromkeys(old.keys() - new.keys(), TO_DELETE))
        return update

    def _memory(self, rules: Rules | None) -> _Memory:
        memory = self._memories.get(id(rules))
        if memory is None:
            memory = self._memories[id(rules)] = {}
        return memory

    def _change(
        self, olds: Sequence[dict[Any, Any]], new: dict[Any, Any], key: Any, rules: Rules | None, memory: _Memory
    ) -> Any:
        """Find what a key needs, `_SAME` if nothing, and remember it."""
        value = new[key]
        befores = tuple([old.get(key, _MISSING) for old in olds])
        for before in befores:
            if before is not value:
                change = self._found(befores, value, rules)
                break
        else:
            change = _SAME
        # All of them are kept alive, so that no other object gets their identities.
        memory[id(value), *map(id, befores)] = change, befores, value
        return change

    def _found(self, befores: tuple[Any, ...], value: Any, rules: Rules | None) -> Any:
        if type(value) not in _DICTS:
            if all(same(before, value) for before in befores):
                return _SAME
            return rounded_value(value, rules)
        tables = [before for before in befores if isinstance(before, dict)]
        is_row = _DICTS.isdisjoint(map(type, value.values()))
        if len(tables) == len(befores):
            return (_row(tables, value, rules) if is_row else self._span(tables, value, rules)) or _SAME
        if tables and not (is_row and all(table.keys() <= value.keys() for table in tables)):
            return Replacement(value)
        return rounded_value(value, rules)


def _row(olds: Sequence[dict[Any, Any]], new: dict[Any, Any], rules: Rules | None) -> dict[Any, Any]:
    """Make the update of a dict that has no dicts in it, where there is nothing worth remembering."""
    update: dict[Any, Any] = {}
    for key, value in new.items():
        for old in olds:
            before = old.get(key, _MISSING)
            if before is not value and not same(before, value):
                update[key] = value if rules is None else rounded_value(value, of_rules(rules, key))
                break
    for old in olds:
        if not old.keys() <= new.keys():
            update.update(dict.fromkeys(old.keys() - new.keys(), TO_DELETE))
    return update
