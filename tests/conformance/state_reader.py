"""A reader of state blobs, made from docs/PROTOCOL_STATE.md alone, as somebody would in another language.

It knows nothing of pygase but what deletions and replacements are in Python, and does not care how long it takes.
"""

import struct
import zlib
from typing import Any

import msgpack

from pygase.state import TO_DELETE, Replacement

COSTS = {
    **dict.fromkeys(range(47), 16),
    **dict.fromkeys(range(1, 8), 64),
    **dict.fromkeys(range(8, 32), 80),
    **dict.fromkeys((32, 33), 48),
    **dict.fromkeys((39, 40), 112),
}
FORMS = {0: ("<d", 48), 1: ("<i", 64), 2: ("<q", 64), 3: ("<B", 16), 4: ("<i", 80), 5: ("<i", 80), 6: ("<q", 80)}


class DocumentReader:
    """Reads one state's blobs, without their two bytes of time.

    Attributes:
        kinds: Which kinds of columns it has met.
    """

    def __init__(self) -> None:
        self.kinds: set[int] = set()
        self._table: list[Any] = []
        self._data = b""
        self._at = 0
        self._cost = 0

    def read(self, blob: bytes) -> dict[str, Any]:
        """Return the update."""
        flags, self._data, self._at, self._cost = blob[0], blob, 1, 0
        assert flags < 8
        if flags & 2:
            padding = self._varint()
            assert self._at <= len(blob) - padding
            self._data = blob[: len(blob) - padding]
        if flags & 4:
            self._data, self._at = zlib.decompress(self._data[self._at :]), 0
            self._cost += 3 * len(self._data)
        if added := self._varint():
            known, size = self._varint(), self._varint()
            assert known <= len(self._table)
            entries = self._packed(size)
            assert len(entries) == added
            self._table[known:] = entries
            self._cost += 400 * added
        if flags & 1:
            update = Replacement(self._packed(len(self._data) - self._at))
        else:
            (update,) = self._column(1)
        assert self._at == len(self._data), "nothing is left over"
        assert self._cost <= (160 * len(blob) + 40_960 if len(blob) <= 1_200 else 2_048 * len(blob))
        return update

    # --- pieces -----------------------------------------------------------------------------------------------------

    def _take(self, size: int) -> bytes:
        taken = self._data[self._at : self._at + size]
        assert len(taken) == size
        self._at += size
        return taken

    def _varint(self) -> int:
        number = shift = 0
        while True:
            (byte,) = self._take(1)
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number

    def _signed(self) -> int:
        number = self._varint()
        return -(number + 1) // 2 if number % 2 else number // 2

    def _packed(self, size: int) -> Any:
        packed = self._take(size)
        self._cost += 24 * size + 160 * sum(0x80 <= byte <= 0x9F or 0xDC <= byte <= 0xDF for byte in packed)
        return msgpack.unpackb(packed, strict_map_key=False)

    def _whole_numbers(self, w: int, n: int) -> list[int]:
        base = self._signed()
        if w == 0:
            return [base] * n
        if w == 5:
            return list(range(base, base + n))
        if w == 6:
            (h,) = self._take(1)
            assert h in {1, 3, 5, 6, 7}
            digits = self._take((h * n + 1) // 2).hex()
            assert not digits[h * n :].strip("0")
            return [base + int(digits[h * i : h * i + h], 16) for i in range(n)]
        size = {1: 1, 2: 2, 3: 4, 4: 8}[w]
        return [base + int.from_bytes(self._take(size), "little") for _ in range(n)]

    # --- columns ----------------------------------------------------------------------------------------------------

    def _column(self, n: int) -> list[Any]:  # noqa: C901, PLR0911  (the document's table, line by line)
        (kind,) = self._take(1)
        self.kinds.add(kind)
        self._cost += COSTS[kind] * n
        if kind < 32:
            return self._numbered(kind // 8, kind % 8, n)
        if kind == 32:
            return list(struct.unpack(f"<{n}d", self._take(8 * n)))
        if kind == 33:
            return list(struct.unpack(f"<{n}f", self._take(4 * n)))
        if kind == 34:
            return list(struct.unpack("<d", self._take(8))) * n
        if kind == 35:
            bits = int.from_bytes(self._take((n + 7) // 8), "big")
            return [bool(bits >> (n - 1 - i) & 1) for i in range(n)]
        if kind == 36:
            return [None] * n
        if kind == 37:
            return [TO_DELETE] * n
        if kind in {38, 43}:
            values = self._packed(self._varint())
            assert len(values) == n
            return values if kind == 38 else [Replacement(value) for value in values]
        if kind in {39, 40}:
            return self._lists(kind, n)
        if kind in {41, 42, 45}:
            return self._dicts(kind, n)
        return self._groups(kind, n)

    def _numbered(self, family: int, w: int, n: int) -> list[Any]:
        step = self._table[self._varint()] if family == 3 else 0.0
        numbers = self._whole_numbers(w, n)
        if family == 0:
            return numbers
        if family == 1:
            return list(map(float, numbers))
        if family == 2:
            return [self._table[number] for number in numbers]
        return [steps(count, step) for count in numbers]

    def _lists(self, kind: int, n: int) -> list[Any]:
        length = self._varint()
        if kind == 39:
            places = [self._column(n) for _ in range(length)]
            return [[place[i] for place in places] for i in range(n)]
        members = self._column(n * length)
        return [members[i * length : (i + 1) * length] for i in range(n)]

    def _dicts(self, kind: int, n: int) -> list[Any]:
        if kind == 42:
            return [self._dict() for _ in range(n)]
        keys = [self._table[number] for number in self._table[self._varint()]]
        self._cost += n * (240 + 24 * len(keys))
        if kind == 41:
            columns = [self._column(n) for _ in keys]
            return [{key: column[i] for key, column in zip(keys, columns, strict=True)} for i in range(n)]
        forms = [self._form() for _ in keys]
        return [{key: self._value(*form) for key, form in zip(keys, forms, strict=True)} for _ in range(n)]

    def _dict(self) -> dict[Any, Any]:
        count = self._varint()
        self._cost += 640 + 96 * count if count else 96
        if not count:
            return {}
        keys = self._column(count)
        return dict(zip(keys, self._column(count), strict=True))

    def _form(self) -> tuple[int, int, float]:
        (form,) = self._take(1)
        length = self._varint() if form >= 16 else 0
        form %= 16
        return form, length, self._table[self._varint()] if form in {5, 6} else 0.0

    def _value(self, form: int, length: int, step: float) -> Any:
        if length:
            self._cost += 112
            return [self._value(form, 0, step) for _ in range(length)]
        layout, cost = FORMS[form]
        self._cost += cost
        (value,) = struct.unpack(layout, self._take(struct.calcsize(layout)))
        if form >= 5:
            return steps(value, step)
        return bool(value) if form == 3 else float(value) if form == 4 else value

    def _groups(self, kind: int, n: int) -> list[Any]:
        (count,) = self._take(1)
        if kind == 46:
            sizes = [self._varint() for _ in range(count)]
            assert sum(sizes) == n
            return [value for size in sizes for value in self._column(size)]
        group_of = self._take(n)
        groups = [iter(self._column(group_of.count(number))) for number in range(count)]
        return [next(groups[number]) for number in group_of]


def steps(count: int, step: float) -> float:
    """Return so many steps as a float."""
    if 1e-12 <= step <= 1:
        parts = round(1 / step)
        if 1 / parts == step:
            return count / parts
    return count * step
