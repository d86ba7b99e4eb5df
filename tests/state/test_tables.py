"""Views that are rows of one table, and what leads from some of them to another one: the same as for any views."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pygase.config import MAX_VIEWS_IN_FLIGHT
from pygase.state import (
    TO_DELETE,
    FrozenDict,
    GameStateStore,
    Near,
    Replica,
    Track,
    View,
    ViewFeed,
    Views,
    apply_all,
    diff,
)
from pygase.state.gamestate import GameState
from pygase.state.precision import exact
from pygase.state.records import RowChanges
from pygase.state.spans import MISSING
from pygase.state.tables import Numbering
from pygase.state.tree import thaw
from pygase.state.values import same

KEYS = st.sampled_from(["a", "b", "c", "d", 1, 2, "1"])
LEAVES = st.one_of(st.integers(-2, 2), st.sampled_from([0.0, -0.0, 1.5, 2.26, True, None, "text"]))
PLACES = st.lists(st.sampled_from([0.0, 1.0, 2.5, 40.0]), min_size=2, max_size=2)
ROWS: Any = st.one_of(
    st.fixed_dictionaries({"at": PLACES}, optional={"hp": LEAVES, "mood": LEAVES}),
    st.fixed_dictionaries(
        {"at": PLACES},
        optional={
            "hp": LEAVES,
            "bag": st.dictionaries(st.sampled_from("uv"), st.one_of(LEAVES, st.dictionaries(KEYS, LEAVES, max_size=1))),
        },
    ),
    st.one_of(LEAVES, st.lists(LEAVES, max_size=2), st.just({})),
)
TABLES = st.one_of(st.dictionaries(KEYS, ROWS, max_size=7), st.dictionaries(KEYS, ROWS, max_size=7), st.none())
STATES = st.fixed_dictionaries({"players": TABLES, "n": LEAVES}, optional={"zone": st.dictionaries(KEYS, LEAVES)})
CLIENTS = 3
# For each client: whether it is shown the version, whether the blob reaches it, whether that is acknowledged.
FATES = st.lists(
    st.tuples(*[st.tuples(st.booleans(), st.booleans(), st.booleans())] * CLIENTS), min_size=12, max_size=12
)


class Reader:
    """A client, and what the server keeps of it."""

    def __init__(self) -> None:
        self.track = Track()
        self.replica = Replica()
        self.state = GameState()
        self.acked: int | None = None

    def read(self, feed: ViewFeed, *, arrives: bool, is_acked: bool) -> dict[str, Any]:
        update = feed.update(self.track, self.acked)
        baseline, blob = feed.encoded(self.track, update)
        if arrives:
            self.replica.receive(baseline, self.track.version, blob, 0.0)
            apply_all(self.state, self.replica.take_pending())
            if is_acked:
                self.acked = self.track.version
        return update


def in_dicts(update: dict[str, Any]) -> Any:
    """An update with dicts and values only, for comparison."""
    return exact({name: rows_in_dict(value) for name, value in update.items()})


def rows_in_dict(value: Any) -> Any:
    if type(value) is not RowChanges:
        return value
    assert len(set(map(repr, value.keys))) == len(value.keys)
    gone = [TO_DELETE] * (len(value.keys) - len(value.changes))
    return dict(zip(value.keys, [*value.changes, *gone], strict=True))


@settings(max_examples=300)
@given(
    st.lists(STATES, min_size=4, max_size=12),
    FATES,
    st.sampled_from([None, {"players.*.at": 0.5}, {"players.a.hp": 0.1, "n": 0.1}, {"players": 1.0}]),
    st.sampled_from([None, 0, 2]),
)
def test_update_is_that_of_any_views(
    states: list[dict[str, Any]], fates: list[Any], precision: dict[str, float] | None, limit: int | None
) -> None:
    names = ["a", 1, "c"]
    near = Near("players", ["at"], 10.0, limit, lambda state, client: names[client])
    feeds = [ViewFeed(lambda: 0.0, precision=precision) for _ in range(2)]
    views = [Views(), Views()]
    readers = [[Reader() for _ in range(CLIENTS)] for _ in feeds]
    store = GameStateStore()
    for version, (attributes, fate) in enumerate(zip(states, fates, strict=False), 1):
        draft = store.begin_tick()  # what stays the same goes on as the same object
        draft.merge(diff(vars(store.get_game_state()), {"game_status": 0, **attributes}))
        store.commit(draft)
        state = store.get_game_state()
        for kind, feed in enumerate(feeds):
            views[kind].turn()
            shown = []
            for client, (is_shown, _, _) in enumerate(fate):
                if is_shown or version == 1:
                    seen = near.look(state, client) if kind == 0 else FrozenDict(near(state, client))
                    shown.append((readers[kind][client].track, views[kind].view(seen, state)))
            feed.show(version, shown)
        for client, (is_shown, arrives, is_acked) in enumerate(fate):
            if not (is_shown or version == 1):
                continue
            updates = []
            for kind, feed in enumerate(feeds):
                reader = readers[kind][client]
                updates.append(reader.read(feed, arrives=arrives, is_acked=is_acked))
                view = reader.track.view
                assert view is not None
                assert (view.table is not None) == (kind == 0 and isinstance(attributes["players"], dict))
                if arrives and precision is None:
                    assert same(vars(reader.state), thaw(view.root))
            assert type(updates[0]) is type(updates[1])
            assert same(in_dicts(updates[0]), in_dicts(updates[1])), "nobody learns more than by the other way"
    for one, other in zip(*readers, strict=True):
        assert same(vars(one.state), vars(other.state))


def test_what_a_row_lost_is_told_to_those_only_who_saw_it_then() -> None:
    feed, store, near = ViewFeed(lambda: 0.0), GameStateStore(), Near("players", ["at"], 10.0, None, None)
    here, there = [0.0, 0.0], [99.0, 0.0]
    rows: list[dict[Any, Any]] = [
        {1: {"at": here}, 2: {"at": there}, 3: {"at": there, "secret": 1, "open": 1}},
        {1: {"at": here}, 2: {"at": there}, 3: {"at": here, "secret": TO_DELETE}},
        {1: {"at": there}, 2: {"at": there}, 3: {"at": there, "open": TO_DELETE}},
    ]
    readers = {1: Reader(), 2: Reader()}
    for version, players in enumerate(rows, 1):
        draft = store.begin_tick()
        draft.merge({"players": players})
        store.commit(draft)
        state = store.get_game_state()
        feed.show(version, [(reader.track, near.look(state, client)) for client, reader in readers.items()])
        updates = {client: in_dicts(feed.update(reader.track, reader.acked)) for client, reader in readers.items()}
        for reader in readers.values():
            reader.read(feed, arrives=True, is_acked=version == 1)
    assert updates[1] == {"players": {1: {"at": there}, 2: {"at": there}, 3: {"at": there, "open": TO_DELETE}}}
    assert updates[2]["players"][3] == {"at": there, "secret": TO_DELETE, "open": TO_DELETE}


def test_rows_keep_their_numbers_and_gone_ones_come_back_to_theirs() -> None:
    numbering = Numbering("rows")
    first = numbering.table({"rows": {"a": 1, "b": 2, "c": 3}, "n": 0})
    second = numbering.table({"rows": {"c": 3, "d": 4}, "n": 0})
    third = numbering.table({"rows": {"b": 5, "d": 4}, "n": 0})
    assert first.keys is second.keys is third.keys
    assert first.keys == ["a", "b", "c", "d"]
    assert first.rows == [1, 2, 3]
    assert second.rows == [MISSING, MISSING, 3, 4]
    assert third.rows == [MISSING, 5, MISSING, 4]
    assert third.rest == {"n": 0}


def test_numbers_of_keys_that_never_come_back_are_given_up() -> None:
    numbering = Numbering("rows")
    tables = [numbering.table({"rows": {n: n for n in range(at, at + 50)}}) for at in range(0, 5000, 10)]
    assert max(len(table.rows) for table in tables) <= 2 * 50 + 64
    for at, table in zip(range(0, 5000, 10), tables, strict=True):
        shown = View(None, None, table, tuple(n for n, row in enumerate(table.rows) if row is not MISSING))
        assert shown.root == {"rows": {n: n for n in range(at, at + 50)}}


@pytest.mark.parametrize("limit", [None, 3])
def test_client_whose_row_is_gone_sees_none(limit: int | None) -> None:
    store = GameStateStore(GameState(players={1: {"at": [0, 0]}, 2: {"at": [1, 0]}}))
    near = Near("players", ["at"], 10.0, limit, None)
    assert set(near(store.get_game_state(), 1)["players"]) == {1, 2}
    state = GameStateStore(GameState(players={2: {"at": [1, 0]}})).get_game_state()
    assert near(state, 1)["players"] == {}
    assert set(near(state, 2)["players"]) == {2}


def test_numbers_begin_anew_while_views_are_in_flight() -> None:
    feed, reader, near = (
        ViewFeed(lambda: 0.0),
        Reader(),
        Near("players", ["at"], 10.0, None, lambda state, client: "me"),
    )
    for version in range(1, 3 * MAX_VIEWS_IN_FLIGHT):
        rows: dict[Any, Any] = {n: {"at": [0.5, n]} for n in range(version * 9, version * 9 + 20)}
        state = GameStateStore(GameState(players={"me": {"at": [0, version * 9]}, **rows})).get_game_state()
        feed.show(version, [(reader.track, near.look(state, 0))])
        reader.read(feed, arrives=version % 3 > 0, is_acked=version % 4 > 0)
        if version % 3:
            assert vars(reader.state) == near(state, 0)


@pytest.mark.parametrize("keys", [["a", "k" * 65], ["k" * 65, "\u00e9" * 40, "a"], [1, 2], ["a", 1]])
def test_rows_of_any_keys_arrive_though_only_short_strings_get_numbers(keys: list[Any]) -> None:
    feed, reader, near = ViewFeed(lambda: 0.0), Reader(), Near("rows", ["at"], 9.0, None, lambda state, client: keys[0])
    for version in range(1, 6):
        far = 99.0 if version == 3 else 0.5
        rows: dict[Any, Any] = {key: {"at": [far * n, 0.5], "n": version} for n, key in enumerate(keys)}
        state = GameStateStore(GameState(rows=rows)).get_game_state()
        feed.show(version, [(reader.track, near.look(state, 0))])
        reader.read(feed, arrives=True, is_acked=version != 2)
        assert vars(reader.state) == near(state, 0)
