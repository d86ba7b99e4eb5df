"""Writes updates as columns: like values together, so that each kind is written once and packed tightly.

The work is done by C loops over whole columns (`map`, `zip`, `struct`), since a loop in Python costs more per value
than all the rest.
"""

from binascii import hexlify, unhexlify
from collections.abc import Callable
from itertools import chain
from struct import pack as struct_pack
from struct import unpack as struct_unpack
from typing import Any, Final

from pygase.state import layout
from pygase.state.known import KnownNames
from pygase.state.precision import Fixed, exact
from pygase.state.records import Form, Packed, RowChanges
from pygase.state.tree import TO_DELETE, Change, FrozenDict, FrozenList, Replacement
from pygase.wire import pack_checked, write_varint, zigzag

__all__ = ["write_columns"]

_MAX_KEYS_OF_FEW: Final = 8
_MIN_HALVED: Final = 8
_EXACT_INTEGRAL: Final = 1 << 53
_BASE_MAX: Final = (1 << 62) - 1
_MARKER: Final = type(TO_DELETE)
_BYTE_VALUES: Final = 256
_MAP_COST: Final = layout.COLUMN_COSTS[layout.MAPS]
_NAME_COST: Final = layout.COLUMN_COSTS[layout.NAMES | layout.WIDTH_1]
_RECORD_COST: Final = layout.COLUMN_COSTS[layout.RECORDS]
_CHAINED_COST: Final = layout.COLUMN_COSTS[layout.CHAINED]
_SCALARS: Final = frozenset({float, int, bool, str, type(None)})


def write_columns(update: dict[str, Any], names: KnownNames, *, is_rounded: bool = False) -> tuple[bytearray, int]:
    """Write an update.

    Args:
        update: An update that has changes only, that is no `Replacement`.
        names: The table of known names, which may grow.
        is_rounded: Whether there are `Fixed` numbers in the update.

    Returns:
        The bytes, and what they cost a reader as both sides count it.
    """
    writer = _Writer(names, is_rounded=is_rounded)
    if len(update) == 1:
        for name, value in update.items():
            if isinstance(value, RowChanges):
                writer._rows_at(name, value)
                return writer.out, writer.cost
    writer._dicts([update])
    return writer.out, writer.cost


