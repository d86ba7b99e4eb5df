"""One pass of drawing: the state is locked and still, and what is smoothed is where it is to be seen."""

from __future__ import annotations

from contextlib import AbstractContextManager
from threading import get_ident
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pygase.client import Client
    from pygase.gamestate import GameState
    from pygase.integrations.owner import Owner
    from pygase.state.interpolation import Interpolator

__all__ = ["RenderPass"]


class RenderPass(AbstractContextManager["GameState"]):
    """What `render_state` returns. Of nested passes only the outermost places and removes smoothed values.

    Args:
        client: Whose state is drawn.
        owner: Who may draw.
        interpolator: What smooths it, if anything does.

    Attributes:
        depth: How many passes are under way, one within the other.
        state: The state while there is one.
    """

    __slots__ = ("_access", "_client", "_interpolator", "_owner", "depth", "state")

    def __init__(self, client: Client, owner: Owner, interpolator: Interpolator | None) -> None:
        self._client = client
        self._access = client.access_game_state()
        self._owner = owner
        self._interpolator = interpolator
        self.state: GameState | None = None
        self.depth = 0

    def __enter__(self) -> GameState:
        if self.depth:
            self.depth += 1
            assert self.state is not None
            return self.state
        if get_ident() != self._owner.ident:
            self._owner.require("render_state")
        state = self._access.__enter__()
        if self._interpolator is not None:
            self._place(self._interpolator, state)
        self.state = state
        self.depth = 1
        return state

    def _place(self, interpolator: Interpolator, state: GameState) -> None:
        client, access = self._client, self._access
        try:
            history, now = client.take_state_history(), client.clock()
            if history:
                interpolator.receive(history, state, now, is_untouched=access.is_untouched)
            interpolator.place(now)
        except BaseException:
            access.__exit__(None, None, None)
            raise

    def __exit__(self, *error: Any) -> None:
        self.depth -= 1
        if self.depth:
            return
        self.state = None
        try:
            if self._interpolator is not None:
                self._interpolator.restore()
        finally:
            self._access.__exit__(None, None, None)
