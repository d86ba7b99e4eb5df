"""Floats that a game lets be rounded on the wire, to fixed-point numbers of a step it chooses."""

from collections.abc import Iterable, Mapping
from functools import cache
from math import isfinite
from typing import Any, ClassVar, Final, Self

from pygase.state.tree import Change, FrozenDict, FrozenList, Replacement

__all__ = ["Fixed", "Rules", "exact", "from_steps", "of_rules", "parse_precision", "rounded", "rounded_value"]

_CONTAINERS: Final = frozenset({dict, list, tuple, Change, FrozenDict, FrozenList, Replacement})
_MAX_STEPS: Final = 1 << 53
_SMALLEST_STEP: Final = 1e-12
_EXAMPLE: Final = {"players.*.position": 0.1}

Rules = dict[str, Any]
"""A tree of path parts; the empty part holds the step for everything below."""


def from_steps(counts: Iterable[int], step: float) -> list[float]:
    """Turn numbers of steps into the floats they stand for.

    Where the step is one part of a whole, such as 0.1, it divides: 123 / 10 is 12.3, where 123 * 0.1 is not.
    """
    parts = round(1 / step) if _SMALLEST_STEP <= step <= 1 else 0
    if parts and 1 / parts == step:
        return [count / parts for count in counts]
    return [count * step for count in counts]


class Fixed(int):
    """A number of steps, in the place of a float. Each step has a subclass of its own.

    Attributes:
        step: The step.
    """

    step: ClassVar[float]

    @classmethod
    def floated(cls, count: int) -> float:
        """The float that a number of steps stands for."""
        return from_steps((int(count),), cls.step)[0]

    @classmethod
    def of(cls, value: float) -> "Self | float":
        """Round a float to steps, unless it is not finite or too far out."""
        count = value / cls.step
        return cls(round(count)) if -_MAX_STEPS < count < _MAX_STEPS else value


@cache
def _fixed(step: float) -> type[Fixed]:
    return type("Fixed", (Fixed,), {"step": step, "__slots__": ()})


def parse_precision(precision: Mapping[str, float]) -> Rules:
    """Read the steps by path that a game gave.

    Args:
        precision: Steps by path: names and `*`, which stands for any one, joined by dots.

    Raises:
        TypeError: It is no mapping.
        ValueError: A step is not a finite number from 1e-12 up, or a path is empty.
    """
    if not isinstance(precision, Mapping):
        raise TypeError(f"a precision is a dict of steps by path, such as {_EXAMPLE}, not {precision!r}")
    rules: Rules = {}
    for path, step in precision.items():
        if isinstance(step, bool) or not (isinstance(step, int | float) and isfinite(step) and step >= _SMALLEST_STEP):
            raise ValueError(f"the precision of {path!r} must be a number from 1e-12 up, not {step!r}")
        parts = path.split(".") if isinstance(path, str) else []
        if not parts or not all(parts):
            raise ValueError(f"{path!r} is not a path such as 'players.*.position'")
        node = rules
        for part in parts:
            node = node.setdefault(part, {})
        node[""] = _fixed(float(step))
    return rules


def rounded(update: dict[Any, Any], rules: Rules) -> dict[Any, Any]:
    """Copy an update so that the floats that the rules name are `Fixed`. What they do not name is shared."""
    copy = dict(update)
    every = rules.get("*")
    for key, value in update.items():
        rule = rules.get(str(key), every)
        if rule is not None:
            copy[key] = rounded_value(value, rule)
    return copy


def of_rules(rules: Rules | None, key: Any) -> Rules | None:
    """Return the rules for what stands at a key; None if there are none."""
    if rules is None or "" in rules:
        return rules  # a step is for everything below
    return rules.get(str(key), rules.get("*"))


def rounded_value(value: Any, rule: Rules | None) -> Any:
    """Copy a value of an update so that the floats that its rule names are `Fixed`."""
    if rule is None:
        return value
    fixed = rule.get("")
    if fixed is not None:
        return _all_fixed(value, fixed)
    if type(value) is dict or type(value) is FrozenDict:
        return rounded(value, rule)
    return value


def _all_fixed(value: Any, fixed: type[Fixed]) -> Any:
    kind = type(value)
    if kind is float:
        return fixed.of(value)
    if kind is list or kind is FrozenList:
        of = fixed.of
        return [of(member) if type(member) is float else _all_fixed(member, fixed) for member in value]
    if kind is dict or kind is FrozenDict:
        return {key: _all_fixed(member, fixed) for key, member in value.items()}
    return value


def exact(value: Any) -> Any:
    """Turn `Fixed` numbers back into floats, wherever they are in a value, and containers into plain ones."""
    kind = type(value)
    if kind in _CONTAINERS:
        if isinstance(value, dict):
            return {key: exact(member) for key, member in value.items()}
        return [exact(member) for member in value]
    return kind.floated(value) if isinstance(value, Fixed) else value
