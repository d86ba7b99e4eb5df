"""Numbers in as few bytes as they need."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase.errors import MalformedDatagram
from pygase.wire import read_varint, unzigzag, write_varint, zigzag


@given(st.integers(0, 2**64 - 1), st.binary(max_size=3), st.binary(max_size=3))
def test_a_number_is_read_as_it_was_written(number: Any, before: Any, behind: Any) -> None:
    buffer = bytearray(before)
    write_varint(buffer, number)
    end = len(buffer)
    assert read_varint(bytes(buffer) + behind, len(before)) == (number, end)
    assert end - len(before) == max(1, (number.bit_length() + 6) // 7)


@pytest.mark.parametrize("number", [-1, 2**64])
def test_a_number_that_does_not_fit_raises_at_the_caller(number: Any) -> None:
    with pytest.raises(ValueError, match=str(number)):
        write_varint(bytearray(), number)


@pytest.mark.parametrize(
    "data", [b"", b"\x80", b"\xff" * 9, b"\xff" * 10, b"\xff" * 9 + b"\x02", b"\x80" * 10 + b"\x01"], ids=bytes.hex
)
def test_a_number_that_is_cut_off_or_too_large_is_refused(data: Any) -> None:
    with pytest.raises(MalformedDatagram):
        read_varint(data, 0)


@given(st.integers())
def test_signed_numbers_are_folded_and_unfolded(number: Any) -> None:
    assert unzigzag(zigzag(number)) == number
    assert zigzag(number) >= 0


def test_small_numbers_of_either_sign_fold_to_small_ones() -> None:
    assert [zigzag(number) for number in (0, -1, 1, -2, 2)] == [0, 1, 2, 3, 4]
