"""The four datagrams of the join exchange.

::

    HELLO    1,200 bytes   0xF0, protocol id u64, client's public key 32, zeros
    COOKIE      65 bytes   0xF1, first 16 bytes of the client's public key, cookie 16, server's public key 32
    JOIN     1,200 bytes   0xF2, protocol id u64, client's public key 32, cookie 16, box for the server's key 1,143
    ANSWER   1,186 bytes   0xF3, box for the client's key 1,185

    box      HPKE, base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305, no associated data:
             ephemeral public key 32, ciphertext, tag 16

    in JOIN  nonce 32, then fields: kind u8, length u16, bytes; zeros up to 1,095.
             kind 1 password, 2 room, 3 ticket, 4 payload; an unknown kind is skipped, 0 ends the list
    in ANSWER  status u8 (0 admitted, else why not); if admitted client_id u64, lifetime u32, expires u64,
             timeout i32, token nonce 24, private token 1,024, client to server key 32, server to client key 32;
             zeros up to 1,137, so that a listener cannot tell a refusal

No netcode packet begins with 0xF: it would have a sequence number of 15 bytes. All lengths are fixed, so a listener
learns neither how long the password is nor whether it was right.
"""

from dataclasses import dataclass
from struct import Struct
from typing import Final

from pygase.config import MAX_JOIN_PAYLOAD_BYTES, MAX_PASSWORD_BYTES, MAX_ROOM_BYTES, MAX_TICKET_BYTES
from pygase.errors import DisconnectReason, MalformedDatagram
from pygase.netcode.crypto import SEALED_BOX_OVERHEAD
from pygase.netcode.layout import PRIVATE_TOKEN_BYTES, U64
from pygase.netcode.tokens import ConnectToken

__all__ = [
    "ANSWER",
    "ANSWER_BYTES",
    "COOKIE",
    "COOKIE_PACKET",
    "HELLO",
    "HELLO_BYTES",
    "JOIN",
    "JOIN_PACKET",
    "Wish",
    "answer_info",
    "decode_answer",
    "decode_wish",
    "encode_admission",
    "encode_hello",
    "encode_refusal",
    "encode_wish",
    "join_info",
]

HELLO: Final = 0xF0
COOKIE: Final = 0xF1
JOIN: Final = 0xF2
ANSWER: Final = 0xF3

HELLO_BYTES: Final = 1_200
"""Of HELLO and JOIN: as large as the largest answer, so that nobody can use a server to multiply what he sends."""

COOKIE_PACKET: Final = Struct("<B16s16s32s")
_HELLO_HEAD: Final = Struct("<BQ32s")
_BOX_BYTES: Final = HELLO_BYTES - 1 - 8 - 32 - 16
JOIN_PACKET: Final = Struct(f"<BQ32s16s{_BOX_BYTES}s")
_WISH_BYTES: Final = _BOX_BYTES - SEALED_BOX_OVERHEAD

_ADMISSION: Final = Struct(f"<BQIQi24s{PRIVATE_TOKEN_BYTES}s32s32s")
ANSWER_BYTES: Final = 1 + _ADMISSION.size + SEALED_BOX_OVERHEAD

_NONCE_BYTES: Final = 32
_FIELD: Final = Struct("<BH")
_PASSWORD, _ROOM, _TICKET, _PAYLOAD = 1, 2, 3, 4
_LIMITS: Final = {
    _PASSWORD: MAX_PASSWORD_BYTES,
    _ROOM: MAX_ROOM_BYTES,
    _TICKET: MAX_TICKET_BYTES,
    _PAYLOAD: MAX_JOIN_PAYLOAD_BYTES,
}

_REFUSALS: Final = {
    1: DisconnectReason.REFUSED,
    2: DisconnectReason.DENIED,
    3: DisconnectReason.WRONG_PASSWORD,
    4: DisconnectReason.TOO_MANY_ATTEMPTS,
    5: DisconnectReason.NO_SUCH_ROOM,
}
_STATUS: Final = {reason: status for status, reason in _REFUSALS.items()}


def join_info(protocol_id: int, client_key: bytes, cookie: bytes) -> bytes:
    """What the box in JOIN is bound to."""
    return b"pygase join 1 wish\0" + U64.pack(protocol_id) + client_key + cookie


