"""What single datagrams cost the secure link: sealing, opening, a whole join, and dropping each kind of bad one.

``python -m benchmarks.datagrams [--repeat 5]``. In one process, without sockets: the link's own work and nothing else.
"""

import argparse
import os
import random
import struct
import time
from collections.abc import Callable

from benchmarks.report import Cell, machine, median, table
from pygase.config import JOINS_PER_SECOND, MAX_PAYLOAD_BYTES, PROTOCOL_ID, REPLAY_WINDOW, REQUESTS_PER_SECOND
from pygase.netcode import JoinPolicy, Peer, SecureClient, SecureServer, ServerKeys
from pygase.netcode.join_wire import JOIN, JOIN_PACKET
from pygase.netcode.layout import PRIVATE_TOKEN_BYTES, VERSION_INFO

SERVER = ("127.0.0.1", 40_000)
STRANGER = ("127.0.0.2", 50_000)
COUNT = 2_000
DICE = random.Random(1)


def make_server() -> SecureServer:
    """One that lets anybody in, with a clock that starts at 0."""
    return SecureServer(
        addresses=[SERVER],
        keys=ServerKeys.generate(os.urandom),
        max_clients=64,
        entropy=os.urandom,
        unix_epoch=time.time(),
        now=0.0,
        policy=JoinPolicy(),
    )


def join(server: SecureServer, address: tuple[str, int], now: float) -> tuple[SecureClient, Peer]:
    """Connect a client, from its first hello until both sides are connected."""
    client = SecureClient(address=SERVER, entropy=os.urandom, unix_epoch=time.time(), now=now)
    for _ in range(12):
        for data, _ in client.datagrams_to_send():
            server.receive_datagram(data, address, now)
        for data, receiver in server.datagrams_to_send():
            if receiver == address:
                client.receive_datagram(data, SERVER, now)
        while server.next_signal() is not None:
            pass
        connected = client.next_signal() is not None
        if connected and address in server.peers:
            return client, server.peers[address]
        now += 0.11  # past the interval at which requests are repeated
        client.handle_timer(now)
        server.handle_timer(now)
    raise RuntimeError("the client did not get in")


def microseconds(action: Callable[[int], object], count: int, repeat: int) -> float:
    """The median over runs, the first of which only warms up, of the processor time that one call costs."""
    runs = []
    for run in range(repeat + 1):
        start = time.thread_time()
        for number in range(run * count, (run + 1) * count):
            action(number)
        runs.append(1e6 * (time.thread_time() - start) / count)
    return median(runs[1:])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    repeat = parser.parse_args().repeat
    print(machine())
    packets(repeat)
    joins(repeat)
    rejections(repeat)


def packets(repeat: int) -> None:
    """Seal and open payloads of a small and of the largest size."""
    rows: list[list[Cell]] = []
    for size in (100, MAX_PAYLOAD_BYTES):
        server = make_server()
        client, _ = join(server, STRANGER, 0.0)
        payload = DICE.randbytes(size)
        sealed = [client.seal(payload, 1.0) for _ in range(COUNT * (repeat + 1))]
        sealing = microseconds(lambda _, client=client, payload=payload: client.seal(payload, 1.0), COUNT, repeat)  # type: ignore[misc]
        opening = microseconds(
            lambda number, server=server, sealed=sealed: server.receive_datagram(sealed[number], STRANGER, 1.0),  # type: ignore[misc]
            COUNT,
            repeat,
        )
        rows.append([size, sealing, opening])
    table("A payload", ["bytes", "sealed, µs", "opened by the server, µs"], rows)


def joins(repeat: int) -> None:
    """The whole exchange, both sides' work, nothing waited for."""
    server = make_server()
    clock = [0.0]

    def one(number: int) -> None:
        clock[0] += 5.0  # so that the limits on joins per second do not bite
        server.handle_timer(clock[0])
        client, peer = join(server, (f"127.1.{number // 250}.{number % 250}", 50_000), clock[0])
        client.disconnect(clock[0] + 2.0)
        server.disconnect(peer, clock[0] + 2.0)

    whole = microseconds(one, 20, repeat)

    # Somebody with a real address, which is what a cookie proves, may cost more: at most ten times a second.
    visitor = ("127.0.0.4", 50_000)
    hello = SecureClient(address=SERVER, entropy=os.urandom, unix_epoch=time.time(), now=0.0).datagrams_to_send()[0][0]
    start = clock[0] + 5.0
    server.receive_datagram(hello, visitor, start)
    cookie = server.datagrams_to_send()[-1][0][17:33]
    garbage = join_request(hello, cookie)
    refused = microseconds(
        lambda number: server.receive_datagram(garbage, visitor, start + number / JOINS_PER_SECOND), 100, repeat
    )
    assert server.stats["dropped_forged"] == 100 * (repeat + 1), server.stats
    head = ["both sides together, µs", "refused with a good cookie and garbage in the box, the server alone, µs"]
    table("A join, from hello to connected", head, [[whole, refused]])


def request(sealed: bytes) -> bytes:
    """A connection request that is right in everything but the private part of its token: the dearest to refuse."""
    head = struct.pack("<B13sQQ", 0, VERSION_INFO, PROTOCOL_ID, int(time.time()) + 3_600)
    return head + DICE.randbytes(24) + sealed


