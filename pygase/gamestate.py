"""The game state, what changes it, and who keeps it."""

from pygase.state import TO_DELETE, GameState, GameStateStore, GameStateUpdate, GameStatus

__all__ = ["TO_DELETE", "GameState", "GameStateStore", "GameStateUpdate", "GameStatus"]
