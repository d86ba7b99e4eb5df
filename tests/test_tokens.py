import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from pygase import Backend, Client, DisconnectReason, GameState, GameStateStore, Server, tokens
from pygase.config import PEER_TIMEOUT, PROTOCOL_ID, TOKEN_LIFETIME
from pygase.netcode import LinkState, SecureClient, SecureServer
from pygase.testing import SimulatedNetwork
from pygase.testing.host import _UNIX_TIME

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


class Game:
    """A server for people with accounts, and what it is told about them."""

    def __init__(self, **options: Any) -> None:
        self.network = SimulatedNetwork(5, "lan")
        self.keys = tokens.generate_keys()
        self.told: list[Any] = []
        self.ended: list[DisconnectReason] = []
        backend = Backend(GameState(), lambda game_state, dt: None)
        for name in ("CLIENT_CONNECTED", "CLIENT_RECONNECTED"):
            backend.server.register_event_handler(
                name, lambda client_id, name=name, user_data=None: self.told.append((name, client_id, user_data))
            )
        self.network.serve(backend, keys=self.keys, **options)

    def mint(self, **options: Any) -> bytes:
        now = _UNIX_TIME + self.network.now
        return tokens.mint(
            self.keys.token_key, client_id=7, addresses=[("10.0.0.1", 8080)], user_data=b"Ada", now=now, **options
        ).to_bytes()

    def _failed(self, reason: DisconnectReason) -> None:
        self.ended.append(reason)

    def connect(self, **options: Any) -> Client:
        client = self.network.client()
        client.register_event_handler("CONNECTION_FAILED", self._failed)
        client.open(8080, **options)
        self.network.run(1.0)
        return client


def test_server_for_tokens_only_lets_in_nobody_else_and_takes_back_who_was_cut_off() -> None:
    game = Game(tokens_only=True)
    game.connect()
    assert game.ended == [DisconnectReason.REFUSED]
    player = game.connect(token=game.mint())
    assert game.told == [("CLIENT_CONNECTED", 7, b"Ada")]
    game.network.cut_off(player, PEER_TIMEOUT + 2.0)
    game.network.run(PEER_TIMEOUT + 12.0)
    assert game.told[1:] == [("CLIENT_RECONNECTED", 7, None)]
    game.network.close()


def test_server_takes_guests_unless_it_is_told_otherwise() -> None:
    game = Game()
    game.connect()
    game.connect(token=game.mint())
    assert [user_data for _, _, user_data in game.told] == [b"", b"Ada"]
    game.network.close()


def test_lifetime_of_tokens_is_the_servers_and_the_minters_to_choose() -> None:
    game = Game(tokens_only=True, token_lifetime=600)
    token = game.mint(lifetime=600)
    game.network.run(100.0)
    game.connect(token=token)
    assert game.told == [("CLIENT_CONNECTED", 7, b"Ada")]
    game.network.close()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"tokens_only": True}, "takes keys as well"),
        ({"token_lifetime": 0}, "token_lifetime"),
        ({"token_lifetime": 1.5}, "token_lifetime"),
        ({"token_lifetime": "30"}, "token_lifetime"),
    ],
)
def test_options_for_tokens_that_cannot_be_raise_at_the_call(options: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Server(GameStateStore()).run(0, **options)


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
