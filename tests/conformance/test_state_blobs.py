"""What the server sends of its state is what docs/PROTOCOL_STATE.md says: a reader made from that alone reads it."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pygase.state import TO_DELETE, Replacement
from pygase.state.codec import Decoder, Encoder
from pygase.state.precision import parse_precision
from pygase.state.spans import Spans
from pygase.state.values import freeze
from tests.property.test_codec_round_trip import CHANGES, POSITIONS, STEPS, identical
from tests.state.test_records import STORIES

from .state_reader import DocumentReader


@given(st.lists(CHANGES, min_size=1, max_size=3))
def test_changes_of_all_kinds_in_a_row(updates: list[dict[str, Any]]) -> None:
    encoder, reader = Encoder(), DocumentReader()
    for version, update in enumerate(updates):
        encoder.begin(version)
        assert identical(reader.read(encoder.encode(update, version - 1)), update)


@given(st.lists(POSITIONS, min_size=1, max_size=3), STEPS)
def test_rounded_numbers(tables: list[Any], step: float) -> None:
    encoder = Encoder(parse_precision({"players.*.position": step}))
    reader, decoder = DocumentReader(), Decoder()
    for version, players in enumerate(tables):
        encoder.begin(version)
        blob = encoder.encode({"players": players}, version - 1)
        assert identical(reader.read(blob), decoder.decode(blob))


@given(STORIES, st.sampled_from([None, 0.1, 0.3, 7.5]))
def test_rows_that_each_client_sees_of_a_table(tables: list[Any], step: float | None) -> None:
    *olds, new = [freeze({"players": table}) for table in tables]
    rules = parse_precision({"players.*.at": step}) if step else None
    encoder = Encoder(is_rounded=bool(step))
    encoder.begin(1)
    blob = encoder.encode(Spans(rules).update(olds, new), None)
    assert identical(DocumentReader().read(blob), Decoder().decode(blob))


def numbered(*values: Any) -> dict[int, Any]:
    """A dict whose values make a column."""
    return dict(enumerate(values))


def test_every_kind_of_column_and_every_width() -> None:
    """What a game may hold, and by it all that the document lists, so that none of it goes unread above."""
    encoder, decoder, reader = Encoder(parse_precision({"round.*": 0.1})), Decoder(), DocumentReader()
    row = {"x": 0.1, "y": 7, "on": True}
    everything: dict[str, Any] = {
        "byte": numbered(300, 301, 399, 303),
        "two": numbered(1, 999, 5, 5),
        "four": numbered(1, 99_999, 3, 4),
        "eight": numbered(1, 1 << 40, 2, 3),
        "same": numbered(5, 5, 5, 5),
        "rising": numbered(7.0, 8.0, 9.0),
        "exact": numbered(0.1, 0.2, 0.3, 0.7),
        "short": numbered(0.5, 0.25, 1.5, 7.5),
        "alike": numbered(0.1, 0.1, 0.1),
        "other": numbered(True, None, "text", b"bytes", [1, "two", [3.0]], {}, 2**64 - 1),
        "round": numbered(*[number * number / 3.0 for number in range(20)]),
        "table": {f"row {number}": row for number in range(9)},
        "lists": numbered(*[[number, 2 * number] for number in range(9)]),
        "few": numbered([1.5, 2.5], [3.5, 4.5]),
        "text": "so much of it, " * 400,
    }
    changes = {"table": {"row 1": {"x": 0.2}, "row 2": TO_DELETE}, "few": Replacement(a=1), "text": "short"}
    updates: list[dict[str, Any]] = [Replacement(everything), everything, everything, changes]
    for version, update in enumerate(updates):
        encoder.begin(version)
        blob = encoder.encode(update, version - 1)
        assert identical(reader.read(blob), decoder.decode(blob))
    assert reader.kinds >= {0, 1, 2, 3, 4, 5, 13, 16, 21, 30, *range(32, 45)}
