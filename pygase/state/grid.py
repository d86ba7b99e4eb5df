"""Rows of a table by where they are, for those who see what is near."""

from collections.abc import Iterable
from itertools import accumulate
from math import inf, isfinite, sqrt
from typing import Any, Final

from pygase.state.tree import FrozenList

__all__ = ["Grid", "point_of"]

_ROWS_PER_CELL: Final = 1.8
"""For a limit of 16. Larger cells hold more that is beyond the nearest, smaller ones are more to go through."""

_CELLS_PER_ROW: Final = 64
"""There are no more, so that a world that is mostly empty does not cost more than its rows."""

_FIRST_REACH: Final = 4.5
"""How far, in sides of a cell and squared, a search looks that knows nothing: mostly that is enough."""

_LEAST: Final = 1e-150
"""No search goes less far: the squares of smaller numbers are 0."""

_SLACK: Final = 1.0 + 1e-9
"""Cells so much farther away are looked through too, so that rounding makes no difference."""

_ALL: Final = 1 << 60
"""How many rows are wanted without a limit."""

_LISTS: Final = frozenset({FrozenList})
_NUMBERS: Final = frozenset({float, int})

_Point = tuple[float, float]
_Place = tuple[float, float, Any]
"""Where a row is, and the row's number: always the same object, so that equal ones are found out fast."""


class Grid:
    """The rows of a table by where they are.

    Args:
        rows: The rows.
        numbers: Their numbers, in the same order.
        below: The path from a row to its position.
        radius: How far clients see.
        limit: How many rows they see at most, or None.
    """

    def __init__(
        self, rows: Iterable[Any], numbers: list[Any], below: list[str], radius: float, limit: int | None
    ) -> None:
        found: list[Any] = list(rows)
        for name in below:
            found = [one.get(name) if isinstance(one, dict) else None for one in found]
        columns, lines, numbers = _places_of(found, numbers)
        self._left, self._top = left, top = min(columns, default=0.0), min(lines, default=0.0)
        wide, high = max(columns, default=0.0) - left, max(lines, default=0.0) - top
        if not isfinite(wide + high):  # beyond what floats can tell apart: all rows are in one cell then
            wide = high = 0.0
        self._wanted = _ALL if limit is None else limit + 1
        self._reach = radius * radius
        self._size = size = self._cell_size(wide, high, len(columns), radius)
        self._last_column, self._last_line = int(wide / size), int(high / size)
        self._first_reach = (
            self._reach if limit is None else min(self._reach, max(_FIRST_REACH * size * size, _LEAST * _LEAST))
        )
        places = list(zip(columns, lines, numbers, strict=True))
        self._at: list[Any] = [None] * (max(numbers, default=-1) + 1)
        cells: list[int] = []
        counts = [0] * ((self._last_column + 1) * (self._last_line + 1) + 1)
        everywhere: list[Any] = places
        for place in everywhere:
            self._at[place[2]] = place
            cell = self._column(place[0]) * (self._last_line + 1) + self._line(place[1])
            cells.append(cell)
            counts[cell + 1] += 1
        # In the order of their cells: those of neighbouring cells in a column lie side by side.
        order = sorted(range(len(cells)), key=cells.__getitem__)
        self._places: list[Any] = [everywhere[each] for each in order]
        self._starts: list[int] = list(accumulate(counts))

    def _cell_size(self, wide: float, high: float, count: int, radius: float) -> float:
        """Choose cells as large as clients see, but so small where they see the nearest few that they hold few."""
        size, longer, shorter = radius / 2, max(wide, high), min(wide, high)
        if self._wanted < _ALL:
            size = min(size, _side(longer, shorter, count / (_ROWS_PER_CELL * self._wanted / 17)))
        size = max(size, _side(longer, shorter, _CELLS_PER_ROW * count))
        return min(size, longer) or 1.0

    def _column(self, x: float) -> int:
        return int(min(max((x - self._left) / self._size, 0.0), self._last_column))

    def _line(self, y: float) -> int:
        return int(min(max((y - self._top) / self._size, 0.0), self._last_line))

    def around_row(self, own: int, before: tuple[int, ...]) -> tuple[Any, ...]:
        """Find a row, by its number, and the rows near it.

        Args:
            own: The number.
            before: What was found some time before: if that has not changed, nor is it said anew.

        Returns:
            Their numbers, in order.
        """
        place: _Place | None = self._at[own] if own < len(self._at) else None
        return (own,) if place is None else self._around(place[0], place[1], own, before)

    def around(self, point: _Point, before: tuple[int, ...]) -> tuple[Any, ...]:
        """Find the rows near a place, in the order of their numbers. See `around_row`."""
        return self._around(point[0], point[1], -1, before)

    def _around(self, x: float, y: float, own: int, before: tuple[int, ...]) -> tuple[Any, ...]:
        """Search the cells around a place, and more of them until they hold enough."""
        wanted, places, starts = self._wanted, self._places, self._starts
        last_column, last_line = self._last_column, self._last_line
        bound = self._bound(x, y, before)
        if bound >= self._reach:
            bound, before = self._first_reach, ()
        while True:
            distances: list[float] = []
            chosen: list[Any] = []
            around = sqrt(bound) * _SLACK + _LEAST
            left, right = self._column(x - around), self._column(x + around)
            top, bottom = self._line(y - around), self._line(y + around)
            for column in range(left, right + 1):
                first = column * (last_line + 1)
                strip: list[_Place] = places[starts[first + top] : starts[first + bottom + 1]]
                for across, down, number in strip:
                    dx, dy = x - across, y - down
                    distance = dx * dx + dy * dy
                    if distance <= bound:
                        distances.append(distance)
                        chosen.append(number)
            if len(chosen) >= wanted or bound >= self._reach:
                break
            is_all = left == top == 0 and right == last_column and bottom == last_line
            bound = self._reach if is_all else min(4.0 * bound, self._reach)
        if len(chosen) == len(before):
            return before  # nobody has come nearer than the farthest of those
        if len(chosen) > wanted:
            chosen = self._nearest(chosen, distances, own)
        chosen.sort()
        return tuple(chosen)

    def _bound(self, x: float, y: float, before: tuple[int, ...]) -> float:
        """Tell within which distance, squared, all of those before are, if they are enough."""
        if len(before) != self._wanted:
            return inf
        bound, at, count = 0.0, self._at, len(self._at)
        for number in before:
            place: _Place | None = at[number] if number < count else None
            if place is None:
                return inf
            dx, dy = x - place[0], y - place[1]
            bound = max(bound, dx * dx + dy * dy)
        return bound

    def _nearest(self, numbers: list[Any], distances: list[float], own: int) -> list[Any]:
        """Leave those that are nearest."""
        cut, wanted = sorted(distances)[self._wanted - 1], self._wanted
        nearest = [number for number, distance in zip(numbers, distances) if distance <= cut]  # noqa: B905  (it costs)
        if len(nearest) <= wanted:
            return nearest
        # Some are equally far away.
        pairs = zip(numbers, distances, strict=True)
        order = sorted([(number != own, distance, number) for number, distance in pairs])
        return [number for _, _, number in order[:wanted]]


