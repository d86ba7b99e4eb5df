"""Updates as bytes: the documented forms, their sizes, and what is refused."""

import random
from typing import Any

import pytest

from pygase.config import MAX_KNOWN_NAME_BYTES, MAX_KNOWN_NAMES
from pygase.errors import MalformedDatagram
from pygase.state import TO_DELETE, Replacement, layout
from pygase.state.codec import Decoder, Encoder
from pygase.state.precision import parse_precision
from pygase.state.values import same
from pygase.wire import pack, write_varint


def exchange(*updates: dict[str, Any], precision: dict[str, float] | None = None) -> list[tuple[Any, bytes]]:
    """Encode updates one after the other, and decode what came of them."""
    encoder, decoder = Encoder(parse_precision(precision) if precision else None), Decoder()
    outcomes = []
    for version, update in enumerate(updates):
        encoder.begin(version)
        data = encoder.encode(update, version - 1)
        outcomes.append((decoder.decode(data), data))
    return outcomes


def test_the_documents_examples_are_what_is_sent() -> None:
    assert exchange({})[0] == ({}, bytes.fromhex("00 00 2a 00"))
    rounded = {"at": {number: 40.0 + 5 * number * number for number in range(9)}}
    half_bytes = bytes.fromhex(
        "00 00 2a 01 10 00 2a 09 05 00 1e 01 00 03 190 1c2 258 352 4b0 672 898 b22 e10 0".replace(" ", "")
    )
    assert exchange(rounded, rounded, rounded, precision={"at": 0.1})[2] == (rounded, half_bytes)
    update = {"players": {"p0": {"x": 300.0}, "p1": {"x": 301.0}}}
    body = bytes.fromhex("2a 01 10 00 2a 02 15 02 29 04 0d d8 04")
    table = bytes.fromhex("95 a7 70 6c 61 79 65 72 73 a2 70 30 a2 70 31 a1 78 91 03")
    first, _, third = exchange(update, update, update)
    assert first == (update, b"\x00\x05\x00\x13" + table + body)
    assert third == (update, b"\x00\x00" + body)


@pytest.mark.parametrize(
    ("values", "size"),
    [
        ([1, 2, 3, 4], 2),  # counting: kind and base
        ([7, 7, 7, 7], 2),
        ([300, 300, 301, 307], 7),
        ([70_000, 0, 5, 6], 18),
        ([2**62, 0, 5, 6], 34),
        ([2**63, 0, 5, 6], 15),
        ([100.0, 250.0, 0.0, 3.0], 6),
        ([0.5, 0.25, 1.5, 2.0], 17),
        ([0.1, 0.2, 0.3, 0.4], 33),
        ([0.1] * 4, 9),
        ([0.0, -0.0, 1.0, 2.0], 17),
        ([True, False, True, True], 2),
        ([None] * 4, 1),
        ([TO_DELETE] * 4, 1),
        (["run", "run", "idle", "run"], 6),
        ([[0.1, 1.0], [0.2, 2.0], [0.3, 3.0], [0.4, 4.0]], 37),
        ([[1, 2], [1, 3], [1, 4], [1, 5]], 6),
        ([{"x": 1}, {"x": 2}, {"x": 3}, {"x": 4}], 4),
    ],
    ids=repr,
)
def test_a_column_takes_as_few_bytes_as_its_values_allow(values: list[Any], size: int) -> None:
    update = {"rows": dict(zip("abcd", values, strict=True))}
    known = exchange(update, update, update, update)
    assert all(same(decoded, update) for decoded, _ in known)
    # Flags, nothing added, the root's map of one key, and the map of four.
    assert len(known[-1][1]) - len(bytes.fromhex("00 00 2a 01 10 00 2a 04 15 01")) <= size


