"""What one datagram's update can cost whoever reads it: less than 256 KiB, whatever it claims or repeats."""

import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from pygase.config import MAX_STATE_BYTES, MAX_UPDATE_MEMORY
from pygase.errors import MalformedDatagram
from pygase.state import GameState, GameStateStore, Replica, StateFeed, layout
from pygase.state.codec import Decoder, Encoder
from pygase.state.known import KnownNames
from pygase.state.values import size_of
from pygase.state.writer import write_columns
from pygase.wire import pack, write_varint, zigzag
from tests.conftest import peak_memory

LARGEST = 1_190  # what a snapshot may take of 1,200 bytes
BUDGET = 256 * 1024
FAR = zigzag(1_000_000)
"""A base from which every number is an object of its own."""


def varint(number: int) -> bytes:
    buffer = bytearray()
    write_varint(buffer, number)
    return bytes(buffer)


def columns(body: bytes, entries: list[Any]) -> tuple[int, bytes]:
    """An update of columns, with a table of known names in front."""
    packed = pack(entries)
    return 0, varint(len(entries)) + b"\0" + varint(len(packed)) + packed + body


def of_key(column: bytes, entries: tuple[Any, ...] = ()) -> tuple[int, bytes]:
    """An update of one key, the value of which is in a column."""
    return columns(bytes((layout.MAPS, 1, layout.NAMES, 0)) + column, ["key", *entries])


def values(count: int, column: bytes) -> bytes:
    return bytes((layout.FLAT_LISTS,)) + varint(count) + column


def counting(kind: int) -> bytes:
    return bytes((kind | layout.COUNTING,)) + varint(FAR)


def rows(count: int, keys: int, depth: int, leaf: bytes) -> tuple[int, bytes]:
    """Many dicts of the same keys, within as many others."""
    names = [f"{number:x}" for number in range(keys)]
    shape = bytes((layout.ROWS, 1 + keys))
    column = shape * depth + leaf * keys
    many = bytes((layout.MAPS,)) + varint(count) + counting(layout.INTS) + column
    return of_key(many, (*names, list(range(1, 1 + keys))))


def maps(count: int, one: bytes) -> tuple[int, bytes]:
    head = bytes((layout.MAPS,)) + varint(count) + counting(layout.INTS) + bytes((layout.MAPS,))
    return of_key(head + one * count)


def whole(count: int, member: bytes) -> tuple[int, bytes]:
    array = b"\xdd" + struct.pack(">I", count) + member * count
    return layout.WHOLE, b"\0\x81\xa3key" + array


def deflated(update: tuple[int, bytes]) -> tuple[int, bytes]:
    return update[0] | layout.DEFLATED, zlib.compress(update[1], 9)


NONES = bytes((layout.NONES,))

