"""Rows as records: what a client reads is what the rows were, however they were packed."""

from typing import Any

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from pygase.errors import MalformedDatagram
from pygase.state import apply, layout, reader
from pygase.state.codec import Decoder, Encoder
from pygase.state.known import KnownNames
from pygase.state.precision import exact, parse_precision
from pygase.state.reader import read_columns
from pygase.state.records import change_of
from pygase.state.rows import Rows, in_dicts
from pygase.state.spans import Spans
from pygase.state.tree import Change, thaw
from pygase.state.values import freeze, same
from pygase.state.writer import write_columns
from pygase.wire import write_varint
from tests.conftest import interpreted_only

FLOATS = st.floats() | st.sampled_from([0.0, -0.0, 1.0, 2.0**31, -(2.0**31), 2.0**53, 0.5])
INTEGERS = st.integers(-3, 3) | st.integers(-(2**63), 2**64 - 1)
FIELDS = st.one_of(
    FLOATS, INTEGERS, st.booleans(), st.none(), st.lists(FLOATS, max_size=3), st.lists(INTEGERS, max_size=2)
)
LISTS_OF_TWO = st.tuples(FLOATS, FLOATS).map(list)
ROWS = st.fixed_dictionaries({"at": LISTS_OF_TWO, "x": FLOATS}, optional={"hp": FIELDS, "on": st.booleans()})
KEYS = st.sampled_from(["p1", "p2", "p3", "p4", "p5", "p6", 7])
TABLES = st.dictionaries(KEYS, ROWS, max_size=7)

WHOLE_NUMBERS = st.integers(-(2**31), 2**31 - 1)
OF_A_FORM: list[st.SearchStrategy[Any]] = [
    st.floats().filter(lambda value: not value.is_integer()),
    WHOLE_NUMBERS.map(float),
    WHOLE_NUMBERS,
    st.integers(2**31, 2**63 - 1),
    st.booleans(),
]


@st.composite
def tables_of_a_form(draw: st.DrawFn) -> list[dict[Any, Any]]:
    """Tables in which each key's values have one form, so that the rows can travel as records."""
    fields: dict[str, st.SearchStrategy[Any]] = {}
    for name in draw(st.lists(st.sampled_from(["at", "x", "hp", "on"]), min_size=1, unique=True)):
        values, length = draw(st.sampled_from(OF_A_FORM)), draw(st.integers(0, 3))
        fields[name] = st.lists(values, min_size=length, max_size=length) if length else values
    tables = st.dictionaries(KEYS, st.fixed_dictionaries(fields), max_size=7)
    return draw(st.lists(tables, min_size=2, max_size=4))


STORIES = st.lists(TABLES, min_size=2, max_size=4) | tables_of_a_form()


def encoded(update: dict[str, Any], *, is_rounded: bool = False) -> bytes:
    encoder = Encoder(is_rounded=is_rounded)
    encoder.begin(1)
    return encoder.encode(update, None)


def kind_of_rows(names: KnownNames, table: dict[Any, Any]) -> int:
    """How the values of a table are written: the kind of the last column within two dicts of one or more names."""
    body, _ = write_columns({"players": table}, names)
    keys_only, _ = write_columns({"players": dict.fromkeys(table)}, names)
    return body[len(keys_only) - 1]


def kinds_of(tables: list[Any], step: float | None) -> set[int]:
    """The kinds of columns in which the newest of some tables travels to whoever has any of the others."""
    kinds: set[int] = set()

    class Listening(dict[int, int]):  # a column's cost is looked up when it is read
        def get(self, kind: int, default: Any = None) -> Any:
            kinds.add(kind)
            return super().get(kind, default)

    *olds, new = [freeze({"players": table}) for table in tables]
    rules = parse_precision({"players.*.at": step}) if step else None
    blob = encoded(Spans(rules).update(olds, new), is_rounded=bool(step))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "_COSTS", Listening(reader._COSTS))
        Decoder().decode(blob)
    return kinds


