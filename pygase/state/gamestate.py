"""The game state and its updates, as users handle them."""

from enum import IntEnum
from typing import Any, Self, TypeVar, overload

from pygase.state.merge import apply, compose
from pygase.state.names import check_names, check_time_order
from pygase.state.tree import FrozenDict, FrozenList, Replacement

__all__ = ["GameState", "GameStateUpdate", "GameStatus", "frozen_view", "note_applied"]


class GameStatus(IntEnum):
    """Whether the simulation of the game is running."""

    PAUSED = 0
    ACTIVE = 1

    @overload
    @classmethod
    def get(cls, name_or_value: str) -> int: ...
    @overload
    @classmethod
    def get(cls, name_or_value: int) -> str: ...
    @classmethod
    def get(cls, name_or_value: str | int) -> int | str:
        """Get the value for a label such as `"Paused"`, or the label for a value.

        Args:
            name_or_value: The label, or the value.

        Raises:
            TypeError: It is neither an int nor a str.
            ValueError: There is no such label or value.
        """
        if isinstance(name_or_value, int):
            return cls(name_or_value).name.capitalize()
        if isinstance(name_or_value, str):
            for status in cls:
                if status.name.capitalize() == name_or_value:
                    return status
            raise ValueError(f"{name_or_value!r} is not a {cls.__name__}")
        raise TypeError(f"expected a label or a value, not {type(name_or_value).__name__}")


class _Attributes:
    """What a state and an update have in common: named values, and a place in time."""

    __slots__ = ("__dict__", "_read_only", "_time_order", "_unmeasured")
    _time_order: int
    _read_only: bool
    _unmeasured: int  # bytes that updates have brought since it was measured; below 0 if it has outgrown its limit

    @property
    def time_order(self) -> int:
        """Place in time: the higher, the more recent."""
        return self._time_order

    @time_order.setter
    def time_order(self, time_order: int) -> None:
        self._refuse_if_read_only()
        object.__setattr__(self, "_time_order", check_time_order(time_order))

    def _refuse_if_read_only(self) -> None:
        if self._read_only:
            raise TypeError("this game state is read-only: return or push an update, or change a copy")

    def __getattr__(self, name: str) -> Any:  # only asked for what is not there; tells type checkers of what may be
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "time_order":
            self._refuse_if_read_only()
            check_names((name,))
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        self._refuse_if_read_only()
        object.__delattr__(self, name)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return NotImplemented
        return self._time_order == other._time_order and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]  # equal by value, and changeable

    def __contains__(self, name: object) -> bool:
        return name in self.__dict__

    def __lt__(self, other: Any) -> bool:
        return bool(self._time_order < other.time_order)

    def __gt__(self, other: Any) -> bool:
        return bool(self._time_order > other.time_order)

    def __copy__(self) -> Self:
        return _restored(type(self), self._time_order, _copied(self.__dict__))

    def __deepcopy__(self, memo: object) -> Self:
        return self.__copy__()

    def __reduce__(self) -> Any:
        return _restored, (type(self), self._time_order, _copied(self.__dict__))

    def __repr__(self) -> str:
        values = "".join(f", {name}={value!r}" for name, value in self.__dict__.items())
        return f"{type(self).__name__}(time_order={self._time_order}{values})"


