"""The game state: its values, the algebra of updates, the server's store and the client's replica of it."""

from pygase.state.draft import Draft, applied
from pygase.state.feed import StateFeed
from pygase.state.gamestate import GameState, GameStateUpdate, GameStatus
from pygase.state.merge import apply, compose, diff
from pygase.state.near import Near
from pygase.state.precision import parse_precision
from pygase.state.replica import Replica, StateArrival, apply_all
from pygase.state.store import GameStateStore
from pygase.state.tables import View
from pygase.state.tree import TO_DELETE, FrozenDict, FrozenList, Replacement
from pygase.state.views import Track, ViewFeed, Views

__all__ = [
    "TO_DELETE",
    "Draft",
    "FrozenDict",
    "FrozenList",
    "GameState",
    "GameStateStore",
    "GameStateUpdate",
    "GameStatus",
    "Near",
    "Replacement",
    "Replica",
    "StateArrival",
    "StateFeed",
    "Track",
    "View",
    "ViewFeed",
    "Views",
    "applied",
    "apply",
    "apply_all",
    "compose",
    "diff",
    "parse_precision",
]
