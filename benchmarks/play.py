"""A server, and a load of lean clients that play on it: one run, and the table of many."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.peers import Peer
from benchmarks.process import Child, machine_busy_seconds
from benchmarks.report import Cell, median, percentile, table

WARM_UP = 1.0

FIGURES = {
    "cpu_ms": "server CPU, ms per client and s",
    "core": "of a core, %",
    "p50": "p50, ms",
    "p99": "p99, ms",
    "down": "down, B/s per client",
    "up": "up, B/s per client",
    "packets": "packets/s down",
    "load_core": "load's core, %",
}
"""What the table calls the figures of a run."""

Plays = Mapping[tuple[str, ...], Sequence[Mapping[str, Any]]]
"""Runs, by what their row begins with."""


def play(
    peer: Peer, mode: Sequence[object], n: int, seconds: float, options: Sequence[object] = (), ready_seconds: int = 75
) -> dict[str, Any]:
    """Have n clients play, and look at the clocks meanwhile.

    Args:
        peer: What is measured.
        mode: Arguments of its server.
        n: How many clients.
        seconds: How long to look.
        options: Further arguments of the load.
        ready_seconds: How long everybody may take to get in.

    Returns:
        Figures by name; `error` instead says what went wrong.
    """
    try:
        with Child(peer.server(*mode), peer.env) as server:
            port = server.expect("PORT", 15).split()[1]
            command = peer.load("room", "--port", port, "--n", n, "--seconds", seconds + 2 * WARM_UP, *options)
            with Child(command, peer.env) as load:
                load.expect("READY", ready_seconds)
                load.tell("GO")
                time.sleep(WARM_UP)
                before, busy, others = server.cpu_seconds(), machine_busy_seconds(), load.cpu_seconds()
                start = time.monotonic()
                time.sleep(seconds)
                took = time.monotonic() - start
                used, played = server.cpu_seconds() - before, load.cpu_seconds() - others
                busy = machine_busy_seconds() - busy - used - played
                result = load.result(30)
    except TimeoutError as problem:
        return {"error": str(problem)}
    return {
        "cpu_ms": 1000 * used / took / n,
        "core": 100 * used / took,
        "load_core": 100 * played / took,
        "p50": percentile(result["latencies_ms"], 50),
        "p99": percentile(result["latencies_ms"], 99),
        "down": result["down_bytes"],
        "up": result["up_bytes"],
        "packets": result["down_packets"],
        "dropped": result["dropped"],
        "others": max(0.0, busy / took),
    }


def print_plays(
    title: str,
    keys: Sequence[str],
    plays: Plays,
    left_out: Sequence[str],
    ratio: tuple[str, tuple[str, ...]] | None = None,
) -> None:
    """Print the median of each figure.

    Args:
        title: The table's.
        keys: What stands above that with which the rows begin.
        plays: What `play` has returned.
        left_out: Names of figures that are not shown.
        ratio: What is said above the server's cost as a multiple of another row's, and how that row begins.
    """
    names = [name for name in FIGURES if name not in left_out]
    good = {key: [run for run in runs if "error" not in run] for key, runs in plays.items()}
    head = [*keys, *(FIGURES[name] for name in names), "dropped / others' CPU"]
    if ratio is not None:
        head.insert(len(keys) + 1, ratio[0])
    rows: list[list[Cell]] = []
    for key, runs in good.items():
        if not runs:
            cells: list[Cell] = [f"failed: {plays[key][0]['error'][:60]}"]
            rows.append([*key, *cells, *[None] * (len(head) - len(key) - 1)])
            continue
        cells = [median([run[name] for run in runs]) for name in names]
        if ratio is not None:
            cost = median([run["cpu_ms"] for run in runs])
            cells.insert(1, f"{cost / median([run['cpu_ms'] for run in good.get(ratio[1], ())]):.2f}")
        dropped, others = sum(run["dropped"] for run in runs), max(run["others"] for run in runs)
        rows.append([*key, *cells, f"{dropped} / {others:.0%}"])
    table(title, head, rows)
