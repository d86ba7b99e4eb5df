"""Rows as records: the values of one row, one behind the other, packed once for all who see it.

Columns are tighter and faster where everybody gets the same. Where each client sees something else, an update for each
would have to be put together value by value; of records, it is put together row by row.
"""

from collections.abc import Iterable, Sequence
from math import copysign
from struct import Struct
from typing import Any, Final

from pygase.state import layout
from pygase.state.precision import Fixed
from pygase.state.tree import Change, FrozenList

__all__ = ["Form", "Packed", "RowChanges", "change_of", "packed_row"]

_INT_4: Final = 1 << 31
_LEAST: Final = -2147483648.0
_LIMIT: Final = 2147483648.0
_INT_8: Final = 1 << 63
_MAX_FORMS: Final = 1_024


class Form:
    """How the records of rows of one kind are packed.

    Args:
        keys: The keys of a row.
        fields: For each of them the form of its value as `layout` numbers them; where that says so, followed by the
            length of a list, and by the `Fixed` of a step.

    Attributes:
        keys: The keys.
        fields: The fields.
        steps: The steps in them, in order.
        head: The fields as they are written, if there are no steps.
        cost: What a row costs its reader, beside its place in the column.
        pack: Packs the values of a row, those in lists one by one.
    """

    __slots__ = ("cost", "fields", "head", "keys", "pack", "steps")

    def __init__(self, keys: tuple[Any, ...], fields: tuple[Any, ...]) -> None:
        self.keys = keys
        self.fields = fields
        self.steps: list[float] = []
        self.cost = layout.row_cost(len(keys), 1)
        codes = "<"
        parts = iter(fields)
        for field in parts:
            form = field & ~layout.LISTED
            length = next(parts) if field & layout.LISTED else 0
            if form >= layout.FORM_FIXED_4:
                self.steps.append(next(parts).step)
            codes += f"{length or 1}{layout.FORM_CODES[form]}"
            self.cost += layout.form_cost(form, length)
        self.head = b"" if self.steps else bytes(fields)
        self.pack = Struct(codes).pack


class RowChanges:
    """In an update, what stands for a dict of what rows need: there is at least one.

    Attributes:
        names: The keys of a table's rows, by the rows' numbers.
        numbers: The numbers of rows that change, then those of rows that go.
        needs: What the rows need that change: `Packed` where that is a dict without dicts in it.
    """

    __slots__ = ("names", "needs", "numbers")

    def __init__(self, names: list[Any], numbers: list[Any], needs: list[Any]) -> None:
        self.names = names
        self.numbers = numbers
        self.needs = needs

    @property
    def keys(self) -> list[Any]:
        """The rows' keys, in the order of their numbers."""
        names = self.names
        return [names[number] for number in self.numbers]

    @property
    def changes(self) -> list[Any]:
        """What the rows need that change, as other updates have it."""
        return [need.change() if isinstance(need, Packed) else need for need in self.needs]


class Packed:
    """What a row needs that is a dict without dicts in it, and the same as a record.

    Attributes:
        row: What it needs.
        form: How the record is packed; None if it has none.
        record: The values, packed.
    """

    __slots__ = ("form", "record", "row")

    def __init__(self, row: dict[Any, Any], form: Form | None, record: bytes) -> None:
        self.row = row
        self.form = form
        self.record = record

    def change(self) -> Change:
        """Make it what stands in an update."""
        if type(self.row) is Change:
            return self.row
        change = Change(self.row)
        change.form = self.form
        change.record = self.record
        return change


def change_of(row: dict[Any, Any]) -> Change:
    """Make a change of what a row needs, with its record if it can have one."""
    return packed_row(row).change()


def packed_row(row: dict[Any, Any]) -> Packed:
    """Pack what a row needs, if that can have a record."""
    fields: list[Any] = []
    values: list[Any] = []
    if not 0 < len(row) <= layout.MAX_ROW_KEYS:
        return Packed(row, None, b"")
    for value in row.values():
        kind = type(value)
        if kind is float:
            if _is_integral(value):
                fields.append(layout.FORM_INTEGRAL)
                values.append(int(value))
            else:
                fields.append(layout.FORM_FLOAT)
                values.append(value)
            continue
        if kind is not FrozenList and kind is not list:
            is_fit = _add(fields, values, kind, (value,), 0)
        else:
            is_fit = _add_list(fields, values, value)
        if not is_fit:
            return Packed(row, None, b"")
    kind_of_row = tuple(row), tuple(fields)
    form = _forms.get(kind_of_row)
    if form is None:
        if len(_forms) >= _MAX_FORMS:
            _forms.clear()
        form = _forms[kind_of_row] = Form(*kind_of_row)
    return Packed(row, form, form.pack(*values))


def _add_list(fields: list[Any], values: list[Any], members: list[Any]) -> bool:
    """Add the members of a list. Returns whether there is a form for them."""
    if not 0 < len(members) <= layout.MAX_ROW_KEYS:
        return False
    kind = type(members[0])
    for member in members:
        if type(member) is not kind:
            return False
    return _add(fields, values, kind, members, len(members))


def _add(fields: list[Any], values: list[Any], kind: type, members: Sequence[Any], length: int) -> bool:
    """Add one value, or the members of a list of one kind, which has a length then.

    Returns:
        Whether there is a form for that.
    """
    numbers: Iterable[Any] = members
    step: type[Fixed] | None = None
    if kind is float:
        form = layout.FORM_FLOAT
        if _are_integral(members):
            form, numbers = layout.FORM_INTEGRAL, map(int, members)
    elif kind is bool:
        form = layout.FORM_BOOL
    elif kind is int or issubclass(kind, Fixed):
        low, high = min(members), max(members)
        if low < -_INT_8 or high >= _INT_8:
            return False
        is_long = low < -_INT_4 or high >= _INT_4
        if kind is int:
            form = layout.FORM_INT_8 if is_long else layout.FORM_INT_4
        else:
            form = layout.FORM_FIXED_8 if is_long else layout.FORM_FIXED_4
            step = kind  # type: ignore[assignment]
    else:
        return False
    if length:
        fields += (form | layout.LISTED, length)
    else:
        fields.append(form)
    if step is not None:
        fields.append(step)
    values += numbers
    return True


def _are_integral(values: Sequence[Any]) -> bool:
    for value in values:  # noqa: SIM110  (`all` costs)
        if not _is_integral(value):
            return False
    return True


def _is_integral(value: float) -> bool:
    """Tell whether a float is a whole number of 32 bits, and not -0.0."""
    return _LEAST <= value < _LIMIT and value == int(value) and (value != 0.0 or copysign(1.0, value) > 0.0)


_forms: Final[dict[tuple[Any, ...], Form]] = {}
