"""One run: a server, and a load of lean clients that play on it."""

import time
from collections.abc import Sequence
from typing import Any

from benchmarks.peers import Peer
from benchmarks.process import Child, machine_busy_seconds
from benchmarks.report import percentile

WARM_UP = 1.0


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