class _Writer:
    __slots__ = ("cost", "is_rounded", "names", "out")

    def __init__(self, names: KnownNames, *, is_rounded: bool) -> None:
        self.out = bytearray()
        self.cost = 0
        self.names = names
        self.is_rounded = is_rounded

    def column(self, values: list[Any]) -> None:
        """Write values of any kinds, at least one."""
        kinds = list(map(type, values))
        kind = kinds[0]
        if kinds.count(kind) == len(kinds):
            write = _WRITERS.get(kind)
            if write is not None:
                write(self, values)
            elif issubclass(kind, Fixed):
                self._fixed(values, kind)
            else:
                self._packed(values)
        else:
            self._of_kinds(values, kinds)

    def _of_kinds(self, values: list[Any], kinds: list[type]) -> None:
        distinct = set(kinds)
        if distinct <= _DICTS:
            self._dicts(values)
        elif distinct == _LISTS:
            self._lists(values)
        elif kinds[-1] is _MARKER and _MARKER not in kinds[: -kinds.count(_MARKER)]:
            self._chained([values[: -kinds.count(_MARKER)], values[-kinds.count(_MARKER) :]])
        elif distinct.isdisjoint(_ALIASES):
            self._mixed(values, kinds)
        else:
            self._mixed(values, [_ALIASES.get(kind, kind) for kind in kinds])

    def _begin(self, kind: int, count: int) -> None:
        self.out.append(kind)
        self.cost += layout.COLUMN_COSTS[kind] * count

    def _numbers(self, kind: int, numbers: list[int], before: int | None = None) -> None:
        """Write whole numbers as what they are above the smallest."""
        base, top = min(numbers), max(numbers)
        out = self.out
        count = len(numbers)
        if base == top:
            width = layout.SAME
        elif top - base == count - 1 and numbers == list(range(base, top + 1)):
            width = layout.COUNTING
        else:
            if base > 0 and (top < 0x100 or (top < 0x10000 and top - base >= 0x100)):
                base = 0  # no wider for it, and nothing to subtract
            span = top - base
            width = (
                layout.WIDTH_1 if span < 0x100 else layout.WIDTH_2 if span < 0x10000 else
                layout.WIDTH_4 if span < 0x1_0000_0000 else layout.WIDTH_8
            )  # fmt: skip
        self._begin(kind | width, count)
        if before is not None:
            write_varint(out, before)
        write_varint(out, zigzag(base))
        if width in layout.WIDTH_FORMATS:
            if base:
                numbers = [number - base for number in numbers]
            if width == layout.WIDTH_1:
                out += bytes(numbers)
            else:
                out += struct_pack(f"<{count}{layout.WIDTH_FORMATS[width][0]}", *numbers)

    def _ints(self, values: list[int]) -> None:
        if min(values) < -_BASE_MAX or max(values) > _BASE_MAX:
            self._packed(values)
        else:
            self._numbers(layout.INTS, values)

    def _floats(self, values: list[float]) -> None:
        if all(map(float.is_integer, values)):
            numbers = list(map(int, values))
            if (
                min(numbers) >= -_EXACT_INTEGRAL
                and max(numbers) <= _EXACT_INTEGRAL
                and not (0 in numbers and "-0.0" in map(repr, values))
            ):
                self._numbers(layout.INTEGRAL_FLOATS, numbers)
                return
        out = self.out
        exact_bytes = struct_pack(f"<{len(values)}d", *values)
        if exact_bytes == exact_bytes[:8] * len(values):
            self._begin(layout.SAME_FLOATS, len(values))
            out += exact_bytes[:8]
            return
        try:
            short = struct_pack(f"<{len(values)}f", *values)
        except OverflowError:
            short = b""
        if short and struct_unpack(f"<{len(values)}f", short) == tuple(values):
            self._begin(layout.FLOATS_32, len(values))
            out += short
        else:
            self._begin(layout.FLOATS_64, len(values))
            out += exact_bytes

    def _fixed(self, values: list[Any], kind: type[Fixed]) -> None:
        step = self.names.step(kind.step)
        base, top, count = min(values), max(values), len(values)
        halves = _halves(top - base)
        if step is None or base < -_BASE_MAX or top > _BASE_MAX:
            self._floats([kind.floated(value) for value in values])
        elif count < _MIN_HALVED or top - base == count - 1 or halves not in layout.HALVED_FORMATS:
            self._numbers(layout.FIXED_FLOATS, values, step)
        else:
            if base > 0 and _halves(top) == halves:
                base = 0  # no wider for it, and nothing to subtract
            self._begin(layout.FIXED_FLOATS | layout.HALVED, count)
            write_varint(self.out, step)
            write_varint(self.out, zigzag(base))
            self.out.append(halves)
            self.out += _in_halves([value - base for value in values] if base else values, halves)

    def _bools(self, values: list[bool]) -> None:
        self._begin(layout.BOOLS, len(values))
        bits = int("".join(["1" if value else "0" for value in values]), 2)
        self.out += bits.to_bytes((len(values) + 7) // 8, "big")

    def _nones(self, values: list[None]) -> None:
        self._begin(layout.NONES, len(values))

    def _deletions(self, values: list[Any]) -> None:
        self._begin(layout.DELETIONS, len(values))

    def _strings(self, values: list[str], *, new: bool = False) -> None:
        numbers = self.names.numbers(values, new=new)
        if numbers is None:
            self._packed(values)
        else:
            self._names(numbers)

    def _names(self, numbers: list[Any]) -> None:
        if len(numbers) == 1:
            self._begin(layout.NAMES | layout.SAME, 1)
            write_varint(self.out, zigzag(numbers[0]))
        else:
            self._numbers(layout.NAMES, numbers)

    def _packed(self, values: list[Any], kind: int = layout.PACKED) -> None:
        packed = pack_checked(exact(values) if self.is_rounded else values)
        self.cost += layout.packed_cost(packed)
        self._begin(kind, len(values))
        write_varint(self.out, len(packed))
        self.out += packed

    def _replacements(self, values: list[Any]) -> None:
        self._packed(values, layout.REPLACEMENTS)

    def _lists(self, values: list[list[Any]]) -> None:
        lengths = set(map(len, values))
        length = lengths.pop()
        if lengths or not length:
            self._packed(values)
            return
        kinds = set(map(type, chain.from_iterable(values)))
        if not all(kind in _SCALARS or issubclass(kind, Fixed) for kind in kinds):
            self._packed(values)
        elif len(values) >= 4 and length <= layout.MAX_ROW_KEYS:
            self._begin(layout.LISTS, len(values))
            write_varint(self.out, length)
            for column in zip(*values, strict=True):
                self.column(list(column))
        elif len(kinds) == 1:
            self._begin(layout.FLAT_LISTS, len(values))
            write_varint(self.out, length)
            self.column(list(chain.from_iterable(values)))
        else:
            self._packed(values)

    def _dicts(self, values: list[dict[Any, Any]]) -> None:
        count = len(values)
        if count == 1:  # such as the update itself, or a table that is a dict of rows
            self._begin(layout.MAPS, 1)
            self._map(values[0])
            return
        shapes = list(map(tuple, values))
        distinct = set(shapes)
        if len(distinct) == 1:
            number = self.names.shape(shapes[0]) if _are_rows(count, len(shapes[0])) else None
            if number is not None:
                self.cost += layout.row_cost(len(shapes[0]), count)
                self._begin(layout.ROWS, count)
                write_varint(self.out, number)
                for column in zip(*map(_values_of, values), strict=True):
                    self.column(list(column))
                return
        elif len(distinct) <= layout.MAX_GROUPS and count >= 2 * len(distinct):
            self._mixed(values, shapes)
            return
        self._begin(layout.MAPS, count)
        for value in values:
            self._map(value)

    def _changes(self, values: list[Change]) -> None:
        forms = [value.form for value in values]
        distinct = set(forms)
        if len(distinct) == 1:
            if forms[0] is None or not self._records(forms[0], [value.record for value in values]):
                self._dicts(values)  # type: ignore[arg-type]
        elif len(distinct) <= layout.MAX_GROUPS and len(values) >= 2 * len(distinct):
            self._mixed(values, forms)
        else:
            self._dicts(values)  # type: ignore[arg-type]

    def _records(self, form: Form, records: list[bytes]) -> bool:
        """Write rows of one form as they have been packed already. Returns whether that could be done."""
        names = self.names
        number = names.known_shape(form.keys)
        if number is None and len(records) > 1 and _are_rows(len(records), len(form.keys)):
            number = names.shape(form.keys)
        if number is None:
            return False
        steps = [names.step(step) for step in form.steps]
        if None in steps:
            return False
        self.cost += (form.cost + _RECORD_COST) * len(records)
        head = [layout.RECORDS]
        _add_varint(head, number)
        head += form.head
        for field in form.fields if steps else ():
            _add_varint(head, field if type(field) is int else steps.pop(0) or 0)
        self.out += bytes(head)
        self.out += b"".join(records)
        return True

    def _map(self, value: dict[Any, Any]) -> None:
        self.cost += layout.map_cost(len(value))
        write_varint(self.out, len(value))
        if value:
            self._keys(list(value))
            self.column(list(value.values()))

    def _row_changes(self, values: list[RowChanges]) -> None:
        """Write what rows of a table need, of which there is one in a state that has such a table."""
        for value in values:
            self._rows([], value)

    def _rows_at(self, name: str, changes: RowChanges) -> None:
        """Write an update that is nothing but what rows of a table need."""
        number = self.names.number(name)
        if number is None:
            self._dicts([{name: changes}])
            return
        self.cost += _MAP_COST + layout.map_cost(1) + _NAME_COST
        head = [layout.MAPS, 1, layout.NAMES | layout.SAME]
        _add_varint(head, zigzag(number))
        self._rows(head, changes)

    def _rows(self, head: list[int], changes: RowChanges) -> None:
        """Write what rows of a table need.

        Args:
            head: What comes before it, byte by byte: many small pieces are faster put together in a list.
            changes: What they need.
        """
        needs = changes.needs
        count, changed = len(changes.numbers), len(needs)
        self.cost += _MAP_COST + layout.map_cost(count)
        head.append(layout.MAPS)
        _add_varint(head, count)
        names = self.names
        numbers = names.row_numbers(changes.names, changes.numbers)
        if numbers is None:
            self.out += bytes(head)
            self._keys(changes.keys)
        elif len(names.entries) <= _BYTE_VALUES and 1 < count != numbers[-1] - numbers[0] + 1:
            self.cost += _NAME_COST * count
            head += (layout.NAMES | layout.WIDTH_1, 0)
            head += numbers
            self.out += bytes(head)
        else:
            self.out += bytes(head)
            self._names(numbers)
        if 0 < changed < count:
            self.cost += _CHAINED_COST * count
            head = [layout.CHAINED, 2]
            _add_varint(head, changed)
            _add_varint(head, count - changed)
            self.out += bytes(head)
        if changed:
            first = needs[0]
            form = first.form if isinstance(first, Packed) else None
            records = [need.record for need in needs if isinstance(need, Packed) and need.form is form]
            if form is None or len(records) < changed or not self._records(form, records):
                self.column(changes.changes)
        if changed < count:
            self._begin(layout.DELETIONS, count - changed)

    def _keys(self, keys: list[Any]) -> None:
        kinds = set(map(type, keys))
        if kinds == {str}:
            self._strings(keys, new=True)
        elif kinds == {int}:
            self._ints(keys)
        else:
            self._packed(keys)

    def _chained(self, groups: list[list[Any]]) -> None:
        """Write values that are sorted by their kinds already, one column behind the other."""
        self._begin(layout.CHAINED, sum(map(len, groups)))
        self.out.append(len(groups))
        for group in groups:
            write_varint(self.out, len(group))
        for group in groups:
            self.column(group)

    def _mixed(self, values: list[Any], classes: list[Any]) -> None:
        """Write values class by class, and before that which is of which class."""
        groups: dict[Any, list[Any]] = {its_class: [] for its_class in classes}
        for value, its_class in zip(values, classes):  # noqa: B905  (of one length; `strict` costs)
            groups[its_class].append(value)
        numbers = {its_class: number for number, its_class in enumerate(groups)}
        self._begin(layout.MIXED, len(values))
        self.out.append(len(groups))
        self.out += bytes([numbers[its_class] for its_class in classes])
        for group in groups.values():
            self.column(group)


def _halves(number: int) -> int:
    """How many half bytes a number takes."""
    return (number.bit_length() + 3) // 4


def _in_halves(numbers: list[int], halves: int) -> bytes:
    """Write each of some numbers in so many half bytes, the highest first."""
    code, size = layout.HALVED_FORMATS[halves]
    digits = bytearray(hexlify(struct_pack(f">{len(numbers)}{code}", *numbers)))
    for left in range(size, halves, -1):
        del digits[::left]
    if len(digits) % 2:
        digits += b"0"
    return unhexlify(digits)


def _add_varint(head: list[int], number: int) -> None:
    while number >= 0x80:
        head.append(number & 0x7F | 0x80)
        number >>= 7
    head.append(number)


def _are_rows(count: int, keys: int) -> bool:
    """Tell whether dicts of the same keys are more like a table's rows, which have few and fixed keys, than tables."""
    return count >= keys or keys <= _MAX_KEYS_OF_FEW


_DICTS: Final = frozenset({dict, FrozenDict, Change})
_LISTS: Final = frozenset({list, FrozenList})
_ALIASES: Final[dict[type, type]] = {FrozenDict: dict, FrozenList: list}
_values_of = dict.values

_WRITERS: Final[dict[type, Callable[[_Writer, list[Any]], None]]] = {
    int: _Writer._ints,
    float: _Writer._floats,
    bool: _Writer._bools,
    type(None): _Writer._nones,
    str: _Writer._strings,
    list: _Writer._lists,
    FrozenList: _Writer._lists,
    dict: _Writer._dicts,
    FrozenDict: _Writer._dicts,
    Change: _Writer._changes,
    RowChanges: _Writer._row_changes,
    Replacement: _Writer._replacements,
    _MARKER: _Writer._deletions,
}
