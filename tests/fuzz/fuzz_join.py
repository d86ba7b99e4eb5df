"""Invariant: whatever reaches either side of the join exchange, at whatever step, nothing is raised; a server answers
with at most as many bytes as it was sent, or counts exactly one drop; a client without a session is moved only by the
server whose key it asked, and never by more than one step.

The first byte of the input chooses the step. Where a step is sealed, the input is the content, sealed with the right
key.
"""

import itertools
import random

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from pygase.errors import DisconnectReason
from pygase.netcode import JoinPolicy, LinkState, SecureClient, SecureServer, ServerKeys
from pygase.netcode.crypto import box_seal
from pygase.netcode.join_wire import (
    ANSWER,
    COOKIE,
    HELLO,
    JOIN,
    JOIN_PACKET,
    Wish,
    answer_info,
    encode_refusal,
    encode_wish,
    join_info,
)

PROTOCOL_ID = 7
SERVER = ("127.0.0.1", 40_000)
CLIENT = ("10.0.0.1", 50_000)
ENTROPY = random.Random(1).randbytes
KEYS = ServerKeys.generate(ENTROPY)
CLIENT_KEY = X25519PrivateKey.from_private_bytes(ENTROPY(32)).public_key().public_bytes_raw()

_server = SecureServer(
    addresses=[SERVER],
    keys=KEYS,
    max_clients=4,
    entropy=ENTROPY,
    unix_epoch=1_700_000_000.0,
    now=0.0,
    policy=JoinPolicy(password="secret"),
    protocol_id=PROTOCOL_ID,
)
_clock = itertools.count(15.0, 15.0)  # in steps so large that the budgets are full again


def _to_server(data: bytes, now: float) -> None:
    before = sum(count for name, count in _server.stats.items() if name.startswith("dropped"))
    assert _server.receive_datagram(data, CLIENT, now) is None
    replies = _server.datagrams_to_send()
    drops = sum(count for name, count in _server.stats.items() if name.startswith("dropped")) - before
    assert sum(len(reply) for reply, _ in replies) <= len(data)
    assert all(to == CLIENT for _, to in replies)
    assert drops + len(replies) == 1
    assert not _server.peers
    assert not _server._pending


def _joining(now: float, *, asking: bool) -> SecureClient:
    client = SecureClient(
        address=SERVER, entropy=ENTROPY, unix_epoch=0.0, now=now, password="secret", protocol_id=PROTOCOL_ID
    )
    ((hello, _),) = client.datagrams_to_send()
    if asking:
        _server.receive_datagram(hello, CLIENT, now)
        ((cookie, _),) = _server.datagrams_to_send()
        client.receive_datagram(cookie, SERVER, now)
        client.datagrams_to_send()
    return client


def _to_client(client: SecureClient, data: bytes, now: float) -> None:
    before = sum(client.stats.values())
    assert client.receive_datagram(data, SERVER, now) is None
    if sum(client.stats.values()) > before:
        assert client.state is LinkState.JOINING
        assert client.datagrams_to_send() == []
    assert client.state in (LinkState.JOINING, LinkState.REQUESTING, LinkState.DISCONNECTED)


def one_input(data: bytes) -> None:
    """Feed one input."""
    if not data:
        return
    now = next(_clock)
    step, content = data[0] % 7, data[1:]
    match step:
        case 0:
            _to_server(
                bytes([HELLO + (content[0] & 0x0F if content else 0)]) + content[1:].ljust(1199, b"\0")[:1199], now
            )
        case 1:
            _to_server((bytes([HELLO]) + PROTOCOL_ID.to_bytes(8, "little") + content).ljust(1200, b"\0")[:1200], now)
        case 2 | 3:
            assert _server._join is not None
            cookie = _server._join._cookies.bake(CLIENT, CLIENT_KEY, now)
            wish = content.ljust(1095, b"\0")[:1095]
            box = box_seal(wish, KEYS.public_key, join_info(PROTOCOL_ID, CLIENT_KEY, cookie), ENTROPY)
            if step == 3:
                box = content.ljust(len(box), b"\0")[: len(box)]
            _to_server(JOIN_PACKET.pack(JOIN, PROTOCOL_ID, CLIENT_KEY, cookie, box), now)
        case 4:
            _to_client(_joining(now, asking=False), bytes([COOKIE]) + content.ljust(64, b"\0")[:64], now)
        case 5:
            _to_client(_joining(now, asking=True), bytes([ANSWER]) + content.ljust(1185, b"\0")[:1185], now)
        case 6:
            client = _joining(now, asking=True)
            join = client._join
            assert join is not None
            info = answer_info(KEYS.public_key, join._public_key, join._nonce)
            answer = content.ljust(1137, b"\0")[:1137]
            _to_client(client, bytes([ANSWER]) + box_seal(answer, join._public_key, info, ENTROPY), now)


def corpus() -> list[bytes]:
    """One input for each step, and for each answer."""
    wish = encode_wish(Wish(bytes(32), "secret", "attic", b"ticket" * 20, b"payload"))
    wrong = encode_wish(Wish(bytes(32), "guess"))
    answers = [encode_refusal(reason) for reason in (DisconnectReason.DENIED, DisconnectReason.WRONG_PASSWORD)]
    return [
        *(bytes([step]) for step in range(7)),
        b"\1" + CLIENT_KEY,
        b"\1" + bytes(32),
        b"\2" + wish,
        b"\2" + wrong,
        b"\2" + bytes(32) + b"\1\xff\xff",
        b"\2" + bytes(32) + b"\1\2\0\xff\xfe",
        b"\3" + bytes(1143),
        b"\4" + bytes(64),
        *(b"\6" + answer for answer in answers),
        b"\6" + bytes(1137),
        b"\6\0" + b"\xff" * 1136,
        b"\6\0" + bytes(8) + b"\xff" * 4 + bytes(1124),
    ]


def test_the_invariant_holds_for_the_corpus() -> None:
    for data in corpus():
        one_input(data)


def test_the_invariant_holds_for_random_inputs() -> None:
    rng = random.Random(1)
    for _ in range(300):
        one_input(rng.randbytes(rng.choice((1, 5, 40, 70, 1000, 1200))))


if __name__ == "__main__":
    import runner  # type: ignore[import-not-found, unused-ignore]

    runner.fuzz(one_input, corpus())