@interpreted_only
@pytest.mark.parametrize("step", [None, 0.25])
@pytest.mark.parametrize("kind", [layout.RECORDS, layout.CHAINED, layout.MIXED])
def test_tables_as_below_travel_in_every_kind_that_rows_have(kind: int, step: float | None) -> None:
    never_by_luck = settings(phases=[Phase.generate], max_examples=5_000, derandomize=True, database=None)
    find(STORIES, lambda tables: kind in kinds_of(tables, step), settings=never_by_luck)


@given(STORIES, st.sampled_from([None, 0.1, 0.25]))
def test_whoever_has_any_of_the_tables_gets_the_newest(tables: list[Any], step: float | None) -> None:
    *olds, new = [freeze({"players": table}) for table in tables]
    rules = parse_precision({"players.*.at": step}) if step else None
    update = Spans(rules).update(olds, new)
    blob = encoded(update, is_rounded=bool(step))
    for old in olds:
        plain, kept = thaw(old), thaw(old)
        apply(plain, Decoder().decode(blob))
        apply(kept, Decoder().decode(blob, keeps_rows=True))
        assert same(plain, kept)
        for key, row in new["players"].items():
            arrived = plain["players"][key]
            assert arrived.keys() == row.keys()
            for name, value in row.items():
                if step is None or name != "at":
                    assert same(arrived[name], thaw(value))
                else:
                    arrived_list, list_ = (
                        one if isinstance(one, list) else [one] for one in (arrived[name], thaw(value))
                    )
                    assert all(is_rounded(one, other, step) for one, other in zip(arrived_list, list_, strict=True))
        assert plain["players"].keys() == new["players"].keys()


def is_rounded(arrived: Any, value: Any, step: float) -> bool:
    """Whether this is what a value may arrive as: a float within half a step, but for a float's own error."""
    if type(value) is not float or same(arrived, value):
        return same(arrived, value)
    return type(arrived) is float and abs(arrived - value) <= step / 2 + 4e-15 * abs(value)


@given(STORIES, st.sampled_from([None, 0.5]))
def test_both_sides_count_the_same_cost(tables: list[Any], step: float | None) -> None:
    *olds, new = [freeze({"players": table}) for table in tables]
    rules = parse_precision({"players.*.at": step}) if step else None
    update = Spans(rules).update(olds, new)
    names = KnownNames()
    body, cost = write_columns(update, names, is_rounded=bool(step))
    entries = [tuple(names.entries[n] for n in entry) if type(entry) is tuple else entry for entry in names.entries]
    for keeps_rows in (False, True):
        read, counted = read_columns(bytes(body), 0, entries, cost, keeps_rows=keeps_rows)  # type: ignore[arg-type]
        assert counted == cost
        assert same(in_dicts(read) if keeps_rows else read, exact(update)) or _has_markers(update)
        with pytest.raises(MalformedDatagram):
            read_columns(bytes(body), 0, entries, cost - 1, keeps_rows=keeps_rows)  # type: ignore[arg-type]


def _has_markers(value: Any) -> bool:
    return any(map(_has_markers, value.values())) if isinstance(value, dict) else type(value).__name__ == "_Marker"


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (0.5, 8),
        (3.0, 4),
        (-0.0, 8),
        (float("nan"), 8),
        (2.0**31, 8),
        (7, 4),
        (2**31, 8),
        (-(2**63), 8),
        (True, 1),
        ([0.5, 1.0], 16),
        ([1.0, 2.0, 3.0], 12),
        ([1, 2], 8),
        ([True, False, True], 3),
    ],
)
def test_values_are_packed_tightly_and_come_back(value: Any, size: int) -> None:
    change = change_of({"v": value})
    assert len(change.record) == size
    table = {"p1": change, "p2": change_of({"v": value})}
    names = KnownNames()
    write_columns({"players": table}, names)
    assert kind_of_rows(names, table) == layout.RECORDS
    assert same(Decoder().decode(encoded({"players": table})), {"players": {"p1": {"v": value}, "p2": {"v": value}}})


@pytest.mark.parametrize("value", ["text", None, 2**63, [], [1, 2.0], ["a"], [1.0] * 33, b"raw"])
def test_what_has_no_form_travels_in_columns(value: Any) -> None:
    change = change_of({"v": value})
    assert change.form is None
    assert Decoder().decode(encoded({"players": {"p1": change, "p2": change}})) == {
        "players": {"p1": {"v": value}, "p2": {"v": value}}
    }


