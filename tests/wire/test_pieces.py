"""A value in pieces is the value."""

from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase.wire import pack_checked, packed_in_pieces

_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=100) | st.dictionaries(st.text() | st.integers(0, 99), inner, max_size=100),
    max_leaves=500,
)


@given(_values, st.integers(1, 4096))
def test_pieces_make_up_the_value(value: Any, piece_bytes: int) -> None:
    assert b"".join(packed_in_pieces(value, piece_bytes)) == pack_checked(value)


@pytest.mark.parametrize(
    "value",
    [
        {f"e{n}": [n / 7] * 4 for n in range(20_000)},
        {"many": list(range(70_000)), "maps": [{"x": n} for n in range(5_000)], "one": 1},
        {n: {m: [m] * 70 for m in range(100)} for n in range(3)},
    ],
    ids=["table", "lists", "deep"],
)
def test_no_piece_is_much_larger_than_asked_for(value: Any) -> None:
    pieces = list(packed_in_pieces(value, 4_096))
    assert msgpack.unpackb(b"".join(pieces), strict_map_key=False) == value
    assert max(map(len, pieces)) < 4 * 4_096
