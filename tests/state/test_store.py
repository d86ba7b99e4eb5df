"""The server's state: what it keeps, what it hands out, and what changed since when."""

import threading
from typing import Any

import pytest

from pygase.config import MAX_HISTORY_BYTES, MAX_HISTORY_UPDATES, MAX_STATE_BYTES
from pygase.errors import NotSendable, TooLarge
from pygase.state import TO_DELETE, GameState, GameStateStore, GameStateUpdate, Replacement, apply
from pygase.state.tree import thaw
from pygase.state.values import same, size_of


def test_it_starts_with_an_empty_state() -> None:
    assert GameStateStore().get_game_state() == GameState()
    assert GameStateStore(GameState(40_000, a=1)).get_game_state() == GameState(40_000, a=1)
    assert GameStateStore().get_update_cache() == [GameStateUpdate(0)]


@pytest.mark.parametrize("wrong", [{}, GameStateUpdate(1), 1])
def test_anything_but_a_state_and_updates_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="GameState"):
        GameStateStore(wrong)
    with pytest.raises(TypeError, match="GameStateUpdate"):
        GameStateStore().push_update({} if isinstance(wrong, GameStateUpdate) else wrong)


def test_what_users_gave_is_copied() -> None:
    players = {"ann": {"position": [1, 2]}}
    initial = GameState(players=players)
    store = GameStateStore(initial)
    update = GameStateUpdate(1, new={"a": [1]})
    store.push_update(update)
    initial.players["bob"] = {}
    players["ann"]["position"].append(3)
    initial.other = 1
    update.new["a"].append(2)
    assert store.get_game_state() == GameState(1, players={"ann": {"position": [1, 2]}}, new={"a": [1]})


def test_a_state_handed_out_never_changes() -> None:
    store = GameStateStore(GameState(a={"b": {"c": 1}}))
    old = store.get_game_state()
    store.push_update(GameStateUpdate(1, a={"b": {"c": 2}, "d": TO_DELETE}, e=1))
    assert old == GameState(a={"b": {"c": 1}})
    for change in (
        lambda: setattr(old, "a", 1),
        lambda: delattr(old, "a"),
        lambda: setattr(old, "time_order", 9),
        lambda: old.a.update(x=1),
        lambda: old.a["b"].__setitem__("c", 3),
    ):
        with pytest.raises(TypeError, match="read-only"):
            change()
    assert store.get_game_state().a == {"b": {"c": 2}}


def test_updates_to_different_keys_all_apply() -> None:
    store = GameStateStore(GameState(players={}))
    for number in (1, 2, 3):
        store.push_update(GameStateUpdate(number, players={number: {"x": number}}))
    assert store.get_game_state() == GameState(3, players={1: {"x": 1}, 2: {"x": 2}, 3: {"x": 3}})


def test_an_update_that_is_not_newer_is_ignored() -> None:
    store = GameStateStore(GameState(5, a=1))
    for time_order in (0, 4, 5):
        store.push_update(GameStateUpdate(time_order, a=2))
    assert store.get_game_state() == GameState(5, a=1)
    store.push_update(GameStateUpdate(65_536, a=2))
    store.push_update(GameStateUpdate(65_535, a=3))
    assert store.get_game_state() == GameState(65_536, a=2)


def test_deleting_what_never_existed_is_harmless() -> None:
    store = GameStateStore(GameState(players={}, gone=TO_DELETE))
    store.push_update(GameStateUpdate(1, players={"ann": TO_DELETE}, x=TO_DELETE, y={"z": TO_DELETE}))
    assert store.get_game_state() == GameState(1, players={}, y={})
    assert store.get_update_cache()[-1] == GameStateUpdate(1, y={})


def test_what_cannot_be_sent_changes_nothing() -> None:
    store = GameStateStore(GameState(a=1))
    with pytest.raises(NotSendable, match=r"b\.c"):
        store.push_update(GameStateUpdate(1, a=2, b={"c": object()}))
    assert store.get_game_state() == GameState(a=1)
    with pytest.raises(NotSendable, match="players"):
        GameStateStore(GameState(players=object()))


