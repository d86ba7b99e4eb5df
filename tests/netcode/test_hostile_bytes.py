"""Bytes from anywhere: dropped, counted by reason, no reply, nothing kept, nothing raised."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pygase.errors import MalformedDatagram
from pygase.netcode import Address, ClientState, JoinPolicy, LinkState
from pygase.netcode.join_wire import decode_answer, decode_wish
from tests.netcode.world import CLIENT, SERVER, World, dropped

STRANGER: Address = ("10.66.66.66", 6)

datagrams = st.one_of(
    st.binary(max_size=1500),
    st.builds(lambda first, rest: bytes([first]) + rest, st.integers(0, 255), st.binary(max_size=400)),
    st.builds(lambda first: bytes([first]) + bytes(1199), st.integers(0xF0, 0xFF)),
    st.builds(lambda tail: b"\0NETCODE 1.02\0" + tail.ljust(1064, b"\0"), st.binary(max_size=1064)),
    st.sampled_from([b"shutdown", b"shut_me_down", b"", b"\0", b"PING"]),
)


@pytest.fixture(scope="module")
def party() -> World:
    world = World()
    world.secure_server(policy=JoinPolicy(password="secret"))
    client = world.secure_client(password="secret")
    assert world.run(5.0, until=lambda: client.state is LinkState.CONNECTED)
    world.run(0.5)
    return world


def count(stats: dict[str, int]) -> int:
    return sum(dropped(stats).values())


@settings(max_examples=500)
@given(data=datagrams, source=st.sampled_from([STRANGER, CLIENT]))
def test_random_bytes_to_a_server_are_dropped_and_counted(party: World, data: bytes, source: Address) -> None:
    server = party.endpoints[SERVER]
    before = count(server.stats) + server.stats["cookies"]  # type: ignore[attr-defined]

    assert server.receive_datagram(data, source, party.now) is None

    replies = server.datagrams_to_send()
    assert sum(len(reply) for reply, _ in replies) <= len(data)
    assert count(server.stats) + server.stats["cookies"] == before + 1  # type: ignore[attr-defined]
    assert list(server.peers) == [CLIENT]  # type: ignore[attr-defined]


@settings(max_examples=300)
@given(data=datagrams, source=st.sampled_from([STRANGER, SERVER]))
def test_random_bytes_to_a_client_are_dropped_and_counted(party: World, data: bytes, source: Address) -> None:
    client = party.endpoints[CLIENT]
    before = count(client.stats)  # type: ignore[attr-defined]

    assert client.receive_datagram(data, source, party.now) is None

    assert client.datagrams_to_send() == []
    assert count(client.stats) == before + 1  # type: ignore[attr-defined]
    assert client.state is LinkState.CONNECTED  # type: ignore[attr-defined]


@pytest.mark.parametrize("seed", range(6))
def test_tampered_copies_of_everything_ever_sent_change_nothing(seed: int) -> None:
    """Bits flipped, cut short, made longer; from the right address, a wrong one, and to either side."""
    world = World(seed, latency=0.01)
    server = world.secure_server(policy=JoinPolicy(password="secret"))
    client = world.secure_client(password="secret")
    assert world.run(5.0, until=lambda: client.state is LinkState.CONNECTED)
    for number in range(5):
        world.send(client.seal(b"up%d" % number, world.now), CLIENT, SERVER)
        world.send(server.peers[CLIENT].seal(b"down%d" % number, world.now), SERVER, CLIENT)
    world.run(0.5)
    got = {address: list(payloads) for address, payloads in world.got.items()}
    rng = random.Random(seed)

    for _, source, target, data in list(world.sent):
        for how in range(4):
            changed = bytearray(data)
            if how == 0:
                changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            elif how == 1:
                del changed[rng.randrange(len(data)) :]
            elif how == 2:
                changed += rng.randbytes(rng.randrange(1, 50))
            world.deliver(bytes(changed), rng.choice([source, STRANGER]), target)

    assert world.got == got
    assert client.state is LinkState.CONNECTED
    assert list(server.peers) == [CLIENT]
    assert server.stats["connected"] == 1
    world.send(client.seal(b"still here", world.now), CLIENT, SERVER)
    world.run(0.1)
    assert world.got[SERVER][-1] == b"still here"


@pytest.mark.parametrize("state", [ClientState.SENDING_CONNECTION_REQUEST, ClientState.SENDING_CONNECTION_RESPONSE])
def test_random_bytes_do_not_move_a_client_on_its_way_in(state: ClientState) -> None:
    world = World(loses=lambda data, source, target: data[0] & 0x0F == 3)
    world.server()
    client = world.client()
    assert world.run(1.0, until=lambda: client.state is state)
    rng = random.Random(1)

    for size in range(400):
        client.receive_datagram(rng.randbytes(size), SERVER, world.now)

    assert client.state is state


@given(st.binary(max_size=1200))
def test_any_wish_and_answer_decode_or_are_malformed(data: bytes) -> None:
    for size in (1095, 1137):
        padded = data[:size].ljust(size, b"\0")
        try:
            decode_wish(padded)
            decode_answer(padded, 7)
        except MalformedDatagram:
            continue


def test_old_protocols_shutdown_does_nothing() -> None:
    world = World()
    server, client = world.connected()
    for source in (STRANGER, CLIENT):
        for text in (b"shutdown", b"shut_me_down"):
            world.deliver(text, source, SERVER)

    assert client.state is ClientState.CONNECTED
    assert sum(dropped(server.stats).values()) == 4
    assert list(server.peers) == [CLIENT]
