"""The algebra of updates: whatever is merged in whatever steps, the outcome is the same."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pygase.state import TO_DELETE, Draft, GameState, GameStateUpdate, Replacement, applied, apply, compose, diff
from pygase.state.tree import FrozenDict, thaw
from pygase.state.values import freeze, same, size_of

KEYS = st.sampled_from(["a", "b", "c"]) | st.sampled_from([1, 2])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.sampled_from([0.0, -0.0, 1.0, 1.5, float("inf"), float("nan")])
    | st.sampled_from(["", "a", "ü"])
    | st.binary(max_size=2)
)
LEAVES = SCALARS | st.lists(SCALARS, max_size=2) | st.lists(st.dictionaries(KEYS, SCALARS, max_size=2), max_size=2)


def trees(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(leaves, lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=12)


STATES = st.dictionaries(st.sampled_from(["a", "b", "c"]), trees(LEAVES), max_size=3)
UPDATES = st.dictionaries(st.sampled_from(["a", "b", "c"]), trees(LEAVES | st.just(TO_DELETE)), max_size=3)


def after(state: dict[str, Any], *updates: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = thaw(state)
    for update in updates:
        apply(result, update)
    return result


def markers_in(value: Any) -> bool:
    if isinstance(value, dict):
        return any(markers_in(member) for member in value.values())
    if isinstance(value, list):
        return any(markers_in(member) for member in value)
    return value is TO_DELETE or isinstance(value, Replacement)


@given(STATES, UPDATES, UPDATES)
def test_updates_may_be_combined_before_they_are_applied(s: Any, u: Any, v: Any) -> None:
    assert same(after(s, u, v), after(s, compose(u, v)))


@given(STATES, UPDATES, UPDATES, UPDATES)
def test_combining_updates_is_associative(s: Any, u: Any, v: Any, w: Any) -> None:
    assert same(after(s, compose(compose(u, v), w)), after(s, compose(u, compose(v, w))))


@given(UPDATES, UPDATES)
def test_combining_changes_neither_update(u: Any, v: Any) -> None:
    before = repr((u, v))
    combined = compose(u, v)
    after({}, combined)
    assert repr((u, v)) == before


@given(STATES, UPDATES)
def test_applying_to_a_copy_and_in_place_agree(s: Any, u: Any) -> None:
    state = freeze(s)
    before = repr(state)
    new, effective = applied(state, u)
    assert same(new, after(s, u))
    assert same(after(s, effective), new)
    assert repr(state) == before


@given(STATES, UPDATES)
def test_no_marker_is_ever_part_of_a_state(s: Any, u: Any) -> None:
    new, _ = applied(s, u)
    assert not markers_in(new)
    assert not markers_in(after(s, u))


@given(STATES, UPDATES)
def test_an_effective_update_has_real_changes_only(s: Any, u: Any) -> None:
    new, effective = applied(s, u)
    _, again = applied(new, effective)
    assert again == {}
    if same(new, freeze(s)):
        assert effective == {}


@given(STATES, st.lists(UPDATES, max_size=5))
def test_a_draft_of_many_updates_equals_applying_them_in_turn(s: Any, updates: Any) -> None:
    base = freeze(s)
    before = repr(base)
    draft = Draft(base, size_of(base), 1)
    for update in updates:
        draft.merge(update)
    assert same(draft.state, after(s, *updates))
    assert same(after(s, draft.effective()[0]), draft.state)
    assert draft.base_size + draft.growth == size_of(draft.state)
    assert repr(base) == before


@given(STATES, UPDATES, UPDATES)
def test_a_draft_is_untouched_by_an_update_that_fails(s: Any, u: Any, v: Any) -> None:
    draft = Draft(freeze(s))
    draft.merge(u)
    before, growth = thaw(draft.state), draft.growth
    for bad in ({**v, "x": object()}, {"x": {"y": {1.5: 1}}, **v}, {**v, "to_dict": 1}):
        try:
            draft.merge(bad)
        except (TypeError, ValueError):
            pass
        else:
            raise AssertionError("merged")
        assert same(draft.state, before)
        assert draft.growth == growth
    assert same(after(s, draft.effective()[0]), draft.state)


@given(STATES, UPDATES)
def test_what_is_merged_is_copied(s: Any, u: Any) -> None:
    draft = Draft(FrozenDict())
    state, update = thaw(s), thaw(u)
    draft.merge(state)
    draft.merge(update)
    before = repr(draft.state)
    shred(state)
    shred(update)
    assert repr(draft.state) == before


@given(STATES, UPDATES)
def test_applying_in_place_shares_nothing_with_the_update(s: Any, u: Any) -> None:
    state = after(s, u)
    before = repr(u)
    shred(state)
    assert repr(u) == before


def shred(value: Any) -> None:
    """Destroy whatever can be reached."""
    for member in list(value.values() if isinstance(value, dict) else value):
        if isinstance(member, dict | list):
            shred(member)
    value.clear()


@given(STATES, STATES)
def test_the_difference_leads_from_one_state_to_the_other(one: Any, other: Any) -> None:
    update = diff(one, other)
    assert same(after(one, update), after(other))
    assert diff(other, after(other)) == {}


@given(STATES, UPDATES, UPDATES)
def test_game_states_and_updates_obey_the_same_law(s: Any, u: Any, v: Any) -> None:
    state = GameState(0, **s)
    first, second = GameStateUpdate(1, **u), GameStateUpdate(2, **v)
    one, other = (state + first) + second, state + (first + second)
    assert one.time_order == other.time_order == 2
    assert same(one.to_dict(), other.to_dict())
    assert same((state + sum([first, second])).to_dict(), one.to_dict())
