"""The server's state: its newest version, and how it came about.

Everything that belongs to a version is one immutable object, and one assignment puts the next in its place. So
readers need no lock, and see one version whole. Writers prepare the next version, then claim the right to follow the
one that they started from; whoever comes second starts again from the first one's. The claim is `dict.setdefault`,
which is atomic in every CPython, so that this layer stays free of threads and the network thread never waits for a
game that is busy.
"""

from collections.abc import Callable
from typing import Any, Final

from pygase.config import MAX_HISTORY_BYTES, MAX_HISTORY_UPDATES
from pygase.state.draft import Draft
from pygase.state.gamestate import GameState, GameStateUpdate, frozen_view
from pygase.state.merge import compose
from pygase.state.names import check_time_order
from pygase.state.tree import FrozenDict, Replacement
from pygase.state.values import size_of

__all__ = ["GameStateStore"]

_EMPTY: Final = FrozenDict()


class _Version:
    """One version of the state, with what led to it. It never changes, but for the deltas that it remembers."""

    __slots__ = ("deltas", "floor", "history", "history_bytes", "root", "serial", "size", "time_order", "view")

    def __init__(self, root: FrozenDict, size: int, time_order: int, serial: int) -> None:
        self.root = root
        self.size = size
        self.time_order = time_order
        self.serial = serial
        self.view = frozen_view(root, time_order)
        self.floor = time_order  # the oldest version from which the history leads here
        self.history: tuple[tuple[int, dict[str, Any], int], ...] = ()  # time order, changes, their size
        self.history_bytes = 0
        self.deltas: dict[int, dict[str, Any]] = {}  # the last n changes as one

    def next(self, draft: Draft, time_order: int) -> "_Version":
        """Make the version that follows this one by a draft that started from it."""
        changes, size = draft.effective()
        if not changes:
            version = _Version(self.root, self.size, time_order, self.serial + 1)
            version.floor, version.history, version.history_bytes = self.floor, self.history, self.history_bytes
            return version
        version = _Version(draft.state, self.size + draft.growth, time_order, self.serial + 1)
        total = self.history_bytes + size
        history = (*self.history, (time_order, changes, size))
        drop = max(0, len(history) - MAX_HISTORY_UPDATES)
        total -= sum([entry[2] for entry in history[:drop]])
        while total > MAX_HISTORY_BYTES and drop < len(history):
            total -= history[drop][2]
            drop += 1
        version.floor = history[drop - 1][0] if drop else self.floor
        version.history, version.history_bytes = history[drop:], total
        return version


