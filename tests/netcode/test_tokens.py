import contextlib
import random
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase.errors import MalformedDatagram
from pygase.netcode.addresses import normal_address
from pygase.netcode.crypto import ExtendedCipher, new_cipher
from pygase.netcode.layout import CHALLENGE_TOKEN_BYTES, CONNECT_TOKEN_BYTES, PRIVATE_TOKEN_BYTES, USER_DATA_BYTES
from pygase.netcode.tokens import (
    ChallengeToken,
    ConnectToken,
    PrivateToken,
    make_token,
    open_challenge,
    open_private,
    seal_challenge,
    seal_private,
)

KEY = bytes(range(32))
NONCE = bytes(range(24))

addresses = st.lists(st.tuples(st.ip_addresses().map(str), st.integers(0, 65_535)), min_size=1, max_size=32).map(tuple)
private_tokens = st.builds(
    PrivateToken,
    client_id=st.integers(0, 2**64 - 1),
    timeout=st.integers(-(2**31), 2**31 - 1),
    addresses=addresses,
    client_to_server_key=st.binary(min_size=32, max_size=32),
    server_to_client_key=st.binary(min_size=32, max_size=32),
    user_data=st.binary(min_size=256, max_size=256),
)


def token(**options: object) -> ConnectToken:
    defaults: dict[str, object] = {
        "protocol_id": 7,
        "client_id": 1,
        "addresses": [("127.0.0.1", 40_000)],
        "unix_time": 1000.9,
        "entropy": random.Random(1).randbytes,
        "timeout": 5,
    }
    return make_token(KEY, **{**defaults, **options})  # type: ignore[arg-type]


def key_for(*content: object) -> bytes:
    """A key of its own for each example, so that no nonce meets it twice."""
    return sha256(repr(content).encode()).digest()


@given(private_tokens)
def test_private_token_is_read_as_written(written: PrivateToken) -> None:
    data = written.to_bytes()

    assert len(data) == PRIVATE_TOKEN_BYTES - 16
    read = PrivateToken.from_bytes(data)
    assert read.to_bytes() == data
    assert replace(read, addresses=()) == replace(written, addresses=())
    assert read.addresses == tuple(normal_address(address) for address in written.addresses)


