"""State updates as bytes and back.

An update is a byte of flags, then either one MessagePack value or columns. Strings that come again and again are
numbered in a table that both sides keep. The table only grows at its end, and a delta brings what has been added
since its baseline: so every client with that baseline, or anything newer, can read the same bytes, whatever it has
received besides.
"""

import zlib
from math import isfinite
from typing import Any, Final

from pygase.config import (
    COMPRESS_ABOVE_BYTES,
    MAX_HISTORY_UPDATES,
    MAX_KNOWN_NAME_BYTES,
    MAX_KNOWN_NAMES,
    MAX_STATE_BYTES,
)
from pygase.errors import MalformedDatagram
from pygase.state import layout
from pygase.state.known import KnownNames
from pygase.state.names import check_names
from pygase.state.precision import Rules, exact, rounded
from pygase.state.reader import Entry, read_columns
from pygase.state.tree import TO_DELETE, Replacement
from pygase.state.writer import write_columns
from pygase.wire import pack_checked, read_varint, unpack, write_varint

__all__ = ["Decoder", "Encoder"]

_MAX_INFLATED_BYTES: Final = 2 * MAX_STATE_BYTES
_BYTES_PER_CELL: Final = 9
_MAX_KNOWN_VERSIONS: Final = 2 * MAX_HISTORY_UPDATES


class Encoder:
    """Encodes the updates of one state, for any number of readers.

    Args:
        rules: Which floats to round, as `parse_precision` returns them.
        is_rounded: Whether the updates come with their floats rounded.
        max_names: At how many known names the table starts anew.
    """

    def __init__(
        self, rules: Rules | None = None, *, is_rounded: bool = False, max_names: int = MAX_KNOWN_NAMES
    ) -> None:
        self._rules = rules
        self._is_rounded = is_rounded or bool(rules)
        self._max_names = max_names
        self._names = KnownNames()
        # How long the table was when a version came: whoever has that version has at least so much of the table.
        self._lengths: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._names.entries)

    def begin(self, version: int) -> None:
        """Start on a new version of the state."""
        lengths = self._lengths
        if len(self._names.entries) >= self._max_names:
            self._names = KnownNames()
            lengths.clear()
        elif len(lengths) >= _MAX_KNOWN_VERSIONS:
            del lengths[next(iter(lengths))]
        lengths[version] = len(self._names.entries)

    def encode(self, update: dict[str, Any], baseline: int | None) -> bytes:
        """Encode an update that leads to the newest version.

        Args:
            update: The update.
            baseline: The version from which it leads there, None if from nothing.

        Returns:
            Its bytes, for a `Decoder` that has decoded some update to the baseline or to any version since.
        """
        known = self.known_at(baseline)
        if type(update) is Replacement:
            return self._finished(layout.WHOLE, pack_checked(dict(update)), known)
        if self._rules:
            update = rounded(update, self._rules)
        body, cells = write_columns(update, self._names, is_rounded=self._is_rounded)
        if cells > layout.CELLS_PER_BYTE * len(body) + layout.SPARE_CELLS:
            return self._finished(layout.PLAIN, pack_checked(_marked(update)), known)
        return self._finished(0, body, known)

    def encode_apart(self, update: dict[str, Any]) -> bytes:
        """Encode an update from a state that others of its readers may not have had.

        It brings the whole table, and what it adds to the table nobody else gets.
        """
        names = self._names
        self._names = names.copy()
        try:
            return self.encode(update, None)
        finally:
            self._names = names

    def known_at(self, baseline: int | None) -> int:
        """Tell how much of the table somebody has who has a version."""
        return 0 if baseline is None else self._lengths.get(baseline, 0)

    def copy(self) -> "Encoder":
        """Make another one that goes on from here, for some of the readers."""
        copy = Encoder(self._rules, is_rounded=self._is_rounded, max_names=self._max_names)
        copy._names, copy._lengths = self._names.copy(), self._lengths.copy()
        return copy

    def _finished(self, flags: int, body: bytes | bytearray, known: int) -> bytes:
        entries = self._names.entries
        head = bytearray()
        write_varint(head, len(entries) - known)
        if len(entries) > known:
            write_varint(head, known)
            packed = pack_checked(entries[known:])
            write_varint(head, len(packed))
            head += packed
        head += body
        # Columns are tight already: only where they hold much text, or many equal values, is there something to win.
        if len(head) > (COMPRESS_ABOVE_BYTES if flags else 4 * COMPRESS_ABOVE_BYTES):
            deflated = zlib.compress(head, 1)
            if len(deflated) < len(head):
                return bytes((flags | layout.DEFLATED,)) + deflated
        return bytes((flags,)) + head


