"""Values of a state: frozen, compared and measured."""

from typing import Any

import pytest

from pygase.errors import NotSendable
from pygase.state.draft import Draft
from pygase.state.tree import TO_DELETE, FrozenDict, FrozenList
from pygase.state.values import freeze, same, size_of
from pygase.wire import pack


def test_freezing_copies_normalises_and_drops_deletions() -> None:
    class Text(str):
        __slots__ = ()

    given = {"t": (1, [2]), Text("k"): Text("v"), "gone": TO_DELETE, 3: True}
    frozen = freeze(given)
    assert type(frozen) is FrozenDict
    assert type(frozen["t"]) is type(frozen["t"][1]) is FrozenList
    assert [type(key) for key in frozen] == [str, str, int]
    assert type(frozen["k"]) is str
    assert frozen[3] is True
    assert "gone" not in frozen


@pytest.mark.parametrize(
    ("update", "named"),
    [
        ({"a": {"b": [1, object()]}}, "a.b[1]"),
        ({"a": [TO_DELETE]}, "a[0]"),
        ({"a": {"b": {"c": 2**64}}}, "a.b.c"),
        ({"a": {2.5: 1}}, "2.5"),
        ({"a": "\ud800"}, "(at a)"),
        ({"a": {"\ud800": 1}}, "(at a)"),
        ({"a": {"b": set()}}, "a.b"),
    ],
)
def test_what_cannot_be_sent_is_named_with_its_place(update: Any, named: Any) -> None:
    with pytest.raises(NotSendable) as caught:
        Draft(FrozenDict()).merge(update)
    assert named in str(caught.value)
    known = Draft(freeze({"a": {"b": {"c": 1}, 2: 1}}))
    with pytest.raises(NotSendable) as caught:
        known.merge(update)
    assert named in str(caught.value)


def test_an_update_that_contains_itself_is_refused() -> None:
    update: dict[str, Any] = {}
    update["a"] = update
    with pytest.raises(NotSendable, match="levels deep"):
        Draft(FrozenDict()).merge(update)


def test_same_means_the_same_type_and_bits() -> None:
    nan = float("nan")
    for one, other in [
        (1, 1.0),
        (1, True),
        (0.0, -0.0),
        (0, False),
        ("", b""),
        ([1], [1.0]),
        ({"a": 0.0}, {"a": -0.0}),
    ]:
        assert not same(one, other)
    for one, other in [(nan, float("nan")), ([nan], [float("nan")]), ({"a": [1, "b"]}, {"a": [1, "b"]}), (1.5, 1.5)]:
        assert same(one, other)


def test_size_is_at_least_what_it_takes_encoded() -> None:
    for value in [
        1,
        2**63,
        0.5,
        "ü" * 40,
        b"x" * 300,
        [1.5] * 100,
        {"key": [1, {"a": None}]},
        freeze({"a": {"b": [1, 2, {"c": (3,)}]}}),
    ]:
        assert size_of(value) >= len(pack(value))
