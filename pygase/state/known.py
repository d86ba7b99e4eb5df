"""The numbered table of what updates repeat: names, steps of rounded floats, and the keys of rows."""

from collections.abc import Iterable
from typing import Any, Final

from pygase.config import MAX_KNOWN_NAME_BYTES, MAX_KNOWN_NAMES
from pygase.state.layout import MAX_ROW_KEYS

__all__ = ["KnownNames"]

_MAX_SIGHTINGS: Final = 2_048


class KnownNames:
    """The numbered table of strings, steps and shapes that a feed's clients know. It grows at its end only.

    Attributes:
        entries: The entries: a str; a float, which is a step; or a tuple of numbers of strs, which is a shape, that is
            the keys of a row.
    """

    __slots__ = ("_index", "_row_names", "_rows", "_shapes", "_sightings", "_steps", "entries")

    def __init__(self) -> None:
        self.entries: list[str | float | tuple[int, ...]] = []
        self._index: dict[Any, Any] = {}
        self._steps: dict[float, int] = {}
        self._shapes: dict[tuple[Any, ...], int] = {}
        self._sightings: set[Any] = set()
        self._row_names: list[Any] | None = None
        self._rows: dict[Any, Any] = {}

    def copy(self) -> "KnownNames":
        """Copy the table, for another one to grow from it."""
        copy = KnownNames()
        copy.entries = self.entries.copy()
        copy._index, copy._steps, copy._shapes = self._index.copy(), self._steps.copy(), self._shapes.copy()
        copy._sightings = self._sightings.copy()
        copy._row_names, copy._rows = self._row_names, self._rows.copy()
        return copy

    @property
    def is_full(self) -> bool:
        """Whether no more can be added."""
        return len(self.entries) >= MAX_KNOWN_NAMES

    def numbers(self, names: Iterable[str], *, new: bool) -> list[Any] | None:
        """Find the numbers of strings.

        Args:
            names: The strings.
            new: Whether to number those at once that are not known yet; else they get one when they come again.

        Returns:
            Their numbers, or None if one has none.
        """
        index = self._index
        found = [index.get(name) for name in names]
        if None not in found:
            return found
        for name in names:
            if name not in index and len(name) <= MAX_KNOWN_NAME_BYTES and (new or self._seen_before(name)):
                self._add(index, name, name)
        found = [index.get(name) for name in names]
        return None if None in found else found

    def row_numbers(self, names: list[Any], rows: list[Any]) -> list[Any] | None:
        """Find the numbers of rows' keys, which get one at once, without a look at those known already.

        Args:
            names: The keys of a table's rows, by the rows' numbers: it may grow, but not change.
            rows: The rows' numbers.

        Returns:
            Their keys' numbers, or None if one is no string or has none.
        """
        if names is not self._row_names:
            self._row_names, self._rows = names, {}
        known = self._rows
        try:
            return [known[row] for row in rows]
        except KeyError:
            pass
        new = [row for row in rows if row not in known]
        for row in new:
            if type(names[row]) is not str:
                return None
        has_all = True
        for row in new:
            number = self.number(names[row])
            if number is None:
                has_all = False
            else:
                known[row] = number
        return [known[row] for row in rows] if has_all else None

    def number(self, name: str) -> Any:
        """Find the number of a string, which gets one at once; None if it cannot get one."""
        number = self._index.get(name)
        if number is None and len(name) <= MAX_KNOWN_NAME_BYTES:
            number = self._add(self._index, name, name)
        return number

    def step(self, step: float) -> int | None:
        """Find the number of a step, None if it cannot get one."""
        number = self._steps.get(step)
        return self._add(self._steps, step, step) if number is None else number

    def known_shape(self, keys: tuple[Any, ...]) -> int | None:
        """Find the number of a row's keys, None if they have none yet."""
        return self._shapes.get(keys)

    def shape(self, keys: tuple[Any, ...]) -> int | None:
        """Find the number of a row's keys, None if they cannot get one."""
        number = self._shapes.get(keys)
        if number is not None or len(keys) > MAX_ROW_KEYS or set(map(type, keys)) != {str}:
            return number
        numbers = self.numbers(keys, new=True)
        return None if numbers is None else self._add(self._shapes, keys, tuple(numbers))

    def _add(self, index: dict[Any, int], key: Any, entry: str | float | tuple[int, ...]) -> int | None:
        if self.is_full or (type(entry) is str and len(entry.encode()) > MAX_KNOWN_NAME_BYTES):
            return None
        number = index[key] = len(self.entries)
        self.entries.append(entry)
        return number

    def _seen_before(self, thing: Any) -> bool:
        """Tell whether this has been asked before, roughly: the memory for it is small and begins anew when full."""
        sightings = self._sightings
        if thing in sightings:
            return True
        if len(sightings) >= _MAX_SIGHTINGS:
            sightings.clear()
        sightings.add(thing)
        return False
