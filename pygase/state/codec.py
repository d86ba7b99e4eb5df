"""State updates as bytes and back.

An update is a byte of flags, then one MessagePack value if it is a whole state, else columns. Strings that come again
and again are numbered in a table that both sides keep. The table only grows at its end, and a delta brings what has
been added since its baseline: so every client with that baseline, or anything newer, can read the same bytes, whatever
it has received besides.
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
    MAX_UPDATE_MEMORY,
    WHOLE_SLICE_BYTES,
)
from pygase.errors import MalformedDatagram
from pygase.state import layout
from pygase.state.known import KnownNames
from pygase.state.names import check_names
from pygase.state.precision import Rules, rounded
from pygase.state.reader import Entry, read_columns
from pygase.state.tree import Replacement
from pygase.state.writer import write_columns
from pygase.wire import pack_checked, packed_in_pieces, read_varint, unpack, write_varint

__all__ = ["Decoder", "Encoder", "WholeEncoding"]

_MAX_INFLATED_BYTES: Final = 2 * MAX_STATE_BYTES
_MEMORY_PER_BYTE: Final = 8
_INT: Final = {int}
_STR: Final = {str}
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
            whole = pack_checked(dict(update))
            return self._finished(layout.WHOLE, whole, layout.packed_cost(whole), known)
        if self._rules:
            update = rounded(update, self._rules)
        body, cost = write_columns(update, self._names, is_rounded=self._is_rounded)
        return self._finished(0, body, cost, known)

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

    def encode_whole(self, state: dict[str, Any]) -> "WholeEncoding":
        """Begin to encode a whole state, for somebody who has none; nothing in it may be changed from now on."""
        return WholeEncoding(*self._added_since(0), state)

    def _added_since(self, known: int) -> tuple[bytearray, int]:
        """Write what the table has grown by; and return what that costs a reader."""
        entries = self._names.entries
        if len(entries) == known:
            return bytearray(1), 0
        added = bytearray()
        write_varint(added, len(entries) - known)
        write_varint(added, known)
        packed = pack_checked(entries[known:])
        write_varint(added, len(packed))
        added += packed
        return added, layout.packed_cost(packed) + layout.KNOWN_NAME_COST * (len(entries) - known)

    def _finished(self, flags: int, body: bytes | bytearray, cost: int, known: int) -> bytes:
        content: bytes | bytearray
        size = 2 + len(body)
        has_grown = len(self._names.entries) > known
        if not (flags or has_grown or size > COMPRESS_ABOVE_BYTES or cost > layout.allowance(size)):
            return b"\0\0" + body  # most updates
        content, cost_of_added = self._added_since(known)
        content += body
        cost += cost_of_added
        # Columns are tight already: only where they hold much text, or many equal values, is there something to win.
        is_long = len(content) > (COMPRESS_ABOVE_BYTES if flags else 4 * COMPRESS_ABOVE_BYTES)
        return _shorter(flags, content, zlib.compress(content, 1) if is_long else None, cost)


def _shorter(flags: int, content: bytes | bytearray, deflated: bytes | None, cost: int) -> bytes:
    """Return an update, compressed if that is shorter, and padded if it is too short for what it costs its reader."""
    if deflated is not None and len(deflated) < len(content):
        cost += layout.INFLATED_BYTE_COST * len(content)
        flags |= layout.DEFLATED
        content = deflated
    missing = layout.size_for(cost) - 1 - len(content)
    if missing <= 0 or cost <= layout.allowance(1 + len(content)):
        return bytes((flags,)) + content
    start = bytearray((flags | layout.PADDED,))
    write_varint(start, missing)
    return bytes(start + content).ljust(len(start) + len(content) + missing, b"\0")


class WholeEncoding:
    """A whole state on its way to become bytes.

    Attributes:
        blob: The bytes, once they are complete: an update as `Encoder.encode` makes it of a `Replacement`.
    """

    __slots__ = ("_cost", "_deflated", "_deflator", "_pieces", "_plain", "_plain_bytes", "blob")

    def __init__(self, added: bytearray, cost: int, state: dict[str, Any]) -> None:
        self.blob: bytes | None = None
        self._cost = cost
        self._plain: list[bytes] = [bytes(added)]
        self._plain_bytes = len(added)
        self._deflator = zlib.compressobj(1)
        self._deflated: list[bytes] = [self._deflator.compress(added)]
        self._pieces = packed_in_pieces(state, WHOLE_SLICE_BYTES)

    def go_on(self) -> None:
        """Encode the next `WHOLE_SLICE_BYTES` or so."""
        until = self._plain_bytes + WHOLE_SLICE_BYTES
        for piece in self._pieces:
            self._plain.append(piece)
            self._plain_bytes += len(piece)
            self._cost += layout.packed_cost(piece)
            self._deflated.append(self._deflator.compress(piece))
            if self._plain_bytes >= until:
                return
        is_long = self._plain_bytes > COMPRESS_ABOVE_BYTES
        deflated = b"".join([*self._deflated, self._deflator.flush()]) if is_long else None
        self.blob = _shorter(layout.WHOLE, b"".join(self._plain), deflated, self._cost)


class Decoder:
    """Decodes what an `Encoder` made of one state's updates.

    Attributes:
        cost: About how many bytes the last update takes in memory.
    """

    def __init__(self) -> None:
        self.cost = 0
        self._names: list[Entry] = []

    def decode(self, data: bytes, *, keeps_rows: bool = False) -> dict[str, Any]:
        """Decode an update.

        Args:
            data: What `Encoder.encode` returned.
            keeps_rows: Whether dicts of rows of one shape are left as they come, as `Rows`.

        Returns:
            The update; a `Replacement` if it is the whole state.

        Raises:
            MalformedDatagram: It is not an update; nothing has changed then.
        """
        if not data or data[0] > layout.WHOLE | layout.PADDED | layout.DEFLATED:
            raise MalformedDatagram("not an update")
        flags = data[0]
        room = layout.allowance(len(data))
        position = 1
        if flags & layout.PADDED:
            padding, position = read_varint(data, position)
            if padding > len(data) - position:
                raise MalformedDatagram("more padding than there is room")
            data = data[: len(data) - padding]
        if flags & layout.DEFLATED:
            data, position = _inflated(data[position:], room // layout.INFLATED_BYTE_COST), 0
            room -= layout.INFLATED_BYTE_COST * len(data)
        known, entries, position, room = self._read_added(data, position, room)
        # A full table is larger than most updates: what is dropped of it is put aside, instead of copying the rest.
        names = self._names
        dropped = names[known:]
        del names[known:]
        try:
            for entry in entries:
                names.append(_entry(entry, names))
            return self._read_body(flags, data, position, room, keeps_rows=keeps_rows)
        except MalformedDatagram:
            names[known:] = dropped
            raise

    def _read_added(self, data: bytes, position: int, room: int) -> tuple[int, list[Any], int, int]:
        """Read what the table of known names grows by.

        Returns:
            How many entries come before, the new ones, the position behind, and what is left of the room.
        """
        added, position = read_varint(data, position)
        if not added:
            return len(self._names), [], position, room
        known, position = read_varint(data, position)
        size, position = read_varint(data, position)
        end = position + size
        if known > len(self._names) or known + added > MAX_KNOWN_NAMES or end > len(data):
            raise MalformedDatagram("a table of known names that does not fit")
        entries, room = _unpacked(data[position:end], room - layout.KNOWN_NAME_COST * added)
        if type(entries) is not list or len(entries) != added:
            raise MalformedDatagram("not as many known names as there should be")
        return known, entries, end, room

    def _read_body(self, flags: int, data: bytes, position: int, room: int, *, keeps_rows: bool) -> dict[str, Any]:
        update: Any
        cost = 0
        if flags & layout.WHOLE:
            tree, _ = _unpacked(data[position:], room)
            if type(tree) is not dict:
                raise MalformedDatagram("not a state")
            update = Replacement(tree)
        else:
            room = min(room, MAX_UPDATE_MEMORY)
            update, cost = read_columns(data, position, self._names, room, keeps_rows=keeps_rows)
        try:
            check_names(update)
        except (TypeError, ValueError) as error:
            raise MalformedDatagram(str(error)) from None
        self.cost = len(data) + cost // _MEMORY_PER_BYTE
        return update  # type: ignore[no-any-return]


def _unpacked(packed: bytes, room: int) -> tuple[Any, int]:
    """Decode a value if there is room for it; returns it and the room left then."""
    room -= layout.packed_cost(packed)
    if room < 0:
        raise MalformedDatagram("more than its size allows")
    return unpack(packed), room


def _entry(entry: Any, names: list[Entry]) -> Entry:
    kind = type(entry)
    if kind is str and len(entry.encode()) <= MAX_KNOWN_NAME_BYTES:
        return entry  # type: ignore[no-any-return]
    if kind is float and isfinite(entry) and entry > 0:
        return entry  # type: ignore[no-any-return]
    if kind is list and 0 < len(entry) <= layout.MAX_ROW_KEYS and set(map(type, entry)) == _INT and min(entry) >= 0:
        keys = tuple([names[number] for number in entry if number < len(names)])
        if len(keys) == len(entry) and set(map(type, keys)) == _STR:
            return keys
    raise MalformedDatagram("not a known name")


def _inflated(data: bytes, most: int) -> bytes:
    """Decompress at most so many bytes, and no more than a state may take."""
    inflator = zlib.decompressobj()
    try:
        inflated = inflator.decompress(data, min(most, _MAX_INFLATED_BYTES))
    except zlib.error as error:
        raise MalformedDatagram(f"not compressed: {error}") from None
    if not inflator.eof or inflator.unused_data:
        raise MalformedDatagram("compressed data is cut off, too long, or followed by something")
    return inflated