def join_request(hello: bytes, cookie: bytes) -> bytes:
    """The second packet of a join, with nothing sensible in its box."""
    head = JOIN_PACKET.pack(JOIN, PROTOCOL_ID, hello[9:41], cookie, b"")
    return head[:57] + DICE.randbytes(len(head) - 57)


def flip(data: bytes) -> bytes:
    """Another bit in the middle of what is sealed."""
    return data[:40] + bytes([data[40] ^ 1]) + data[41:]


def rejections(repeat: int) -> None:
    """Datagrams that have no business at a server, and at a client."""
    server = make_server()
    client, peer = join(server, STRANGER, 0.0)
    ancient = client.seal(bytes(100), 1.0)
    for _ in range(2 * REPLAY_WINDOW):
        server.receive_datagram(client.seal(bytes(100), 1.0), STRANGER, 1.0)
    good = client.seal(bytes(100), 1.0)
    server.receive_datagram(good, STRANGER, 1.0)
    unseen = client.seal(bytes(100), 1.0)
    hello = SecureClient(address=SERVER, entropy=os.urandom, unix_epoch=time.time(), now=0.0).datagrams_to_send()[0][0]
    elsewhere = ("127.0.0.3", 50_001)
    forged = request(DICE.randbytes(PRIVATE_TOKEN_BYTES))
    from_anywhere = {
        "random, 100 bytes": DICE.randbytes(100),
        "random, 1,200 bytes": DICE.randbytes(1_200),
        "empty": b"",
        "oversized, 65,507 bytes": DICE.randbytes(65_507),
        "a player's, spoofed from a third address": unseen,
        "pygase 0.3's shut_me_down": b"shut_me_down",
        "pygase 0.3's shutdown": b"shutdown",
        "a connection request for another game": forged[:14] + DICE.randbytes(8) + forged[22:],
        "a connection request cut short": forged[:600],
        "a connection request with an expired token": forged[:22] + bytes(8) + forged[30:],
        "a forged connect token, past the limit per second": forged,
        "a hello cut short": hello[:600],
        "a hello, past the limit per second": hello,
        "a join with a forged cookie": join_request(hello, DICE.randbytes(16)),
    }
    from_a_player = {
        "random, 100 bytes": DICE.randbytes(100),
        "oversized, 65,507 bytes": bytes([good[0]]) + DICE.randbytes(65_506),
        "cut short": unseen[:-20],
        "one bit flipped": flip(unseen),
        "one bit flipped, 1,200 bytes": flip(client.seal(bytes(MAX_PAYLOAD_BYTES), 1.0)),
        "duplicated or replayed": good,
        "ancient": ancient,
        "pygase 0.3's shut_me_down": b"shut_me_down",
    }
    rows = [
        rejection(server, f"{kind}, from {whom}", lambda _, data=data: data, lambda _, sender=sender: sender, repeat)  # type: ignore[misc]
        for whom, sender, datagrams in (
            ("anywhere", elsewhere, from_anywhere),
            ("a player's address", STRANGER, from_a_player),
        )
        for kind, data in datagrams.items()
    ]
    tokens = [request(DICE.randbytes(PRIVATE_TOKEN_BYTES)) for _ in range(500)]
    rows.append(
        rejection(
            server,
            "a forged connect token within the limit, each another, from anywhere",
            lambda number: tokens[number % len(tokens)],
            lambda number: (f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}", 50_000),
            repeat,
            pause=1.0 / REQUESTS_PER_SECOND,
        )
    )
    table("Dropping a bad datagram, at the server", ["what comes", "µs", "counted as", "answered"], rows)

    said = peer.seal(bytes(100), 1.0)
    client.receive_datagram(said, SERVER, 1.0)
    to_a_client = {
        "random, 100 bytes": DICE.randbytes(100),
        "oversized, 65,507 bytes": bytes([said[0]]) + DICE.randbytes(65_506),
        "cut short": peer.seal(bytes(100), 1.0)[:-20],
        "one bit flipped": flip(peer.seal(bytes(100), 1.0)),
        "duplicated or replayed": said,
        "pygase 0.3's shutdown": b"shutdown",
    }
    rows = [
        rejection(client, f"{kind}, in the server's name", lambda _, data=data: data, lambda _: SERVER, repeat)  # type: ignore[misc]
        for kind, data in to_a_client.items()
    ]
    rows.append(rejection(client, "the server's, from elsewhere", lambda _: unseen, lambda _: elsewhere, repeat))
    table("Dropping a bad datagram, at a client", ["what comes", "µs", "counted as", "answered"], rows)


def rejection(
    link: SecureServer | SecureClient,
    kind: str,
    data: Callable[[int], bytes],
    sender: Callable[[int], tuple[str, int]],
    repeat: int,
    pause: float = 0.0,
) -> list[Cell]:
    """Let a kind of datagram come in many times, and see what it costs, counts as, and is answered with."""
    arrivals = [(data(number), sender(number), 1.0 + pause * number) for number in range(COUNT * (repeat + 1))]
    before = dict(link.stats)
    if not pause:  # until its limit is used up
        for arrival in arrivals[:COUNT]:
            link.receive_datagram(*arrival)
    link.datagrams_to_send()
    cost = microseconds(lambda number: link.receive_datagram(*arrivals[number]), COUNT, repeat)
    counted = max(link.stats, key=lambda name: link.stats[name] - before.get(name, 0))
    return [kind, cost, counted, f"{len(link.datagrams_to_send())} of {len(arrivals):,}"]


if __name__ == "__main__":
    main()
