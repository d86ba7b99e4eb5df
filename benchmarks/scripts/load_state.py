"""One lean client with a large state: how long until it has all of it, and what follows. Or many joins, one by one."""

import argparse
import importlib
import os
import select
import time

from common import emit, percentile


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--wire", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--entities", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--joins", type=int, default=1)
    parser.add_argument("--nice", type=int, default=0, help="how far to stand back behind the server and other clients")
    given = parser.parse_args()
    os.nice(given.nice)
    wire = importlib.import_module(f"client_{given.wire}")
    make = getattr(wire, "StateClient", wire.Client)
    took = []
    for number in range(given.joins):
        start = time.monotonic()
        client = make(f"late{number}", number, given.port)
        if not run(client, 20.0, given.entities):
            emit({"error": f"{client.entities} of {given.entities} entities after 20 s"})
            os._exit(3)
        took.append(1000 * (time.monotonic() - start))
        joined_bytes = client.down_bytes
        if number < given.joins - 1:
            client.leave()
    client.reset_counters()
    start, first_tick = time.monotonic(), client.tick
    run(client, given.seconds, None)
    seconds = time.monotonic() - start
    emit(
        {
            "join_ms": percentile(took, 50),
            "join_bytes": joined_bytes,
            "down": client.down_bytes / seconds,
            "packets": client.down_packets / seconds,
            "ticks": (client.tick - first_tick) / seconds,
        }
    )
    os._exit(0)


def run(client, seconds, entities):
    """Drive one client, at most until it has so many entities; returns whether it has."""
    poll = select.epoll()
    poll.register(client.fileno(), select.EPOLLIN)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for _ in poll.poll(0.002):
            client.receive(time.monotonic())
        client.handle_timer(time.monotonic())
        if entities is not None and client.entities >= entities:
            return True
    return False


if __name__ == "__main__":
    main()
