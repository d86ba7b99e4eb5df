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
from pygase.config import MAX_PAYLOAD_BYTES, PROTOCOL_ID
from pygase.netcode import JoinPolicy, Peer, SecureClient, SecureServer, ServerKeys

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
    """The median over runs of the processor time that one call costs."""
    runs = []
    for run in range(repeat):
        start = time.process_time()
        for number in range(run * count, (run + 1) * count):
            action(number)
        runs.append(1e6 * (time.process_time() - start) / count)
    return median(runs)


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
        sealed = [client.seal(payload, 1.0) for _ in range(COUNT * repeat)]
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

    cost = microseconds(one, 20, repeat)
    table("A join, from hello to connected", ["both sides together, ms"], [[cost / 1000]])


def forged_request() -> bytes:
    """A connection request that is right in everything but the private part of its token: the dearest to refuse."""
    expires = int(time.time()) + 60
    head = struct.pack("<B13sQQ", 0, b"NETCODE 1.02", PROTOCOL_ID, expires)
    return head + DICE.randbytes(24 + 1_024)


def rejections(repeat: int) -> None:
    """Datagrams that have no business there."""
    server = make_server()
    client, _ = join(server, STRANGER, 0.0)
    good = client.seal(bytes(100), 1.0)
    server.receive_datagram(good, STRANGER, 1.0)
    flipped = bytearray(client.seal(bytes(100), 1.0))
    flipped[40] ^= 1
    hello = SecureClient(address=SERVER, entropy=os.urandom, unix_epoch=time.time(), now=0.0).datagrams_to_send()[0][0]
    elsewhere = ("127.0.0.3", 50_001)
    kinds = {
        "random, 100 bytes, from nowhere": (DICE.randbytes(100), elsewhere),
        "random, 1,200 bytes, from nowhere": (DICE.randbytes(1_200), elsewhere),
        "a connection request for another game": (b"\0" + b"NETCODE 1.02\0" + DICE.randbytes(1_064), elsewhere),
        "a connection request with a forged token": (forged_request(), elsewhere),
        "a hello cut short": (hello[:600], elsewhere),
        "a hello, past the limit per second": (hello, elsewhere),
        "a player's, replayed": (good, STRANGER),
        "a player's, one bit flipped": (bytes(flipped), STRANGER),
        "a player's, sent from elsewhere": (good, elsewhere),
        "random, 100 bytes, in a player's name": (DICE.randbytes(100), STRANGER),
        "empty": (b"", elsewhere),
        "pygase 0.3's shut_me_down": (b"shut_me_down", elsewhere),
    }
    rows: list[list[Cell]] = []
    for kind, (data, address) in kinds.items():
        before = dict(server.stats)
        for _ in range(COUNT):
            server.receive_datagram(data, address, 1.0)
        server.datagrams_to_send()
        cost = microseconds(
            lambda _, data=data, address=address: server.receive_datagram(data, address, 1.0),  # type: ignore[misc]
            COUNT,
            repeat,
        )
        counted = max(server.stats, key=lambda name: server.stats[name] - before.get(name, 0))
        answers = len(server.datagrams_to_send())
        rows.append([kind, cost, counted, f"{answers} of {COUNT * repeat:,}"])
    table("Dropping a bad datagram", ["what comes", "µs", "counted as", "answered"], rows)


if __name__ == "__main__":
    main()
