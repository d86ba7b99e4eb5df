"""The game state and its updates as users handle them."""

import copy
import json
import pickle
from typing import Any

import pytest

import pygase.gamestate
from pygase.errors import NotSendable
from pygase.gamestate import TO_DELETE, GameState, GameStateStore, GameStateUpdate, GameStatus


def test_a_game_state_has_the_attributes_it_was_given() -> None:
    state = GameState(7, GameStatus.ACTIVE, players={}, self="me", update={1: 2})
    assert (state.time_order, state.game_status, state.players, state.self) == (7, 1, {}, "me")
    assert GameState().time_order == 0
    assert GameState().game_status == GameStatus.PAUSED


def test_attributes_can_be_set_changed_and_deleted() -> None:
    state = GameState(players={})
    state.foo = 1
    state.foo += 1
    state.players["ann"] = {"x": 1}
    assert (state.foo, state.players) == (2, {"ann": {"x": 1}})
    del state.foo
    assert not hasattr(state, "foo")


def test_a_missing_attribute_raises_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'GameState' object has no attribute 'foo'"):
        _ = GameState().foo


def test_in_tells_whether_there_is_an_attribute() -> None:
    state = GameState(players={})
    assert "players" in state
    assert "game_status" in state
    assert "monsters" not in state
    assert "hp" in GameStateUpdate(1, hp=3)


def test_is_paused_follows_the_status() -> None:
    assert GameState().is_paused()
    assert not GameState(game_status=GameStatus.ACTIVE).is_paused()


@pytest.mark.parametrize("kind", [GameState, GameStateUpdate])
def test_states_and_updates_compare_by_value(kind: Any) -> None:
    assert kind(1, a={"b": [1]}) == kind(1, a={"b": [1]})
    assert kind(1, a=1) != kind(2, a=1)
    assert kind(1, a=1) != kind(1, a=2)
    assert kind(1) != 1
    with pytest.raises(TypeError):
        hash(kind(1))


def test_a_state_and_an_update_are_never_equal() -> None:
    assert GameState(1, game_status=0) != GameStateUpdate(1, game_status=0)


@pytest.mark.parametrize("kind", [GameState, GameStateUpdate])
def test_they_order_by_time_order(kind: Any) -> None:
    assert kind(1) < kind(2)
    assert kind(2) > kind(1)
    assert not kind(1) < kind(1)
    assert not kind(1) > kind(1)
    assert kind(40_000) > GameState(39_999)
    assert kind(65_536) > GameStateUpdate(65_535)
    assert kind(2**63 - 1) > kind(0)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda state: pickle.loads(pickle.dumps(state))])
@pytest.mark.parametrize(
    "original",
    [
        GameState(3, GameStatus.ACTIVE, players={"ann": {"x": [1, {"y": 2}]}}, t=(1, 2)),
        GameStateUpdate(3, players={"ann": {"x": [1]}, "bob": TO_DELETE}),
        GameStateUpdate(1, p={"a": TO_DELETE}) + GameStateUpdate(2, p={"a": {"x": 1}}),
        GameStateStore(GameState(3, players={"ann": {"x": [1, {"y": 2}]}})).get_game_state(),
    ],
    ids=["state", "update", "sum", "snapshot"],
)
def test_copies_and_pickles_are_equal_and_independent(original: Any, duplicate: Any) -> None:
    before = repr(original)
    twin = duplicate(original)
    assert twin == original
    assert type(twin) is type(original)
    assert repr(twin) == before
    twin.new = 1
    for value in vars(twin).values():
        if isinstance(value, dict):
            for row in value.values():
                if isinstance(row, dict) and "x" in row:
                    row["x"] = 0
            value["zoe"] = 1
    assert repr(original) == before


def test_to_dict_holds_everything_and_shares_nothing() -> None:
    state = GameState(5, GameStatus.ACTIVE, players={"ann": {"x": [1]}})
    values = state.to_dict()
    assert values == {"time_order": 5, "game_status": 1, "players": {"ann": {"x": [1]}}}
    assert GameState(**values) == state
    values["players"]["ann"]["x"].append(2)
    assert state.players == {"ann": {"x": [1]}}
    snapshot = GameStateStore(state).get_game_state().to_dict()
    snapshot["players"]["ann"]["x"].append(2)
    assert json.loads(json.dumps(snapshot))["players"] == {"ann": {"x": [1, 2]}}


def test_state_plus_update_is_a_new_state() -> None:
    state = GameState(1, players={"ann": {"x": 1, "y": 2}, "bob": {}}, tick=1)
    update = GameStateUpdate(2, players={"ann": {"x": 5}, "bob": TO_DELETE, "zoe": {"x": 0}}, gone=TO_DELETE)
    before = repr((state, update))
    result = state + update
    assert result == GameState(2, players={"ann": {"x": 5, "y": 2}, "zoe": {"x": 0}}, tick=1)
    result.players["ann"]["x"] = result.players["zoe"]["x"] = 9
    assert repr((state, update)) == before
    state += update
    assert state.time_order == 2


