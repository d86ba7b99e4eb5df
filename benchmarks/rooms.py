"""Many rooms in one process, 20 moves and 20 ticks a second: what one client costs the server.

``python -m benchmarks.rooms [--rooms 32] [--room 16] [--seconds 6] [--repeat 3]``
"""

import argparse
from typing import Any

from benchmarks import peers
from benchmarks.play import play
from benchmarks.report import Cell, machine, median, table

READY_SECONDS = 100


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rooms", type=int, nargs="*", default=[8, 32])
    parser.add_argument("--room", type=int, default=16, help="clients in each room")
    parser.add_argument("--seconds", type=float, default=6.0)
    peers.add_options(parser)
    given = parser.parse_args()
    measured = peers.available(given, peers.compiled(given.peers), peers.bare_udp(given.peers))
    print(machine())
    for rooms in given.rooms:
        runs: dict[str, list[dict[str, Any]]] = {peer.label: [] for peer in measured}
        for _ in range(given.repeat):
            for peer in measured:  # in turn, so that a change of the machine's mood hits all alike
                mode = ("rooms", "--rooms", rooms) if peer.wire == "pygase" else ("room", "--room", given.room)
                options = ("--room", given.room)
                runs[peer.label].append(play(peer, mode, rooms * given.room, given.seconds, options, READY_SECONDS))
        print_table(f"{rooms} rooms of {given.room}, 20 Hz, all see all of their room", runs)


def print_table(title: str, runs: dict[str, list[dict[str, Any]]]) -> None:
    """The median of each figure, and the server's cost as a multiple of the last peer's, the floor."""

    def figure(label: str, name: str) -> float:
        return median([run[name] for run in runs[label] if "error" not in run])

    floor = figure(list(runs)[-1], "cpu_ms")
    rows: list[list[Cell]] = []
    for label, results in runs.items():
        good = [run for run in results if "error" not in run]
        if not good:
            rows.append([label, f"failed: {results[0]['error'][:60]}", *[None] * 8])
            continue
        names = ("core", "p50", "p99", "down", "packets", "load_core")
        others = max(run["others"] for run in good)
        rows.append(
            [
                label,
                figure(label, "cpu_ms"),
                f"{figure(label, 'cpu_ms') / floor:.2f}",
                *(figure(label, name) for name in names),
                f"{sum(run['dropped'] for run in good)} / {others:.0%}",
            ]
        )
    table(
        title,
        [
            "peer",
            "server CPU, ms per client and s",
            "of the last",
            "of a core, %",
            "p50, ms",
            "p99, ms",
            "down, B/s per client",
            "packets/s down",
            "load's core, %",
            "dropped / others' CPU",
        ],
        rows,
    )


if __name__ == "__main__":
    main()
