"""The view function for those who see the rows of a table that are near."""

from typing import Any, Final

from pygase.state.gamestate import GameState
from pygase.state.grid import Grid, point_of
from pygase.state.spans import MISSING
from pygase.state.tables import Numbering, Table, View

__all__ = ["Near"]

_REMEMBERED: Final = 64
"""For so many versions, or twice that, what a client saw is remembered: the next search starts from it."""


class Near:
    """What `pygase.views.near` returns. Called by one thread at a time.

    Args:
        table: The name of the table.
        below: The path from a row to its position.
        radius: As for `near`, like the rest.
        limit: The same.
        of: The same.
    """

    def __init__(self, table: str, below: list[str], radius: float, limit: int | None, of: Any) -> None:
        self._name = table
        self._below = below
        self._radius = radius
        self._limit = limit
        self._of = of
        self._numbering = Numbering(table)
        self._attributes: dict[str, Any] | None = None
        self._table: Table | None = None
        self._grid: Grid | None = None
        self._views: dict[tuple[Any, ...], View] = {}
        self._found: dict[int, tuple[Any, ...]] = {}  # by client, some versions ago at most
        self._formerly_found: dict[int, tuple[Any, ...]] = {}
        self._versions = 0

    def copy(self) -> "Near":
        """Make another one for other states."""
        return Near(self._name, self._below, self._radius, self._limit, self._of)

    def missing_in(self, game_state: GameState) -> str | None:
        """Say what the path does not find in a state: empty if nothing is missing, None if there are no rows yet."""
        rows = vars(game_state).get(self._name)
        if not isinstance(rows, dict):
            return f"there is no dict {self._name!r} in the game state, all of which everybody sees"
        found: list[Any] = list(rows.values())
        for name in self._below:
            found = [one.get(name) if isinstance(one, dict) else None for one in found]
        if not found or any(point_of(one) is not None for one in found):
            return "" if found else None
        path = ".".join((self._name, "*", *self._below))
        return f"nowhere at {path!r} is there an [x, y], or a dict with x and y, so nobody sees anybody else"

    def __call__(self, game_state: GameState, client_id: int) -> dict[str, Any]:
        """Return what a client sees."""
        seen = self.look(game_state, client_id)
        return seen.root if type(seen) is View else seen

    def look(self, game_state: GameState, client_id: int) -> Any:
        """Return what a client sees, as a `View` or as a dict of attributes."""
        attributes = vars(game_state)
        if attributes is not self._attributes:
            rows = attributes.get(self._name)
            if not isinstance(rows, dict):
                return attributes
            self._attributes, self._views = attributes, {}
            self._versions += 1
            if self._versions % _REMEMBERED == 0:
                self._formerly_found, self._found = self._found, {}
            self._table = self._numbering.table(attributes)
            numbers = list(map(self._numbering.numbers.__getitem__, rows))
            self._grid = Grid(rows.values(), numbers, self._below, self._radius, self._limit)
        seen = self._found[client_id] = self._seen(game_state, client_id)
        view = self._views.get(seen)
        if view is None:
            view = self._views[seen] = View(None, None, self._table, seen)
        return view

    def _seen(self, game_state: GameState, client_id: int) -> tuple[Any, ...]:
        """Find the numbers of the rows that a client sees."""
        of, grid, table = self._of, self._grid, self._table
        before = self._found.get(client_id) or self._formerly_found.get(client_id, ())
        assert grid is not None
        assert table is not None
        if not isinstance(of, str):
            own = self._numbering.numbers.get(client_id if of is None else of(game_state, client_id))
            return () if own is None or table.rows[own] is MISSING else grid.around_row(own, before)
        found: Any = self._attributes
        for part in of.split("."):
            if not isinstance(found, dict):
                return ()
            key: Any = client_id if part == "{client_id}" else part
            found = found.get(key)
        point = point_of(found)
        return () if point is None else grid.around(point, before)
