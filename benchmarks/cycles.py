"""Many real connects and disconnects, on real sockets and threads, and what they leave behind."""

import gc
import threading
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.census import rss_bytes
from pygase import RELIABLE, Backend, Client, GameState

__all__ = ["cycles"]


def open_files() -> int:
    """Return how many files and sockets are open; 0 where that cannot be known."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


def wait_until(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    """Wait for something that other threads do."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.002)


def cycle(port: int, connections: Callable[[], int]) -> None:
    """Connect a client, have an event acknowledged, and leave."""
    client = Client()
    acknowledged = threading.Event()
    thread = client.connect_in_thread(port, "127.0.0.1")
    client.dispatch_event("HELLO", retries=RELIABLE, ack_callback=acknowledged.set)
    assert acknowledged.wait(15.0), "no answer"
    client.disconnect()
    thread.join(15.0)
    wait_until(lambda: connections() == 0)


def cycles(count: int, rest: int = 20) -> list[list[float]]:
    """Connect and disconnect `count` times, and fail if anything is left over.

    Returns:
        Open files, threads, objects and MB: after `rest` cycles, and at the end.
    """
    backend = Backend(GameState(), lambda game_state, dt: None)
    backend.run_in_thread("127.0.0.1", 0)
    port = backend.server.port
    assert port is not None
    rows = []
    for begin, end in ((0, rest), (rest, count)):
        for _ in range(begin, end):
            cycle(port, lambda: len(backend.server.connections))
        wait_until(lambda: threading.active_count() <= 8)
        gc.collect()
        rows.append([open_files(), threading.active_count(), len(gc.get_objects()), rss_bytes() / 1e6])
    backend.shutdown()
    (files, threads, objects, memory), last = rows
    assert last[0] <= files, f"{last[0]} open files, {files} before"
    assert last[1] <= threads, f"{last[1]} threads, {threads} before"
    assert last[2] <= objects + 2_000, f"{last[2]} objects, {objects} before"
    assert last[3] <= memory + 5.0, f"{last[3]:.1f} MB, {memory:.1f} before"
    return rows
