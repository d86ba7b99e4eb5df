"""ENet by way of pyenet: acknowledgements, order and resending in C, a server loop in Python, msgspec's MessagePack.

MOVE and the state go unreliable, on channel 0; events go reliable, on channel 1. Not encrypted.
"""

import argparse
import os
import time

import enet
import msgspec
from common import answer_stats, say

INTERVAL = 0.05


def listen():
    """A host on a free port, which ENet does not look for by itself."""
    first = 20_000 + os.getpid() % 20_000
    for port in range(first, first + 2_000):
        try:
            return enet.Host(enet.Address(b"127.0.0.1", port), 1000, 2, 0, 0), port
        except (MemoryError, OSError):
            continue
    raise SystemExit("no free port")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=("room", "echo"))
    parser.add_argument("--max-seconds", type=float, default=180.0)
    given = parser.parse_args()
    encode, decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder().decode
    host, port = listen()
    say(f"PORT {port}")
    received = [0]
    answer_stats(lambda: {"received": received[0]}, given.max_seconds)
    moved, tick, due = {}, 0, time.monotonic() + INTERVAL
    while True:
        # Wakes up for whatever arrives; the short limit lets the thread that answers questions have its turn.
        event = host.service(int(max(0, min(0.005, due - time.monotonic()) * 1000)))
        while event is not None and event.type:
            if event.type == enet.EVENT_TYPE_RECEIVE:
                kind, *rest = decode(event.packet.data)
                if kind == "MOVE":
                    moved[rest[0]] = rest[1:]
                elif kind == "PING":
                    event.peer.send(1, enet.Packet(encode(["PONG", rest[0]]), enet.PACKET_FLAG_RELIABLE))
                    host.flush()
                else:
                    received[0] += 1
            event = host.check_events()
        if time.monotonic() >= due:
            due += INTERVAL
            tick += 1
            if moved:
                host.broadcast(0, enet.Packet(encode([tick, moved]), 0))
                moved = {}
            host.flush()


if __name__ == "__main__":
    main()
