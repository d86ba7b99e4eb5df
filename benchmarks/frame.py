"""What pygase takes of a game's main thread: ``python -m benchmarks.frame [--repeat 3] [--seconds 8]``.

60 frames a second, 200 moving entities at 20 updates a second: `pump`, `render_state` and one `send`, with smoothing
and without, beside pygase 0.3.1 with the 60 entities that it can manage. The server runs in a process of its own.
And the evenness of the frame loop: how late frames begin, and how long the same 3 ms of work take. For that a game
changes every half second or so between frames that are pumped and frames with no network at all. Of the latter there
are two heaps, which differ by chance only: by how much they do is the noise.
"""

import argparse
from typing import Any

from benchmarks import peers
from benchmarks.process import SCRIPTS, Child
from benchmarks.report import Cell, machine, median, table

WAYS = (
    ("no network", "none", False),
    ("pumped", "pumped", False),
    ("pumped, smooth", "pumped", True),
    ("thread", "thread", False),
    ("thread, smooth", "thread", True),
    ("thread, client alone", "access", False),
)
EVEN = tuple(f"{name} p{share}_us" for name in ("late", "work", "work CPU") for share in (50, 90, 99))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--entities", type=int, default=200)
    peers.add_options(parser)
    given = parser.parse_args()
    print(machine())
    old = [peer for peer in peers.available(given, peers.pygase031(given.peers)) if peer is not peers.OURS]
    results: dict[str, list[dict[str, Any]]] = {}
    uneven: dict[str, list[dict[str, Any]]] = {}
    for _ in range(given.repeat):
        for label, way, smooth in WAYS:
            run = measure(peers.OURS, given.entities, given.seconds, way, smooth=smooth)
            results.setdefault(label, []).append(run)
        for smooth in (False, True):
            run = measure(peers.OURS, given.entities, 3 * given.seconds, "even", smooth=smooth)
            uneven.setdefault("pumped, smooth" if smooth else "pumped", []).append(run)
        for peer in old:
            run = measure(peer, 60, given.seconds, "access", smooth=False)
            results.setdefault(peer.label, []).append(run)
    rows: list[list[Cell]] = []
    for label, runs in results.items():
        mid = {name: median([run[name] for run in runs]) for name in runs[0]}
        cells: list[Cell] = [mid[name] for name in ("p50_us", "p99_us", "cpu_mean_us", "cpu_p50_us", "cpu_p99_us")]
        rows.append([label, int(mid["entities"]), *cells])
    head = ["way", "entities", "p50, µs", "p99, µs", "CPU mean, µs", "CPU p50, µs", "CPU p99, µs"]
    table("pump, render_state and one send, per frame", head, rows)
    for label, runs in uneven.items():
        mid = {name: median([run[name] for run in runs]) for name in runs[0]}
        noise = {name: median([abs(run[f"none {name}"] - run[f"none again {name}"]) for run in runs]) for name in EVEN}
        rows = [
            [name.removesuffix("_us"), mid[f"none {name}"], mid[f"none again {name}"], mid[f"pumped {name}"]]
            for name in EVEN
        ]
        for row, name in zip(rows, EVEN, strict=True):
            row += [
                median([run[f"pumped {name}"] - (run[f"none {name}"] + run[f"none again {name}"]) / 2 for run in runs]),
                noise[name],
            ]
        head = ["µs", "no network", "no network again", label, "difference", "noise"]
        table(f"The frame loop, {label}: when frames begin, and how long the game's own work takes", head, rows)


def measure(peer: peers.Peer, entities: int, seconds: float, way: str, *, smooth: bool) -> dict[str, Any]:
    """One run."""
    with Child(peer.server("frame", "--entities", entities), peer.env) as server:
        port = server.expect("PORT", 15).split()[1]
        load = [peer.python, SCRIPTS / "load_frame.py", "--port", port, "--way", way]
        options = ["--seconds", seconds, "--entities", entities, *(["--smooth"] if smooth else [])]
        with Child([*load, *options], peer.env) as client:
            return client.result(seconds + 30)


if __name__ == "__main__":
    main()