def test_the_cache_holds_the_latest_updates_as_copies() -> None:
    store = GameStateStore()
    for number in range(1, 4):
        store.push_update(GameStateUpdate(number, a={"b": number}))
    cache = store.get_update_cache()
    assert cache[1:] == [GameStateUpdate(number, a={"b": number}) for number in (1, 2, 3)]
    cache[-1].a["b"] = 9
    cache.clear()
    assert store.get_update_cache()[-1] == GameStateUpdate(3, a={"b": 3})
    for number in range(4, 300):
        store.push_update(GameStateUpdate(number, a={"b": number}))
    assert len(store.get_update_cache()) == MAX_HISTORY_UPDATES


def test_a_tick_of_many_updates_is_one_step() -> None:
    store = GameStateStore(GameState(7, players={"ann": {"x": 1}}))
    draft = store.begin_tick()
    assert draft.time_order == 8
    draft.merge({"players": {"bob": {"x": 2}}})
    assert draft.game_state.players["bob"] == {"x": 2}
    assert draft.game_state.time_order == 7
    draft.merge({"players": {"bob": {"y": 3}}})
    draft.merge({"players": {"ann": TO_DELETE}})
    assert draft.game_state.players == {"bob": {"x": 2, "y": 3}}
    with pytest.raises(TypeError, match="read-only"):
        draft.game_state.players["zoe"] = {}
    assert store.get_game_state() == GameState(7, players={"ann": {"x": 1}})
    assert store.commit(draft) == 8
    assert store.get_game_state() == GameState(8, players={"bob": {"x": 2, "y": 3}})
    assert store.get_update_cache()[-1] == GameStateUpdate(8, players={"ann": TO_DELETE, "bob": {"x": 2, "y": 3}})


def test_what_a_tick_returned_may_be_reused_by_the_game() -> None:
    store = GameStateStore(GameState(players={}))
    row = {"x": 1}
    for x in (1, 2, 3):
        draft = store.begin_tick()
        row["x"] = x
        draft.merge({"players": {"ann": row}})
        row["x"] = -x
        draft.merge({"players": {"bob": row}})
        store.commit(draft)
        assert store.get_game_state().players == {"ann": {"x": x}, "bob": {"x": -x}}


def test_a_tick_keeps_what_others_pushed_meanwhile() -> None:
    store = GameStateStore(GameState(a=0, b=0))
    draft = store.begin_tick()
    draft.merge({"a": 1})
    store.push_update(GameStateUpdate(5, b=1))
    assert store.commit(draft) == 6
    assert store.get_game_state() == GameState(6, a=1, b=1)


def test_an_empty_tick_moves_time_alone() -> None:
    store = GameStateStore(GameState(a=1))
    old = store.get_game_state()
    draft = store.begin_tick()
    draft.merge({"a": 1})
    assert store.commit(draft) == 1
    assert store.get_game_state().time_order == 1
    assert old.time_order == 0
    assert store.unchanged_since(0)
    assert store.delta(0) == ({}, 1)


def test_a_delta_holds_only_what_has_changed_at_the_end_of_the_tick() -> None:
    nan = float("nan")
    row = {"x": 1.0, "y": 2.0, "at": [1, 2], "nan": nan, "bag": {"n": 1}}
    store = GameStateStore(GameState(players={"ann": row, "bob": row}, n=5))
    draft = store.begin_tick()
    draft.merge({"players": {"ann": row, "bob": {"x": 7.0, "y": 2.5, "bag": {"n": 2}}}, "n": 6})
    draft.merge({"players": {"bob": {"x": 1.0, "at": [1, 2], "nan": -nan, "bag": {"n": 1}}}, "n": 5})
    store.commit(draft)
    assert store.delta(0)[0] == {"players": {"bob": {"y": 2.5}}}
    store.push_update(GameStateUpdate(2, players={"ann": {"x": 1}, "bob": {"y": 2.5}}))
    assert repr(store.delta(1)[0]) == repr({"players": {"ann": {"x": 1}}}), "of another type, so it has changed"


def test_unchanged_since_tells_of_real_changes_only() -> None:
    store = GameStateStore(GameState(4, a=1))
    assert store.unchanged_since(4)
    assert not store.unchanged_since(3)
    store.push_update(GameStateUpdate(6, a=2))
    assert not store.unchanged_since(5)
    assert store.unchanged_since(6)


