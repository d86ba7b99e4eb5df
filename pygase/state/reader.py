"""Reads updates that were written as columns, trusting nothing and at a bounded cost."""

from binascii import hexlify, unhexlify
from collections.abc import Callable, Iterator
from itertools import chain, islice
from struct import calcsize, iter_unpack, unpack_from
from struct import error as struct_error
from typing import Any, Final, TypeAlias

from pygase.errors import MalformedDatagram
from pygase.state import layout
from pygase.state.precision import from_steps
from pygase.state.rows import Pairs, Rows
from pygase.state.tree import TO_DELETE, Replacement
from pygase.wire import read_varint, unpack, unzigzag

__all__ = ["Entry", "read_columns"]

Entry: TypeAlias = "str | float | tuple[str, ...]"
"""What a number of the table of known names stands for: a string, a step, or the keys of a row."""

_INT_MAX: Final = (1 << 64) - 1
_KEY_TYPES: Final = frozenset({str, int})
_LEAVES: Final = frozenset({layout.DELETIONS, layout.ROWS, layout.MAPS, layout.REPLACEMENTS, layout.RECORDS})
_ROWS: Final = frozenset({layout.ROWS, layout.RECORDS})


def read_columns(
    data: bytes, position: int, names: list[Entry], room: int, *, keeps_rows: bool = False
) -> tuple[dict[Any, Any], int]:
    """Read an update.

    Args:
        data: What it stands in, up to the end.
        position: Where it begins.
        names: What the numbers of the table of known names stand for.
        room: What it may cost, in bytes of memory.
        keeps_rows: Whether dicts of rows are left as they come, as `Rows`.

    Returns:
        The update, and what it did cost.

    Raises:
        MalformedDatagram: It is not an update.
    """
    reader = _Reader(data, position, names, room, keeps_rows)
    try:
        update = reader.column(1, 0)[0]
    except (IndexError, struct_error, OverflowError, ValueError, TypeError) as error:
        raise MalformedDatagram(f"not an update: {error}") from None
    if type(update) is not dict or reader.position != len(data):
        raise MalformedDatagram("not an update, or followed by something")
    return update, room - reader.room