class GameState(_Attributes):
    """The state of a game, synchronised between the server and all clients.

    Give it the attributes that make up your game, here or by assignment: values that can be sent, which is str,
    bytes, bool, None, float, int of up to 64 bits, and lists, tuples and dicts of such.

    States compare by value, and order by `time_order`. Copies share nothing. `state + update` is a new state, and
    `"players" in state` tells whether there is such an attribute.

    Args:
        time_order: Place in time: the higher, the more recent.
        game_status: A `GameStatus`, whether the game loop is running.
        **attributes: What makes up the game. The names `time_order`, `is_paused` and `to_dict` are taken.

    Raises:
        ValueError: An attribute's name is taken.
    """

    __slots__ = ()
    game_status: int

    def __init__(self, /, time_order: int = 0, game_status: int = GameStatus.PAUSED, **attributes: Any) -> None:
        check_names(attributes)
        attributes["game_status"] = game_status
        _fill(self, check_time_order(time_order), attributes)

    def is_paused(self) -> bool:
        """Tell whether the game is paused."""
        return bool(self.game_status == GameStatus.PAUSED)

    def to_dict(self) -> dict[str, Any]:
        """Copy everything, the time order included, into plain dicts and lists: `GameState(**d)` undoes it."""
        return {"time_order": self._time_order, **_copied(self.__dict__)}

    def __add__(self, update: object) -> "GameState":
        if not isinstance(update, GameStateUpdate):
            return NotImplemented
        result = self.__copy__()
        if update.time_order > self._time_order:
            apply(result.__dict__, update.__dict__)
            object.__setattr__(result, "_time_order", update.time_order)
        return result

    def __radd__(self, other: object) -> "GameState":
        return _started(self, other)


class GameStateUpdate(_Attributes):
    """Changes to a game state.

    Attributes are new values for the game state's attributes of the same names; a dict is merged into the dict that
    is there, and `TO_DELETE` removes what is there. `update + update` is one that does what both do, whose order is
    that of their time orders; `sum(updates)` works.

    Args:
        time_order: The place in time that the update leads to.
        **attributes: The changes.

    Raises:
        ValueError: An attribute's name is one that a `GameState` cannot have.
    """

    __slots__ = ()

    def __init__(self, /, time_order: int, **attributes: Any) -> None:
        check_names(attributes)
        _fill(self, check_time_order(time_order), attributes)

    def __add__(self, other: object) -> "GameStateUpdate":
        if not isinstance(other, GameStateUpdate):
            return NotImplemented
        older, newer = (self, other) if other.time_order > self._time_order else (other, self)
        changes = compose(_copied(older.__dict__), _copied(newer.__dict__))
        return _restored(GameStateUpdate, newer.time_order, changes)

    def __radd__(self, other: object) -> "GameStateUpdate":
        return _started(self, other)


_Kind = TypeVar("_Kind", bound=_Attributes)


def _started(summand: _Kind, other: object) -> _Kind:
    """Begin a `sum`, which starts with a zero."""
    return summand.__copy__() if type(other) is int and other == 0 else NotImplemented


def _fill(target: _Attributes, time_order: int, attributes: dict[str, Any], *, read_only: bool = False) -> None:
    put = object.__setattr__
    put(target, "__dict__", attributes)
    put(target, "_time_order", time_order)
    put(target, "_read_only", read_only)
    put(target, "_unmeasured", 0)


def _restored(kind: type[_Kind], time_order: int, attributes: dict[str, Any]) -> _Kind:
    """Make one without its constructor, which derived classes may have replaced."""
    made = kind.__new__(kind)
    _fill(made, time_order, attributes)
    return made


def note_applied(state: GameState, time_order: int, unmeasured: int) -> None:
    """Note which version a state has been brought to, and how much has come since it was measured."""
    object.__setattr__(state, "_time_order", time_order)
    object.__setattr__(state, "_unmeasured", unmeasured)


def frozen_view(state: FrozenDict, time_order: int) -> GameState:
    """Show a state as a read-only `GameState`, without copying it."""
    view = GameState.__new__(GameState)
    _fill(view, time_order, state, read_only=True)
    return view


def _copied(value: Any) -> Any:
    """Copy what users gave us: containers are copied, tuples and markers kept, all else is taken as it is."""
    kind = type(value)
    if kind is Replacement:
        return Replacement({key: _copied(member) for key, member in value.items()})
    if isinstance(value, dict):
        return {key: _copied(member) for key, member in value.items()}
    if kind is list or kind is FrozenList:
        return [_copied(member) for member in value]
    if kind is tuple:
        return tuple(_copied(member) for member in value)
    return value