@pytest.mark.parametrize(
    ("values", "size"),
    [
        ([12.3] * 4, 5),  # kind, step, and the base alone
        ([12.31, 12.42, 12.53, 12.64], 5),  # counting
        ([12.3, 12.4, 37.7, 12.3], 4 + 4),  # less than 256 steps apart: a byte each
        ([12.3, 6_500.0, 0.1, 7.0], 3 + 2 * 4),  # less than 65,536
        ([1e300, 12.3, 12.4, 12.5], 4 * 8 + 9),  # what is out of reach goes whole
    ],
    ids=repr,
)
def test_a_rounded_column_takes_a_byte_or_two_for_each_value(values: list[float], size: int) -> None:
    update = {"rows": dict(zip("abcd", values, strict=True))}
    data = exchange(*[update] * 4, precision={"rows": 0.1})[-1][1]
    assert len(data) - len(bytes.fromhex("00 00 2a 01 10 00 2a 04 15 01")) <= size


@pytest.mark.parametrize(
    ("span", "halves"), [(0xF, 1), (0xFF, 2), (0xFFF, 3), (0xFFFF, 4), (0xFFFFF, 5), (0xFFFFFF, 6), (1 << 27, 7)]
)
@pytest.mark.parametrize("base", [-5, 0, 1_000_000])
@pytest.mark.parametrize("count", [20, 21])
def test_many_rounded_numbers_take_as_many_half_bytes_as_their_range(
    span: int, halves: int, base: int, count: int
) -> None:
    numbers = [base + span * number // (count - 1) for number in range(count)]
    update = {"rows": {number: float(one) for number, one in enumerate(numbers)}}
    decoded, data = exchange(*[update] * 4, precision={"rows": 1.0})[-1]
    assert decoded == update
    # The flags to the map's keys, the step's place, the base, and how many half bytes.
    head = len(bytes.fromhex("00 00 2a 01 10 00 2a 15 05 00")) + 2 + (3 if base > 0 else 1) + 1
    assert len(data) <= head + (count * halves + 1) // 2


def test_keys_that_look_alike_are_kept_apart() -> None:
    update = {"a": {1: "int", "1": "str", -1: True, "": None, 2**64 - 1: 0.5}}
    assert exchange(update)[0][0] == update


def test_texts_that_come_again_travel_as_numbers() -> None:
    sizes = [len(data) for _, data in exchange(*({"mood": "contemplative"} for _ in range(4)))]
    assert sizes[3] < sizes[0] - 10


def test_long_and_unique_texts_stay_out_of_the_table() -> None:
    encoder = Encoder()
    for version in range(50):
        encoder.begin(version)
        encoder.encode({"chat": f"message {version}", "long": "x" * 100}, version - 1)
    assert len(encoder._names.entries) <= 4


@pytest.mark.parametrize("kind", [dict, Replacement])
def test_much_text_is_compressed_and_what_would_not_be_shorter_is_not(kind: type[dict[str, Any]]) -> None:
    """A `Replacement` is the whole of what a client with a view of its own sees."""
    dice = random.Random(7)
    said = kind(chat={number: f"it was a dark and stormy night, the {number}th of them" for number in range(300)})
    noise = kind(noise=dice.randbytes(15_000))
    for update, is_deflated in ((said, True), (noise, False)):
        ((decoded, data),) = exchange(update)
        assert decoded == update
        assert bool(data[0] & layout.DEFLATED) == is_deflated
        assert (len(data) < 6_000) == is_deflated


def test_whoever_lags_gets_the_names_that_are_new_since() -> None:
    encoder = Encoder()
    encoder.begin(0)
    whole = encoder.encode(Replacement(players={}), None)
    updates = [{"players": {f"player-{number}": {"x": 1.0}}} for number in range(5)]
    by_baseline: dict[int, bytes] = {}
    for version, update in enumerate(updates, 1):
        encoder.begin(version)
        by_baseline[version - 1] = encoder.encode(update, version - 1)
    for baseline in range(5):
        decoder = Decoder()
        decoder.decode(whole)
        for version in range(baseline):
            decoder.decode(by_baseline[version])
        late = encoder.encode(updates[4], baseline)
        assert decoder.decode(late) == updates[4]


def test_a_full_table_begins_anew() -> None:
    encoder, decoder = Encoder(), Decoder()
    for version in range(30):
        encoder.begin(version)
        update = {"rows": {f"{version}-{number}": number for number in range(1_000)}}
        assert decoder.decode(encoder.encode(update, version - 1)) == update
        assert len(encoder._names.entries) <= MAX_KNOWN_NAMES
        assert len(decoder._names) <= MAX_KNOWN_NAMES


def naming(known: int, names: list[str]) -> bytes:
    """A change of nothing that brings names."""
    packed = pack(names)
    out = bytearray(1)
    for number in (len(names), known, len(packed)):
        write_varint(out, number)
    return bytes(out + packed + bytes((layout.MAPS, 0)))


def test_table_that_a_server_has_grow_without_end_is_refused_and_stays_as_it_was() -> None:
    decoder, known = Decoder(), 0
    while known < MAX_KNOWN_NAMES:
        assert decoder.decode(naming(known, [f"name {known + number}" for number in range(1_024)])) == {}
        known += 1_024
    with pytest.raises(MalformedDatagram):
        decoder.decode(naming(known, ["one more"]))
    assert len(decoder._names) == MAX_KNOWN_NAMES
    assert decoder.decode(naming(known - 1, ["the last"])) == {}


def test_name_that_is_too_long_is_refused() -> None:
    assert Decoder().decode(naming(0, ["x" * MAX_KNOWN_NAME_BYTES])) == {}
    for name in ("x" * (MAX_KNOWN_NAME_BYTES + 1), "ü" * (MAX_KNOWN_NAME_BYTES // 2 + 1)):
        with pytest.raises(MalformedDatagram):
            Decoder().decode(naming(0, [name]))


def test_names_cost_more_than_their_bytes() -> None:
    assert Decoder().decode(naming(0, [""] * 100)) == {}
    with pytest.raises(MalformedDatagram):
        Decoder().decode(naming(0, [""] * 1_000))


def test_many_equal_values_stay_within_what_a_reader_accepts() -> None:
    update = {"rows": {f"r{number}": {"alive": False, "hp": 100, "speed": 1.5} for number in range(2_000)}}
    outcomes = exchange(update, update, update)
    assert all(decoded == update for decoded, _ in outcomes)
    assert outcomes[2][1][0] & layout.PADDED
    assert len(outcomes[2][1]) < 1_300


def test_a_reader_refuses_more_values_than_bytes_warrant() -> None:
    bombs = [
        "2a 01 10 00 27 ff ff 03 24",  # a list of 65,535 Nones
        "2a ff ff ff 03 05 00 24",
        "2a 01 10 00 2a ff ff 03 05 00 24",
        "2a 01 10 00 28 ff ff ff ff 0f 24",
        "2a 01 10 00" + "2a 01 00 00" * 110 + "24",
    ]
    for body in bombs:
        decoder = Decoder()
        decoder.decode(bytes.fromhex("00 01 00 03 91 a1 61 2a 00"))
        with pytest.raises(MalformedDatagram):
            decoder.decode(bytes.fromhex("00 00" + body))


@pytest.mark.parametrize(
    "content",
    [
        "00 2a 01 10 05 24",  # a name that is not in the table
        "00 2a 01 10 01 24",  # a negative one
        "00 2a 01 10 02 24",  # a step for a name
        "00 2a 01 00 02 24",  # the root's keys are strings
        "00 24",
        "01 00 02 91 90 2a 00",  # a shape of no keys
        "02 00 05 92 a1 62 91 c3 2a 00",  # True for a number
        "02 00 05 92 a1 62 91 01 2a 00",  # a shape of itself
        "00 00 00",
        "00 2a 01 10 00 18 00 02",  # a name for a step
        "00 2a 01 10 00 29 00",  # a name for a shape
        "00 2a 01 10 00 07 02",
        "00 2a 01 10 00 06 02",  # so many half bytes as nothing says
        "00 2a 01 10 00 06 02 00",
        "00 2a 01 10 00 06 02 02 00",  # half bytes that are whole ones
        "00 2a 01 10 00 06 02 08 00 00 00 00",
        "00 2a 01 10 00 28 03 06 02 03 00 00 00 00",
        "00 2a 01 10 00 28 03 06 02 03 00 00 00 00 01",  # half a byte too many
        "00 2a 01 10 00 27 01 25",  # a deletion in a list
        "00 2a 01 10 00 27 01 2a 00",
        "00 2a 01 10 00 2b 02 91 01",
        "00 2a 01 10 00 26 02 92 01",
        "00 2a 01 10 00 2c 01 01 24",
        "00 2a 01 10 00 23 80",
        "00 2a 01 10 00 20 00",
        "00 2a 01 10 00 2d",
        "00 2a 01 10 00 24 00",
        "01 09 02 91 a1 62 2a 00",  # behind the table's end
        "01 00 02 91 c0 2a 00",
        "01 00 03 91 91 07 2a 00",
        "02 00 03 91 a1 62 2a 00",
        "01 00 0a 91 cb 00 00 00 00 00 00 00 00 2a 00",
    ],
)
def test_what_is_not_an_update_is_refused_and_changes_nothing(content: str) -> None:
    decoder = Decoder()
    decoder.decode(bytes.fromhex("00 02 00 0c 92 a1 61 cb 3f b9 99 99 99 99 99 9a 2a 00"))
    known = list(decoder._names)
    assert known == ["a", 0.1]
    with pytest.raises(MalformedDatagram):
        decoder.decode(b"\x00" + bytes.fromhex(content))
    assert decoder._names == known


@pytest.mark.parametrize(
    ("step", "value", "sent"),
    [(0.1, 12.34, 12.3), (0.25, 0.3, 0.25), (5.0, 12.0, 10.0), (0.1, 1e300, 1e300), (0.1, -0.04, 0.0), (0.3, 0.7, 0.6)],
)
def test_rounded_floats_are_multiples_of_the_step(step: float, value: float, sent: float) -> None:
    update = {"players": {"ann": {"at": [value, {"z": value}], "y": value}, "bob": None}, "at": value}
    decoded = exchange(update, precision={"players.*.at": step})[0][0]
    assert decoded["players"]["ann"]["at"] == [pytest.approx(sent), {"z": pytest.approx(sent)}]
    assert decoded["players"]["ann"]["y"] == decoded["at"] == value
    assert decoded["players"]["bob"] is None


def test_rounding_leaves_other_types_and_the_update_alone() -> None:
    update = {"a": {"b": {"x": 1, "y": True, "z": "1.5", "n": None, "f": float("inf"), "d": TO_DELETE}}}
    before = repr(update)
    assert exchange(update, precision={"a.*": 0.5})[0][0] == update
    assert repr(update) == before


def test_names_in_a_precision_count_before_the_star() -> None:
    update = {"ents": {"boss": {"x": 1.26}, "rat": {"x": 1.26}, 5: {"x": 1.26}}}
    decoded = exchange(update, precision={"ents.*.x": 1.0, "ents.boss.x": 0.1, "ents.5.x": 0.5})[0][0]
    assert decoded == {"ents": {"boss": {"x": 1.3}, "rat": {"x": 1.0}, 5: {"x": 1.5}}}


@pytest.mark.parametrize(
    "precision",
    [{"a": 0}, {"a": -1.0}, {"a": "1"}, {"a": float("nan")}, {"a": True}, {"": 1.0}, {"a..b": 1.0}, {5: 1.0}],
)
def test_a_precision_that_makes_no_sense_raises(precision: dict[Any, Any]) -> None:
    with pytest.raises(ValueError, match=r"precision|path"):
        parse_precision(precision)


@pytest.mark.parametrize("precision", [0.1, "a.b", ["a.b"]])
def test_a_precision_that_is_no_mapping_raises_and_shows_one(precision: Any) -> None:
    with pytest.raises(TypeError, match=r"'players\.\*\.position': 0\.1.*not "):
        parse_precision(precision)
