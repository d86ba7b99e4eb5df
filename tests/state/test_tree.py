"""Read-only containers: they read like what they are, and refuse every change."""

import copy
import json
import pickle
from typing import Any

import pytest

from pygase.state.tree import thaw
from pygase.state.values import freeze
from pygase.wire import pack

FROZEN = freeze({"a": {"b": [1, 2, {"c": (3,)}]}})


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.__setitem__("x", 1), lambda d: d.__delitem__("b"), lambda d: d.clear(), lambda d: d.pop("b"),
        lambda d: d.popitem(), lambda d: d.setdefault("x", 1), lambda d: d.update(x=1), lambda d: d.__ior__({"x": 1}),
        lambda d: d["b"].append(1), lambda d: d["b"].extend([1]), lambda d: d["b"].insert(0, 1),
        lambda d: d["b"].remove(1), lambda d: d["b"].pop(), lambda d: d["b"].clear(), lambda d: d["b"].sort(),
        lambda d: d["b"].reverse(), lambda d: d["b"].__setitem__(0, 1), lambda d: d["b"].__delitem__(0),
        lambda d: d["b"].__iadd__([1]), lambda d: d["b"].__imul__(2), lambda d: d["b"][2].clear(),
    ],
)  # fmt: skip
def test_no_change_gets_through(change: Any) -> None:
    with pytest.raises(TypeError, match="read-only"):
        change(FROZEN["a"])
    assert FROZEN == {"a": {"b": [1, 2, {"c": [3]}]}}


@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, thaw, dict, dict.copy, lambda d: pickle.loads(pickle.dumps(d)), lambda d: d | {}],
)
def test_copies_can_be_changed(duplicate: Any) -> None:
    twin = duplicate(FROZEN)
    assert type(twin) is dict
    assert twin == FROZEN
    twin["x"] = 1
    assert "x" not in FROZEN


def test_deep_copies_can_be_changed_deeply() -> None:
    for duplicate in (copy.deepcopy, thaw, lambda d: pickle.loads(pickle.dumps(d))):
        twin = duplicate(FROZEN)
        twin["a"]["b"][2]["c"].append(4)
        assert FROZEN["a"]["b"][2]["c"] == [3]
    assert type(FROZEN["a"]["b"][:]) is type(FROZEN["a"]["b"] + [1]) is type(copy.copy(FROZEN["a"]["b"])) is list


def test_it_reads_like_a_dict_and_a_list() -> None:
    assert isinstance(FROZEN, dict)
    assert isinstance(FROZEN["a"]["b"], list)
    assert json.dumps(FROZEN) == '{"a": {"b": [1, 2, {"c": [3]}]}}'
    assert repr(FROZEN) == "{'a': {'b': [1, 2, {'c': [3]}]}}"
    assert pack(FROZEN)
