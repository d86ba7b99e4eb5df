"""What leads from any of several states to one."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pygase.state import TO_DELETE, apply
from pygase.state.codec import Decoder, Encoder
from pygase.state.precision import exact, parse_precision
from pygase.state.spans import Spans
from pygase.state.tree import thaw
from pygase.state.values import freeze, same

LEAVES = st.one_of(st.integers(-2, 2), st.sampled_from([0.0, -0.0, 1.5, float("nan"), True, None, "a"]))
VALUES = st.recursive(
    st.one_of(LEAVES, st.lists(st.integers(0, 1), max_size=2)),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
STATES = st.dictionaries(st.sampled_from("pqr"), VALUES, max_size=3)


@given(st.lists(STATES, min_size=2, max_size=5), st.booleans())
def test_update_is_right_on_every_one_of_the_states(states: list[dict[str, Any]], shares: bool) -> None:
    *olds, new = [freeze(state) for state in states]
    if shares:  # parts that are the same object, as in views of one state
        olds = [freeze({**old, "q": None}) if "q" not in new else type(new)({**old, "q": new["q"]}) for old in olds]
    spans = Spans()
    for _ in range(2):  # the second time from memory
        update = spans.update(olds, new)
        for old in olds:
            state = thaw(old)
            apply(state, update)
            assert same(state, thaw(new))
    decoded = Decoder().decode(Encoder().encode(update, None))
    state = thaw(olds[0])
    apply(state, decoded)
    assert same(state, thaw(new))


def test_what_came_and_went_in_between_is_deleted() -> None:
    olds: list[Any] = [freeze({"t": {1: {"x": 1}}}), freeze({"t": {1: {"x": 1}, 2: {"x": 2}}})]
    assert Spans().update(olds, freeze({"t": {1: {"x": 1}}})) == {"t": {2: TO_DELETE}}


def test_row_that_came_in_between_is_whole_again_and_loses_what_it_had() -> None:
    olds: list[Any] = [freeze({"t": {}}), freeze({"t": {2: {"x": 2, "y": 1, "old": 1}}})]
    update = Spans().update(olds, freeze({"t": {2: {"x": 3, "y": 1}}}))
    assert update == {"t": {2: {"x": 3, "y": 1, "old": TO_DELETE}}}


def test_row_that_changed_in_several_ways_brings_them_all() -> None:
    olds: list[Any] = [freeze({"t": {1: {"x": 1, "y": 5}}}), freeze({"t": {1: {"x": 2, "y": 4}}})]
    assert Spans().update(olds, freeze({"t": {1: {"x": 2, "y": 5}}})) == {"t": {1: {"x": 2, "y": 5}}}


def test_same_state_needs_nothing() -> None:
    assert Spans().update([freeze({"t": {1: [1, 2]}})], freeze({"t": {1: [1, 2]}})) == {}


def test_row_in_two_places_is_rounded_as_each_place_says() -> None:
    old, new = freeze({"x": 0.0}), freeze({"x": 1.26})
    rules = parse_precision({"coarse.*": 0.5, "fine.x": 0.1})
    update = Spans(rules).update(
        [freeze({}) | {"coarse": {1: old}, "fine": old, "own": old}],
        {"coarse": {1: new}, "fine": new, "own": new},
    )
    assert exact(update) == {"coarse": {1: {"x": 1.5}}, "fine": {"x": 1.3}, "own": {"x": 1.26}}
