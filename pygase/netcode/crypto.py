"""Every cipher of the secure link, and the only place where one is made.

ChaCha20-Poly1305 (RFC 8439) seals packets and challenge tokens, XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha) connect
tokens and tickets, HPKE in base mode (RFC 9180) the join exchange. `cryptography` has the first and opens the last;
the two others are put together here from what it has.
"""

import hmac
from collections.abc import Callable
from struct import Struct
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from pygase.errors import MalformedDatagram

__all__ = [
    "KEY_BYTES",
    "SEALED_BOX_OVERHEAD",
    "TAG_BYTES",
    "XNONCE_BYTES",
    "Entropy",
    "ExtendedCipher",
    "PacketCipher",
    "Undecryptable",
    "box_open",
    "box_seal",
    "new_cipher",
    "nonce_of",
]

KEY_BYTES: Final = 32
TAG_BYTES: Final = 16
XNONCE_BYTES: Final = 24

SEALED_BOX_OVERHEAD: Final = 32 + TAG_BYTES
"""What `box_seal` adds: the ephemeral public key in front and the tag behind."""

Entropy = Callable[[int], bytes]
"""Gives so many random bytes: `os.urandom`, or a seeded generator in a simulation."""

_OUTER_ROWS: Final = Struct("<4I32x4I")
_ROW: Final = Struct("<4I")
_SUBKEY: Final = Struct("<8I")
_C0, _C1, _C2, _C3 = _ROW.unpack(b"expand 32-byte k")
_WORD: Final = 0xFFFF_FFFF
_ZEROS: Final = bytes(64)
_NONCE_HEAD: Final = bytes(4)


class Undecryptable(MalformedDatagram):
    """Sealed with another key, or changed on the way."""


class PacketCipher(Protocol):
    """What is used of `ChaCha20Poly1305`: one object per key, kept for as long as the key."""

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """Seal `data`; the tag comes last."""
        ...

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """Open what `encrypt` gave, or raise `InvalidTag`."""
        ...


cipher_factory: Callable[[bytes], PacketCipher] = ChaCha20Poly1305
"""Makes every cipher there is. The tests put an audit in its place that fails when a nonce is ever used twice."""


def new_cipher(key: bytes) -> PacketCipher:
    """Make the cipher for a key of 32 bytes."""
    return cipher_factory(key)


def nonce_of(sequence: int) -> bytes:
    """The 96-bit nonce of a 64-bit sequence number: four zero bytes, then the number, little-endian."""
    return (sequence << 32).to_bytes(12, "little")


# --- XChaCha20-Poly1305 ---------------------------------------------------------------------------------------------


class ExtendedCipher:
    """XChaCha20-Poly1305 under one key, with random nonces of 24 bytes: kept for as long as the key.

    What derives the subkeys keeps its key and is only set to another nonce, for making it costs more than opening a
    token. So it must not be used by two threads at a time.

    Args:
        key: 32 bytes.
    """

    __slots__ = ("_blocks",)

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"the key takes {KEY_BYTES} bytes, not {len(key)}")
        self._blocks = Cipher(algorithms.ChaCha20(key, bytes(16)), mode=None).encryptor()

    def subkey(self, nonce: bytes) -> bytes:
        """Derive the subkey for the first 16 bytes of an extended nonce: HChaCha20.

        That is the ChaCha20 block without its final addition of the input, of which the first and last rows are kept.
        `cryptography` gives the block with the addition done, so it is undone for those eight words.
        """
        self._blocks.reset_nonce(nonce)
        b0, b1, b2, b3, b12, b13, b14, b15 = _OUTER_ROWS.unpack(self._blocks.update(_ZEROS))
        n0, n1, n2, n3 = _ROW.unpack(nonce)
        return _SUBKEY.pack(
            (b0 - _C0) & _WORD,
            (b1 - _C1) & _WORD,
            (b2 - _C2) & _WORD,
            (b3 - _C3) & _WORD,
            (b12 - n0) & _WORD,
            (b13 - n1) & _WORD,
            (b14 - n2) & _WORD,
            (b15 - n3) & _WORD,
        )

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes:
        """Seal `data`; the tag comes last."""
        return new_cipher(self.subkey(nonce[:16])).encrypt(_NONCE_HEAD + nonce[16:], data, associated_data)

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes:
        """Open what `encrypt` gave, or raise `InvalidTag`."""
        return new_cipher(self.subkey(nonce[:16])).decrypt(_NONCE_HEAD + nonce[16:], data, associated_data)


# --- HPKE -----------------------------------------------------------------------------------------------------------

_SUITE: Final = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)

# RFC 9180 section 7: KEM 0x0020 is DHKEM(X25519, HKDF-SHA256), KDF 0x0001 HKDF-SHA256, AEAD 0x0003 ChaCha20-Poly1305.
_KEM_ID: Final = b"KEM" + b"\x00\x20"
_HPKE_ID: Final = b"HPKE" + b"\x00\x20\x00\x01\x00\x03"


def box_seal(plaintext: bytes, public_key: bytes, info: bytes, entropy: Entropy) -> bytes:
    """Seal so that only the holder of the private key can read it: HPKE, base mode, one message.

    The suite of `cryptography` seals the same, but with randomness of its own; here it comes from `entropy`, so that a
    simulated session is the same bytes each time. The tests open with the suite what is sealed here.

    Args:
        plaintext: What to seal.
        public_key: The reader's X25519 public key.
        info: What the box is for; opening it takes the same.
        entropy: Where the ephemeral key comes from.

    Raises:
        Undecryptable: The public key is a weak one (a point of small order).
    """
    ephemeral = X25519PrivateKey.from_private_bytes(entropy(KEY_BYTES))
    enc = ephemeral.public_key().public_bytes_raw()
    try:
        shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(public_key))
    except ValueError:
        raise Undecryptable from None
    secret = _expand(_KEM_ID, _extract(_KEM_ID, b"", b"eae_prk", shared), b"shared_secret", enc + public_key, 32)
    context = b"\x00" + _extract(_HPKE_ID, b"", b"psk_id_hash", b"") + _extract(_HPKE_ID, b"", b"info_hash", info)
    schedule = _extract(_HPKE_ID, secret, b"secret", b"")
    key = _expand(_HPKE_ID, schedule, b"key", context, KEY_BYTES)
    nonce = _expand(_HPKE_ID, schedule, b"base_nonce", context, 12)
    return enc + new_cipher(key).encrypt(nonce, plaintext, b"")


def box_open(sealed: bytes, private_key: X25519PrivateKey, info: bytes) -> bytes:
    """Open what `box_seal` gave.

    Raises:
        Undecryptable: Another key, another purpose, or a changed byte.
    """
    try:
        return _SUITE.decrypt(sealed, private_key, info=info)
    except (InvalidTag, ValueError):
        raise Undecryptable from None


def _extract(suite: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + material, "sha256")


def _expand(suite: bytes, secret: bytes, label: bytes, info: bytes, size: int) -> bytes:
    # One block of HKDF-Expand is 32 bytes, and nothing here is longer.
    labelled = size.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    return hmac.digest(secret, labelled + b"\x01", "sha256")[:size]
