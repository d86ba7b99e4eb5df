"""A room in which everybody sees everybody, 20 moves and 20 ticks a second: what one client costs the server.

``python -m benchmarks.room [--n 16 64] [--seconds 6] [--repeat 3] [--plot FILE.png]``
"""

import argparse
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.play import play
from benchmarks.report import Cell, machine, median, plot, table

SIZES = [16, 64]
PLOTTED_SIZES = [4, 16, 32, 64, 128, 256]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, nargs="*", help=f"{SIZES} unless given; with --plot {PLOTTED_SIZES}")
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--plot", type=Path, help="where to save a picture of cost against number of clients")
    peers.add_options(parser)
    given = parser.parse_args()
    folder = given.peers
    measured = peers.available(
        given,
        peers.compiled(folder),
        peers.pygase031(folder),
        peers.enet(folder),
        peers.websockets(folder),
        peers.bare_udp(folder),
    )
    print(machine())
    curves: dict[str, list[tuple[float, float]]] = {}
    for n in given.n or (SIZES if given.plot is None else PLOTTED_SIZES):
        runs: dict[str, list[dict[str, Any]]] = {peer.label: [] for peer in measured}
        for _ in range(given.repeat):
            for peer in measured:  # in turn, so that a change of the machine's mood hits all alike
                runs[peer.label].append(play(peer, ("room",), n, given.seconds))
        print_table(n, runs)
        for label, results in runs.items():
            if costs := [run["cpu_ms"] for run in results if "error" not in run and not run["dropped"]]:
                curves.setdefault(label, []).append((n, median(costs)))
        # Who cannot play with so many will not with more.
        measured = [peer for peer in measured if curves.get(peer.label, [(0, 0.0)])[-1][0] == n]
    if given.plot is not None:
        labels = ("clients in the room", "server CPU, ms per client and second")
        plot(given.plot, "A room at 20 Hz, everybody sees everybody: what one client costs", labels, curves)


def print_table(n: int, runs: dict[str, list[dict[str, Any]]]) -> None:
    """The median of each figure, and the server's cost as a multiple of ours."""

    def figure(label: str, name: str) -> float:
        return median([run[name] for run in runs[label] if "error" not in run])

    ours = figure(peers.OURS.label, "cpu_ms") if peers.OURS.label in runs else float("nan")
    rows: list[list[Cell]] = []
    for label, results in runs.items():
        failed = [run["error"] for run in results if "error" in run]
        if len(failed) == len(results):
            rows.append([label, "failed", None, None, None, None, None, None, None])
            continue
        cost = figure(label, "cpu_ms")
        dropped = sum(run.get("dropped", 0) for run in results)
        others = max(run.get("others", 0.0) for run in results)
        names = ("p50", "p99", "down", "up", "packets")
        rows.append(
            [label, cost, f"{cost / ours:.2f}", *(figure(label, name) for name in names), f"{dropped} / {others:.0%}"]
        )
    table(
        f"Room of {n}, 20 Hz, all see all",
        [
            "peer",
            "server CPU, ms per client and s",
            "of ours",
            "p50, ms",
            "p99, ms",
            "down, B/s per client",
            "up, B/s per client",
            "packets/s down",
            "dropped / others' CPU",
        ],
        rows,
    )


if __name__ == "__main__":
    main()
