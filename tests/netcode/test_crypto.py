import random

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from pygase.netcode.crypto import (
    SEALED_BOX_OVERHEAD,
    ExtendedCipher,
    Undecryptable,
    box_open,
    box_seal,
    new_cipher,
    nonce_of,
)
from tests.nonce_audit import NonceReused

SUITE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)
KEY = bytes(range(32))


def test_nonce_is_four_zeros_then_the_number_little_endian() -> None:
    assert nonce_of(0x0102) == bytes(4) + b"\x02\x01" + bytes(6)
    assert nonce_of(2**64 - 1) == bytes(4) + b"\xff" * 8


def test_hchacha20_gives_the_subkey_of_the_draft() -> None:
    # draft-irtf-cfrg-xchacha section 2.2.1
    subkey = ExtendedCipher(KEY).subkey(bytes.fromhex("000000090000004a0000000031415927"))

    assert subkey.hex() == "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc"


def test_xchacha_gives_the_ciphertext_of_the_draft() -> None:
    # draft-irtf-cfrg-xchacha appendix A.3.1
    cipher = ExtendedCipher(bytes(range(0x80, 0xA0)))
    nonce = bytes(range(0x40, 0x58))
    aad = bytes.fromhex("50515253c0c1c2c3c4c5c6c7")
    plain = (
        b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
        b"sunscreen would be it."
    )

    sealed = cipher.encrypt(nonce, plain, aad)

    assert sealed[:16].hex() == "bd6d179d3e83d43b9576579493c0e939"
    assert sealed[-16:].hex() == "c0875924c1c7987947deafd8780acf49"
    assert cipher.decrypt(nonce, sealed, aad) == plain


def test_subkey_is_the_same_whatever_came_before() -> None:
    kept = ExtendedCipher(KEY)
    nonces = [random.Random(seed).randbytes(16) for seed in range(50)]

    for nonce in nonces + nonces[::-1]:
        assert kept.subkey(nonce) == ExtendedCipher(KEY).subkey(nonce)


def test_kept_cipher_still_opens_after_forgeries() -> None:
    cipher = ExtendedCipher(KEY)
    sealed = cipher.encrypt(bytes(24), b"secret", b"")

    for forged in (bytes(1024), sealed[:-1], b""):
        with pytest.raises(InvalidTag):
            cipher.decrypt(bytes(24), forged, b"")

    assert cipher.decrypt(bytes(24), sealed, b"") == b"secret"


@pytest.mark.parametrize("size", [0, 31, 33])
def test_key_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"32 bytes, not {size}"):
        ExtendedCipher(bytes(size))


@pytest.mark.parametrize("spoilt", ["byte", "tag", "nonce", "aad", "key", "short"])
def test_xchacha_opens_nothing_that_was_changed(spoilt: str) -> None:
    nonce, aad, key = bytes(24), b"aad", KEY
    sealed = ExtendedCipher(key).encrypt(nonce, b"secret", aad)
    match spoilt:
        case "byte":
            sealed = bytes([sealed[0] ^ 1]) + sealed[1:]
        case "tag":
            sealed = sealed[:-1] + bytes([sealed[-1] ^ 0x80])
        case "nonce":
            nonce = b"\1" + bytes(23)
        case "aad":
            aad = b"aae"
        case "key":
            key = bytes(32)
        case "short":
            sealed = sealed[:10]

    with pytest.raises(InvalidTag):
        ExtendedCipher(key).decrypt(nonce, sealed, aad)


def test_box_is_opened_by_the_suite_of_cryptography() -> None:
    private = X25519PrivateKey.from_private_bytes(KEY)
    public = private.public_key().public_bytes_raw()

    box = box_seal(b"secret", public, b"info", random.Random(1).randbytes)

    assert SUITE.decrypt(box, private, info=b"info") == b"secret"
    assert len(box) == len(b"secret") + SEALED_BOX_OVERHEAD


def test_box_of_the_suite_of_cryptography_is_opened() -> None:
    private = X25519PrivateKey.from_private_bytes(KEY)
    public = X25519PublicKey.from_public_bytes(private.public_key().public_bytes_raw())

    assert box_open(SUITE.encrypt(b"secret", public, info=b"info"), private, b"info") == b"secret"


def test_box_is_the_same_bytes_for_the_same_entropy() -> None:
    public = X25519PrivateKey.from_private_bytes(KEY).public_key().public_bytes_raw()

    boxes = {box_seal(b"secret", public, b"", random.Random(seed).randbytes) for seed in (1, 1, 2)}

    assert len(boxes) == 2


@pytest.mark.parametrize("spoilt", ["first", "last", "info", "key", "short", "empty"])
def test_box_opens_for_nobody_else(spoilt: str) -> None:
    private = X25519PrivateKey.from_private_bytes(KEY)
    box = box_seal(b"secret", private.public_key().public_bytes_raw(), b"info", random.Random(1).randbytes)
    info = b"info"
    match spoilt:
        case "first":
            box = bytes([box[0] ^ 1]) + box[1:]
        case "last":
            box = box[:-1] + bytes([box[-1] ^ 1])
        case "info":
            info = b"other"
        case "key":
            private = X25519PrivateKey.from_private_bytes(bytes([1]) * 32)
        case "short":
            box = box[:40]
        case "empty":
            box = b""

    with pytest.raises(Undecryptable):
        box_open(box, private, info)


def test_box_is_not_sealed_to_a_weak_key() -> None:
    with pytest.raises(Undecryptable):
        box_seal(b"secret", bytes(32), b"", random.Random(1).randbytes)


def test_audit_notices_a_nonce_that_is_used_twice() -> None:
    cipher = new_cipher(KEY)
    cipher.encrypt(nonce_of(1), b"one", None)
    cipher.encrypt(nonce_of(1), b"one", None)

    with pytest.raises(NonceReused):
        new_cipher(KEY).encrypt(nonce_of(1), b"two", None)


def test_audit_sees_what_an_extended_cipher_seals() -> None:
    ExtendedCipher(KEY).encrypt(bytes(24), b"one", b"")

    with pytest.raises(NonceReused):
        ExtendedCipher(KEY).encrypt(bytes(24), b"two", b"")


def test_box_is_the_one_of_rfc_9180_appendix_a_2() -> None:
    # DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305, base mode: ephemeral key, encapsulation, key schedule.
    # The vector's first message has associated data, which a box has not, so its key and nonce are compared instead.
    ephemeral = bytes.fromhex("f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600")
    receiver = bytes.fromhex("4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a")
    key = bytes.fromhex("ad2744de8e17f4ebba575b3f5f5a8fa1f69c2a07f6e7500bc60ca6e3e3ec1c91")
    nonce = bytes.fromhex("5c4d98150661b848853b547f")
    text = b"Beauty is truth, truth beauty"
    sealed_by_the_rfc = "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28"
    assert ChaCha20Poly1305(key).encrypt(nonce, text, b"Count-0").hex() == sealed_by_the_rfc
    box = box_seal(text, receiver, b"Ode on a Grecian Urn", lambda count: ephemeral)
    assert box[:32].hex() == "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a"
    assert box[32:] == ChaCha20Poly1305(key).encrypt(nonce, text, b"")
