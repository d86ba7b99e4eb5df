"""Many rooms in one process, 20 moves and 20 ticks a second: what one client costs the server.

``python -m benchmarks.rooms [--rooms 32] [--room 16] [--seconds 6] [--repeat 3] [--loads 2]``

The load is several processes: one could not play so many clients in time.
"""

import argparse
import contextlib
import time
from typing import Any

from benchmarks import peers
from benchmarks.process import Child, machine_busy_seconds
from benchmarks.report import Cell, machine, median, percentile, table

WARM_UP = 1.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rooms", type=int, default=32)
    parser.add_argument("--room", type=int, default=16, help="clients in each room")
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--loads", type=int, default=2, help="processes that play the clients")
    peers.add_options(parser)
    given = parser.parse_args()
    measured = peers.available(given, peers.bare_udp(given.peers))
    print(machine())
    runs: dict[str, list[dict[str, Any]]] = {peer.label: [] for peer in measured}
    for _ in range(given.repeat):
        for peer in measured:
            runs[peer.label].append(one_run(peer, given))
    print_table(given, runs)


def one_run(peer: peers.Peer, given: argparse.Namespace) -> dict[str, Any]:
    """One server and its load; `error` in the result says what went wrong."""
    mode = ("rooms", "--rooms", given.rooms) if peer is peers.OURS else ("room", "--room", given.room)
    each = given.rooms // given.loads * given.room
    n = each * given.loads
    try:
        with contextlib.ExitStack() as stack:
            server = stack.enter_context(Child(peer.server(*mode), peer.env))
            port = server.expect("PORT", 15).split()[1]
            loads = []
            for first in range(0, n, each):
                options = ("--port", port, "--n", each, "--first", first, "--room", given.room)
                command = peer.load("room", *options, "--seconds", given.seconds + 2 * WARM_UP)
                loads.append(stack.enter_context(Child(command, peer.env)))
            for load in loads:
                load.expect("READY", 45)
            for load in loads:
                load.tell("GO")
            time.sleep(WARM_UP)
            before, busy = server.cpu_seconds(), machine_busy_seconds()
            others = sum(load.cpu_seconds() for load in loads)
            start = time.monotonic()
            time.sleep(given.seconds)
            took = time.monotonic() - start
            used = server.cpu_seconds() - before
            busy = machine_busy_seconds() - busy - used - (sum(load.cpu_seconds() for load in loads) - others)
            results = [load.result(30) for load in loads]
    except TimeoutError as problem:
        return {"error": str(problem)}
    latencies = [latency for result in results for latency in result["latencies_ms"]]
    return {
        "cpu_ms": 1000 * used / took / n,
        "core": 100 * used / took,
        "p50": percentile(latencies, 50),
        "p99": percentile(latencies, 99),
        "down": sum(result["down_bytes"] for result in results) / len(results),
        "packets": sum(result["down_packets"] for result in results) / len(results),
        "dropped": sum(result["dropped"] for result in results),
        "others": max(0.0, busy / took),
    }


def print_table(given: argparse.Namespace, runs: dict[str, list[dict[str, Any]]]) -> None:
    """The median of each figure."""
    rows: list[list[Cell]] = []
    names = ("cpu_ms", "core", "p50", "p99", "down", "packets")
    for label, results in runs.items():
        good = [run for run in results if "error" not in run]
        if not good:
            rows.append([label, f"failed: {results[0]['error'][:60]}", *[None] * 6])
            continue
        figures = [median([run[name] for run in good]) for name in names]
        others = max(run["others"] for run in good)
        rows.append([label, *figures, f"{sum(run['dropped'] for run in good)} / {others:.0%}"])
    table(
        f"{given.rooms} rooms of {given.room}, 20 Hz, all see all of their room",
        [
            "peer",
            "server CPU, ms per client and s",
            "of a core, %",
            "p50, ms",
            "p99, ms",
            "down, B/s per client",
            "packets/s down",
            "dropped / others' CPU",
        ],
        rows,
    )


if __name__ == "__main__":
    main()
