"""A server's secrets, the file they are kept in, and the fingerprint and URL by which clients know it."""

import hmac
from base64 import b32encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from pygase.netcode.crypto import KEY_BYTES, Entropy

__all__ = ["ServerKeys", "ServerUrl", "fingerprint_of", "format_url", "parse_url"]

_FINGERPRINT_LENGTH: Final = 32
"""Characters of a fingerprint: 160 bits of SHA-256 in base 32. To find another key with the same takes 2^160 tries;
two keys with the same fingerprint, which help nobody, 2^80."""

_SCHEME: Final = "pygase://"
_FILE_HEADER: Final = "pygase server keys 1"
_FILE_COMMENT: Final = (
    "# Keep this file secret: whoever has it can pass for this server. A web service that only\n"
    "# makes connect tokens needs the token key alone.\n"
)
_BASE32: Final = frozenset("abcdefghijklmnopqrstuvwxyz234567")


@dataclass(frozen=True, slots=True)
class ServerKeys:
    """What makes a server this server.

    Attributes:
        identity: The X25519 private key of the join exchange, 32 bytes. Its public half is what clients know.
        token_key: Seals connect tokens, 32 bytes; shared with whoever else makes tokens for this server.
    """

    identity: bytes = field(repr=False)
    token_key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        for name in ("identity", "token_key"):
            if len(getattr(self, name)) != KEY_BYTES:
                raise ValueError(f"{name} takes {KEY_BYTES} bytes, not {len(getattr(self, name))}")

    @classmethod
    def generate(cls, entropy: Entropy) -> "ServerKeys":
        """Make new keys."""
        return cls(entropy(KEY_BYTES), entropy(KEY_BYTES))

    @property
    def public_key(self) -> bytes:
        """The public half of the identity, which every client gets to see."""
        return X25519PrivateKey.from_private_bytes(self.identity).public_key().public_bytes_raw()

    @property
    def fingerprint(self) -> str:
        """What to give to players so that nobody in the middle can pass for this server."""
        return fingerprint_of(self.public_key)

    @property
    def ticket_key(self) -> bytes:
        """Seals reconnect tickets. Follows from the identity, so tickets outlive a restart with the same keys."""
        return hmac.digest(self.identity, b"pygase ticket key 1", "sha256")

    def to_text(self) -> str:
        """The content of a key file."""
        return f"{_FILE_HEADER}\n{_FILE_COMMENT}identity {self.identity.hex()}\ntoken {self.token_key.hex()}\n"

    @classmethod
    def from_text(cls, text: str) -> "ServerKeys":
        """Read the content of a key file.

        Raises:
            ValueError: It is not one. The message does not quote it.
        """
        lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
        if not lines or lines[0] != _FILE_HEADER:
            raise ValueError(f"not a file of server keys: it does not begin with {_FILE_HEADER!r}")
        values = dict(line.split(maxsplit=1) for line in lines[1:] if " " in line)
        try:
            return cls(bytes.fromhex(values["identity"]), bytes.fromhex(values["token"]))
        except (KeyError, ValueError):
            raise ValueError(
                "not a file of server keys: it takes lines 'identity' and 'token', each with 64 hexadecimal digits"
            ) from None


def fingerprint_of(public_key: bytes) -> str:
    """The fingerprint of a server's public key."""
    digest = sha256(b"pygase server key 1\0" + public_key).digest()
    return b32encode(digest).decode().lower()[:_FINGERPRINT_LENGTH]


# --- URLs -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ServerUrl:
    """Where a server is, and how to know it.

    Attributes:
        host: A name or an IP address.
        port: From 1 to 65,535.
        fingerprint: None if the URL has none.
    """

    host: str
    port: int
    fingerprint: str | None = None


def format_url(host: str, port: int, fingerprint: str | None = None) -> str:
    """Write `pygase://host:port/#fingerprint`."""
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return f"{_SCHEME}{place}/" + (f"#{fingerprint}" if fingerprint else "")


def parse_url(text: str) -> ServerUrl:
    """Read `pygase://host:port/#fingerprint`; the fingerprint may be missing.

    A fingerprint may be written in capitals and with hyphens or spaces in it.

    Raises:
        ValueError: It is not such a URL. A damaged fingerprint is an error, for it must not mean "any server".
    """
    if not text.lower().startswith(_SCHEME):
        raise ValueError(f"not a server's URL, which begins with {_SCHEME}: {text!r}")
    place, hash_sign, fragment = text[len(_SCHEME) :].partition("#")
    host, port = _parse_place(place.rstrip("/"), text)
    fingerprint = None
    if hash_sign:
        fingerprint = fragment.lower().replace("-", "").replace(" ", "").replace("%20", "")
        if len(fingerprint) != _FINGERPRINT_LENGTH or not _BASE32.issuperset(fingerprint):
            raise ValueError(f"a fingerprint takes {_FINGERPRINT_LENGTH} letters and digits 2 to 7: {fragment!r}")
    return ServerUrl(host, port, fingerprint)


def _parse_place(place: str, text: str) -> tuple[str, int]:
    if place.startswith("["):
        host, _, rest = place[1:].partition("]")
        port = rest.removeprefix(":")
    else:
        host, _, port = place.partition(":")
    if not host or any(c in host for c in "/?@ ") or ("]" in place) != ("[" in place):
        raise ValueError(f"no host in this URL: {text!r}")
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) <= 65_535):
        raise ValueError(f"no port from 1 to 65535 in this URL: {text!r}")
    return host, int(port)
