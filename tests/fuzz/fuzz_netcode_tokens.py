"""Invariant: whatever bytes are given as a connect token, a private token, a ticket, user data, a key file, an address
or a URL, they are read or refused with the one error that the reader documents; and what was read is written again and
read as the same.
"""

import contextlib
import random
from hashlib import sha256

from pygase.errors import MalformedDatagram
from pygase.netcode import ConnectToken, PrivateToken, ServerKeys, UserData, format_address, parse_address, parse_url
from pygase.netcode.addresses import read_addresses, write_addresses
from pygase.netcode.crypto import ExtendedCipher
from pygase.netcode.layout import U64
from pygase.netcode.tickets import open_ticket

CIPHER = ExtendedCipher(bytes(32))


def _connect_token(data: bytes) -> None:
    token = ConnectToken.from_bytes(data.ljust(2048, b"\0")[:2048])
    assert ConnectToken.from_bytes(token.to_bytes()).to_bytes() == token.to_bytes()
    assert 1 <= len(token.addresses) <= 32


def _private_token(data: bytes) -> None:
    token = PrivateToken.from_bytes(data.ljust(1008, b"\0")[:1008])
    assert PrivateToken.from_bytes(token.to_bytes()).to_bytes() == token.to_bytes()
    assert len(token.user_data) == 256


def _addresses(data: bytes) -> None:
    addresses, position = read_addresses(data, 0)
    assert position <= len(data)
    assert write_addresses(read_addresses(write_addresses(addresses), 0)[0]) == write_addresses(addresses)


def _user_data(data: bytes) -> None:
    user = UserData.from_bytes(data.ljust(256, b"\0")[:256])
    if len(user.data) < 256 and len(user.room.encode()) <= 32 and len(user.data) <= 218:
        assert UserData.from_bytes(user.to_bytes()) == user


def _ticket(data: bytes) -> None:
    open_ticket(data, CIPHER, 7, 0.0)


def _sealed_ticket(data: bytes) -> None:
    # The key is public, so the content may be anything that a thief of the key could write.
    nonce = sha256(data).digest()[:24]
    open_ticket(nonce + CIPHER.encrypt(nonce, data[:380], b"pygase ticket 1\0" + U64.pack(7)), CIPHER, 7, 0.0)


def _key_file(data: bytes) -> None:
    keys = ServerKeys.from_text(data.decode("latin-1"))
    assert ServerKeys.from_text(keys.to_text()) == keys


def _address_text(data: bytes) -> None:
    address = parse_address(data.decode("utf-8", "replace"))
    assert parse_address(format_address(address)) == address


def _url(data: bytes) -> None:
    parse_url("pygase://" + data.decode("utf-8", "replace"))


READERS = {
    _connect_token: MalformedDatagram,
    _private_token: MalformedDatagram,
    _addresses: MalformedDatagram,
    _user_data: MalformedDatagram,
    _ticket: MalformedDatagram,
    _sealed_ticket: MalformedDatagram,
    _key_file: ValueError,
    _address_text: ValueError,
    _url: ValueError,
}


def one_input(data: bytes) -> None:
    """Feed one input; its first byte chooses the reader."""
    if not data:
        return
    reader, error = list(READERS.items())[data[0] % len(READERS)]
    with contextlib.suppress(error):
        reader(data[1:])


def corpus() -> list[bytes]:
    """One good input for each reader, and some bad ones."""
    entropy = random.Random(1).randbytes
    private = PrivateToken(1, 5, (("127.0.0.1", 1), ("::1", 2)), bytes(32), bytes(32), bytes(256))
    public = ConnectToken(
        7, 1000, 1030, bytes(24), bytes(1024), 5, (("127.0.0.1", 1), ("::1", 2)), bytes(32), bytes(32)
    )
    good = [
        public.to_bytes(),
        private.to_bytes(),
        write_addresses(private.addresses),
        UserData(b"Ada", "attic", is_host=True).to_bytes(),
        bytes(60),
        bytes(16) + UserData(b"Ada").to_bytes(),
        ServerKeys.generate(entropy).to_text().encode(),
        b"[::1]:40000",
        b"host:1/#" + b"a" * 32,
    ]
    seeds = [bytes([number]) + content for number, content in enumerate(good)]
    return seeds + [seed[: len(seed) // 2] for seed in seeds] + [bytes([number]) for number in range(len(good))]


def test_the_invariant_holds_for_the_corpus() -> None:
    for data in corpus():
        one_input(data)


def test_the_invariant_holds_for_changes_of_the_corpus() -> None:
    rng = random.Random(1)
    for seed in corpus():
        for _ in range(100):
            changed = bytearray(seed)
            for _ in range(rng.randrange(1, 4)):
                changed[rng.randrange(len(changed))] = rng.randrange(256)
            one_input(bytes([seed[0]]) + bytes(changed[1:]))


if __name__ == "__main__":
    import runner  # type: ignore[import-not-found, unused-ignore]

    runner.fuzz(one_input, corpus())
