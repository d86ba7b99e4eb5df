"""Invariant: whatever datagrams reach a server, from strangers or from an admitted client that is hostile, its public
entry never raises, strangers never get more bytes than they sent, no table outgrows its limit, and another client plays
on.

The data are datagrams one after another, each a byte that says whose it is, a length of two bytes, and so many bytes.
"""

import random
from typing import Any

from pygase.config import PEER_TIMEOUT
from pygase.drivers.endpoint import Core
from pygase.netcode import JoinPolicy, SecureClient, SecureServer, ServerKeys
from pygase.session import ClientSession, ServerSession
from pygase.session.events import encode_event
from pygase.state import GameState, GameStateStore, StateFeed

SERVER = ("10.0.0.1", 8080)
GOOD, BAD, STRANGER = ("10.0.1.1", 1), ("10.0.1.2", 2), ("10.0.1.3", 3)


class Scene:
    """A server with two admitted clients: one good, one whose payloads the data decide."""

    def __init__(self, seed: bytes) -> None:
        dice = random.Random(seed)  # other keys for other data, so that no nonce is used twice
        self.now = 100.0
        self.store = GameStateStore(GameState(n=1))
        link = SecureServer(
            addresses=[SERVER],
            keys=ServerKeys.generate(dice.randbytes),
            max_clients=4,
            entropy=dice.randbytes,
            unix_epoch=1.7e9,
            now=self.now,
            policy=JoinPolicy(),
        )
        self.server = ServerSession(link, StateFeed(self.store, lambda: self.now), lambda ip: False)
        self.clients = {}
        for address in (GOOD, BAD):
            session = ClientSession(self.now, dice.randbytes)
            session.start(
                lambda now, ticket: SecureClient(
                    address=SERVER, entropy=dice.randbytes, unix_epoch=1.7e9, now=now, ticket=ticket
                ),
                self.now,
            )
            self.clients[address] = session
        while not all(session.is_connected for session in self.clients.values()):
            self.exchange()

    def exchange(self) -> None:
        """Carry everything that both clients and the server have to say."""
        self.now += 0.01
        cores: list[Core] = [self.server, *self.clients.values()]
        for core in cores:
            timer = core.next_timer()
            if timer is not None and timer <= self.now:
                core.handle_timer(self.now)
        for address, session in self.clients.items():
            for data, _ in session.datagrams_to_send(self.now):
                self.server.receive_datagram(data, address, self.now)
        for data, target in self.server.datagrams_to_send(self.now):
            if target in self.clients:
                self.clients[target].receive_datagram(data, SERVER, self.now)


def one_input(data: bytes) -> None:
    """Feed a server the datagrams in the data."""
    scene = Scene(data)
    server, bad = scene.server, scene.clients[BAD]
    position = 0
    while position + 2 < len(data):
        who, length = data[position], data[position + 1] | data[position + 2] << 8
        datagram = data[position + 3 : position + 3 + (length & 0x7FF)]
        position += 3 + len(datagram)
        source: tuple[Any, ...] = STRANGER
        if who & 1 and bad.link is not None and 0 < len(datagram) <= 1_200 and BAD in server.seats:
            source, datagram = BAD, bad.link.seal(datagram, scene.now)
        elif who & 2:
            source = GOOD  # spoofed
        scene.now += 0.001
        server.datagrams_to_send(scene.now)
        server.receive_datagram(datagram, source, scene.now)
        replies = server.datagrams_to_send(scene.now)
        assert sum(len(reply) for reply, target in replies if target == STRANGER) <= len(datagram)
        for reply, target in replies:
            if target == GOOD:
                scene.clients[GOOD].receive_datagram(reply, SERVER, scene.now)
        server.take_signals()
        assert len(server.seats) <= 4
        assert len(server._agenda.timers) <= 64
    scene.clients[GOOD].dispatch(encode_event("STILL_HERE", (), {}), -1, None)
    for _ in range(40):
        scene.exchange()
    assert GOOD in server.seats
    assert scene.clients[GOOD].is_connected
    assert any(getattr(signal, "type", None) == "STILL_HERE" for signal in server.take_signals())
    assert PEER_TIMEOUT > 1.0


def _datagrams(*datagrams: tuple[int, bytes]) -> bytes:
    return b"".join(bytes((who,)) + len(data).to_bytes(2, "little") + data for who, data in datagrams)


SEEDS = (
    b"",
    _datagrams((0, b"shutdown"), (0, b"shut_me_down"), (2, b"\x00" * 1_078), (0, b"\x0f" * 1_200)),
    _datagrams((1, b"\x00\x00\x01\x01\x02\x10"), (1, b"\xff\x01"), (1, b"\xff\x00"), (1, b"\x00")),
    _datagrams(*((1, bytes((n, 0, 0, 1, 8)) + encode_event("MOVE", (n, 0.5), {"who": "me"})) for n in range(6))),
    _datagrams((1, b"\x07\x00\x00\x01\x05\x00\x91\x91\x91\x91"), (1, b"\x08\x00\x00\x01\x06\x01\xdd\xff\xff\xff\xff")),
    _datagrams((1, bytes(1_200)), (3, b"\xff" * 1_200), (2, bytes(range(256)) * 4)),
)


def test_seed_corpus_keeps_the_invariant() -> None:
    for seed in SEEDS:
        one_input(seed)
        for cut in range(0, len(seed), max(len(seed) // 4, 1)):
            one_input(seed[:cut] + bytes((seed[cut] ^ 0x41,)) + seed[cut + 1 :])


def test_random_datagrams_keep_the_invariant() -> None:
    dice = random.Random(2)
    for _ in range(10):
        one_input(_datagrams(*((dice.randrange(4), dice.randbytes(dice.choice((1, 9, 60, 1_200)))) for _ in range(20))))


if __name__ == "__main__":
    import runner  # type: ignore[import-not-found, unused-ignore]

    runner.fuzz(one_input, SEEDS)
