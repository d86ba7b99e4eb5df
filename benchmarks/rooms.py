"""Many rooms in one process, 20 moves and 20 ticks a second: what one client costs the server.

``python -m benchmarks.rooms [--rooms 32] [--room 16] [--seconds 6] [--repeat 3]``
"""

import argparse
from typing import Any

from benchmarks import peers
from benchmarks.play import play, print_plays
from benchmarks.report import machine

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
        runs: dict[tuple[str, ...], list[dict[str, Any]]] = {(peer.label,): [] for peer in measured}
        for _ in range(given.repeat):
            for peer in measured:  # in turn, so that a change of the machine's mood hits all alike
                mode = ("rooms", "--rooms", rooms) if peer.wire == "pygase" else ("room", "--room", given.room)
                options = ("--room", given.room)
                runs[peer.label,].append(play(peer, mode, rooms * given.room, given.seconds, options, READY_SECONDS))
        title = f"{rooms} rooms of {given.room}, 20 Hz, all see all of their room"
        print_plays(title, ["peer"], runs, ["up"], ("of the last", (measured[-1].label,)))


if __name__ == "__main__":
    main()