def test_rows_of_several_forms_travel_together() -> None:
    table: dict[str, dict[str, Any]] = {f"p{n}": {"x": 0.5 * n + 0.1} for n in range(6)}
    table |= {f"q{n}": {"x": 0.1, "hp": n} for n in range(4)}
    table |= {f"r{n}": {"x": 0.1, "name": "ann"} for n in range(3)}
    update = {"players": {key: change_of(row) for key, row in table.items()}}
    assert Decoder().decode(encoded(update)) == {"players": table}


def test_rows_arrive_as_columns_for_whoever_wants_these() -> None:
    table = {f"p{n}": change_of({"at": [0.5 + n, 1.5], "hp": n}) for n in range(5)}
    rows = Decoder().decode(encoded({"players": table}), keeps_rows=True)["players"]
    assert type(rows) is Rows
    assert rows.columns[0].components == [[0.5 + n for n in range(5)], [1.5] * 5]  # type: ignore[attr-defined]
    assert rows.in_dicts() == table


def test_one_row_needs_no_shape_of_its_own() -> None:
    names = KnownNames()
    write_columns({"players": {"p1": change_of({"x": 0.5})}}, names)
    assert names.entries == ["players", "p1", "x"]


def test_who_sees_the_same_row_shares_its_record() -> None:
    spans = Spans()
    old = freeze({"players": {"p1": {"x": 0.5}, "p2": {"x": 0.5}, "p3": {"x": 0.5}}})
    new = freeze({"players": {"p1": {"x": 0.75}, "p2": {"x": 0.6}, "p3": {"x": 0.7}}})
    first, second = (
        spans.update(
            [{"players": {key: old["players"][key] for key in keys}}],
            {"players": {key: new["players"][key] for key in keys}},
        )
        for keys in (("p1", "p2"), ("p2", "p3"))
    )
    assert type(first["players"]["p2"]) is Change
    assert first["players"]["p2"] is second["players"]["p2"]


def crafted(*content: int) -> bytes:
    """An update of one table with the row p1, whose value is a column as given; the row's keys are entry 3: x."""
    return bytes((0x2A, 1, 0x10, 0, 0x2A, 1, 0x10, 2, *content))


NAMES: list[Any] = ["players", "p1", "x", ("x",), 0.5]


@pytest.mark.parametrize(
    "content",
    [
        (45, 3, 0, *[0] * 7),  # cut off
        (45, 3, 7, *[0] * 8),  # no such form
        (45, 3, 32, *[0] * 8),
        (45, 3, 16, 0),  # lists of nothing
        (45, 3, 16, 33, *[0] * 264),  # longer than a list may be
        (45, 0, 0, *[0] * 8),  # not a shape
        (45, 9, 0, *[0] * 8),
        (45, 3, 5, 0, *[0] * 4),  # not a step
        (45, 3, 0, *[0] * 9),  # followed by something
        (46, 0),
        (46, 2, 1, 1, 36, 36),  # more values than there are
        (46, 2, 1, 0, 36, 36),  # a column of none
        (39, 1, 45, 3, 0, *[0] * 8),  # within lists
    ],
    ids=str,
)
def test_malformed_records_are_refused(content: tuple[int, ...]) -> None:
    for keeps_rows in (False, True):
        with pytest.raises(MalformedDatagram):
            read_columns(crafted(*content), 0, NAMES, 1_000_000, keeps_rows=keeps_rows)


def test_records_as_the_protocol_shows_them() -> None:
    update, _ = read_columns(crafted(45, 3, 5, 4, 3, 0, 0, 0), 0, NAMES, 1_000_000)
    assert update == {"players": {"p1": {"x": 1.5}}}


def test_records_cannot_cost_more_than_their_size_allows() -> None:
    keys = bytearray()
    write_varint(keys, 60_000)
    with pytest.raises(MalformedDatagram):
        read_columns(bytes((0x2A, 1, 0x10, 0, 0x2A, *keys, 5, 0, 45, 3, 3)) + bytes(60_000), 0, NAMES, 1_000_000)
