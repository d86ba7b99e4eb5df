"""What encryption costs a server: the same build, its cipher replaced (in the benchmark only) by one that does nothing.

``python -m benchmarks.cipher [--n 16 64] [--seconds 6] [--repeat 3]``
"""

import argparse
from dataclasses import replace

from benchmarks import peers
from benchmarks.play import play
from benchmarks.report import Cell, machine, median, table


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, nargs="*", default=[16, 64])
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    print(machine())
    option = ("--without-cipher",)
    plain = replace(peers.OURS, label="without cipher", server_options=option, client_options=option)
    rows: list[list[Cell]] = []
    for n in given.n:
        costs: dict[str, list[float]] = {peers.OURS.label: [], plain.label: []}
        for _ in range(given.repeat):
            for peer in (peers.OURS, plain):
                run = play(peer, ("room",), n, given.seconds)
                if "error" not in run:
                    costs[peer.label].append(run["cpu_ms"])
        sealed, bare = (median(values) for values in costs.values())
        rows.append([n, sealed, bare, f"{sealed / bare - 1:+.0%}"])
    head = ["clients", "server CPU, ms per client and s", "the same without the cipher", "encryption adds"]
    table("The price of encryption, room at 20 Hz", head, rows)


if __name__ == "__main__":
    main()
