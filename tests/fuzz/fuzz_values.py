"""Invariant: whatever bytes `unpack` is given, it returns a value that `pack` can write again, or raises
`MalformedDatagram`, and nothing else. (What it costs at most is in tests/wire.)
"""

from pygase.errors import MalformedDatagram
from pygase.state.values import same
from pygase.wire import pack, read_varint, unpack

CORPUS = [
    b"",
    b"\xc0",
    b"\x93\x01\xa1a\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00",
    b"\x82\x01\xa1a\xa11\xc3",
    b"\xdc\x04\x00" * 400,
    b"\xdd\xff\xff\xff\xff",
    b"\x9f" * 1_200,
    b"\x81\xa0" * 600,
    b"\xd6\xff\x00\x00\x00\x00",
    b"\xc7\x0c\xff" + bytes(12),
    b"\x81\xc0\x01",
    b"\xff" * 12,
    b"\x80" * 12,
]


def one_input(data: bytes) -> None:
    """Feed one input."""
    for read in (unpack, lambda data: read_varint(data, 0)[0]):
        try:
            value = read(data)
        except MalformedDatagram:
            continue
        assert same(unpack(pack(value)), value)


def test_the_invariant_holds_for_the_corpus() -> None:
    for data in CORPUS:
        one_input(data)


def test_the_invariant_holds_for_every_short_change_of_the_corpus() -> None:
    for data in CORPUS:
        for position in range(min(len(data), 24)):
            for flip in (0x01, 0x10, 0x80, 0xFF):
                one_input(data[:position] + bytes([data[position] ^ flip]) + data[position + 1 :])
            one_input(data[:position])


if __name__ == "__main__":
    import runner  # type: ignore[import-not-found, unused-ignore]

    runner.fuzz(one_input, CORPUS)
