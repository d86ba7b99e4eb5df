"""The state while a tick is under way: many updates go in, one comes out."""

from collections.abc import Mapping
from operator import is_
from typing import Any, Final, TypeAlias

from pygase.config import MAX_STATE_BYTES, MAX_VALUE_DEPTH
from pygase.errors import NotSendable, TooLarge
from pygase.state.gamestate import GameStatus, frozen_view
from pygase.state.merge import diff
from pygase.state.names import check_names
from pygase.state.tree import TO_DELETE, FrozenDict, FrozenList, Replacement
from pygase.state.values import freeze, frozen_key, same, size_of
from pygase.wire import check_sendable

__all__ = ["Draft", "applied"]

_MISSING: Final = object()
_FIXED: Final = frozenset({float, int, bool, type(None)})  # all of one size, as the limit counts
_BYTES_PER_KEY: Final = 16  # about what a short name and a number take
_put = dict.__setitem__
_remove = dict.__delitem__


_Dict: TypeAlias = dict[Any, Any]
"""A `FrozenDict`, under a name that mypyc knows well."""

_Owned: TypeAlias = tuple[_Dict, _Dict, dict[Any, None]]
"""A dict that a draft has copied, what it was copied from, and the keys touched since."""


class Draft:
    """A state that takes updates, copying each dict at most once and none that stays as it was.

    Attributes:
        base: The state it started from, which stays as it is.
        base_size: What `size_of` says about that.
        time_order: Place in time that the outcome will have.
        state: The state with everything merged so far. The same object throughout, and read-only for everybody else.
        game_state: The same as a `GameState`; its `time_order` is the base's.
        growth: By how much it has grown.
    """

    __slots__ = (
        "_changed_bytes",
        "_owned",
        "_touched",
        "_undo",
        "base",
        "base_size",
        "game_state",
        "growth",
        "state",
        "time_order",
    )

    def __init__(self, base: FrozenDict, base_size: int = 0, time_order: int = 0) -> None:
        self.base = base
        self.base_size = base_size
        self.time_order = time_order
        self.state = FrozenDict(base)
        self.game_state = frozen_view(self.state, max(0, time_order - 1))
        self.growth = 0
        self._changed_bytes = 0
        # The dicts that this draft has copied, by identity: each with what it was copied from, and the keys touched.
        self._touched: dict[Any, None] = {}
        self._owned: dict[int, _Owned] = {id(self.state): (self.state, base, self._touched)}
        self._undo: list[tuple[_Dict, Any, Any]] = []

    def merge(self, update: Mapping[str, Any]) -> None:
        """Merge an update, wholly or not at all. What it is made of is copied.

        Args:
            update: Attributes of the game state by name.

        Raises:
            NotSendable: A value in it cannot be sent; the message names it and where it stands.
            ValueError: It names an attribute that a game state cannot have, or sets a `game_status` that there is not.
            TooLarge: The state would outgrow its limit.
        """
        growth = self.growth
        undo: list[tuple[_Dict, Any, Any]] = []
        self._undo = undo
        try:
            changes = update if isinstance(update, dict) else _as_dict(update)
            self._merge(self.state, self._touched, changes, MAX_VALUE_DEPTH)
            if undo:
                self._check(changes)
        except BaseException as error:
            for target, key, old in undo[::-1]:
                if old is _MISSING:
                    _remove(target, key)
                else:
                    _put(target, key, old)
            self.growth = growth
            if isinstance(error, TypeError | UnicodeError | RecursionError) and not isinstance(error, NotSendable):
                try:
                    check_sendable(update, markers=(TO_DELETE,))
                except NotSendable as clearer:
                    raise clearer from None
            raise

    def _check(self, update: _Dict) -> None:
        base: _Dict = self.base
        for name in update:
            if name not in base:
                check_names((name,))
        if "game_status" in update:
            _check_status(self.state.get("game_status"))
        if self.base_size + self.growth > MAX_STATE_BYTES:
            raise TooLarge(
                f"with this update the game state takes {self.base_size + self.growth} bytes;"
                f" it may take {MAX_STATE_BYTES}"
            )

    def _merge(  # noqa: C901, PLR0912  (the hot path of every tick: flat on purpose)
        self, target: _Dict, touched: dict[Any, None], update: _Dict, depth: int
    ) -> None:
        """Merge into a dict that this draft owns."""
        for key, new in update.items():
            old = target.get(key, _MISSING)
            if new is old:
                continue
            kind = type(new)
            if (kind is dict or isinstance(new, dict)) and kind is not Replacement and type(old) is FrozenDict:
                changes: _Dict = new
                row: _Dict = old
                # The commonest case in a room: a row that an earlier update of this tick has brought already.
                for name, value in changes.items():
                    if row.get(name, _MISSING) is not value:
                        break
                else:
                    continue
                entry = self._owned.get(id(row)) or self._own(target, touched, key, row)
                self._merge(entry[0], entry[2], changes, depth - 1)
            elif kind in _FIXED and type(old) in _FIXED:
                # Scalar for scalar: the size stays. 0.0 and -0.0 are equal but not the same.
                if kind is not type(old) or new != old or not new:
                    if kind is int:
                        freeze(new)
                    self._undo.append((target, key, old))
                    touched[key] = None
                _put(target, key, new)  # even if equal, so that it is found to be identical when it comes again
            elif new is TO_DELETE:
                if old is not _MISSING:
                    self._undo.append((target, key, old))
                    touched[key] = None
                    self.growth -= size_of(key) + size_of(old)
                    _remove(target, key)
            elif kind is not list or type(old) is not FrozenList or len(new) != len(old) or not all(map(is_, new, old)):
                new = freeze(new, depth - 1)  # noqa: PLW2901
                if not same(new, old):
                    self._set(target, touched, key, old, new)

    def _set(self, target: _Dict, touched: dict[Any, None], key: Any, old: Any, new: Any) -> None:
        if old is _MISSING:
            key = frozen_key(key)
            self.growth += size_of(key) + size_of(new)
        else:
            self.growth += size_of(new) - size_of(old)
        self._undo.append((target, key, old))
        touched[key] = None
        _put(target, key, new)

    def _own(self, target: _Dict, touched: dict[Any, None], key: Any, old: _Dict) -> _Owned:
        """Put a copy in a dict's place, to be changed in place from then on."""
        copy = FrozenDict(old)
        self._undo.append((target, key, old))
        touched[key] = None
        _put(target, key, copy)
        entry = self._owned[id(copy)] = (copy, old, {})
        return entry

    def effective(self) -> tuple[dict[str, Any], int]:
        """Build the update that leads from the base to the state: real changes only.

        Returns:
            The update, and about how many bytes it takes.
        """
        self._changed_bytes = 0
        return self._changes(self._owned[id(self.state)]), self._changed_bytes

    def _changes(self, entry: _Owned) -> dict[Any, Any]:
        node, base, touched = entry
        owned = self._owned
        update: dict[Any, Any] = {}
        for key in touched:
            new = node.get(key, _MISSING)
            old = base.get(key, _MISSING)
            if new is old:
                continue
            kind = type(new)
            if kind is FrozenDict and type(old) is FrozenDict:
                inner_entry = owned.get(id(new))
                if inner_entry is not None and inner_entry[1] is old:
                    inner = self._changes(inner_entry)
                else:
                    inner = diff(old, new)
                    self._changed_bytes += size_of(inner)
                if inner:
                    update[key] = inner
            elif new is _MISSING:
                update[key] = TO_DELETE
            elif (kind in _FIXED and (new != old and new == new)) or not same(new, old):  # noqa: PLR0124
                update[key] = new
                if kind not in _FIXED:
                    self._changed_bytes += size_of(new)
        self._changed_bytes += _BYTES_PER_KEY * len(update)
        return update


def _check_status(status: Any) -> None:
    if not isinstance(status, int | float) or status not in tuple(GameStatus):
        raise ValueError(f"game_status is GameStatus.PAUSED or GameStatus.ACTIVE, not {status!r}")


def _as_dict(update: object) -> dict[Any, Any]:
    if isinstance(update, Mapping):
        return dict(update)
    raise NotSendable(f"an update is a dict of game state attributes, not a {type(update).__name__}")


def applied(state: dict[Any, Any], update: Mapping[str, Any]) -> tuple[FrozenDict, dict[str, Any]]:
    """Apply an update to a state without changing either.

    Args:
        state: The state; a `FrozenDict` is used as it is, anything else is copied.
        update: The update.

    Returns:
        The new state, which shares with the old one what did not change, and the update that contains real changes
        only.

    Raises:
        NotSendable: A value in the update cannot be sent.
        ValueError: It names an attribute that a game state cannot have.
    """
    draft = Draft(state if type(state) is FrozenDict else freeze(state))
    draft.merge(update)
    return draft.state, draft.effective()[0]
