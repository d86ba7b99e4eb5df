"""Bytes to values and back, with every size capped; the only place that knows MessagePack."""

from pygase.wire.pieces import packed_in_pieces
from pygase.wire.values import check_sendable, count_containers, pack, pack_checked, unpack
from pygase.wire.varints import read_varint, unzigzag, write_varint, zigzag

__all__ = [
    "check_sendable",
    "count_containers",
    "pack",
    "pack_checked",
    "packed_in_pieces",
    "read_varint",
    "unpack",
    "unzigzag",
    "write_varint",
    "zigzag",
]
