"""Corners of the server's handshake that a well-behaved client never visits."""

import pytest

from pygase.config import MAX_EXPECTED_ADDRESSES
from pygase.netcode import Address, Client, Peer, Server
from pygase.netcode.layout import U64, PacketType
from pygase.netcode.peer import PeerState
from tests.netcode.world import CLIENT, SERVER, World, dropped, signals

OTHER: Address = ("10.0.0.2", 50_000)


def challenged(world: World, client_id: int = 1, address: Address = CLIENT) -> tuple[Client, bytes]:
    """A client whose request was answered, and the body of its challenge."""
    server = world.endpoints[SERVER]
    client = Client(world.token(client_id), world.now)
    ((request, _),) = client.datagrams_to_send()
    server.receive_datagram(request, address, world.now)
    ((challenge, _),) = server.datagrams_to_send()
    client.receive_datagram(challenge, SERVER, world.now)
    client.datagrams_to_send()
    return client, client._challenge


def respond(world: World, client: Client, body: bytes, address: Address = CLIENT) -> None:
    data = client._channel.seal_packet(PacketType.RESPONSE, body, world.now)
    world.endpoints[SERVER].receive_datagram(data, address, world.now)


@pytest.mark.parametrize("options", [{"max_clients": 0}, {"addresses": [("localhost", 1)]}])
def test_server_that_cannot_be_is_not_made(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"max_clients|localhost"):
        World().server(**options)  # type: ignore[arg-type]


def test_key_of_wrong_size_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Server(
            addresses=[SERVER],
            protocol_id=1,
            private_key=b"short",
            max_clients=1,
            entropy=bytes,
            unix_epoch=0.0,
            now=0.0,
        )


def test_challenge_that_the_server_did_not_make_lets_nobody_in() -> None:
    world = World()
    server = world.server()
    client, body = challenged(world)

    respond(world, client, U64.pack(0) + bytes(300))
    respond(world, client, U64.pack(1) + body[8:])

    assert dropped(server.stats) == {"dropped_forged": 2}
    assert server.peers == {}


def test_challenge_of_somebody_else_lets_nobody_in() -> None:
    world = World()
    server = world.server()
    client, _ = challenged(world, 1, CLIENT)
    _, body = challenged(world, 2, OTHER)

    respond(world, client, body)

    assert dropped(server.stats) == {"dropped_unexpected": 1}
    assert server.peers == {}


def test_two_handshakes_of_one_client_id_let_one_in() -> None:
    world = World()
    server = world.server()
    one, first = challenged(world, 1, CLIENT)
    other, second = challenged(world, 1, OTHER)

    respond(world, one, first, CLIENT)
    respond(world, other, second, OTHER)

    assert list(server.peers) == [CLIENT]
    assert dropped(server.stats) == {"dropped_already_connected": 1}


def test_new_token_from_the_same_address_takes_the_place_of_the_old_handshake() -> None:
    world = World()
    server = world.server()
    old, body = challenged(world, 1)
    new, new_body = challenged(world, 2)

    respond(world, old, body)
    assert dropped(server.stats) == {"dropped_forged": 1}
    respond(world, new, new_body)

    assert server.peers[CLIENT].client_id == 2


@pytest.mark.parametrize("kind", [PacketType.PAYLOAD, PacketType.KEEP_ALIVE, PacketType.DISCONNECT])
def test_only_a_response_counts_before_the_session(kind: PacketType) -> None:
    world = World()
    server = world.server()
    client, _ = challenged(world)
    data = client._channel.seal_packet(
        kind, {PacketType.PAYLOAD: b"x", PacketType.KEEP_ALIVE: bytes(8)}.get(kind, b""), 0.0
    )

    assert server.receive_datagram(data, CLIENT, world.now) is None
    assert dropped(server.stats) == {"dropped_unexpected": 1}


@pytest.mark.parametrize("kind", [PacketType.DENIED, PacketType.CHALLENGE, PacketType.RESPONSE])
def test_handshake_packets_do_nothing_in_a_session(kind: PacketType) -> None:
    world = World()
    server, client = world.connected()
    body = b"" if kind is PacketType.DENIED else bytes(308)
    world.deliver(client._channel.seal_packet(kind, body, world.now), CLIENT, SERVER)

    assert dropped(server.stats) == {"dropped_unexpected": 1}
    assert list(server.peers) == [CLIENT]


def test_closing_forgets_who_was_on_the_way_in() -> None:
    world = World()
    server = world.server()
    client, body = challenged(world)
    server.close(world.now)
    respond(world, client, body)

    assert (server.peers, server._pending, server.next_timer()) == ({}, {}, None)
    assert signals(server) == []


def test_join_datagrams_are_malformed_to_a_plain_server() -> None:
    world = World()
    server, _ = world.connected()
    for address in (CLIENT, OTHER):
        world.deliver(b"\xf0" + bytes(1199), address, SERVER)

    assert dropped(server.stats) == {"dropped_malformed": 2}


def test_proven_addresses_are_bounded() -> None:
    server = World().server()
    for number in range(MAX_EXPECTED_ADDRESSES + 10):
        server.expect(("10.0.0.1", number), 0.0)

    assert len(server._requests._expected) == MAX_EXPECTED_ADDRESSES
    assert not server._requests.is_expected(("10.0.0.1", 5), 1.0)
    assert server._requests.is_expected(("10.0.0.1", 50), 1.0)
    assert not server._requests.is_expected(("10.0.0.1", 50), 100.0)


def test_last_words_go_before_the_goodbye() -> None:
    world = World()
    server, client = world.connected()
    peer = server.peers[CLIENT]
    server.enqueue(peer.seal(b"farewell", world.now), CLIENT)
    server.disconnect(peer, world.now)
    world.run(0.1)

    assert world.got[CLIENT] == [b"farewell"]
    assert client.state == 0


def test_peer_says_what_it_is() -> None:
    world = World()
    server, _ = world.connected()
    peer = server.peers[CLIENT]

    assert isinstance(peer, Peer)
    assert peer.state is PeerState.CONFIRMED
    assert "confirmed" in repr(peer)
    assert peer.context is None
    peer.context = "free for the layer above"