def _marked(update: dict[Any, Any]) -> dict[Any, Any]:
    """Write a change as one value: a dict is a change, a list of nothing a deletion, a list of one the new value."""
    return {key: _marked_value(value) for key, value in update.items()}


def _marked_value(value: Any) -> Any:
    if value is TO_DELETE:
        return ()
    if isinstance(value, dict) and type(value) is not Replacement:
        return _marked(value)
    return (exact(value),)


def _unmarked(tree: Any) -> Any:
    """Undo `_marked`."""
    if type(tree) is dict:
        return {key: _unmarked(value) for key, value in tree.items()}
    if type(tree) is not list or len(tree) > 1:
        raise MalformedDatagram("not an update")
    if not tree:
        return TO_DELETE
    return Replacement(tree[0]) if type(tree[0]) is dict else tree[0]


class Decoder:
    """Decodes what an `Encoder` made of one state's updates.

    Attributes:
        cost: About how many bytes the last update takes in memory.
    """

    def __init__(self) -> None:
        self.cost = 0
        self._names: list[Entry] = []

    def decode(self, data: bytes) -> dict[str, Any]:
        """Decode an update.

        Args:
            data: What `Encoder.encode` returned.

        Returns:
            The update; a `Replacement` if it is the whole state.

        Raises:
            MalformedDatagram: It is not an update; nothing has changed then.
        """
        if not data or data[0] > layout.WHOLE | layout.PLAIN | layout.DEFLATED:
            raise MalformedDatagram("not an update")
        flags = data[0]
        position = 1
        if flags & layout.DEFLATED:
            data, position = _inflated(data[1:]), 0
        cells = 0
        names, position = self._with_added(data, position)
        update: Any
        if not flags & (layout.WHOLE | layout.PLAIN):
            update, cells = read_columns(data, position, names)
        else:
            tree = unpack(data[position:])
            if type(tree) is not dict:
                raise MalformedDatagram("not an update")
            update = Replacement(tree) if flags & layout.WHOLE else _unmarked(tree)
        try:
            check_names(update)
        except (TypeError, ValueError) as error:
            raise MalformedDatagram(str(error)) from None
        self._names = names
        self.cost = len(data) + _BYTES_PER_CELL * cells
        return update  # type: ignore[no-any-return]

    def _with_added(self, data: bytes, position: int) -> tuple[list[Entry], int]:
        """Read what the table of known names has grown by."""
        added, position = read_varint(data, position)
        if not added:
            return self._names, position
        known, position = read_varint(data, position)
        size, position = read_varint(data, position)
        end = position + size
        if known > len(self._names) or known + added > MAX_KNOWN_NAMES or end > len(data):
            raise MalformedDatagram("a table of known names that does not fit")
        entries = unpack(data[position:end])
        if type(entries) is not list or len(entries) != added:
            raise MalformedDatagram("not as many known names as there should be")
        names = self._names[:known]
        for entry in entries:
            names.append(_entry(entry, names))
        return names, end


def _entry(entry: Any, names: list[Entry]) -> Entry:
    kind = type(entry)
    if kind is str and len(entry.encode()) <= MAX_KNOWN_NAME_BYTES:
        return entry  # type: ignore[no-any-return]
    if kind is float and isfinite(entry) and entry > 0:
        return entry  # type: ignore[no-any-return]
    if kind is list and len(entry) <= layout.MAX_ROW_KEYS:
        keys = tuple(names[number] for number in entry if type(number) is int and 0 <= number < len(names))
        if len(keys) == len(entry) and all(type(key) is str for key in keys):
            return keys  # type: ignore[return-value]
    raise MalformedDatagram("not a known name")


def _inflated(data: bytes) -> bytes:
    """Decompress at most as much as a state may take."""
    inflator = zlib.decompressobj()
    try:
        inflated = inflator.decompress(data, _MAX_INFLATED_BYTES)
    except zlib.error as error:
        raise MalformedDatagram(f"not compressed: {error}") from None
    if not inflator.eof or inflator.unused_data:
        raise MalformedDatagram("compressed data is cut off, too long, or followed by something")
    return inflated
