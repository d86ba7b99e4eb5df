"""Reconnect tickets: a server's own note of who a client is, handed to the client, which cannot read or change it.

::

    nonce         24 random bytes
    sealed        XChaCha20-Poly1305 under the server's ticket key, associated data "pygase ticket 1" and protocol id:
      client_id   u64
      expires     u64, unix time
      user data   256 bytes, as in connect tokens, without the zeros at the end
    tag           16 bytes
"""

from dataclasses import dataclass
from struct import Struct
from typing import Final

from cryptography.exceptions import InvalidTag

from pygase.config import MAX_TICKET_BYTES
from pygase.errors import MalformedDatagram
from pygase.netcode.crypto import TAG_BYTES, XNONCE_BYTES, Entropy, ExtendedCipher
from pygase.netcode.layout import U64, USER_DATA_BYTES
from pygase.netcode.userdata import UserData

__all__ = ["Ticket", "open_ticket", "seal_ticket"]

_HEAD: Final = Struct("<QQ")
_PURPOSE: Final = b"pygase ticket 1\0"


@dataclass(frozen=True, slots=True)
class Ticket:
    """Who a client was.

    Attributes:
        client_id: Who it was.
        expires: Unix time, whole seconds.
        user_data: What its token had for the game.
        room: Where it was.
        is_host: Whether its token gave it the host's role.
    """

    client_id: int
    expires: int
    user_data: bytes = b""
    room: str = ""
    is_host: bool = False


def seal_ticket(ticket: Ticket, cipher: ExtendedCipher, protocol_id: int, entropy: Entropy) -> bytes:
    """Make the opaque bytes, at most `MAX_TICKET_BYTES`."""
    user = UserData(ticket.user_data, ticket.room, ticket.is_host)
    plain = _HEAD.pack(ticket.client_id, ticket.expires) + user.to_bytes().rstrip(b"\0")
    nonce = entropy(XNONCE_BYTES)
    return nonce + cipher.encrypt(nonce, plain, _PURPOSE + U64.pack(protocol_id))


def open_ticket(sealed: bytes, cipher: ExtendedCipher, protocol_id: int, unix_time: float) -> Ticket:
    """Read what `seal_ticket` made.

    Raises:
        MalformedDatagram: It is none of ours, was changed, or has expired.
    """
    if not XNONCE_BYTES + TAG_BYTES + _HEAD.size <= len(sealed) <= MAX_TICKET_BYTES:
        raise MalformedDatagram("ticket of wrong size")
    nonce = sealed[:XNONCE_BYTES]
    try:
        plain = cipher.decrypt(nonce, sealed[XNONCE_BYTES:], _PURPOSE + U64.pack(protocol_id))
    except InvalidTag:
        raise MalformedDatagram("ticket of another server") from None
    client_id, expires = _HEAD.unpack_from(plain)
    if expires <= unix_time:
        raise MalformedDatagram("ticket expired")
    user = UserData.from_bytes(plain[_HEAD.size :].ljust(USER_DATA_BYTES, b"\0"))
    return Ticket(client_id, expires, user.data, user.room, user.is_host)
