import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase.errors import MalformedDatagram
from pygase.protocol.layout import LENGTHS, read_length, read_varint, varint


@given(st.integers(0, 2**63 - 1), st.binary(max_size=3))
def test_varints_come_back(number: int, rest: bytes) -> None:
    assert read_varint(b"x" + varint(number) + rest, 1) == (number, 1 + len(varint(number)))


def test_a_varint_of_more_than_63_bits_is_malformed() -> None:
    with pytest.raises(MalformedDatagram):
        read_varint(b"\xff" * 12, 0)


@pytest.mark.parametrize("length", [0, 1, 127, 128, 1_190])
def test_lengths_come_back_as_begin_and_end(length: int) -> None:
    data = LENGTHS[length] + bytes(length)
    assert read_length(data, 0) == (len(LENGTHS[length]), len(data))


@pytest.mark.parametrize("data", [b"\x05abcd", b"\xff\xff"])
def test_a_length_beyond_the_end_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedDatagram):
        read_length(data, 0)