class _Reader:
    __slots__ = ("data", "in_lists", "keeps_rows", "names", "position", "room")

    def __init__(self, data: bytes, position: int, names: list[Entry], room: int, keeps_rows: bool) -> None:
        self.data = data
        self.position = position
        self.names = names
        self.room = room
        self.keeps_rows = keeps_rows
        self.in_lists = 0

    def column(self, count: int, nesting: int) -> list[Any]:
        """Read so many values.

        Args:
            count: How many values the column has, at least one.
            nesting: How many columns this one is part of.
        """
        kind = self.data[self.position]
        self.position += 1
        self.room -= _COSTS.get(kind, 0) * count
        if self.room < 0 or count < 1 or nesting > layout.MAX_NESTING:
            raise MalformedDatagram("more values, or more nesting, than its size allows")
        if kind < layout.FLOATS_64:
            return self._numbers(kind & ~7, kind & 7, count)
        if self.in_lists and kind in _LEAVES:
            raise MalformedDatagram("changes within a list")
        read = _READERS.get(kind)
        if read is None:
            raise MalformedDatagram(f"no such kind of column: {kind}")
        return read(self, count, nesting + 1)

    def _spend(self, cost: int) -> None:
        """Count what is about to be made."""
        self.room -= cost
        if self.room < 0:
            raise MalformedDatagram("more than its size allows")

    def _varint(self) -> int:
        number = self.data[self.position]
        if number < 0x80:
            self.position += 1
        else:
            number, self.position = read_varint(self.data, self.position)
        return number

    def _bytes(self, size: int) -> bytes:
        start = self.position
        self.position = end = start + size
        if end > len(self.data):
            raise MalformedDatagram("cut off")
        return self.data[start:end]

    def _numbers(self, kind: int, width: int, count: int) -> list[Any]:
        if kind == layout.FIXED_FLOATS:
            step = self._step()
            return from_steps(self._whole(width, count), step)
        numbers = self._whole(width, count)
        if kind == layout.NAMES:
            return self._named(numbers)
        if kind == layout.INTEGRAL_FLOATS:
            return list(map(float, numbers))
        if max(numbers) > _INT_MAX:
            raise MalformedDatagram("an integer of more than 64 bits")
        return numbers

    def _step(self) -> float:
        step = self.names[self._varint()]
        if type(step) is not float:
            raise MalformedDatagram("a number that does not stand for a step")
        return step

    def _whole(self, width: int, count: int) -> list[int]:
        base = unzigzag(self._varint())
        numbers: list[int]
        if width == layout.SAME:
            numbers = [base] * count
        elif width == layout.COUNTING:
            numbers = list(range(base, base + count))
        elif width == layout.WIDTH_1:
            numbers = list(self._bytes(count))
        elif width == layout.HALVED:
            numbers = self._halved(count)
        else:
            code, size = layout.WIDTH_FORMATS.get(width, ("", 0))
            if not size:
                raise MalformedDatagram("no such width")
            numbers = list(unpack_from(f"<{count}{code}", self._bytes(count * size)))
        return [base + number for number in numbers] if base and width not in _COMPLETE else numbers

    def _halved(self, count: int) -> list[int]:
        """Read whole numbers of some half bytes each."""
        halves = self._bytes(1)[0]
        code, size = layout.HALVED_FORMATS.get(halves, ("", 0))
        if not size:
            raise MalformedDatagram("no such number of half bytes")
        end = count * halves
        packed = hexlify(self._bytes((end + 1) // 2))
        if end % 2 and packed[end] != _ZERO:
            raise MalformedDatagram("half a byte beyond the last")
        digits = bytearray(b"0") * (size * count)
        for place in range(halves):
            digits[size - halves + place :: size] = packed[place:end:halves]
        return list(unpack_from(f">{count}{code}", unhexlify(digits)))

    def _named(self, numbers: list[int]) -> list[str]:
        if min(numbers) < 0:
            raise MalformedDatagram("a negative number of a name")
        names = self.names
        found = [names[number] for number in numbers]
        if set(map(type, found)) != {str}:
            raise MalformedDatagram("a number that does not stand for a string")
        return found  # type: ignore[return-value]

    def _floats_64(self, count: int, _nesting: int) -> list[Any]:
        return list(unpack_from(f"<{count}d", self._bytes(8 * count)))

    def _floats_32(self, count: int, _nesting: int) -> list[Any]:
        return list(unpack_from(f"<{count}f", self._bytes(4 * count)))

    def _same_floats(self, count: int, _nesting: int) -> list[Any]:
        return list(unpack_from("<d", self._bytes(8))) * count

    def _bools(self, count: int, _nesting: int) -> list[Any]:
        bits = int.from_bytes(self._bytes((count + 7) // 8), "big")
        if bits >> count:
            raise MalformedDatagram("bits beyond the last")
        return [bit == "1" for bit in f"{bits:0{count}b}"]

    def _nones(self, count: int, _nesting: int) -> list[Any]:
        return [None] * count

    def _deletions(self, count: int, _nesting: int) -> list[Any]:
        return [TO_DELETE] * count

    def _packed(self, count: int, _nesting: int) -> list[Any]:
        packed = self._bytes(self._varint())
        self._spend(layout.packed_cost(packed))
        values = unpack(packed)
        if type(values) is not list or len(values) != count:
            raise MalformedDatagram("not as many values as there should be")
        return values

    def _replacements(self, count: int, nesting: int) -> list[Any]:
        values = self._packed(count, nesting)
        if set(map(type, values)) != {dict}:
            raise MalformedDatagram("a dict is replaced by none")
        return list(map(Replacement, values))

    def _lists(self, count: int, nesting: int) -> list[Any]:
        length = self._varint()
        self.in_lists += 1
        are_floats = True
        columns = []
        for _ in range(length):
            are_floats = are_floats and self.data[self.position] in _FLOATS
            columns.append(self.column(count, nesting))
        self.in_lists -= 1
        if not columns:
            raise MalformedDatagram("lists of nothing")
        lists = map(list, zip(*columns, strict=True))
        return Pairs(lists, columns) if self.keeps_rows and are_floats and length == 2 else list(lists)

    def _flat_lists(self, count: int, nesting: int) -> list[Any]:
        length = self._varint()
        self.in_lists += 1
        are_floats = self.data[self.position] in _FLOATS
        values = self.column(count * length, nesting)
        self.in_lists -= 1
        lists = [values[start : start + length] for start in range(0, count * length, length)]
        return Pairs(lists, [values[::2], values[1::2]]) if self.keeps_rows and are_floats and length == 2 else lists

    def _row_keys(self, count: int) -> tuple[str, ...]:
        keys = self.names[self._varint()]
        if type(keys) is not tuple:
            raise MalformedDatagram("a number that does not stand for a row's keys")
        self._spend(layout.row_cost(len(keys), count))
        return keys

    def _kept_rows(self, keys: list[Any], nesting: int) -> Rows:
        kind = self.data[self.position]
        self.position += 1
        self._spend(_COSTS[kind] * len(keys))
        names = self._row_keys(len(keys))
        if kind == layout.RECORDS:
            return Rows(keys, names, self._record_columns(names, len(keys)), [True] * len(names))
        columns, are_plain = [], []
        for _ in names:
            are_plain.append(self.data[self.position] not in _UNLIKE)
            columns.append(self.column(len(keys), nesting + 1))
        return Rows(keys, names, columns, are_plain)

    def _rows(self, count: int, nesting: int) -> list[Any]:
        keys = self._row_keys(count)
        return _in_rows(keys, [self.column(count, nesting) for _ in keys])

    def _records(self, count: int, _nesting: int) -> list[Any]:
        keys = self._row_keys(count)
        return _in_rows(keys, self._record_columns(keys, count))

    def _record_columns(self, keys: tuple[str, ...], count: int) -> list[list[Any]]:
        """Read records, and return their values as columns."""
        fields: list[tuple[int, int, float]] = []
        codes = "<"
        for _ in keys:
            form, length, step = self._bytes(1)[0], 0, 0.0
            if form & layout.LISTED:
                form &= ~layout.LISTED
                length = self._varint()
                if not 0 < length <= layout.MAX_ROW_KEYS:
                    raise MalformedDatagram("records with lists of nothing, or too long ones")
            if form not in layout.FORM_CODES:
                raise MalformedDatagram(f"no such form of a value: {form}")
            if form >= layout.FORM_FIXED_4:
                step = self._step()
            self._spend(layout.form_cost(form, length) * count)
            codes += f"{length or 1}{layout.FORM_CODES[form]}"
            fields.append((form, length, step))
        rows = iter_unpack(codes, self._bytes(calcsize(codes) * count))
        parts = zip(*rows)  # noqa: B905  (all of one length)
        return [self._field(form, length, step, parts) for form, length, step in fields]

    def _field(self, form: int, length: int, step: float, parts: Iterator[tuple[Any, ...]]) -> list[Any]:
        """Put together the column of one field of records."""
        columns: list[list[Any]] = []
        for part in islice(parts, length or 1):
            if form == layout.FORM_INTEGRAL:
                columns.append(list(map(float, part)))
            elif form >= layout.FORM_FIXED_4:
                columns.append(from_steps(part, step))
            else:
                columns.append(list(part))
        if not length:
            return columns[0]
        lists = map(list, zip(*columns, strict=True))
        are_floats = form == layout.FORM_FLOAT or form >= layout.FORM_INTEGRAL
        return Pairs(lists, columns) if self.keeps_rows and are_floats and length == 2 else list(lists)

    def _maps(self, count: int, nesting: int) -> list[Any]:
        return [self._map(nesting) for _ in range(count)]

    def _map(self, nesting: int) -> dict[Any, Any] | Rows:
        count = self._varint()
        self._spend(layout.map_cost(count))
        if not count:
            return {}
        keys = self.column(count, nesting)
        if not _KEY_TYPES.issuperset(map(type, keys)):
            raise MalformedDatagram("a key is neither a str nor an int")
        if self.keeps_rows and nesting > 1 and self.data[self.position] in _ROWS:  # the update itself is a dict
            return self._kept_rows(keys, nesting)
        return dict(zip(keys, self.column(count, nesting), strict=True))

    def _mixed(self, count: int, nesting: int) -> list[Any]:
        groups = self._bytes(1)[0]
        which = self._bytes(count)
        sizes = [which.count(group) for group in range(groups)]
        if sum(sizes) != count:
            raise MalformedDatagram("a value of no group")
        columns = [iter(self.column(size, nesting)) for size in sizes]
        return [next(columns[group]) for group in which]

    def _chained(self, count: int, nesting: int) -> list[Any]:
        sizes = [self._varint() for _ in range(self._bytes(1)[0])]
        if sum(sizes) != count:
            raise MalformedDatagram("not as many values as there should be")
        return list(chain.from_iterable([self.column(size, nesting) for size in sizes]))


def _in_rows(keys: tuple[str, ...], columns: list[list[Any]]) -> list[Any]:
    """Make dicts of columns of their values."""
    if len(keys) == 1:
        (key,) = keys
        return [{key: value} for value in columns[0]]
    if len(keys) == 2:
        key, other = keys
        return [{key: value, other: value_too} for value, value_too in zip(*columns)]  # noqa: B905  (of one length)
    return [dict(zip(keys, row)) for row in zip(*columns)]  # noqa: B905  (`strict` costs)


_UNLIKE: Final = _LEAVES | {layout.PACKED, layout.MIXED, layout.CHAINED}  # columns whose values may be anything
_FLOATS: Final = frozenset(
    {
        *range(layout.INTEGRAL_FLOATS, layout.NAMES),
        *range(layout.FIXED_FLOATS, layout.FLOATS_64),
        layout.FLOATS_64,
        layout.FLOATS_32,
        layout.SAME_FLOATS,
    }
)
_COSTS: Final = layout.COLUMN_COSTS
_ZERO: Final = ord("0")
_COMPLETE: Final = frozenset({layout.SAME, layout.COUNTING})

_READERS: Final[dict[int, Callable[[_Reader, int, int], list[Any]]]] = {
    layout.FLOATS_64: _Reader._floats_64,
    layout.FLOATS_32: _Reader._floats_32,
    layout.SAME_FLOATS: _Reader._same_floats,
    layout.BOOLS: _Reader._bools,
    layout.NONES: _Reader._nones,
    layout.DELETIONS: _Reader._deletions,
    layout.PACKED: _Reader._packed,
    layout.LISTS: _Reader._lists,
    layout.FLAT_LISTS: _Reader._flat_lists,
    layout.ROWS: _Reader._rows,
    layout.MAPS: _Reader._maps,
    layout.REPLACEMENTS: _Reader._replacements,
    layout.MIXED: _Reader._mixed,
    layout.RECORDS: _Reader._records,
    layout.CHAINED: _Reader._chained,
}