@given(private_tokens, st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_private_token_survives_sealing(written: PrivateToken, protocol_id: int, expires: int) -> None:
    cipher = ExtendedCipher(key_for(written.to_bytes(), protocol_id, expires))
    sealed = seal_private(written, cipher, protocol_id, expires, NONCE)

    assert len(sealed) == PRIVATE_TOKEN_BYTES
    assert open_private(sealed, cipher, protocol_id, expires, NONCE).to_bytes() == written.to_bytes()


@pytest.mark.parametrize("spoilt", ["key", "protocol", "expiry", "nonce", "byte", "tag", "size"])
def test_private_token_opens_for_nobody_else(spoilt: str) -> None:
    made = token()
    key, protocol_id, expires, nonce, sealed = KEY, made.protocol_id, made.expires, made.nonce, made.private
    match spoilt:
        case "key":
            key = bytes(32)
        case "protocol":
            protocol_id += 1
        case "expiry":
            expires += 1
        case "nonce":
            nonce = bytes(24)
        case "byte":
            sealed = b"\0" + sealed[1:]
        case "tag":
            sealed = sealed[:-1] + bytes([sealed[-1] ^ 1])
        case "size":
            sealed = sealed[:-1]

    with pytest.raises(MalformedDatagram):
        open_private(sealed, ExtendedCipher(key), protocol_id, expires, nonce)


@pytest.mark.parametrize("size", [0, 1007, 1009])
def test_private_token_of_wrong_size_is_malformed(size: int) -> None:
    with pytest.raises(MalformedDatagram):
        PrivateToken.from_bytes(bytes(size))


@given(st.binary(min_size=1008, max_size=1008))
def test_any_bytes_are_a_private_token_or_malformed(data: bytes) -> None:
    try:
        read = PrivateToken.from_bytes(data)
    except MalformedDatagram:
        return
    assert 1 <= len(read.addresses) <= 32


def test_connect_token_is_read_as_written() -> None:
    made = token(user_data=b"name", addresses=[("1.2.3.4", 5), ("::1", 6)], internal_addresses=[("10.0.0.1", 5)])

    data = made.to_bytes()

    assert len(data) == CONNECT_TOKEN_BYTES
    assert ConnectToken.from_bytes(data) == made
    assert made.created == 1000
    assert made.expires == 1030
    private = open_private(made.private, ExtendedCipher(KEY), 7, made.expires, made.nonce)
    assert private.addresses == (("10.0.0.1", 5),)
    assert private.user_data == b"name".ljust(USER_DATA_BYTES, b"\0")
    assert (private.client_to_server_key, private.server_to_client_key) == (
        made.client_to_server_key,
        made.server_to_client_key,
    )


def test_each_token_has_its_own_keys_and_nonce() -> None:
    entropy = random.Random(1).randbytes
    one, other = token(entropy=entropy), token(entropy=entropy)

    keys = {one.nonce, other.nonce, one.client_to_server_key, other.client_to_server_key}
    assert len(keys | {one.server_to_client_key, other.server_to_client_key}) == 6


def test_keys_are_not_shown() -> None:
    made = token()

    assert repr(made.client_to_server_key) not in repr(made)
    assert repr(made.private) not in repr(made)


@pytest.mark.parametrize("spoilt", ["version", "times", "addresses", "type", "size"])
def test_malformed_connect_token_is_refused(spoilt: str) -> None:
    data = bytearray(token().to_bytes())
    match spoilt:
        case "version":
            data[11] = ord("1")
        case "times":
            data[21:29] = (2**40).to_bytes(8, "little")
        case "addresses":
            data[1089:1093] = (33).to_bytes(4, "little")
        case "type":
            data[1093] = 3
        case "size":
            data.pop()

    with pytest.raises(MalformedDatagram):
        ConnectToken.from_bytes(bytes(data))


@given(st.binary(min_size=2048, max_size=2048))
def test_any_bytes_are_a_connect_token_or_malformed(data: bytes) -> None:
    with pytest.raises(MalformedDatagram):
        ConnectToken.from_bytes(data)
    with contextlib.suppress(MalformedDatagram):
        ConnectToken.from_bytes(b"NETCODE 1.02\0" + data[13:])


@pytest.mark.parametrize(
    "options",
    [
        {"client_id": -1},
        {"client_id": 2**64},
        {"timeout": 2**31},
        {"addresses": []},
        {"addresses": [("1.2.3.4", 5)] * 33},
        {"addresses": [("localhost", 5)]},
        {"user_data": bytes(257)},
        {"lifetime": -1},
    ],
)
def test_token_out_of_range_is_not_made(options: dict[str, object]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (many wordings)
        token(**options)


def test_key_of_wrong_size_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        make_token(
            b"short",
            protocol_id=7,
            client_id=1,
            addresses=[("1.2.3.4", 5)],
            unix_time=0,
            entropy=random.Random(1).randbytes,
            timeout=5,
        )


@given(st.integers(0, 2**64 - 1), st.binary(min_size=256, max_size=256), st.integers(0, 2**64 - 1))
def test_challenge_is_read_as_written(client_id: int, user_data: bytes, sequence: int) -> None:
    challenge = ChallengeToken(client_id, user_data)
    key = key_for(client_id, user_data)
    sealed = seal_challenge(challenge, new_cipher(key), sequence)

    assert len(sealed) == CHALLENGE_TOKEN_BYTES
    assert open_challenge(sealed, new_cipher(key), sequence) == challenge


@pytest.mark.parametrize("spoilt", ["byte", "sequence", "key"])
def test_challenge_of_another_server_is_refused(spoilt: str) -> None:
    sealed = seal_challenge(ChallengeToken(1, bytes(256)), new_cipher(KEY), 5)
    key, sequence = KEY, 5
    match spoilt:
        case "byte":
            sealed = sealed[:-1] + bytes([sealed[-1] ^ 1])
        case "sequence":
            sequence = 6
        case "key":
            key = bytes(32)

    with pytest.raises(MalformedDatagram):
        open_challenge(sealed, new_cipher(key), sequence)
