import random

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from pygase.errors import DisconnectReason, MalformedDatagram
from pygase.netcode import ConnectToken, JoinPolicy, LinkState
from pygase.netcode.channel import Drop
from pygase.netcode.crypto import box_seal
from pygase.netcode.join_client import JoinClient
from pygase.netcode.join_server import JoinServer
from pygase.netcode.join_wire import (
    COOKIE,
    COOKIE_PACKET,
    HELLO,
    HELLO_BYTES,
    JOIN,
    JOIN_PACKET,
    Wish,
    decode_answer,
    decode_wish,
    encode_admission,
    encode_hello,
    encode_refusal,
    encode_wish,
    join_info,
)
from tests.netcode.world import CLIENT, SERVER, World, dropped

ENTROPY = random.Random(1).randbytes


def short_text(limit: int) -> st.SearchStrategy[str]:
    return st.text(st.characters(codec="utf-8"), max_size=limit).filter(lambda text: len(text.encode()) <= limit)


@given(
    st.builds(
        Wish,
        nonce=st.binary(min_size=32, max_size=32),
        password=st.none() | short_text(128),
        room=short_text(32),
        ticket=st.binary(max_size=400),
        payload=st.binary(max_size=256),
    )
)
def test_wish_is_read_as_written(wish: Wish) -> None:
    assert decode_wish(encode_wish(wish)) == wish


@pytest.mark.parametrize(
    "fields",
    [
        b"\1\1\0a\1\1\0b",
        b"\1\xff\xff",
        b"\1\x81\0" + bytes(129),
        b"\2\x21\0" + b"x" * 33,
        b"\1\2\0\xff\xfe",
        b"\2\2\0\xff\xfe",
        b"\x09\xff\x7f",
    ],
)
def test_wish_that_is_none_is_malformed(fields: bytes) -> None:
    with pytest.raises(MalformedDatagram):
        decode_wish((bytes(32) + fields).ljust(1095, b"\0"))


@pytest.mark.parametrize("size", [0, 1094, 1096])
def test_wish_of_wrong_size_is_malformed(size: int) -> None:
    with pytest.raises(MalformedDatagram):
        decode_wish(bytes(size))


def test_fields_of_the_future_are_skipped() -> None:
    data = bytes(32) + b"\x63\3\0abc" + b"\2\5\0attic"

    assert decode_wish(data.ljust(1095, b"\0")) == Wish(bytes(32), room="attic")


def test_wish_may_be_full_to_the_last_byte() -> None:
    data = bytes(32) + b"\x63" + (1095 - 35).to_bytes(2, "little") + bytes(1095 - 35)

    assert decode_wish(data) == Wish(bytes(32))


def test_admission_is_read_as_written() -> None:
    token = World().token(lifetime=30)
    data = encode_admission(77, token)
    answer = decode_answer(data, token.protocol_id)

    assert isinstance(answer, tuple)
    client_id, read = answer
    assert client_id == 77
    assert isinstance(read, ConnectToken)
    assert read.addresses == ()
    assert (read.created, read.expires, read.nonce, read.private) == (
        token.created,
        token.expires,
        token.nonce,
        token.private,
    )


@pytest.mark.parametrize(
    ("reason", "read"),
    [
        (DisconnectReason.DENIED, DisconnectReason.DENIED),
        (DisconnectReason.WRONG_PASSWORD, DisconnectReason.WRONG_PASSWORD),
        (DisconnectReason.TOO_MANY_ATTEMPTS, DisconnectReason.TOO_MANY_ATTEMPTS),
        (DisconnectReason.REFUSED, DisconnectReason.REFUSED),
        (DisconnectReason.FLOODING, DisconnectReason.REFUSED),
    ],
)
def test_refusal_is_read_as_written(reason: DisconnectReason, read: DisconnectReason) -> None:
    refusal = encode_refusal(reason)

    assert decode_answer(refusal, 7) is read
    assert len(refusal) == len(encode_admission(1, World().token()))


def test_status_of_the_future_is_a_refusal() -> None:
    assert decode_answer(b"\xc8" + bytes(1136), 7) is DisconnectReason.REFUSED


@pytest.mark.parametrize("data", [b"", bytes(1136), b"\0" * 9 + b"\xff" * 4 + bytes(1124)])
def test_answer_that_is_none_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedDatagram):
        decode_answer(data, 7)


# --- both ends, fed with what the other would not send ---------------------------------------------------------------


