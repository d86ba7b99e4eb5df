"""One world in which everybody walks about and sees the nearest few: how many clients one core carries.

``python -m benchmarks.world [--n 250 500 1000] [--moves 20 10] [--nearest 16] [--seconds 6] [--repeat 3]
[--plot FILE.png]``

All clients move, receive and acknowledge; one in so many also reads what it gets and measures how long its move took.
"""

import argparse
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.play import play, print_plays
from benchmarks.report import machine, median, plot

WATCHED = 16
READY_SECONDS = 120


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, nargs="*", default=[250, 500, 1000])
    parser.add_argument("--moves", type=float, nargs="*", default=[20.0, 10.0], help="how often each moves a second")
    parser.add_argument("--nearest", type=int, default=16, help="how many each sees besides itself")
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--plot", type=Path, help="where to save a picture of p99 against number of clients")
    peers.add_options(parser)
    given = parser.parse_args()
    measured = peers.available(given, peers.compiled(given.peers))
    print(machine())
    curves: dict[str, list[tuple[float, float]]] = {}
    for moves in given.moves:
        runs: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        mode = ("world", "--nearest", given.nearest)
        for n in given.n:
            watch, visible = max(1, n // WATCHED), min(n, given.nearest)
            options = ("--world", "--hz", moves, "--watch", watch, "--visible", visible)
            for peer in measured:
                plays = [play(peer, mode, n, given.seconds, options, READY_SECONDS) for _ in range(given.repeat)]
                runs[peer.label, f"{n:,}"] = plays
                if waits := [run["p99"] for run in plays if "error" not in run and not run["dropped"]]:
                    curves.setdefault(f"{peer.label}, {moves:g} moves a second", []).append((n, median(waits)))
        title = f"One world, 20 ticks a second, each moves {moves:g} times and sees the nearest {given.nearest}"
        print_plays(title, ["peer", "clients"], runs, ["up"])
    if given.plot is not None:
        labels = ("clients in the world", "p99 until a move is seen by its mover, ms")
        plot(given.plot, f"One world at 20 Hz, each sees the nearest {given.nearest}", labels, curves)


if __name__ == "__main__":
    main()