def answer_info(server_key: bytes, client_key: bytes, nonce: bytes) -> bytes:
    """What the box in ANSWER is bound to: the nonce could be read by nobody but the holder of the server's key."""
    return b"pygase join 1 answer\0" + server_key + client_key + nonce


def encode_hello(protocol_id: int, client_key: bytes) -> bytes:
    """Make the first datagram."""
    return _HELLO_HEAD.pack(HELLO, protocol_id, client_key).ljust(HELLO_BYTES, b"\0")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client says of itself, and only the server reads.

    Attributes:
        nonce: 32 random bytes, to which the answer is bound.
        password: None where the client was given none.
        room: The room to enter; empty for the only one.
        ticket: A reconnect ticket, or nothing.
        payload: For the server's join policy.
    """

    nonce: bytes
    password: str | None = None
    room: str = ""
    ticket: bytes = b""
    payload: bytes = b""


def encode_wish(wish: Wish) -> bytes:
    """Encode to 1,095 bytes, ready to be sealed.

    Raises:
        ValueError: Something is longer than its limit in `config`.
    """
    fields = {_ROOM: wish.room.encode(), _TICKET: wish.ticket, _PAYLOAD: wish.payload}
    if wish.password is not None:
        fields[_PASSWORD] = wish.password.encode()
    data = wish.nonce
    for kind, value in fields.items():
        if len(value) > _LIMITS[kind]:
            name = {_PASSWORD: "password", _ROOM: "room", _TICKET: "ticket", _PAYLOAD: "payload"}[kind]
            raise ValueError(f"the {name} takes {_LIMITS[kind]} bytes, not {len(value)}")
        if value or kind == _PASSWORD:
            data += _FIELD.pack(kind, len(value)) + value
    return data.ljust(_WISH_BYTES, b"\0")


def decode_wish(data: bytes) -> Wish:
    """Decode what `encode_wish` gave.

    Raises:
        MalformedDatagram: It is something else.
    """
    if len(data) != _WISH_BYTES:
        raise MalformedDatagram("wish of wrong size")
    fields: dict[int, bytes] = {}
    at = _NONCE_BYTES
    while at + _FIELD.size <= len(data) and data[at] != 0:
        kind, size = _FIELD.unpack_from(data, at)
        at += _FIELD.size
        if kind in fields or size > _LIMITS.get(kind, _WISH_BYTES) or at + size > len(data):
            raise MalformedDatagram("field twice or too long")
        fields[kind] = data[at : at + size]
        at += size
    try:
        password = fields[_PASSWORD].decode() if _PASSWORD in fields else None
        room = fields.get(_ROOM, b"").decode()
    except UnicodeDecodeError:
        raise MalformedDatagram("text is not UTF-8") from None
    return Wish(data[:_NONCE_BYTES], password, room, fields.get(_TICKET, b""), fields.get(_PAYLOAD, b""))


def encode_admission(client_id: int, token: ConnectToken) -> bytes:
    """Encode a token for the client that joins. Of the addresses it needs none: it goes on with the one it has."""
    return _ADMISSION.pack(
        0,
        client_id,
        token.expires - token.created,
        token.expires,
        token.timeout,
        token.nonce,
        token.private,
        token.client_to_server_key,
        token.server_to_client_key,
    )


def encode_refusal(reason: DisconnectReason) -> bytes:
    """Encode why not, at the same size."""
    return bytes((_STATUS.get(reason, _STATUS[DisconnectReason.REFUSED]),)).ljust(_ADMISSION.size, b"\0")


def decode_answer(data: bytes, protocol_id: int) -> tuple[int, ConnectToken] | DisconnectReason:
    """Decode what one of the two above gave.

    Returns:
        The client's id and its token, or why there is none.

    Raises:
        MalformedDatagram: It is something else.
    """
    if len(data) != _ADMISSION.size:
        raise MalformedDatagram("answer of wrong size")
    status, client_id, lifetime, expires, timeout, nonce, private, to_server, to_client = _ADMISSION.unpack(data)
    if status != 0:
        return _REFUSALS.get(status, DisconnectReason.REFUSED)
    if lifetime > expires:
        raise MalformedDatagram("token from before 1970")
    return client_id, ConnectToken(
        protocol_id, expires - lifetime, expires, nonce, private, timeout, (), to_server, to_client
    )
