"""Rows of a table by where they are, for those who see what is near."""

from collections.abc import Sequence
from math import isfinite, sqrt
from typing import Any, Final

__all__ = ["Grid", "Point", "point_of"]

_ROWS_PER_CELL: Final = 6
"""With a limit of 16, nine cells then mostly hold the nearest 16, and little else."""

_FEW_RINGS: Final = 3
"""A search that has not found enough in so many rings of cells takes twice as many from then on."""

_MAX_CELLS_A_SIDE: Final = 512
"""Bounds how many empty cells a search may have to cross."""

Point = tuple[float, float]


class Grid:
    """The rows of a table by where they are.

    Attributes:
        items: Their keys, and they themselves.
        numbers: Their places in that list.
        points: Where they are.
    """

    def __init__(self, rows: dict[Any, Any], below: list[str], radius: float, limit: int | None) -> None:
        self.items = list(rows.items())
        self.numbers = {key: number for number, key in enumerate(rows)}
        found: list[Any] = list(rows.values())
        for name in below:
            found = [one.get(name) if isinstance(one, dict) else None for one in found]
        self.points = list(map(point_of, found))
        self._reach = radius * radius
        self._limit = limit
        self._size = size = self._cell_size(radius)
        self._cells: dict[tuple[int, int], list[int]] = {}
        self._blocks: dict[tuple[int, int, int], tuple[list[int], list[float], list[float]]] = {}
        cells = self._cells
        for number, point in enumerate(self.points):
            if point is not None:
                place = (int(point[0] // size), int(point[1] // size))
                if place in cells:
                    cells[place].append(number)
                else:
                    cells[place] = [number]
        columns, lines = [column for column, _ in cells] or [0], [line for _, line in cells] or [0]
        self._bounds = min(columns), max(columns), min(lines), max(lines)

    def _cell_size(self, radius: float) -> float:
        """Choose cells as large as clients see, but so small where they see the nearest few that they hold few."""
        points = [point for point in self.points if point is not None]
        if not points:
            return 1.0
        columns, lines = zip(*points, strict=True)
        wide, high = max(columns) - min(columns), max(lines) - min(lines)
        size = radius
        if self._limit is not None:
            wanted = _ROWS_PER_CELL * (self._limit + 1) / 17
            size = min(size, sqrt(max(wide, 1e-9) * max(high, 1e-9) * wanted / len(points)))
        largest = max(wide, high)
        return max(min(size, largest or 1.0), largest / _MAX_CELLS_A_SIDE) or 1.0

    def around(self, point: Point | None, own: int | None) -> tuple[int, ...]:
        """Find the rows near a place, in the order of the table.

        Args:
            point: The place; None for nowhere.
            own: The number of a row that is always among them.
        """
        if point is None:
            return () if own is None else (own,)
        x, y = point
        size, limit, reach = self._size, self._limit, self._reach
        column, line = int(x // size), int(y // size)
        inside = min(x - column * size, (column + 1) * size - x, y - line * size, (line + 1) * size - y)
        rings, most = 1, self._most_rings(column, line)
        while True:
            numbers, columns, lines = self._block(column, line, rings)
            distances = [(x - at) * (x - at) + (y - down) * (y - down) for at, down in zip(columns, lines, strict=True)]
            known = (inside + rings * size) ** 2  # everything nearer is among these
            cut = reach
            if limit is not None and len(distances) > limit:
                cut = min(cut, sorted(distances)[limit])
            if cut <= known or rings >= most:
                break
            rings = min(most, rings + 1 if rings < _FEW_RINGS else 2 * rings)
        chosen = [number for number, distance in zip(numbers, distances, strict=True) if distance <= cut]
        if limit is not None and len(chosen) > limit + 1:
            chosen = self._cut_ties(chosen, point, own, limit)
        if own is not None and own not in chosen:
            chosen.append(own)
        chosen.sort()
        return tuple(chosen)

    def _cut_ties(self, chosen: list[int], point: Point, own: int | None, limit: int) -> list[int]:
        """Choose among rows that are equally far away."""

        def distance(number: int) -> tuple[bool, float, int]:
            place = self.points[number] or point
            return number != own, (place[0] - point[0]) ** 2 + (place[1] - point[1]) ** 2, number

        return sorted(chosen, key=distance)[: limit + 1]

    def _most_rings(self, column: int, line: int) -> int:
        """How many rings of cells around one there are, until the outermost is beyond all rows."""
        left, right, top, bottom = self._bounds
        return max(1, column - left, right - column, line - top, bottom - line)

    def _block(self, column: int, line: int, rings: int) -> tuple[list[int], list[float], list[float]]:
        """Return the numbers and the coordinates of the rows in the cells around one; kept for who else is in it."""
        key = (column, line, rings)
        block = self._blocks.get(key)
        if block is None:
            left, right, top, bottom = self._bounds
            cells, points = self._cells, self.points
            numbers: list[int] = []
            for across in range(max(left, column - rings), min(right, column + rings) + 1):
                for down in range(max(top, line - rings), min(bottom, line + rings) + 1):
                    numbers += cells.get((across, down), ())
            places: Sequence[Point] = [point for number in numbers if (point := points[number]) is not None]
            block = self._blocks[key] = numbers, [place[0] for place in places], [place[1] for place in places]
        return block


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
