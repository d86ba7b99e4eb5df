"""Tables whose rows have numbers: views that differ in which rows of one table they hold, and in nothing else.

To find what leads from one version of a table to another, row by row and once for all, lists by number do: nothing is
looked up, and no dict is made of what each client sees.
"""

from collections.abc import Sequence
from typing import Any, Final

from pygase.state.records import RowChanges
from pygase.state.spans import MISSING, SAME, Spans, loses
from pygase.state.tree import FrozenDict

__all__ = ["Leads", "Numbering", "Table", "View"]

_MAX_HOLES: Final = 64
_UNKNOWN: Final = object()


class Table:
    """One version of a table, and what the state has beside it. It never changes.

    Attributes:
        name: Its name in the state.
        keys: Its rows' keys by number: one list for all versions in which a number means the same.
        rows: Its rows by number; `MISSING` where there is none.
        rest: The state's other attributes.
    """

    __slots__ = ("keys", "name", "rest", "rows")

    def __init__(self, name: str, keys: list[Any], rows: list[Any], rest: dict[str, Any]) -> None:
        self.name = name
        self.keys = keys
        self.rows = rows
        self.rest = rest


class Numbering:
    """Gives the rows of a table their numbers, which they keep from version to version.

    Attributes:
        numbers: The numbers by key, those of rows that are gone included: they may come back.
    """

    __slots__ = ("_keys", "_name", "numbers")

    def __init__(self, name: str) -> None:
        self._name = name
        self._keys: list[Any] = []
        self.numbers: dict[Any, Any] = {}

    def table(self, attributes: dict[str, Any]) -> Table:
        """Number the rows of a new version of the state, in which there is such a table."""
        rows: dict[Any, Any] = attributes[self._name]
        keys, numbers = self._keys, self.numbers
        if not rows.keys() <= numbers.keys():
            new = rows.keys() - numbers.keys()
            if len(keys) + len(new) > 2 * len(rows) + _MAX_HOLES:
                keys, numbers = self._keys, self.numbers = [], {}
            for key in rows:
                if key not in numbers:
                    numbers[key] = len(keys)
                    keys.append(key)
        by_number: list[Any] = [MISSING] * len(keys)
        for key, row in rows.items():
            by_number[numbers[key]] = row
        return Table(self._name, keys, by_number, {name: attributes[name] for name in attributes if name != self._name})


class View:
    """What somebody may see of one state. It never changes.

    Attributes:
        key: Equal keys mean equal views, as long as one of the views is kept.
        table: Of which table it holds some rows and all else, if that is what it is.
        numbers: The rows' numbers, in order.
    """

    __slots__ = ("_root", "key", "numbers", "table")

    def __init__(
        self, root: FrozenDict | None, key: Any, table: Table | None = None, numbers: tuple[Any, ...] = ()
    ) -> None:
        self._root = root
        self.key = key
        self.table = table
        self.numbers = numbers

    @property
    def root(self) -> FrozenDict:
        """The attributes."""
        root = self._root
        if root is None:
            table = self.table
            assert table is not None
            keys, rows = table.keys, table.rows
            shown = FrozenDict({keys[number]: rows[number] for number in self.numbers})
            root = self._root = FrozenDict({**table.rest, table.name: shown})
        return root


class Leads:
    """What leads from any of several versions of a table to another: found for each row when it is first asked for.

    Args:
        spans: Finds it.
        olds: The versions to start from; none to start from nothing.
        new: The one to arrive at. All of them give their rows the same numbers.
    """

    __slots__ = ("_changes", "_losing", "_new", "_olds", "_spans", "rest")

    def __init__(self, spans: Spans, olds: Sequence[Table], new: Table) -> None:
        self._spans = spans
        self._olds = olds
        self._new = new
        self._changes: list[Any] = [_UNKNOWN] * len(new.rows)
        self._losing: set[int] = set()  # rows that lose something
        self.rest = spans.update([old.rest for old in olds], new.rest) if olds else new.rest

    def _find(self, number: int) -> Any:
        """Find what a row needs, `SAME` if nothing, and remember it."""
        befores = [_row_at(old, number) for old in self._olds] or [MISSING]
        change = self._changes[number] = self._between(befores, number)
        if loses(change):
            self._losing.add(number)
        return change

    def _loses(self, number: int) -> bool:
        """Tell whether a row loses something: which those may not learn who did not see it then."""
        if self._changes[number] is _UNKNOWN:
            self._find(number)
        return number in self._losing

    def _between(self, befores: list[Any], number: int) -> Any:
        new = self._new
        return self._spans.row_update(befores, new.rows[number], new.name, new.keys[number])

    def update(self, olds: Sequence[View], view: View, wholes: "Leads") -> dict[str, Any]:
        """Make the update that leads from some views to another one.

        Args:
            olds: Views of the versions to start from, at least one.
            view: One of the version to arrive at.
            wholes: What leads there from nothing.

        Returns:
            The same as `Spans.update`, with `RowChanges` for the table.
        """
        numbers, names, changes = view.numbers, self._new.keys, self._changes
        keys: list[Any] = []
        found: list[Any] = []
        for old in olds:
            if old.numbers != numbers:
                self._add_changes_of_some(olds, view, wholes, keys, found)
                break
        else:
            for number in numbers:
                change = changes[number]
                if change is _UNKNOWN:
                    change = self._find(number)
                if change is not SAME:
                    keys.append(names[number])
                    found.append(change)
        if not keys:
            return self.rest
        rows = RowChanges(keys, found)
        return {**self.rest, self._new.name: rows} if self.rest else {self._new.name: rows}

    def _add_changes_of_some(
        self, olds: Sequence[View], view: View, wholes: "Leads", keys: list[Any], found: list[Any]
    ) -> None:
        """Find what rows need that not all of the views hold."""
        names, changes, whole_rows = self._new.keys, self._changes, wholes._changes
        everywhere = set(olds[0].numbers)
        anywhere = everywhere.copy()
        for old in olds[1:]:
            everywhere.intersection_update(old.numbers)
            anywhere.update(old.numbers)
        for number in view.numbers:
            if number in everywhere:
                change = changes[number]
                if change is _UNKNOWN:
                    change = self._find(number)
                if change is SAME:
                    continue
            else:
                change = whole_rows[number]
                if change is _UNKNOWN:
                    change = wholes._find(number)
                if number in anywhere and self._loses(number):
                    befores = [_row_at(old.table, number) if number in old.numbers else MISSING for old in olds]
                    change = self._between(befores, number)
            keys.append(names[number])
            found.append(change)
        for number in anywhere.difference(view.numbers):
            keys.append(names[number])


def _row_at(table: Table | None, number: int) -> Any:
    """Return a row; `MISSING` where there is none."""
    rows = table.rows if table is not None else []
    return rows[number] if number < len(rows) else MISSING