def _side(longer: float, shorter: float, count: float) -> float:
    """Tell how long the sides of so many squares are that cover a rectangle."""
    side = sqrt(longer / max(count, 1.0)) * sqrt(shorter)
    return side if side < shorter else longer / max(count, 1.0)


def _places_of(found: list[Any], numbers: list[Any]) -> tuple[list[Any], list[Any], list[Any]]:
    """Read positions, and leave out what is none; mostly they are alike, and then that is found out at once."""
    if set(map(type, found)) == _LISTS and min(map(len, found)) >= 2:
        columns, lines = [at[0] for at in found], [at[1] for at in found]
        are_numbers = _NUMBERS.issuperset(map(type, columns)) and _NUMBERS.issuperset(map(type, lines))
        if are_numbers and isfinite(sum(columns) + sum(lines)):
            return columns, lines, numbers
    points = [(point, number) for point, number in zip(map(point_of, found), numbers, strict=True) if point is not None]
    return [point[0] for point, _ in points], [point[1] for point, _ in points], [number for _, number in points]


def point_of(value: Any) -> _Point | None:
    """Read a position: a list of numbers, or a dict with an x and a y."""
    if isinstance(value, dict):
        x, y = value.get("x"), value.get("y")
    elif isinstance(value, list) and len(value) >= 2:
        x, y = value[0], value[1]
    else:
        return None
    if isinstance(x, (int, float)) and isinstance(y, (int, float)) and isfinite(x) and isfinite(y):
        return (x, y)
    return None
