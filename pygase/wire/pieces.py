"""A large value as bytes, a piece at a time, so that encoding it holds up nothing else."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

import msgpack

__all__ = ["packed_in_pieces"]

_LARGE: Final = 64
"""Containers of more members than this are taken to pieces themselves."""

_FIRST_MEMBERS: Final = 16
"""Members of the first piece, before any is measured: few, in case each holds much."""

_MOST_MEMBERS: Final = 4_096
"""Members of a piece, however small: so many numbers are encoded in a tenth of a millisecond."""

_CONTAINERS: Final = (dict, list)


def packed_in_pieces(value: Any, piece_bytes: int) -> Iterator[bytes]:
    """Encode a value that is known to be sendable.

    Args:
        value: The value, which must not change meanwhile.
        piece_bytes: About how large the pieces shall be.

    Yields:
        What makes up the bytes that `pack_checked` returns. A piece is larger where a few small containers hold much.
    """
    if not isinstance(value, _CONTAINERS):
        yield msgpack.packb(value)
        return
    is_map = isinstance(value, dict)
    packer = msgpack.Packer()
    yield packer.pack_map_header(len(value)) if is_map else packer.pack_array_header(len(value))
    members: Iterator[Any] = iter(value.items()) if isinstance(value, dict) else iter(value)
    count = _FIRST_MEMBERS
    while batch := list(islice(members, count)):
        small: list[Any] = []
        for entry in batch:
            member = entry[1] if is_map else entry
            if isinstance(member, _CONTAINERS) and len(member) > _LARGE:
                yield _without_header(small, is_map=is_map)
                small = []
                if is_map:
                    yield msgpack.packb(entry[0])
                yield from packed_in_pieces(member, piece_bytes)
            else:
                small.append(entry)
        piece = _without_header(small, is_map=is_map)
        yield piece
        # As many next time as make a piece of the right size, going by this one.
        count = max(1, min(_MOST_MEMBERS, 4 * count, count * piece_bytes // len(piece) if piece else count))


def _without_header(members: list[Any], *, is_map: bool) -> bytes:
    """Encode members as if they stood in one container, and leave out how many they are."""
    packed: bytes = msgpack.packb(dict(members) if is_map else members)
    return packed[1 if len(members) < 16 else 3 :]  # fixmap and fixarray count up to 15, map 16 and array 16 the rest
