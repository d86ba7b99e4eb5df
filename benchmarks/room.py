"""A room in which everybody sees everybody, 20 moves and 20 ticks a second: what one client costs the server.

``python -m benchmarks.room [--n 16 64] [--seconds 6] [--repeat 3] [--plot FILE.png]``
"""

import argparse
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.play import play, print_plays
from benchmarks.report import machine, median, plot

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
    measured = peers.available(given, *peers.playing(given.peers))
    print(machine())
    curves: dict[str, list[tuple[float, float]]] = {}
    for n in given.n or (SIZES if given.plot is None else PLOTTED_SIZES):
        runs: dict[tuple[str, ...], list[dict[str, Any]]] = {(peer.label,): [] for peer in measured}
        for _ in range(given.repeat):
            for peer in measured:  # in turn, so that a change of the machine's mood hits all alike
                runs[peer.label,].append(play(peer, ("room",), n, given.seconds))
        left_out, ratio = ("core", "load_core"), ("of ours", (peers.OURS.label,))
        print_plays(f"Room of {n}, 20 Hz, all see all", ["peer"], runs, left_out, ratio)
        for (label,), results in runs.items():
            if costs := [run["cpu_ms"] for run in results if "error" not in run and not run["dropped"]]:
                curves.setdefault(label, []).append((n, median(costs)))
        # Who cannot play with so many will not with more.
        measured = [peer for peer in measured if curves.get(peer.label, [(0, 0.0)])[-1][0] == n]
    if given.plot is not None:
        labels = ("clients in the room", "server CPU, ms per client and second")
        plot(given.plot, "A room at 20 Hz, everybody sees everybody: what one client costs", labels, curves)


if __name__ == "__main__":
    main()
