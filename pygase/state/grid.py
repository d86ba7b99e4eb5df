"""Rows of a table by where they are, for those who see what is near."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from math import isfinite, sqrt
from typing import Any, Final

from pygase.state.tree import FrozenList

__all__ = ["Grid", "Point", "point_of"]

_RINGS: Final = 2
"""So many rings of cells around one's own mostly hold what is near. More of smaller ones would follow the circle more
closely, but serve fewer searches each."""

_ROWS_PER_CELL: Final = 1.8
"""With a limit of 16, the 25 cells then hold the nearest 16 in nine searches of ten, and little else."""

_FEW_RINGS: Final = 4
"""A search that has not found enough in so many rings of cells takes twice as many from then on."""

_MAX_CELLS_A_SIDE: Final = 1024
"""Bounds how many empty cells a search may have to cross."""

_COLUMN: Final = 1 << 12
"""A cell's number is its column's times this, plus its line's: more than there are lines, and rings around them."""

_LISTS: Final = frozenset({FrozenList})
_NUMBERS: Final = frozenset({float, int})

Point = tuple[float, float]
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
        self._found = places = _places_of(found, numbers)
        columns, lines = [place[0] for place in places] or [0.0], [place[1] for place in places] or [0.0]
        self._left, self._top = left, top = min(columns), min(lines)
        wide, high = max(columns) - left, max(lines) - top
        is_vast = not isfinite(wide + high)  # beyond what floats can tell apart: all rows are in one cell then
        if is_vast:
            wide = high = 0.0
        self._limit = limit
        self._reach = radius * radius
        self._size = size = self._cell_size(wide, high, len(columns), radius)
        self._last_column, self._last_line = int(wide / size), int(high / size)
        if is_vast:
            cells = [0] * len(places)
        else:
            cells = [int((x - left) / size) * _COLUMN + int((y - top) / size) for x, y, _ in places]
        # In the order of their cells: those of neighbouring cells in a column lie side by side.
        order = sorted(range(len(cells)), key=cells.__getitem__)
        self._cells = [cells[each] for each in order]
        self._places = [places[each] for each in order]
        self._found_cells = cells
        self._found_at = {place[2]: index for index, place in enumerate(places)}
        self._blocks: dict[int, list[_Place]] = {}

    def _cell_size(self, wide: float, high: float, count: int, radius: float) -> float:
        """Choose cells as large as clients see, but so small where they see the nearest few that they hold few."""
        size = radius / _RINGS
        if self._limit is not None:
            wanted = _ROWS_PER_CELL * (self._limit + 1) / 17
            size = min(size, sqrt(max(wide, 1e-9) * max(high, 1e-9) * wanted / count))
        largest = max(wide, high)
        return max(min(size, largest or 1.0), largest / _MAX_CELLS_A_SIDE) or 1.0

    def around_row(self, own: Any) -> tuple[Any, ...]:
        """Find a row, by its number, and the rows near it, in the order of their numbers."""
        index = self._found_at.get(own)
        return (own,) if index is None else self._around(self._found[index], self._found_cells[index])

    def around(self, point: Point) -> tuple[Any, ...]:
        """Find the rows near a place, in the order of their numbers."""
        x, y = point
        column = int(min(max((x - self._left) / self._size, 0.0), self._last_column))
        line = int(min(max((y - self._top) / self._size, 0.0), self._last_line))
        return self._around((x, y, -1), column * _COLUMN + line)

    def _around(self, place: _Place, cell: int) -> tuple[Any, ...]:
        """Search the cells around one, and more of them until they hold enough."""
        x, y, own = place
        size, limit, rings = self._size, self._limit, _RINGS
        block = self._blocks.get(cell)
        if block is None:
            block = self._blocks[cell] = self._block(cell, _RINGS)
        while True:
            distances = [(dx := x - across) * dx + (dy := y - down) * dy for across, down, _ in block]
            cut = self._reach
            if limit is not None and len(distances) > limit:
                cut = min(cut, sorted(distances)[limit])
            edge = rings * size  # everything nearer is in the block
            if cut <= edge * edge or rings > self._last_column + self._last_line:
                break
            column, line = divmod(cell, _COLUMN)
            across, down = (x - self._left) / size - column, (y - self._top) / size - line
            inside = min(across, 1.0 - across, down, 1.0 - down)
            edge = (inside + rings) * size
            if inside > 0.0 and cut <= edge * edge:
                break
            rings = rings + 1 if rings < _FEW_RINGS else 2 * rings
            block = self._block(cell, rings)
        chosen = [place[2] for place, distance in zip(block, distances, strict=True) if distance <= cut]
        if limit is not None and len(chosen) > limit + 1:  # some are equally far away
            nearest_first = sorted(
                (number != own, distance, number) for (_, _, number), distance in zip(block, distances, strict=True)
            )
            chosen = [number for _, _, number in nearest_first[: limit + 1]]
        chosen.sort()
        return tuple(chosen)

    def _block(self, cell: int, rings: int) -> list[_Place]:
        """Return the rows in the cells around one."""
        cells, places = self._cells, self._places
        column, line = divmod(cell, _COLUMN)
        first_line, last_line = max(line - rings, 0), min(line + rings, self._last_line)
        block: list[_Place] = []
        for each in range(max(0, column - rings), min(self._last_column, column + rings) + 1):
            start = bisect_left(cells, each * _COLUMN + first_line)
            block += places[start : bisect_right(cells, each * _COLUMN + last_line, start)]
        return block


def _places_of(found: list[Any], numbers: list[Any]) -> list[_Place]:
    """Read positions, and leave out what is none; mostly they are alike, and then that is found out at once."""
    if set(map(type, found)) == _LISTS and min(map(len, found)) >= 2:
        columns, lines = [at[0] for at in found], [at[1] for at in found]
        are_numbers = _NUMBERS.issuperset(map(type, columns)) and _NUMBERS.issuperset(map(type, lines))
        if are_numbers and isfinite(sum(columns) + sum(lines)):
            return list(zip(columns, lines, numbers, strict=True))
    points = zip(map(point_of, found), numbers, strict=True)
    return [(point[0], point[1], number) for point, number in points if point is not None]


def point_of(value: Any) -> Point | None:
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
