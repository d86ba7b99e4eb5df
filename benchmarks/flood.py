"""Players' latencies while strangers flood the server with hellos and junk, against the same without.

``python -m benchmarks.flood [--n 16] [--rate 5000] [--repeat 3]``
"""

import argparse
from typing import Any

from benchmarks import peers
from benchmarks.process import Child
from benchmarks.report import Cell, machine, median, percentile, table

SECONDS = 5.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=16)
    parser.add_argument("--rate", type=float, nargs="*", default=[1_000, 5_000])
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    print(machine())
    rates = [0.0, *given.rate]
    runs: dict[float, list[dict[str, Any]]] = {rate: [] for rate in rates}
    for _ in range(given.repeat):
        for rate in rates:
            runs[rate].append(one_run(given.n, rate))
    rows: list[list[Cell]] = []
    for rate, results in runs.items():
        figures = [median([run[name] for run in results]) for name in ("sent", "p50", "p99", "cpu", "answered")]
        rows.append([f"{rate:,.0f}", *figures, sum(run["dropped"] for run in results)])
    head = [
        "flood, datagrams/s wanted",
        "reached",
        "players' p50, ms",
        "p99, ms",
        "server CPU, % of a core",
        "bytes answered per byte sent",
        "players dropped",
    ]
    table(f"{given.n} players under a flood of hellos and junk in equal parts, from 64 addresses", head, rows)


def one_run(n: int, rate: float) -> dict[str, Any]:
    """A room, and with a rate also a flood."""
    peer = peers.OURS
    with Child(peer.server("room"), peer.env) as server:
        port = server.expect("PORT", 15).split()[1]
        with Child(peer.load("room", "--port", port, "--n", n, "--seconds", SECONDS), peer.env) as load:
            load.expect("READY", 75)
            flood: dict[str, Any] = {"sent": 0, "sent_bytes": 1, "received_bytes": 0}
            before = server.cpu_seconds()
            load.tell("GO")
            if rate:
                with Child(
                    peer.load("flood", "--port", port, "--rate", rate, "--seconds", SECONDS), peer.env
                ) as flooding:
                    flood = flooding.result(30)
            result = load.result(30)
            cpu = server.cpu_seconds() - before
    return {
        "sent": flood["sent"] / SECONDS,
        "answered": flood["received_bytes"] / flood["sent_bytes"],
        "p50": percentile(result["latencies_ms"], 50),
        "p99": percentile(result["latencies_ms"], 99),
        "cpu": 100 * cpu / SECONDS,
        "dropped": result["dropped"],
    }


if __name__ == "__main__":
    main()
