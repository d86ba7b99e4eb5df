"""Single events: the round trip on an idle connection, and how many a second go one way with none lost.

``python -m benchmarks.events [--repeat 3] [--events 120000]``
"""

import argparse
import time
from typing import Any

from benchmarks import peers
from benchmarks.process import Child
from benchmarks.report import Cell, machine, median, table

# Bare UDP and 0.3.1 drop what comes too fast. They get the highest of these rates at which nothing is lost.
RATES = (30, 60, 100, 150, 200, 300, 1_000, 3_000, 10_000, 20_000, 40_000, 60_000, 80_000)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=120_000)
    peers.add_options(parser)
    given = parser.parse_args()
    measured = peers.available(given, *peers.playing(given.peers), peers.bare_udp_threads(given.peers))
    print(machine())
    trips: dict[str, list[dict[str, Any]]] = {peer.label: [] for peer in measured}
    rates: dict[str, list[float]] = {peer.label: [] for peer in measured}
    for _ in range(given.repeat):
        for peer in measured:
            trips[peer.label].append(round_trip(peer))
            if "--threads" not in peer.client_options:
                rates[peer.label].append(one_way(peer, given.events))
    ours = median([trip["p50_ms"] for trip in trips[peers.OURS.label]])
    our_rate = median(rates[peers.OURS.label])
    rows: list[list[Cell]] = []
    for label, results in trips.items():
        p50, p99 = (median([trip[name] for trip in results]) for name in ("p50_ms", "p99_ms"))
        rate = median(rates[label]) if rates[label] else None
        lost = sum(trip["lost"] for trip in results)
        share = None if rate is None else f"{rate / our_rate:.3f}"
        rows.append([label, p50, f"{p50 / ours:.2f}", p99, lost, rate, share])
    head = ["peer", "round trip p50, ms", "of ours", "p99, ms", "lost", "one way, events/s, none lost", "of ours"]
    table("Events", head, rows)


def round_trip(peer: peers.Peer) -> dict[str, Any]:
    """Medians over single pings."""
    with Child(peer.server("echo"), peer.env) as server:
        port = server.expect("PORT", 15).split()[1]
        with Child(peer.load("events", "--port", port), peer.env) as load:
            return load.result(60)


def one_way(peer: peers.Peer, events: int) -> float:
    """Events a second from the first dispatch until the last was handled: all at once, or by the highest good rate."""
    if peer.wire not in ("pygase031", "udp"):
        return flood(peer, events, 0.0)
    best = 0.0
    for rate in RATES:
        reached = flood(peer, max(100, int(1.5 * rate)), rate)
        if not reached:
            break
        best = reached
    return best


def flood(peer: peers.Peer, events: int, rate: float) -> float:
    """Events a second; 0 if one was lost."""
    with Child(peer.server("echo"), peer.env) as server:
        port = server.expect("PORT", 15).split()[1]
        command = peer.load("events", "--port", port, "--events", events, "--rate", rate)
        with Child(command, peer.env) as load:
            load.expect("READY", 15)
            start = time.monotonic()
            load.tell("GO")
            load.result(60)
            deadline = time.monotonic() + (3.0 if rate else 20.0)
            while True:
                server.tell("STATS")
                received = server.result(10)["received"]
                if received >= events:
                    return events / (time.monotonic() - start)
                if time.monotonic() > deadline:
                    return 0.0
                time.sleep(0.01)


if __name__ == "__main__":
    main()
