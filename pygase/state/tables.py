"""Tables whose rows have numbers: views that differ in which rows of one table they hold, and in nothing else.

To find what leads from one version of a table to another, row by row and once for all, lists by number do: nothing is
looked up, and no dict is made of what each client sees.
"""

from typing import Any, Final

from pygase.state.precision import Rules, of_rules, rounded_value
from pygase.state.records import Packed, RowChanges, packed_row
from pygase.state.spans import MISSING, SAME, Spans, is_flat, loses
from pygase.state.tree import Change, FrozenDict
from pygase.state.values import same

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
        wholes: What leads there from nothing; None if this does.
    """

    __slots__ = ("_losing", "_needs", "_new", "_olds", "_parts", "_rules", "_spans", "_wholes", "rest")

    def __init__(self, spans: Spans, olds: list[Table], new: Table, wholes: "Leads | None") -> None:
        self._spans = spans
        self._olds = olds
        self._new = new
        self._wholes = wholes
        self._rules = spans.rules_for(new.name)
        self._needs: list[Any] = [_UNKNOWN] * len(new.rows)
        self._parts: dict[int, Packed] = {}  # what rows need in part, by number, as it was found last
        self._losing: set[int] = set()  # rows that lose something
        self.rest = spans.update([old.rest for old in olds], new.rest) if olds else new.rest

    def _find(self, number: int) -> Any:
        """Find what a row needs, `SAME` if nothing, and remember it."""
        value = self._new.rows[number]
        wholes = self._wholes
        if wholes is None:
            need = self._whole(number)
        else:
            befores = [before for old in self._olds if (before := _row_at(old, number)) is not value]
            need = wholes._part(befores, number) if befores else SAME
            if need is None:
                need = self._between(befores, number)
                if loses(need.row if isinstance(need, Packed) else need):
                    self._losing.add(number)
        self._needs[number] = need
        return need

    def _loses(self, number: int) -> bool:
        """Tell whether a row loses something: which those may not learn who did not see it then."""
        if self._needs[number] is _UNKNOWN:
            self._find(number)
        return number in self._losing

    def _between(self, befores: list[Any], number: int) -> Any:
        """Find what leads from rows of any kinds to the one of a number."""
        change = self._spans.row_update(befores, self._new.rows[number], self._rules_of(number))
        return Packed(change, change.form, change.record) if type(change) is Change else change

    def _rules_of(self, number: int) -> Rules | None:
        rules = self._rules
        return None if rules is None else of_rules(rules, self._new.keys[number])

    def _whole(self, number: int) -> Any:
        value = rounded_value(self._new.rows[number], self._rules_of(number))
        if type(value) is not FrozenDict and type(value) is not dict:
            return value
        packed = packed_row(value)
        return packed if packed.form is not None or is_flat(value) else value

    def _part(self, befores: list[Any], number: int) -> Any:
        """Find what leads from rows of the same keys, at least one, to the one of a number; None if they are not so."""
        whole = self._needs[number]
        if whole is _UNKNOWN:
            whole = self._find(number)
        if not isinstance(whole, Packed):
            return None
        value = self._new.rows[number]
        keys = tuple(value) if whole.form is None else whole.form.keys
        differing = _differing(befores, value, keys)
        if not differing:
            return SAME if differing is not None else None
        if len(differing) == len(keys):
            return whole
        part = self._parts.get(number)
        if part is None or list(part.row) != differing:
            part = self._parts[number] = packed_row({key: whole.row[key] for key in differing})
        return part

    def update(self, olds: list[View], view: View) -> dict[str, Any]:
        """Make the update that leads from some views to another one.

        Args:
            olds: Views of the versions to start from, at least one.
            view: One of the version to arrive at.

        Returns:
            The same as `Spans.update`, with `RowChanges` for the table.
        """
        shown, needs = view.numbers, self._needs
        numbers: list[Any] = []
        found: list[Any] = []
        for old in olds:
            if old.numbers != shown:
                self._add_needs_of_some(olds, view, numbers, found)
                break
        else:
            for number in shown:
                need = needs[number]
                if need is _UNKNOWN:
                    need = self._find(number)
                if need is not SAME:
                    numbers.append(number)
                    found.append(need)
        if not numbers:
            return self.rest
        rows = RowChanges(self._new.keys, numbers, found)
        return {**self.rest, self._new.name: rows} if self.rest else {self._new.name: rows}

    def _add_needs_of_some(self, olds: list[View], view: View, numbers: list[Any], found: list[Any]) -> None:
        """Find what rows need that not all of the views hold."""
        wholes = self._wholes
        assert wholes is not None
        needs, whole_rows = self._needs, wholes._needs
        first = olds[0].numbers
        everywhere = set(first)
        anywhere = everywhere
        for old in olds:
            if old.numbers != first:
                if anywhere is everywhere:
                    anywhere = everywhere.copy()
                everywhere.intersection_update(old.numbers)
                anywhere.update(old.numbers)
        for number in view.numbers:
            if number in everywhere:
                need = needs[number]
                if need is _UNKNOWN:
                    need = self._find(number)
                if need is SAME:
                    continue
            else:
                need = whole_rows[number]
                if need is _UNKNOWN:
                    need = wholes._find(number)
                if number in anywhere and self._loses(number):
                    befores = [_row_at(old.table, number) if number in old.numbers else MISSING for old in olds]
                    need = self._between(befores, number)
            numbers.append(number)
            found.append(need)
        numbers += anywhere.difference(view.numbers)


def _row_at(table: Table | None, number: int) -> Any:
    """Return a row; `MISSING` where there is none."""
    rows = table.rows if table is not None else []
    return rows[number] if number < len(rows) else MISSING


def _differing(befores: list[Any], value: dict[Any, Any], keys: tuple[Any, ...]) -> list[Any] | None:
    """Find the keys at which a row is not what others were; None if those have other keys."""
    for before in befores:
        if type(before) is not FrozenDict or len(before) != len(keys):
            return None
    differing: list[Any] = []
    try:
        for key in keys:
            its = value[key]
            for before in befores:
                was = before[key]
                if was is not its and not same(was, its):
                    differing.append(key)
                    break
    except KeyError:
        return None
    return differing
