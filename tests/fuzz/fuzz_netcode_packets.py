"""Invariant: whatever datagram reaches a server or a client, from whomever, in whatever state of the session, nothing
is raised; it is a payload that was sealed with the session's key, or an answered handshake, or exactly one drop is
counted; and nobody without a session is sent more bytes than he sent.

The first byte of the input chooses the scene, the rest is the datagram, or its content, which is then sealed with the
right key: a mutation of something sealed would never get past the cipher.
"""

import random

from pygase.netcode import Client, Peer, Server, make_token
from pygase.netcode.channel import Channel
from pygase.netcode.layout import REQUEST, VERSION_INFO, PacketType
from pygase.netcode.tokens import ConnectToken

PROTOCOL_ID = 7
KEY = bytes(32)
SERVER = ("127.0.0.1", 40_000)
CLIENT = ("10.0.0.1", 50_000)
STRANGER = ("10.6.6.6", 666)
EPOCH = 1_700_000_000.0


class Scene:
    """A server, a connected client, and one that is just being challenged."""

    def __init__(self) -> None:
        self.entropy = random.Random(1).randbytes
        self.now = 0.0
        self.server = Server(
            addresses=[SERVER],
            protocol_id=PROTOCOL_ID,
            private_key=KEY,
            max_clients=4,
            entropy=self.entropy,
            unix_epoch=EPOCH,
            now=0.0,
        )
        self.client = Client(self.token(1), 0.0)
        self.pass_on(self.client, CLIENT)
        self.waiting = Client(self.token(2), 0.0)
        ((request, _),) = self.waiting.datagrams_to_send()
        self.server.receive_datagram(request, STRANGER, self.now)
        self.server.datagrams_to_send()

    def token(self, client_id: int) -> ConnectToken:
        return make_token(
            KEY,
            protocol_id=PROTOCOL_ID,
            client_id=client_id,
            addresses=[SERVER],
            unix_time=EPOCH + self.now,
            entropy=self.entropy,
            timeout=6,
        )

    def pass_on(self, client: Client, address: tuple[str, int]) -> None:
        while outgoing := client.datagrams_to_send():
            for data, _ in outgoing:
                self.server.receive_datagram(data, address, self.now)
            for data, _ in self.server.datagrams_to_send():
                client.receive_datagram(data, SERVER, self.now)

    @property
    def is_untouched(self) -> bool:
        peer = self.server.peers.get(CLIENT)
        return peer is not None and int(self.client.state) == 3 and STRANGER in self.server._pending


class Stage:
    """Where the scene stands; a new one is set when an input has changed it."""

    def __init__(self) -> None:
        self.scene = Scene()


_stage = Stage()


def _drops(stats: dict[str, int]) -> int:
    return sum(count for name, count in stats.items() if name.startswith("dropped"))


def _to_server(data: bytes, address: tuple[str, int]) -> None:
    server = _stage.scene.server
    drops, events = _drops(server.stats), server.stats["connected"] + server.stats["disconnected"]
    known = address in server.peers
    result = server.receive_datagram(data, address, _stage.scene.now)
    replies = server.datagrams_to_send()
    dropped = _drops(server.stats) - drops
    if not known:
        assert sum(len(reply) for reply, to in replies if to == address) <= len(data)
        assert result is None
    assert dropped <= 1
    if result is not None:
        assert dropped == 0
        assert isinstance(result[0], Peer)
        assert 1 <= len(result[1]) <= 1200
    if dropped:
        assert server.stats["connected"] + server.stats["disconnected"] == events
        assert not replies
    while server.next_signal() is not None:
        pass


def _to_client(data: bytes, address: tuple[str, int]) -> None:
    client = _stage.scene.client
    before, state = _drops(client.stats), client.state
    payload = client.receive_datagram(data, address, _stage.scene.now)
    assert payload is None or 1 <= len(payload) <= 1200
    if _drops(client.stats) > before:
        assert payload is None
        assert client.state is state
    while client.next_signal() is not None:
        pass


def _sealed_by(channel: Channel, content: bytes) -> bytes:
    """Seal a packet as the holder of the keys would, of a type and a number that the input says."""
    kind = PacketType(1 + content[0] % 6)
    sequence = int.from_bytes(content[1:9], "little") if content[0] & 0x80 else content[1]
    return channel.seal_numbered(kind, content[9:], sequence)


def _request(content: bytes) -> bytes:
    """A connection request with all in order but the sealed part."""
    expires = int(EPOCH + _stage.scene.now) + 30
    body = content.ljust(1048, b"\0")
    return REQUEST.pack(0, VERSION_INFO, PROTOCOL_ID, expires, body[:24], body[24:1048])


def one_input(data: bytes) -> None:
    """Feed one input."""
    if len(data) < 11:
        return
    scene, content = _stage.scene, data[1:]
    scene.now += 0.001
    match data[0] % 8:
        case 0:
            _to_server(content, STRANGER)
        case 1:
            _to_server(content, CLIENT)
        case 2:
            _to_client(content, SERVER)
        case 3:
            _to_client(content, STRANGER)
        case 4:
            _to_server(_sealed_by(scene.client._channel, content), CLIENT)
        case 5:
            _to_client(_sealed_by(scene.server.peers[CLIENT], content), SERVER)
        case 6:
            _to_server(_sealed_by(scene.waiting._channel, content), STRANGER)
        case _:
            _to_server(_request(content), ("10.6.6.6", content[0]))
    if not scene.is_untouched or scene.now > 5.0:
        _stage.scene = Scene()


def corpus() -> list[bytes]:
    """One input for each scene and each type of packet."""
    number = bytes(8)
    seeds = [bytes([scene]) + bytes(60) for scene in range(8)]
    for scene in (4, 5, 6):
        for kind, size in enumerate((0, 308, 308, 8, 5, 0)):
            seeds.append(bytes([scene, kind]) + number + bytes(size))
            seeds.append(bytes([scene, kind | 0x80]) + b"\xff" * 8 + bytes(size + 1))
    for scene in range(4):
        seeds += [
            bytes([scene]) + first + bytes(330) for first in (b"\x15\0", b"\x82", b"\x13", b"\x14", b"\x16", b"\xf0")
        ]
        seeds += [bytes([scene]) + b"\0NETCODE 1.02\0" + bytes(1064), bytes([scene]) + b"shutdown    "]
    return seeds


def test_the_invariant_holds_for_the_corpus() -> None:
    for data in corpus():
        one_input(data)


def test_the_invariant_holds_for_random_inputs() -> None:
    rng = random.Random(1)
    for _ in range(2_000):
        one_input(rng.randbytes(rng.choice((11, 20, 40, 330, 1080, 1400))))


if __name__ == "__main__":
    import runner  # type: ignore[import-not-found, unused-ignore]

    runner.fuzz(one_input, corpus())
