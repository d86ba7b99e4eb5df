"""One world in which everybody walks about and sees the nearest few: how many clients one core carries.

``python -m benchmarks.world [--n 250 500 1000] [--nearest 16] [--seconds 6] [--repeat 3]``

All clients move, receive and acknowledge; one in so many also reads what it gets and measures how long its move took.
"""

import argparse
from typing import Any

from benchmarks import peers
from benchmarks.play import play
from benchmarks.report import Cell, machine, median, table

WATCHED = 64
READY_SECONDS = 120


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, nargs="*", default=[250, 500, 1000])
    parser.add_argument("--nearest", type=int, default=16, help="how many each sees besides itself")
    parser.add_argument("--seconds", type=float, default=6.0)
    peers.add_options(parser)
    given = parser.parse_args()
    measured = peers.available(given, peers.compiled(given.peers))
    print(machine())
    rows: list[list[Cell]] = []
    for n in given.n:
        mode = ("world", "--nearest", given.nearest)
        options = ("--world", "--watch", max(1, n // WATCHED), "--visible", min(n, given.nearest))
        for peer in measured:
            runs = [play(peer, mode, n, given.seconds, options, READY_SECONDS) for _ in range(given.repeat)]
            rows.append([peer.label, *row(n, runs)])
    head = (
        "peer",
        "clients",
        "server CPU, ms per client and s",
        "of a core, %",
        "p50, ms",
        "p99, ms",
        "down, B/s per client",
        "packets/s down",
        "load's core, %",
        "dropped / others' CPU",
    )
    table(f"One world, each sees the nearest {given.nearest}, 20 Hz", head, rows)


def row(n: int, runs: list[dict[str, Any]]) -> list[Cell]:
    """The median of each figure."""
    good = [run for run in runs if "error" not in run]
    if not good:
        return [n, f"failed: {runs[0]['error'][:60]}", *[None] * 7]
    names = ("cpu_ms", "core", "p50", "p99", "down", "packets", "load_core")
    others = max(run["others"] for run in good)
    figures = [median([run[name] for run in good]) for name in names]
    return [n, *figures, f"{sum(run['dropped'] for run in good)} / {others:.0%}"]


if __name__ == "__main__":
    main()
