"""Connect tokens for games with their own accounts, and the keys they are made with.

Whoever holds the token key decides who gets in: a web service checks its own login, makes a token, and hands it to
the game's client over HTTPS; the client connects with it. What the service writes into `user_data` reaches the
server as something to trust. The server and the service share nothing but the key file.

Example:
    ```python
    keys = pygase.tokens.load_keys("server.keys")
    token = pygase.tokens.mint(keys.token_key, client_id=account.id, addresses=[("203.0.113.5", 8080)],
                               user_data=account.name.encode())
    reply_with(token.to_bytes())
    ```
"""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from pygase.config import PEER_TIMEOUT, PROTOCOL_ID, TOKEN_LIFETIME
from pygase.errors import MalformedDatagram
from pygase.netcode import (
    MAX_USER_DATA_BYTES,
    ConnectToken,
    PrivateToken,
    ServerKeys,
    ServerUrl,
    UserData,
    format_url,
    make_token,
    parse_url,
)
from pygase.netcode.crypto import ExtendedCipher
from pygase.netcode.tokens import open_private

__all__ = [
    "MAX_USER_DATA_BYTES",
    "ConnectToken",
    "PrivateToken",
    "ServerKeys",
    "ServerUrl",
    "UserData",
    "format_url",
    "generate_keys",
    "inspect",
    "load_keys",
    "mint",
    "parse_url",
    "read",
    "save_keys",
]

_OWNER_ONLY: Final = 0o600


def generate_keys() -> ServerKeys:
    """Make the keys of a new server from the operating system's randomness."""
    return ServerKeys.generate(os.urandom)


def save_keys(keys: ServerKeys, path: str | os.PathLike[str]) -> None:
    """Write a key file that only its owner may read.

    Raises:
        FileExistsError: There is a file already. Keys are not overwritten, for players may know their fingerprint.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(keys.to_text())


def load_keys(path: str | os.PathLike[str]) -> ServerKeys:
    """Read a key file.

    Raises:
        OSError: It cannot be read.
        ValueError: It is not a key file.
    """
    try:
        return ServerKeys.from_text(Path(path).read_text(encoding="ascii"))
    except UnicodeDecodeError:
        raise ValueError("not a file of server keys: it is not text") from None


def mint(
    token_key: bytes,
    *,
    client_id: int,
    addresses: Sequence[tuple[str, int]],
    user_data: bytes = b"",
    host: bool = False,
    room: str = "",
    lifetime: int = TOKEN_LIFETIME,
    timeout: int = round(PEER_TIMEOUT),
    protocol_id: int = PROTOCOL_ID,
    now: float | None = None,
    entropy: Callable[[int], bytes] = os.urandom,
) -> ConnectToken:
    """Make a connect token, for one client to connect once.

    Args:
        token_key: The `token_key` of the servers that it is for.
        client_id: Who the client is: any number of 64 bits, such as its account's. Only one client with this number
            can be connected to a server at a time.
        addresses: IP addresses and ports of those servers, up to 32, to be tried in this order. They have to be what
            the servers were told that they are.
        user_data: For the server's handlers, up to `MAX_USER_DATA_BYTES`.
        host: Whether this client may shut the server down.
        room: The room to enter; empty for the only one.
        lifetime: Seconds within which it has to be used. Change it only together with the servers' `token_lifetime`:
            a server refuses tokens that could be older than itself, and judges their age by when they expire.
        timeout: Seconds of silence after which the connection counts as lost.
        protocol_id: The version of pygase's protocol.
        now: Unix time, if not the clock's.
        entropy: Where randomness comes from, if not the operating system.

    Raises:
        ValueError: Something is out of range.
    """
    return make_token(
        token_key,
        protocol_id=protocol_id,
        client_id=client_id,
        addresses=addresses,
        unix_time=time.time() if now is None else now,
        entropy=entropy,
        user_data=UserData(user_data, room, is_host=host).to_bytes(),
        lifetime=lifetime,
        timeout=timeout,
    )


def read(data: bytes) -> ConnectToken:
    """Read the 2,048 bytes of `ConnectToken.to_bytes`.

    Raises:
        ValueError: It is not a connect token.
    """
    try:
        return ConnectToken.from_bytes(data)
    except MalformedDatagram as error:
        raise ValueError(str(error)) from None


def inspect(token: ConnectToken, token_key: bytes) -> tuple[PrivateToken, UserData]:
    """Look into a token's private part, as a server does.

    Raises:
        ValueError: It was made with another key.
    """
    try:
        private = open_private(token.private, ExtendedCipher(token_key), token.protocol_id, token.expires, token.nonce)
    except MalformedDatagram:
        raise ValueError("this token was made with another key") from None
    return private, UserData.from_bytes(private.user_data)