def join_client(now: float = 0.0) -> JoinClient:
    return JoinClient(protocol_id=7, fingerprint=None, wish=Wish(b""), entropy=ENTROPY, now=now)


@pytest.mark.parametrize("data", [b"", b"\xf1", b"\xf3" + bytes(10), b"\xf0" + bytes(1199), b"\x15" * 40])
def test_datagrams_that_are_no_answer_are_malformed(data: bytes) -> None:
    with pytest.raises(Drop, match="malformed"):
        join_client().receive_datagram(data, 0.0)


def test_answer_before_the_cookie_is_unexpected() -> None:
    with pytest.raises(Drop, match="unexpected"):
        join_client().receive_datagram(b"\xf3" + bytes(1185), 0.0)


def test_cookie_with_a_weak_key_is_malformed() -> None:
    client = join_client()
    data = COOKIE_PACKET.pack(COOKIE, client._public_key[:16], bytes(16), bytes(32))

    with pytest.raises(Drop, match="malformed"):
        client.receive_datagram(data, 0.0)
    assert client.fingerprint is None


def test_timer_that_is_not_due_does_nothing() -> None:
    client = join_client()
    client.datagrams_to_send()
    client.handle_timer(0.01)

    assert client.datagrams_to_send() == []


def test_datagram_from_elsewhere_does_not_reach_a_join() -> None:
    world = World()
    client = world.secure_client()
    client.receive_datagram(b"\xf1" + bytes(64), ("10.6.6.6", 1), world.now)

    assert dropped(client.stats) == {"dropped_wrong_sender": 1}
    assert (client.index, client.max_clients, client.state) == (-1, 0, LinkState.JOINING)


def test_link_that_has_ended_hears_nothing() -> None:
    world = World()
    client = world.secure_client()
    client.disconnect(world.now)
    client.datagrams_to_send()
    client.handle_timer(world.now + 100.0)
    client.receive_datagram(b"\xf1" + bytes(64), SERVER, world.now)

    assert dropped(client.stats) == {"dropped_unexpected": 1}
    assert client.datagrams_to_send() == []


def test_link_gives_up_with_a_goodbye_if_the_server_may_know_it() -> None:
    world = World(latency=0.01)
    server = world.secure_server()
    client = world.secure_client(connect_timeout=1.0)
    world.loses = lambda data, source, target: data[0] & 0x0F == 4 and source == SERVER
    assert world.run(0.9, until=lambda: bool(server.peers))
    world.run(0.95)
    assert world.run(1.0, until=lambda: not server.peers)

    assert client.reason is DisconnectReason.NO_ANSWER


def join_server() -> JoinServer:
    return JoinServer(keys=World().keys, policy=JoinPolicy(), protocol_id=7, entropy=ENTROPY, unix_epoch=0.0, now=0.0)


@pytest.mark.parametrize("size", [0, 1, HELLO_BYTES - 1, HELLO_BYTES + 1])
@pytest.mark.parametrize("kind", [HELLO, JOIN])
def test_hello_of_another_size_is_malformed(kind: int, size: int) -> None:
    with pytest.raises(Drop, match="malformed"):
        join_server().receive_datagram((bytes([kind]) + bytes(1400))[:size], CLIENT, 0.0)


def test_hello_of_another_game_is_dropped() -> None:
    with pytest.raises(Drop, match="wrong_protocol"):
        join_server().receive_datagram(encode_hello(8, bytes(32)), CLIENT, 0.0)
    with pytest.raises(Drop, match="wrong_protocol"):
        join_server().receive_datagram(JOIN_PACKET.pack(JOIN, 8, bytes(32), bytes(16), b""), CLIENT, 0.0)


def test_client_with_a_weak_key_gets_no_answer() -> None:
    world = World()
    server = world.secure_server()
    join = server._join
    assert join is not None
    key = bytes(32)
    cookie = join._cookies.bake(CLIENT, key, 0.0)
    public_key = X25519PrivateKey.from_private_bytes(world.keys.identity).public_key().public_bytes_raw()
    info = join_info(0x1122_3344_5566_7788, key, cookie)
    box = box_seal(encode_wish(Wish(bytes(32))), public_key, info, ENTROPY)
    server.receive_datagram(JOIN_PACKET.pack(JOIN, 0x1122_3344_5566_7788, key, cookie, box), CLIENT, 0.0)

    assert server.datagrams_to_send() == []
    assert dropped(server.stats) == {"dropped_forged": 1}
