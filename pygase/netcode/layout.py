"""Sizes and numbers of netcode 1.02 that more than one module needs."""

from enum import IntEnum
from functools import lru_cache
from struct import Struct
from typing import Final

__all__ = [
    "CHALLENGE_TOKEN_BYTES",
    "CONNECT_TOKEN_BYTES",
    "KEEP_ALIVE",
    "PRIVATE_TOKEN_BYTES",
    "REQUEST",
    "REQUEST_AUTHENTICATED_END",
    "REQUEST_BYTES",
    "U64",
    "USER_DATA_BYTES",
    "VERSION_INFO",
    "PacketType",
    "associated_data",
]

VERSION_INFO: Final = b"NETCODE 1.02\x00"

CONNECT_TOKEN_BYTES: Final = 2_048
PRIVATE_TOKEN_BYTES: Final = 1_024
CHALLENGE_TOKEN_BYTES: Final = 300
USER_DATA_BYTES: Final = 256

U64: Final = Struct("<Q")

KEEP_ALIVE: Final = Struct("<II")
"""Body of a keep-alive: client index, max clients."""

REQUEST: Final = Struct(f"<B13sQQ24s{PRIVATE_TOKEN_BYTES}s")
"""Connection request: prefix 0, version info, protocol id, expiry of the token, its nonce, its private part."""

REQUEST_BYTES: Final = REQUEST.size

REQUEST_AUTHENTICATED_END: Final = 30
"""The private part of a request's token is sealed with what stands from its second byte to here: version info, protocol
id, expiry."""


class PacketType(IntEnum):
    """The low four bits of a packet's first byte. The high four say how many bytes the sequence number has."""

    REQUEST = 0
    DENIED = 1
    CHALLENGE = 2
    RESPONSE = 3
    KEEP_ALIVE = 4
    PAYLOAD = 5
    DISCONNECT = 6


@lru_cache(maxsize=16)
def associated_data(protocol_id: int) -> tuple[bytes, ...]:
    """What is authenticated beside a packet's content, ready-made for each first byte it can have."""
    return tuple(VERSION_INFO + U64.pack(protocol_id) + bytes([prefix]) for prefix in range(256))