ATTACKS: dict[str, Callable[[int], tuple[int, bytes]]] = {
    "ints": lambda n: of_key(values(n, counting(layout.INTS))),
    "floats": lambda n: of_key(values(n, counting(layout.INTEGRAL_FLOATS))),
    "rounded floats": lambda n: of_key(
        values(n, bytes((layout.FIXED_FLOATS | layout.COUNTING, 1)) + varint(FAR)), (0.1,)
    ),
    "texts": lambda n: of_key(values(n, bytes((layout.NAMES, 0)))),
    "nothing": lambda n: of_key(values(n, NONES)),
    "lists of one": lambda n: of_key(values(n, values(1, NONES))),
    "lists of many": lambda n: of_key(values(n, bytes((layout.LISTS,)) + varint(200) + NONES * 200)),
    "lists in lists": lambda n: of_key(values(n, values(1, values(1, values(1, values(1, NONES)))))),
    "rows of one": lambda n: rows(n, 1, 1, NONES),
    "rows in rows": lambda n: rows(n, 1, 80, NONES),
    "rows of eleven": lambda n: rows(n, 11, 1, NONES),
    "rows of many": lambda n: rows(n, 22, 1, counting(layout.INTEGRAL_FLOATS)),
    "maps of none": lambda n: maps(n, b"\0"),
    "maps of one": lambda n: maps(n, b"\1\0\0" + NONES),
    "maps of six": lambda n: maps(n, b"\6\5\0" + NONES),
    "a map": lambda n: of_key(bytes((layout.MAPS,)) + varint(n) + counting(layout.INTS) + NONES),
    "a state of dicts": lambda n: whole(n, b"\x80"),
    "a state of dicts of one": lambda n: whole(n, b"\x81\1\xc0"),
    "a compressed state of nothing": lambda n: deflated(whole(n, b"\xc0")),
    "a compressed state of dicts": lambda n: deflated(whole(n, b"\x80")),
    "a compressed state of texts": lambda n: deflated(whole(n, b"\xa2ab")),
    "compressed bits": lambda n: deflated(of_key(values(8 * n, bytes((layout.BOOLS,)) + bytes(n)))),
    "compressed numbers": lambda n: deflated(of_key(values(n, bytes((layout.WIDTH_1,)) + varint(FAR) + bytes(n)))),
    "compressed half bytes": lambda n: deflated(
        of_key(values(n, bytes((layout.HALVED,)) + varint(FAR) + b"\1" + bytes((n + 1) // 2)))
    ),
    "compressed rounded floats": lambda n: deflated(
        of_key(
            values(n, bytes((layout.FIXED_FLOATS | layout.HALVED, 1)) + varint(FAR) + b"\7" + bytes((7 * n + 1) // 2)),
            (0.1,),
        )
    ),
    "compressed maps": lambda n: deflated(maps(n, b"\1\0\0" + NONES)),
    "compressed names": lambda n: deflated(columns(b"\x2a\0", ["ab"] * n)),
    "compressed shapes": lambda n: deflated(columns(b"\x2a\0", ["a"] + [[0]] * n)),
}


def blob(attack: Callable[[int], tuple[int, bytes]], count: int) -> bytes | None:
    """As long as it may be: padded, which allows it more. None if it is longer than a datagram takes."""
    flags, content = attack(count)
    padding = LARGEST - len(content) - 5
    if padding < 0:
        return None
    return b"\0\0" + bytes((flags | layout.PADDED,)) + varint(padding) + content + bytes(padding)


def is_taken(data: bytes | None) -> bool:
    try:
        return data is not None and Decoder().decode(data[2:]) is not None
    except MalformedDatagram:
        return False


def peak_of(data: bytes) -> int:
    """The most memory that taking this datagram's update needs at any time."""
    baseline = None if data[2] & layout.WHOLE else 0

    def take() -> None:
        replica = Replica()
        replica.version = 0
        try:
            replica.receive(baseline, 1, data, 0.0)
        except MalformedDatagram:
            assert replica.version == 0

    return peak_memory(take)


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_no_datagram_costs_its_reader_more_than_its_budget(attack: Callable[[int], tuple[int, bytes]]) -> None:
    taken, refused = 4, 1_000_000
    assert is_taken(blob(attack, taken))
    while refused - taken > 1:
        count = (taken + refused) // 2
        taken, refused = (count, refused) if is_taken(blob(attack, count)) else (taken, count)
    for count in (taken, refused, 2 * refused, 1_000_000):
        data = blob(attack, count)
        if data is not None:
            assert peak_of(data) < BUDGET, count


def test_two_datagrams_cannot_cost_much_more_than_two_megabytes() -> None:
    flags, content = deflated(whole(900_000, b"\x80"))
    data = b"\0\0" + bytes((flags,)) + content.ljust(2 * LARGEST, b"\0")
    assert peak_of(data) < 2_048 * len(data)


@pytest.mark.parametrize(
    "update",
    [
        {"board": [[0] * 512 for _ in range(512)]},
        {"rows": {number: {"alive": True, "hp": 100, "x": 0.0} for number in range(5_000)}},
        {"rows": {number: {str(number): None} for number in range(500)}},
        {"lists": [[] for _ in range(2_000)]},
        {"flags": [number % 3 == 0 for number in range(9_000)]},
        {"text": "ж" * 1_000},
        {f"name-{number}": number for number in range(600)},
    ],
    ids=lambda update: next(iter(update)),
)
def test_what_is_dear_for_its_size_is_padded_and_arrives(update: dict[str, Any]) -> None:
    encoder, decoder = Encoder(), Decoder()
    encoder.begin(0)
    data = encoder.encode(update, None)
    assert decoder.decode(data) == update
    store = GameStateStore(GameState(**update))
    _, joined = StateFeed(store, lambda: 0.0).encoded(None)
    replica = Replica()
    assert replica.receive(None, 1, joined, 0.0)
    assert len(joined) < len(pack(update)) + 100 or len(joined) < 1_300


def test_a_large_and_empty_board_still_travels_as_a_few_datagrams() -> None:
    store = GameStateStore(GameState(board=[[0] * 512 for _ in range(512)]))
    _, data = StateFeed(store, lambda: 0.0).encoded(None)
    assert data[2] & layout.PADDED
    assert len(data) < 5_000


@pytest.mark.parametrize("padding", [1, 2, 200, 2**63])
def test_padding_beyond_the_update_is_refused(padding: int) -> None:
    with pytest.raises(MalformedDatagram):
        Decoder().decode(bytes((layout.PADDED,)) + varint(padding) + b"\0\x2a\0"[: padding - 1])


def test_padding_means_nothing() -> None:
    assert Decoder().decode(bytes((layout.PADDED, 4)) + b"\0\x2a\0" + b"abcd") == {}


DEAREST: list[dict[str, Any]] = [
    {"a": {number: [] for number in range(1_000)}},
    {"a": [[] for _ in range(1_000)]},
    {"a": {number: {} for number in range(1_000)}},
    {"a": dict.fromkeys(range(1000))},
    {"a": {number: {"b": None} for number in range(1_000)}},
    {"a": {number: {chr(97 + number % 26): None, 1: None} for number in range(1_000)}},
    {"a": {number: {number: {}} for number in range(1_000)}},
    {"a": {number: [None] for number in range(1_000)}},
    {"a": [[chr(97 + number % 26)] for number in range(1_000)]},
]


@pytest.mark.parametrize("update", DEAREST)
def test_whatever_fits_into_a_state_may_be_sent(update: dict[str, Any]) -> None:
    _, cost = write_columns(update, KnownNames())
    assert cost / size_of(update) < MAX_UPDATE_MEMORY / MAX_STATE_BYTES
