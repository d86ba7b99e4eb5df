import os
import stat
import sys
from pathlib import Path

import pytest

from pygase import tokens
from pygase.config import PROTOCOL_ID, TOKEN_LIFETIME
from pygase.netcode import LinkState, SecureClient, SecureServer

HERE = ("127.0.0.1", 40_000)
CLIENT = ("10.0.0.1", 50_000)


def test_minted_token_says_what_it_was_told() -> None:
    keys = tokens.generate_keys()
    token = tokens.mint(
        keys.token_key, client_id=7, addresses=[HERE], user_data=b"Ada", host=True, room="attic", now=1000.0
    )
    private, user = tokens.inspect(tokens.read(token.to_bytes()), keys.token_key)

    assert (token.protocol_id, token.created, token.expires) == (PROTOCOL_ID, 1000, 1000 + TOKEN_LIFETIME)
    assert (private.client_id, private.timeout, private.addresses) == (7, 6, (HERE,))
    assert user == tokens.UserData(b"Ada", "attic", is_host=True)


def test_minted_token_lets_in_once_and_its_user_data_is_trusted() -> None:
    keys = tokens.generate_keys()
    server = SecureServer(
        addresses=[HERE], keys=keys, max_clients=2, entropy=os.urandom, unix_epoch=1_700_000_000.0, now=0.0
    )
    token = tokens.mint(
        keys.token_key, client_id=7, addresses=[HERE], user_data=b"Ada", host=True, now=1_700_000_000.0
    ).to_bytes()
    client = SecureClient(token=token, entropy=os.urandom, unix_epoch=0.0, now=0.0)
    while outgoing := client.datagrams_to_send():
        for data, _ in outgoing:
            server.receive_datagram(data, CLIENT, 0.0)
        for data, _ in server.datagrams_to_send():
            client.receive_datagram(data, HERE, 0.0)

    assert client.state is LinkState.CONNECTED
    peer = server.peers[CLIENT]
    assert (peer.client_id, peer.user_data, peer.is_host_by_token) == (7, b"Ada", True)


def test_token_of_another_key_cannot_be_looked_into() -> None:
    token = tokens.mint(bytes(32), client_id=7, addresses=[HERE])

    with pytest.raises(ValueError, match="another key"):
        tokens.inspect(token, bytes([1]) * 32)


@pytest.mark.parametrize("data", [b"", bytes(2048), bytes(10_000)])
def test_what_is_no_token_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="connect token"):
        tokens.read(data)


@pytest.mark.parametrize("user_data", [bytes(tokens.MAX_USER_DATA_BYTES + 1)])
def test_too_much_user_data_raises(user_data: bytes) -> None:
    with pytest.raises(ValueError, match="user data takes"):
        tokens.mint(bytes(32), client_id=7, addresses=[HERE], user_data=user_data)


def test_keys_are_kept_in_a_file_for_their_owner_only(tmp_path: Path) -> None:
    keys = tokens.generate_keys()
    path = tmp_path / "server.keys"
    tokens.save_keys(keys, path)

    assert tokens.load_keys(path) == keys
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        tokens.save_keys(tokens.generate_keys(), path)
    assert tokens.load_keys(path) == keys


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff\xfe\x00"])
def test_what_is_no_key_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "server.keys"
    path.write_bytes(content)

    with pytest.raises(ValueError, match="not a file of server keys"):
        tokens.load_keys(path)
