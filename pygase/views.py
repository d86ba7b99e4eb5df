"""View functions, ready-made: for `Backend(..., view=...)`."""

from collections.abc import Callable
from math import inf
from typing import Any

from pygase.gamestate import GameState
from pygase.state import Near

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
        TypeError: `limit` is no whole number, or `of` neither a function nor a path.
        ValueError: `path` is not such a path, `radius` is not above 0, `limit` is below 0.

    Example:
        ```python
        Backend(initial_game_state, time_step, view=pygase.views.near("players.*.position", radius=500.0))
        ```
    """
    parts = path.split(".") if isinstance(path, str) else []
    if len(parts) < 2 or parts[1] != "*" or not all(parts) or "*" in (parts[0], *parts[2:]):
        raise ValueError(f"{path!r} is not a path such as 'players.*.position'")
    if not isinstance(radius, (int, float)) or not radius > 0:
        raise ValueError(f"a radius is a number above 0, not {radius!r}")
    if limit is not None and not isinstance(limit, int):
        raise TypeError(f"a limit is a whole number of rows, or None; not {limit!r}")
    if limit is not None and limit < 0:
        raise ValueError(f"a limit is not below 0 as {limit!r} is")
    if of is not None and not isinstance(of, str) and not callable(of):
        raise TypeError(f"of is a function of a game state and a client id, or a path to a position; not {of!r}")
    return Near(parts[0], parts[2:], float(radius), limit, of)
