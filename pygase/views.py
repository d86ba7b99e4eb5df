"""View functions, ready-made: for `Backend(..., view=...)`."""

from collections.abc import Callable
from math import inf
from typing import Any

from pygase.gamestate import GameState
from pygase.state import FrozenDict
from pygase.state.grid import Grid, point_of

__all__ = ["near"]

Own = str | Callable[[GameState, int], Any] | None


def near(
    path: str, *, radius: float = inf, limit: int | None = None, of: Own = None
) -> Callable[[GameState, int], Any]:
    """Make a view function that shows each client the rows of a table that are near its own row, and all else.

    Distances are measured in the plane: of positions with more than two coordinates the first two count. Rows without
    a position are seen by nobody but those whose own they are, and a client without a row of its own sees none.

    Args:
        path: Where the positions are: "players.*.position" if they are lists such as `[x, y]`, "players.*" if the
            rows themselves have an `x` and a `y`.
        radius: How far clients see, in the unit of the positions.
        limit: How many rows they see at most besides their own: the nearest.
        of: Which row is a client's own: a function of the game state and the client's id that returns its key in the
            table, or None; by default the key is the client's id. Or a path with `{client_id}` in it, such as
            "cameras.{client_id}.position", to the position from which the client sees.

    Returns:
        The view function. It sorts the rows into a grid once for each version of the state.

    Raises:
        ValueError: `path` is not such a path, `radius` is not above 0, `limit` is below 0.

    Example:
        ```python
        Backend(initial_game_state, time_step, view=pygase.views.near("players.*.position", radius=500.0))
        ```
    """
    parts = path.split(".")
    if len(parts) < 2 or parts[1] != "*" or not all(parts) or "*" in (parts[0], *parts[2:]):
        raise ValueError(f"{path!r} is not a path such as 'players.*.position'")
    if not radius > 0:
        raise ValueError(f"a radius is above 0, not {radius!r}")
    if limit is not None and limit < 0:
        raise ValueError(f"a limit is not below 0 as {limit!r} is")
    return _Near(parts[0], parts[2:], float(radius), limit, of)


class _Near:
    """What `near` returns. Called by one thread at a time."""

    def __init__(self, table: str, below: list[str], radius: float, limit: int | None, of: Own) -> None:
        self._table = table
        self._below = below
        self._radius = radius
        self._limit = limit
        self._of = of
        self._state: GameState | None = None
        self._grid: Grid | None = None
        self._attributes: dict[str, Any] = {}
        self._views: dict[Any, FrozenDict] = {}

    def __call__(self, game_state: GameState, client_id: int) -> dict[str, Any]:
        """Return what a client sees."""
        grid = self._grid
        if game_state is not self._state or grid is None:
            attributes = vars(game_state)
            rows = attributes.get(self._table)
            if not isinstance(rows, dict):
                return attributes
            grid = self._grid = Grid(rows, self._below, self._radius, self._limit)
            self._state, self._attributes, self._views = game_state, attributes, {}
        seen = self._seen(game_state, client_id, grid)
        view = self._views.get(seen)
        if view is None:
            shown = FrozenDict(map(grid.items.__getitem__, seen))
            view = self._views[seen] = FrozenDict({**self._attributes, self._table: shown})
        return view

    def _seen(self, game_state: GameState, client_id: int, grid: Grid) -> tuple[int, ...]:
        """Find the numbers of the rows that a client sees."""
        of = self._of
        if not isinstance(of, str):
            own = grid.numbers.get(client_id if of is None else of(game_state, client_id))
            return () if own is None else grid.around_row(own)
        found: Any = self._attributes
        for part in of.split("."):
            if not isinstance(found, dict):
                return ()
            key: Any = client_id if part == "{client_id}" else part
            found = found.get(key)
        point = point_of(found)
        return () if point is None else grid.around(point)