def test_subscribers_are_told_of_each_change() -> None:
    store = GameStateStore()
    told = []

    def tell() -> None:
        told.append(store.time_order)
        store.get_game_state()

    store.subscribe(tell)
    store.push_update(GameStateUpdate(3, a=1))
    store.push_update(GameStateUpdate(3, a=2))
    store.commit(store.begin_tick())
    store.unsubscribe(tell)
    store.unsubscribe(tell)
    store.push_update(GameStateUpdate(9, a=1))
    assert told == [3, 4]


def test_deltas_lead_from_any_baseline_and_from_anything_since() -> None:
    store = GameStateStore(GameState(0, a={"x": 0}))
    states = [thaw(store.get_game_state().__dict__)]
    changes: list[dict[str, Any]] = [
        {"a": {"x": 1}}, {"a": {"y": 2}}, {"a": TO_DELETE}, {"a": {"z": 3}}, {"b": 1.5}, {"b": {"c": {}}}, {"b": [1]},
        {"a": {"z": TO_DELETE}}, {"b": TO_DELETE}, {}, {"b": {"d": 1}},
    ]  # fmt: skip
    for number, change in enumerate(changes, 1):
        store.push_update(GameStateUpdate(number, **change))
        states.append(thaw(store.get_game_state().__dict__))
        for baseline in [None, *range(number + 1)]:
            delta, time_order = store.delta(baseline)
            assert time_order == number
            for between in range(baseline or 0, number + 1):
                state = thaw(states[between])
                if type(delta) is Replacement:
                    assert baseline is None
                    state = thaw(delta)
                apply(state, delta)
                assert same(state, states[-1])


def test_a_baseline_beyond_the_history_gets_the_whole_state() -> None:
    store = GameStateStore()
    for number in range(1, MAX_HISTORY_UPDATES + 11):
        store.push_update(GameStateUpdate(number, a=number))
    assert type(store.delta(9)[0]) is Replacement
    assert store.delta(10)[0] == {"a": MAX_HISTORY_UPDATES + 10}
    assert type(store.delta(10)[0]) is dict


def test_large_updates_shorten_the_history() -> None:
    store = GameStateStore()
    for number in range(1, 12):
        store.push_update(GameStateUpdate(number, a="x" * (MAX_HISTORY_BYTES // 4 + number)))
    assert 1 <= len(store.get_update_cache()) <= 5
    assert type(store.delta(1)[0]) is Replacement


def test_the_size_limit_holds_and_naming_it_changes_nothing() -> None:
    store = GameStateStore(GameState(a="x" * (MAX_STATE_BYTES - 1_000)))
    with pytest.raises(TooLarge, match=str(MAX_STATE_BYTES)):
        store.push_update(GameStateUpdate(1, b="x" * 1_000))
    draft = store.begin_tick()
    draft.merge({"b": "x" * 500})
    with pytest.raises(TooLarge):
        draft.merge({"c": "x" * 500})
    store.commit(draft)
    assert set(vars(store.get_game_state())) == {"a", "b", "game_status"}
    store.push_update(GameStateUpdate(5, a=TO_DELETE))
    store.push_update(GameStateUpdate(6, b="x" * 5_000))
    assert store.size == size_of(store.get_game_state().__dict__)
    with pytest.raises(TooLarge):
        GameStateStore(GameState(a="x" * MAX_STATE_BYTES))


def test_four_mebibytes_fit() -> None:
    state = GameState(ents={number: [0.5] * 4 for number in range(90_000)})
    store = GameStateStore(state)
    assert store.size > 4 * 1024 * 1024
    assert store.get_game_state() == state


def test_pushes_from_many_threads_all_count() -> None:
    store = GameStateStore(GameState(rows={}))
    told = []
    store.subscribe(lambda: told.append(1))
    per_thread = 100

    def push(name: Any) -> None:
        for number in range(per_thread):
            draft = store.begin_tick()
            draft.merge({"rows": {f"{name}-{number}": number}})
            store.commit(draft)

    threads = [threading.Thread(target=push, args=(name,)) for name in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(store.get_game_state().rows) == 6 * per_thread
    assert store.time_order == 6 * per_thread == len(told)
