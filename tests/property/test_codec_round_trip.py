"""Encoding: what is decoded is what was encoded, for whoever has the baseline or anything newer."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase.errors import MalformedDatagram
from pygase.state import TO_DELETE, GameState, GameStateStore, Replacement, Replica, StateFeed, apply_all
from pygase.state.codec import Decoder, Encoder
from pygase.state.known import KnownNames
from pygase.state.precision import of_rules, parse_precision
from pygase.state.reader import read_columns
from pygase.state.values import same
from pygase.state.writer import write_columns
from pygase.wire import pack, unpack

TEXTS = st.sampled_from(["", "idle", "run", "p1", "p2", "1", "x" * 70, "ü" * 40, "\x00", "😀"])
KEYS = st.sampled_from(["x", "y", "p1", "p2", "p3", "1", "", "ü" * 40, 0, 1, 2, 3, 2**64 - 1, -(2**63), 2**62])
FLOATS = st.floats() | st.sampled_from([0.0, -0.0, 1.0, 2.0, 0.5, 0.1, 300.0, 2.0**53, 2.0**60, -1.0])
INTEGERS = st.integers(-300, 300) | st.integers(-(2**63), 2**64 - 1)
SCALARS = st.one_of(st.none(), st.booleans(), INTEGERS, FLOATS, TEXTS, st.binary(max_size=5))


def lists(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=5)


VALUES = st.recursive(SCALARS, lambda inner: lists(inner) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=6)
LEAVES = SCALARS | lists(FLOATS) | lists(VALUES) | st.just(TO_DELETE)
REPLACED = st.dictionaries(KEYS, VALUES, max_size=3).map(Replacement)
ROWS = st.fixed_dictionaries({"x": FLOATS, "y": FLOATS}, optional={"hp": INTEGERS, "pos": lists(FLOATS)})
ALIKE = st.fixed_dictionaries({"x": FLOATS, "pos": st.lists(FLOATS, min_size=2, max_size=2)})
TABLES = st.dictionaries(KEYS, ROWS | LEAVES, max_size=6) | st.dictionaries(KEYS, ALIKE, max_size=6)
TREES = st.recursive(LEAVES, lambda inner: st.dictionaries(KEYS, inner, max_size=4), max_leaves=8)
UPDATES = st.dictionaries(st.sampled_from(["a", "b", "c"]), TREES | TABLES, max_size=3)
CHANGES = st.dictionaries(st.sampled_from(["a", "b", "c"]), TREES | TABLES | REPLACED, max_size=3)


@given(VALUES)
def test_values_survive(value: Any) -> None:
    assert same(unpack(pack(value)), value)


@given(st.lists(CHANGES, min_size=1, max_size=3))
def test_updates_survive_in_a_row(updates: list[dict[str, Any]]) -> None:
    encoder, decoder = Encoder(), Decoder()
    for version, update in enumerate(updates):
        encoder.begin(version)
        assert identical(decoder.decode(encoder.encode(update, version - 1)), update)


@given(UPDATES)
def test_both_sides_count_the_same_cost(update: dict[str, Any]) -> None:
    names = KnownNames()
    body, cost = write_columns(update, names)
    entries = [tuple(names.entries[n] for n in entry) if type(entry) is tuple else entry for entry in names.entries]
    assert read_columns(bytes(body), 0, entries, cost)[1] == cost  # type: ignore[arg-type]
    with pytest.raises(MalformedDatagram):
        read_columns(bytes(body), 0, entries, cost - 1)  # type: ignore[arg-type]


def identical(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and (type(one) is Replacement) == (type(other) is Replacement)
            and {(type(key), key) for key in one} == {(type(key), key) for key in other}
            and all(identical(value, other[key]) for key, value in one.items())
        )
    return same(one, other)


@given(st.lists(st.tuples(UPDATES, st.lists(st.none() | st.integers(0, 3), min_size=2, max_size=2)), max_size=6))
def test_everybody_can_read_everything_newer_than_what_they_have(ticks: list[Any]) -> None:
    """Readers lag, skip versions, ask from older baselines than they have, and join late."""
    store = GameStateStore(GameState(players={}))
    feed = StateFeed(store, lambda: 0.0)
    readers = [(Replica(), GameState()) for _ in range(2)]
    for changes, lags in ticks:
        draft = store.begin_tick()
        draft.merge(changes)
        store.commit(draft)
        for (replica, state), lag in zip(readers, lags, strict=True):
            if lag is None:
                continue
            have = replica.version
            baseline = None if have < 0 else max(0, have - lag)
            version, blob = feed.encoded(baseline)
            assert replica.receive(baseline, version, blob, 0.0) == (version > have)
            apply_all(state, replica.take_pending())
            assert same(state.to_dict(), store.get_game_state().to_dict())


STEPS = st.sampled_from([0.1, 0.25, 1.0, 0.3, 7.5])
POSITIONS = st.dictionaries(
    st.sampled_from(["p1", "p2", "p3", "p4"]),
    st.fixed_dictionaries({"position": st.lists(FLOATS, min_size=1, max_size=3), "z": FLOATS}),
    min_size=1,
)


@given(st.integers(-(2**60), 2**60), st.integers(1, 34), st.data())
def test_rounded_numbers_of_any_range_survive(base: int, bits: int, data: st.DataObject) -> None:
    step = of_rules(parse_precision({"n": 1.0}), "n")[""]  # type: ignore[index]
    above = data.draw(st.lists(st.integers(0, 2**bits - 1), min_size=1, max_size=40))
    names = KnownNames()
    update = {"n": {number: step(base + one) for number, one in enumerate(above)}}
    body, cost = write_columns(update, names, is_rounded=True)
    read, read_cost = read_columns(bytes(body), 0, names.entries, cost)  # type: ignore[arg-type]
    assert (list(read["n"].values()), read_cost) == ([float(base + one) for one in above], cost)


@given(POSITIONS, STEPS)
def test_what_is_rounded_is_within_the_step_and_all_else_exact(players: Any, step: Any) -> None:
    encoder, decoder = Encoder(parse_precision({"players.*.position": step})), Decoder()
    encoder.begin(0)
    decoded = decoder.decode(encoder.encode({"players": players, "tick": 0.123}, 0))
    assert decoded["tick"] == 0.123
    for name, row in players.items():
        assert same(decoded["players"][name]["z"], row["z"])
        for sent, given_ in zip(decoded["players"][name]["position"], row["position"], strict=True):
            assert type(sent) is float
            assert same(sent, given_) or abs(sent - given_) <= step / 2 + 4e-15 * abs(given_)
