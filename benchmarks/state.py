"""A large state: bytes a second while a tenth of it changes, the time to join it, and what a join costs the others.

``python -m benchmarks.state [--entities 1000] [--seconds 5] [--repeat 3]``
"""

import argparse
import time
from typing import Any

from benchmarks import peers
from benchmarks.process import Child
from benchmarks.report import Cell, machine, median, percentile, table

ENTITIES_031 = 60
"""0.3.1 puts the whole update into one datagram of at most 2,048 bytes; more entities than this never arrive."""

JOIN_ENTITIES = 25_000
"""Of four floats each: encoded, the state has about a megabyte."""

ROOM = 16
JOINS = 4


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entities", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=5.0)
    peers.add_options(parser)
    given = parser.parse_args()
    measured = peers.available(given, peers.pygase031(given.peers))
    print(machine())
    cases = [(peer, ENTITIES_031) for peer in measured] + [(peers.OURS, given.entities)]
    traffic(cases, given.seconds, given.repeat)
    joins(given.repeat)


def traffic(cases: list[tuple[peers.Peer, int]], seconds: float, repeat: int) -> None:
    """Bytes a second to one client, with a tenth of the entities changing per tick."""
    rows: list[list[Cell]] = []
    for peer, entities in cases:
        runs = [one_client(peer, entities, 0.1, seconds) for _ in range(repeat)]
        good = [run for run in runs if "error" not in run]
        figures = [median([run[name] for run in good]) for name in ("join_ms", "down", "packets", "ticks")]
        rows.append([peer.label, entities, *figures, f"{len(runs) - len(good)} of {len(runs)}"])
    head = ["peer", "entities", "all there after, ms", "down, B/s", "packets/s", "ticks/s seen", "failed"]
    table("State of entities with 4 floats, a tenth of them changing per tick, 20 Hz", head, rows)


def one_client(peer: peers.Peer, entities: int, change: float, seconds: float, joins: int = 1) -> dict[str, Any]:
    """One server, one client."""
    command = peer.server("entities", "--entities", entities, "--change", change)
    with Child(command, peer.env) as server:
        port = server.expect("PORT", 15).split()[1]
        return load_state(peer, port, entities, seconds, joins)


def load_state(peer: peers.Peer, port: str, entities: int, seconds: float, joins: int, nice: int = 0) -> dict[str, Any]:
    """Clients that join a running server, one after the other."""
    options = ("--port", port, "--entities", entities, "--seconds", seconds, "--joins", joins, "--nice", nice)
    with Child(peer.load("state", *options), peer.env) as load:
        try:
            return load.result(60)
        except TimeoutError as problem:
            return {"error": str(problem)}


def joins(repeat: int) -> None:
    """Join a megabyte while sixteen others play; their latencies without and with it."""
    peer, quiet, busy, took, sizes = peers.OURS, [], [], [], []
    for _ in range(repeat):
        command = peer.server("entities", "--entities", JOIN_ENTITIES, "--change", 0.00004)
        with Child(command, peer.env) as server:
            port = server.expect("PORT", 30).split()[1]
            quiet.append(percentile(room(peer, port, None), 99))
            joined: list[dict[str, Any]] = []
            busy.append(percentile(room(peer, port, joined), 99))
        took += [result["join_ms"] for result in joined if "error" not in result]
        sizes += [result["join_bytes"] for result in joined if "error" not in result]
    row: list[Cell] = [median(sizes) / 1e6, median(took), median(quiet), median(busy)]
    head = ["received, MB", "join, ms", "others' p99 without, ms", f"others' p99 while {JOINS} join, ms"]
    table(f"Joining a state of {JOIN_ENTITIES:,} entities while {ROOM} play, loopback", head, [row])


def room(peer: peers.Peer, port: str, joined: list[dict[str, Any]] | None) -> list[float]:
    """Latencies of a room; with a list, clients join meanwhile, one after the other, and their results go there."""
    first = 0 if joined is None else ROOM
    with Child(peer.load("room", "--port", port, "--n", ROOM, "--first", first, "--seconds", 4), peer.env) as load:
        try:
            load.expect("READY", 75)
        except TimeoutError:
            return []  # a machine too busy for sixteen to join at once
        load.tell("GO")
        if joined is not None:
            time.sleep(0.5)
            # What a join costs the client itself is work for another machine.
            joined.append(load_state(peer, port, JOIN_ENTITIES, 0.1, JOINS, nice=19))
        latencies: list[float] = load.result(30)["latencies_ms"]
    return latencies


if __name__ == "__main__":
    main()
