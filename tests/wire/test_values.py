"""Values as bytes and back, and what hostile bytes cost."""

import random
import struct
import sys
from collections import OrderedDict
from contextlib import suppress
from enum import IntEnum
from functools import partial
from typing import Any

import msgpack
import pytest

from pygase.config import MAX_VALUE_DEPTH
from pygase.errors import MalformedDatagram, NotSendable, PygaseError
from pygase.state import FrozenDict, FrozenList
from pygase.wire import pack, unpack
from tests.conftest import peak_memory


class Colour(IntEnum):
    RED = 1


@pytest.mark.parametrize(
    "value",
    [
        "", "text", "ünïcode", "x" * 70_000, b"", b"\x00\xff", True, False, None, 0, -1, 2**63, 2**64 - 1, -(2**63),
        0.1, 1.0, float("inf"), 5e-324, [], [1, "a", [2.5]], {}, {"a": 1, 1: "a", "1": b"b"}, {-5: {2**64 - 1: None}},
        list(range(300)), {str(number): number for number in range(70_000)}, [0.1] * 70_000,
    ],
    ids=lambda value: repr(value)[:30],
)  # fmt: skip
def test_a_value_arrives_as_it_was(value: Any) -> None:
    arrived = unpack(pack(value))
    assert arrived == value
    assert repr(arrived) == repr(value)


def test_nan_and_minus_zero_keep_their_bits() -> None:
    for value in (float("nan"), -0.0, -float("nan")):
        assert struct.pack("<d", unpack(pack(value))) == struct.pack("<d", value)


def test_tuples_arrive_as_lists() -> None:
    assert unpack(pack((1, (2, 3)))) == [1, [2, 3]]


def test_subclasses_travel_as_what_they_derive_from() -> None:
    value = [Colour.RED, OrderedDict(a=Colour.RED), FrozenDict(b=FrozenList([1]))]
    assert repr(unpack(pack(value))) == "[1, {'a': 1}, {'b': [1]}]"


def cyclic() -> Any:
    value: list[Any] = []
    value.append(value)
    return value


def nested(depth: Any) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (object(), "object"),
        ({1, 2}, "{1, 2}"),
        (2**64, "18446744073709551616"),
        ({"a": [1, {"b": -(2**63) - 1}]}, "a[1].b"),
        ({"players": {"ann": {"position": 1j}}}, "players.ann.position"),
        ({"a": {1.5: 1}}, "1.5"),
        ({None: 1}, "None"),
        ({True: 1}, "True"),
        ({(1, 2): 1}, "(1, 2)"),
        ({b"key": 1}, "b'key'"),
        ("\ud800", "Unicode"),
        ({"\ud800": 1}, "Unicode"),
        (cyclic(), "levels deep"),
        (nested(MAX_VALUE_DEPTH + 1), "levels deep"),
        (Unprintable(), "Unprintable"),
        (print, "print"),
    ],
    ids=lambda value: str(value)[:20] if isinstance(value, str) else type(value).__name__,
)
def test_what_cannot_be_sent_raises_naming_it(value: Any, named: Any) -> None:
    with pytest.raises(NotSendable, match=r"cannot be sent") as caught:
        pack(value)
    assert named in str(caught.value)
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, PygaseError)


def test_what_cannot_be_sent_leaves_nothing_behind_for_the_next_value() -> None:
    for bad in (["x", 1 << 70], ["x", "\ud800"], ["x", [object()]], ["x", [1, 1 << 70]], ["x", (1, {1.5: 0})]):
        with pytest.raises(NotSendable):
            pack(bad)
        assert pack(["y", 2]) == msgpack.packb(["y", 2])


def test_nesting_up_to_the_limit_passes() -> None:
    value = nested(MAX_VALUE_DEPTH)
    assert unpack(pack(value)) == value


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\xc1", b"\x01\x02", b"\x91", b"\xa5abc", b"\xa1\xff", b"\xcb\x00", b"\xdd\xff\xff\xff\xff",
        b"\x81\xc0\x01", b"\x81\xc3\x01", b"\x81\xcb\x00\x00\x00\x00\x00\x00\x00\x00\x01", b"\x81\x90\x01",
        b"\x81\xc4\x01a\x01", b"\xd4\x01a", b"\xd6\xff\x00\x00\x00\x00", b"\xc7\x0c\xff" + bytes(12), b"\x91" * 200,
        msgpack.packb(msgpack.Timestamp(1, 2)), msgpack.packb(nested(MAX_VALUE_DEPTH + 1)),
        msgpack.packb([1] * 100)[:-1], msgpack.packb([1] * 100) + b"\x01", b"\xdc\xff\xff" * 400,
        b"\xc6\xff\xff\xff\xff" + bytes(2_000), b"\xc9\x00\x00\x00\x01\x05a",
    ],
    ids=lambda data: data[:8].hex(),
)  # fmt: skip
def test_what_is_not_one_value_is_refused(data: Any) -> None:
    with pytest.raises(MalformedDatagram):
        unpack(data)


def hostile_datagrams() -> Any:
    yield b"\xdc\x04\x00" * 400
    yield b"\x9f" * 1_200
    yield b"\x90" * 1_200
    yield b"\x81\xa0" * 600
    yield b"\xdc\x04\x90" + b"\x90" * 1_168 + b"\x91" * 29
    yield b"\xdc\x01\x8f" + b"\x81\x00\xc0" * 399
    yield b"\xdc\x02\x56" + b"\x91\x90" * 598
    yield b"\x9f" * 16 + b"\xdc\x04\x90" * 16 + bytes(1_100)
    yield b"\xde\x01\x2c" + b"".join(b"\xcd" + struct.pack(">H", 256 + n) for n in range(300)) + bytes(297)
    rng = random.Random(5)
    openers = [0x81, 0x9F, 0x91, 0x90, 0x80, 0xDC, 0x04, 0x00, 0xA1, 0xCD, 0xDD, 0xDE, 0x8F, 0xFF]
    for _ in range(200):
        yield bytes(rng.choice(openers) for _ in range(1_200))


def test_no_datagram_costs_more_than_its_budget() -> None:
    for data in hostile_datagrams():
        assert peak_memory(partial(try_to_unpack, data)) < 256 * 1024, data[:10].hex()
        assert lines_to_unpack(data) < 16 * len(data), data[:10].hex()  # (none when compiled)


def try_to_unpack(data: bytes) -> None:
    with suppress(MalformedDatagram):
        unpack(data)


def lines_to_unpack(data: bytes) -> int:
    """How many lines of Python are run."""
    lines = 0

    def count(frame: Any, event: str, argument: Any) -> Any:
        nonlocal lines
        lines += event == "line"
        return count

    tracer = sys.gettrace()
    sys.settrace(count)
    try:
        try_to_unpack(data)
    finally:
        sys.settrace(tracer)
    return lines


def test_a_large_value_is_read_in_proportion_to_its_size() -> None:
    data = pack([[0.5, {"x": number}] for number in range(10_000)])
    assert peak_memory(lambda: unpack(data)) < 40 * len(data)