class GameStateStore:
    """Keeps the newest game state and the last updates. Any thread may use it.

    States that it hands out never change.

    Args:
        initial_game_state: The state to begin with, which is copied; an empty one if None.

    Raises:
        TypeError: `initial_game_state` is not a `GameState`.
        NotSendable: It contains something that cannot be sent.
        TooLarge: It is larger than `MAX_STATE_BYTES`.
    """

    def __init__(self, initial_game_state: GameState | None = None) -> None:
        initial = GameState() if initial_game_state is None else initial_game_state
        if not isinstance(initial, GameState):
            raise TypeError(f"'initial_game_state' should be of type 'GameState', not '{type(initial).__name__}'.")
        draft = Draft(_EMPTY, size_of(_EMPTY))
        draft.merge(initial.__dict__)
        self._newest = _Version(draft.state, draft.base_size + draft.growth, initial.time_order, 0)
        self._claims: dict[int, object] = {}
        self._subscribers: dict[Callable[[], None], None] = {}

    @property
    def time_order(self) -> int:
        """The newest state's place in time."""
        return self._newest.time_order

    @property
    def size(self) -> int:
        """About what the newest state takes encoded, in bytes; what `MAX_STATE_BYTES` limits."""
        return self._newest.size

    def get_game_state(self) -> GameState:
        """Return the newest state. It is read-only, and stays as it is when newer ones come."""
        return self._newest.view

    def get_update_cache(self) -> list[GameStateUpdate]:
        """Return the latest updates, oldest first, each with real changes only. The list and they are copies."""
        version = self._newest
        cache = [GameStateUpdate(time_order, **changes).__copy__() for time_order, changes, _ in version.history]
        return cache if len(cache) == MAX_HISTORY_UPDATES else [GameStateUpdate(0), *cache]

    def push_update(self, update: GameStateUpdate) -> None:
        """Apply an update, if it is newer than the state. What it is made of is copied.

        Args:
            update: The update.

        Raises:
            TypeError: It is not a `GameStateUpdate`.
            NotSendable: It contains something that cannot be sent.
            TooLarge: The state would outgrow `MAX_STATE_BYTES`.
        """
        if not isinstance(update, GameStateUpdate):
            raise TypeError(f"'update' should be of type 'GameStateUpdate', not '{type(update).__name__}'.")
        while True:
            version = self._newest
            if update.time_order <= version.time_order:
                return
            draft = Draft(version.root, version.size, update.time_order)
            draft.merge(update.__dict__)
            if self._follow(version, version.next(draft, update.time_order)):
                return

    # --- a tick ------------------------------------------------------------------------------------------------------

    def begin_tick(self) -> Draft:
        """Start a draft of the next state, to be handed to `commit`."""
        version = self._newest
        return Draft(version.root, version.size, version.time_order + 1)

    def commit(self, draft: Draft) -> int:
        """Make a draft the newest state. Nobody may merge into it afterwards.

        Where somebody else has changed the state since `begin_tick`, the draft's changes are merged into theirs.

        Returns:
            The new time order.

        Raises:
            TooLarge: Together with somebody else's changes it would outgrow `MAX_STATE_BYTES`.
        """
        while True:
            version = self._newest
            if draft.base is not version.root:
                changes, _ = draft.effective()
                draft = Draft(version.root, version.size, draft.time_order)
                draft.merge(changes)
            time_order = check_time_order(version.time_order + 1)
            if self._follow(version, version.next(draft, time_order)):
                return time_order

    def _follow(self, version: _Version, following: _Version) -> bool:
        """Put the next version in a version's place, unless another one already stands or is about to stand there."""
        claim = object()
        if self._claims.setdefault(version.serial, claim) is not claim:
            return False
        is_first = self._newest is version
        if is_first:
            self._newest = following
        del self._claims[version.serial]
        if is_first:
            for callback in list(self._subscribers):
                callback()
        return is_first

    # --- for those who send it on ------------------------------------------------------------------------------------

    def subscribe(self, callback: Callable[[], None]) -> None:
        """Have a function called after each change, by the thread that made it and without a lock held."""
        self._subscribers[callback] = None

    def unsubscribe(self, callback: Callable[[], None]) -> None:
        """Undo `subscribe`; harmless if there is nothing to undo."""
        self._subscribers.pop(callback, None)

    def unchanged_since(self, time_order: int) -> bool:
        """Tell whether somebody who has the state as it was then has everything but perhaps the number."""
        version = self._newest
        return time_order >= (version.history[-1][0] if version.history else version.floor)

    def has_forgotten(self, time_order: int | None) -> bool:
        """Tell whether there is no delta from a state, so that somebody who has that needs the whole."""
        return time_order is None or time_order < self._newest.floor

    def delta(self, baseline: int | None) -> tuple[dict[str, Any], int]:
        """Find what leads from an older state to the newest.

        It may be applied to the state at `baseline` or at any time since.

        Args:
            baseline: The older state's time order, or None for no state at all.

        Returns:
            An update, or a `Replacement` of the whole state if the baseline is None or too old; and the time order
            that it leads to. Neither it nor anything in it may be changed.
        """
        version = self._newest
        if baseline is None or baseline < version.floor:  # `has_forgotten`, of this version
            return Replacement(version.root), version.time_order
        history = version.history
        steps = 0
        while steps < len(history) and history[-1 - steps][0] > baseline:
            steps += 1
        if not steps:
            return {}, version.time_order
        deltas = version.deltas
        known = steps
        while known > 1 and known not in deltas:
            known -= 1
        delta = deltas.get(known) or history[-1][1]
        while known < steps:
            known += 1
            delta = deltas[known] = compose(history[-known][1], delta)
        return delta, version.time_order
