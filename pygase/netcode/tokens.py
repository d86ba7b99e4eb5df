"""Connect tokens and challenge tokens.

A connect token is what lets a client in. Its private part, which only servers and whoever mints tokens can read, says
who the client is; its public part has the same session keys in the clear for the client.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from struct import Struct
from typing import Final

from cryptography.exceptions import InvalidTag

from pygase.config import TOKEN_LIFETIME
from pygase.errors import MalformedDatagram
from pygase.netcode.addresses import Address, HostPort, read_addresses, write_addresses
from pygase.netcode.crypto import (
    KEY_BYTES,
    TAG_BYTES,
    XNONCE_BYTES,
    Entropy,
    ExtendedCipher,
    PacketCipher,
    Undecryptable,
    nonce_of,
)
from pygase.netcode.layout import (
    CHALLENGE_TOKEN_BYTES,
    CONNECT_TOKEN_BYTES,
    PRIVATE_TOKEN_BYTES,
    U64,
    USER_DATA_BYTES,
    VERSION_INFO,
)

__all__ = [
    "ChallengeToken",
    "ConnectToken",
    "PrivateToken",
    "make_token",
    "open_challenge",
    "open_private",
    "seal_challenge",
    "seal_private",
]

_MAX_U64: Final = 2**64 - 1
_PRIVATE_HEAD: Final = Struct("<Qi")
_PUBLIC_HEAD: Final = Struct(f"<13sQQQ{XNONCE_BYTES}s{PRIVATE_TOKEN_BYTES}si")
_KEYS: Final = Struct(f"<{KEY_BYTES}s{KEY_BYTES}s")
_CHALLENGE: Final = Struct(f"<Q{USER_DATA_BYTES}s")


@dataclass(frozen=True, slots=True)
class PrivateToken:
    """The part of a connect token that only servers read.

    Attributes:
        client_id: Who the client is, 64 bits.
        timeout: Seconds of silence after which either side gives the other up. Not above zero: never.
        addresses: The servers that this token is for.
        client_to_server_key: Seals what the client sends.
        server_to_client_key: Seals what the server sends.
        user_data: 256 bytes for the application.
    """

    client_id: int
    timeout: int
    addresses: tuple[HostPort, ...]
    client_to_server_key: bytes = field(repr=False)
    server_to_client_key: bytes = field(repr=False)
    user_data: bytes = bytes(USER_DATA_BYTES)

    def to_bytes(self) -> bytes:
        """Encode to 1,008 bytes, ready to be sealed.

        Raises:
            ValueError: A number or a size out of range.
        """
        if not 0 <= self.client_id <= _MAX_U64:
            raise ValueError(f"client_id has to fit 64 bits: {self.client_id}")
        if not -(2**31) <= self.timeout < 2**31:
            raise ValueError(f"timeout has to fit 32 bits: {self.timeout}")
        if len(self.user_data) > USER_DATA_BYTES:
            raise ValueError(f"user data takes {USER_DATA_BYTES} bytes, not {len(self.user_data)}")
        data = b"".join(
            (
                _PRIVATE_HEAD.pack(self.client_id, self.timeout),
                write_addresses(self.addresses),
                self.client_to_server_key,
                self.server_to_client_key,
                self.user_data.ljust(USER_DATA_BYTES, b"\0"),
            )
        )
        return data.ljust(PRIVATE_TOKEN_BYTES - TAG_BYTES, b"\0")

    @classmethod
    def from_bytes(cls, data: bytes) -> "PrivateToken":
        """Decode what `to_bytes` gave.

        Raises:
            MalformedDatagram: It is not such a token.
        """
        if len(data) != PRIVATE_TOKEN_BYTES - TAG_BYTES:
            raise MalformedDatagram("private token of wrong size")
        client_id, timeout = _PRIVATE_HEAD.unpack_from(data)
        addresses, at = read_addresses(data, _PRIVATE_HEAD.size)
        # 32 IPv6 addresses, keys and user data end 64 bytes before the end, so nothing can be cut short here.
        to_server, to_client = _KEYS.unpack_from(data, at)
        at += _KEYS.size
        return cls(client_id, timeout, addresses, to_server, to_client, data[at : at + USER_DATA_BYTES])


@dataclass(frozen=True, slots=True)
class ConnectToken:
    """What a client needs to connect: made by `make_token`, handed over in private, used once.

    Attributes:
        protocol_id: The game that it is for.
        created: Unix time, whole seconds.
        expires: Unix time after which no server takes it.
        nonce: Of the private part.
        private: The private part, sealed.
        timeout: As in the private part.
        addresses: Servers to try, in this order.
        client_to_server_key: Seals what the client sends.
        server_to_client_key: Seals what the server sends.
        next_sequence: One number: the first sequence number that no client has used with these keys yet.
    """

    protocol_id: int
    created: int
    expires: int
    nonce: bytes
    private: bytes = field(repr=False)
    timeout: int
    addresses: tuple[HostPort, ...]
    client_to_server_key: bytes = field(repr=False)
    server_to_client_key: bytes = field(repr=False)
    next_sequence: list[int] = field(default_factory=lambda: [0], repr=False, compare=False)

    def to_bytes(self) -> bytes:
        """Encode to the 2,048 bytes of the standard."""
        head = _PUBLIC_HEAD.pack(
            VERSION_INFO, self.protocol_id, self.created, self.expires, self.nonce, self.private, self.timeout
        )
        keys = self.client_to_server_key + self.server_to_client_key
        return (head + write_addresses(self.addresses) + keys).ljust(CONNECT_TOKEN_BYTES, b"\0")

    @classmethod
    def from_bytes(cls, data: bytes) -> "ConnectToken":
        """Decode the 2,048 bytes of the standard.

        Raises:
            MalformedDatagram: It is not a connect token.
        """
        if len(data) != CONNECT_TOKEN_BYTES:
            raise MalformedDatagram("connect token of wrong size")
        version, protocol_id, created, expires, nonce, private, timeout = _PUBLIC_HEAD.unpack_from(data)
        if version != VERSION_INFO:
            raise MalformedDatagram("connect token of another version")
        if created > expires:
            raise MalformedDatagram("connect token expires before it was made")
        addresses, at = read_addresses(data, _PUBLIC_HEAD.size)
        to_server, to_client = _KEYS.unpack_from(data, at)
        return cls(protocol_id, created, expires, nonce, private, timeout, addresses, to_server, to_client)


def make_token(
    private_key: bytes,
    *,
    protocol_id: int,
    client_id: int,
    addresses: Sequence[Address],
    unix_time: float,
    entropy: Entropy,
    internal_addresses: Sequence[Address] | None = None,
    user_data: bytes = b"",
    lifetime: int = TOKEN_LIFETIME,
    timeout: int,
) -> ConnectToken:
    """Make a connect token.

    Args:
        private_key: The 32 bytes that servers and token makers share.
        protocol_id: The game.
        client_id: Who the client is.
        addresses: Where the client will find the servers.
        unix_time: Now.
        entropy: For keys and nonce.
        internal_addresses: What the servers take themselves to be, if different.
        user_data: Up to 256 bytes that reach the server as they are.
        lifetime: Seconds until it expires, the same as the servers are set to.
        timeout: Seconds of silence after which either side gives the other up. Not above zero: never.

    Raises:
        ValueError: Something is out of range.
    """
    cipher = ExtendedCipher(private_key)
    if lifetime < 0:
        raise ValueError(f"a token cannot expire {-lifetime} s before it is made")
    to_server, to_client, nonce = entropy(KEY_BYTES), entropy(KEY_BYTES), entropy(XNONCE_BYTES)
    whom = tuple((str(a[0]), int(a[1])) for a in (internal_addresses or addresses))
    private = PrivateToken(client_id, timeout, whom, to_server, to_client, user_data)
    created = int(unix_time)
    expires = created + lifetime
    return ConnectToken(
        protocol_id,
        created,
        expires,
        nonce,
        seal_private(private, cipher, protocol_id, expires, nonce),
        timeout,
        tuple((str(a[0]), int(a[1])) for a in addresses),
        to_server,
        to_client,
    )


def seal_private(token: PrivateToken, cipher: ExtendedCipher, protocol_id: int, expires: int, nonce: bytes) -> bytes:
    """Seal the private part to 1,024 bytes."""
    return cipher.encrypt(nonce, token.to_bytes(), VERSION_INFO + U64.pack(protocol_id) + U64.pack(expires))


def open_private(sealed: bytes, cipher: ExtendedCipher, protocol_id: int, expires: int, nonce: bytes) -> PrivateToken:
    """Open what `seal_private` gave.

    Raises:
        MalformedDatagram: Another key, protocol or expiry, a changed byte, or no token inside.
    """
    try:
        plain = cipher.decrypt(nonce, sealed, VERSION_INFO + U64.pack(protocol_id) + U64.pack(expires))
    except InvalidTag:
        raise Undecryptable from None
    return PrivateToken.from_bytes(plain)


# --- challenge tokens -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ChallengeToken:
    """What a server gives to an address and gets back only if it is really there."""

    client_id: int
    user_data: bytes


def seal_challenge(token: ChallengeToken, cipher: PacketCipher, sequence: int) -> bytes:
    """Seal to 300 bytes under the server's challenge key, with no associated data."""
    plain = _CHALLENGE.pack(token.client_id, token.user_data)
    return cipher.encrypt(nonce_of(sequence), plain.ljust(CHALLENGE_TOKEN_BYTES - TAG_BYTES, b"\0"), None)


def open_challenge(sealed: bytes, cipher: PacketCipher, sequence: int) -> ChallengeToken:
    """Open what `seal_challenge` gave.

    Raises:
        Undecryptable: It is none of this server's, or changed.
    """
    try:
        plain = cipher.decrypt(nonce_of(sequence), sealed, None)
    except InvalidTag:
        raise Undecryptable from None
    return ChallengeToken(*_CHALLENGE.unpack_from(plain))
