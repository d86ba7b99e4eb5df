"""Proves that no key ever seals two different things under one nonce.

Every cipher of the secure link comes from `pygase.netcode.crypto.cipher_factory`. While the audit is in its place, each
one notes what it seals, and fails at once on a nonce that the key has seen before. Sealing the very same bytes again is
no harm (it gives the same datagram) and happens when a test runs one seed twice.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from pygase.netcode import crypto

__all__ = ["NonceAudit", "NonceReused", "audited"]


class NonceReused(AssertionError):
    """Two different things were sealed with one key under one nonce."""


class NonceAudit:
    """Remembers what each key has sealed."""

    def __init__(self) -> None:
        self.seen: dict[tuple[bytes, bytes], int] = {}

    def make_cipher(self, key: bytes) -> "AuditedCipher":
        return AuditedCipher(key, self.seen)


class AuditedCipher:
    def __init__(self, key: bytes, seen: dict[tuple[bytes, bytes], int]) -> None:
        self._cipher = ChaCha20Poly1305(key)
        self._key = key
        self._seen = seen

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        content = hash((bytes(data), associated_data))
        if self._seen.setdefault((self._key, nonce), content) != content:
            raise NonceReused(f"nonce {nonce.hex()} sealed something else before")
        return self._cipher.encrypt(nonce, data, associated_data)

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        return self._cipher.decrypt(nonce, data, associated_data)


@contextmanager
def audited() -> Iterator[NonceAudit]:
    """Audit every cipher made from here on."""
    audit = NonceAudit()
    before = crypto.cipher_factory
    crypto.cipher_factory = audit.make_cipher
    try:
        yield audit
    finally:
        crypto.cipher_factory = before