def test_an_update_that_is_not_newer_is_ignored() -> None:
    state = GameState(5, a=1)
    for time_order in (0, 4, 5):
        assert state + GameStateUpdate(time_order, a=2) == state


def test_updates_add_up_in_the_order_of_time_whichever_way_round() -> None:
    first, second = GameStateUpdate(1, a={"x": 1, "y": 1}, b=1), GameStateUpdate(2, a={"x": 2})
    for total in (first + second, second + first, sum([first, second], GameStateUpdate(0))):
        assert total == GameStateUpdate(2, a={"x": 2, "y": 1}, b=1)
        total.a["x"] = 9
    assert (first.a, second.a) == ({"x": 1, "y": 1}, {"x": 2})


def test_of_two_updates_of_the_same_time_the_left_wins() -> None:
    assert GameStateUpdate(1, a=1) + GameStateUpdate(1, a=2, b=2) == GameStateUpdate(1, a=1, b=2)


def test_a_state_and_updates_sum_up() -> None:
    updates = [GameStateUpdate(number, **{f"k{number}": number}) for number in (1, 2, 3)]
    assert sum([GameState(0), *updates]) == GameState(3, k1=1, k2=2, k3=3)
    assert GameState(0) + sum(updates) == GameState(3, k1=1, k2=2, k3=3)


def test_deletion_and_recreation_replace_what_was_there() -> None:
    delete = GameStateUpdate(1, players={"ann": TO_DELETE})
    create = GameStateUpdate(2, players={"ann": {"y": 1}})
    state = GameState(0, players={"ann": {"x": 1}})
    assert state + (delete + create) == (state + delete) + create == GameState(2, players={"ann": {"y": 1}})


@pytest.mark.parametrize("summand", [GameState(), GameStateUpdate(1)])
def test_adding_anything_else_raises(summand: Any) -> None:
    for other in (1, "a", None, 0.0):
        with pytest.raises(TypeError):
            summand + other
        with pytest.raises(TypeError):
            other + summand
    with pytest.raises(TypeError):
        summand + GameState()


@pytest.mark.parametrize("name", ["to_dict", "is_paused", "__class__", "__dict__"])
def test_taken_names_raise_at_the_call(name: Any) -> None:
    for make in (lambda **names: GameState(0, **names), lambda **names: GameStateUpdate(1, **names)):
        with pytest.raises(ValueError, match=name):
            make(**{name: 1})
    with pytest.raises(ValueError, match=name):
        setattr(GameState(), name, {})
    with pytest.raises(ValueError, match=name):
        GameStateStore().begin_tick().merge({name: 1})


def test_a_tick_cannot_set_the_time_order_or_use_names_that_are_no_strings() -> None:
    draft = GameStateStore().begin_tick()
    with pytest.raises(ValueError, match="time_order"):
        draft.merge({"time_order": 5})
    with pytest.raises(NotSendable, match="not a str"):
        draft.merge({1: 5})  # type: ignore[dict-item]


@pytest.mark.parametrize("kind", [GameState, GameStateUpdate])
def test_time_order_is_a_63_bit_number(kind: Any) -> None:
    assert kind(2**63 - 1).time_order == 2**63 - 1
    for wrong in (-1, 2**63):
        with pytest.raises(ValueError, match="time_order"):
            kind(wrong)
    for other in (1.0, "1", None, True):
        with pytest.raises(TypeError, match="time_order"):
            kind(other)
    state = kind(1)
    state.time_order = 9
    assert state.time_order == 9
    with pytest.raises(ValueError, match="time_order"):
        state.time_order = -1


def test_status_translates_labels_as_before() -> None:
    assert GameStatus.get("Paused") == 0
    assert GameStatus.get("Active") == 1
    assert GameStatus.get(0) == "Paused"
    assert GameStatus.get(GameStatus.ACTIVE) == "Active"
    with pytest.raises(TypeError):
        GameStatus.get(None)  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="Stopped"):
        GameStatus.get("Stopped")


def test_the_deletion_marker_is_one_of_a_kind() -> None:
    assert copy.copy(TO_DELETE) is copy.deepcopy(TO_DELETE) is pickle.loads(pickle.dumps(TO_DELETE)) is TO_DELETE
    assert repr(TO_DELETE) == "TO_DELETE"


def test_the_module_has_the_names_of_pygase_0_3() -> None:
    assert set(pygase.gamestate.__all__) >= {"TO_DELETE", "GameState", "GameStateUpdate", "GameStatus"}
