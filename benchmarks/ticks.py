"""The game loop's rate and the price of doing nothing: ``python -m benchmarks.ticks``.

A backend at 50 ticks a second with one idle client, in a process of its own: ticks per second, the sum of `dt` beside
the wall clock, and what the process takes of one core.
"""

import argparse
import json
import subprocess
import sys
import time

from benchmarks.report import Cell, machine, median, table

SERVER = """
import json, sys, time
from pygase import Backend, Client, GameState
seconds = float(sys.argv[1])
ticks = []
def time_step(game_state, dt):
    ticks.append((time.perf_counter(), dt))
backend = Backend(GameState(n=1), time_step)
backend.run_in_thread("localhost", 0)
client = Client()
client.connect_in_thread(backend.server.port)
client.wait_until(lambda state: state.n == 1, timeout=10)
time.sleep(0.5)
began, cpu = time.perf_counter(), time.process_time()
time.sleep(seconds)
wall, spent = time.perf_counter() - began, time.process_time() - cpu
seen = [(when, dt) for when, dt in ticks if began <= when <= began + wall]
span = seen[-1][0] - seen[0][0]
print(json.dumps({
    "rate": (len(seen) - 1) / span, "dt": sum(dt for _, dt in seen[1:]) / span, "cpu": 100 * spent / wall,
}))
client.disconnect()
backend.shutdown()
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    print(machine())
    runs = []
    for _ in range(given.repeat):
        command = [sys.executable, "-c", SERVER, str(given.seconds)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=given.seconds + 60, check=True)
        runs.append(json.loads(done.stdout))
        time.sleep(0.2)
    rate, dt, cpu = (median([run[name] for run in runs]) for name in ("rate", "dt", "cpu"))
    rows: list[list[Cell]] = [
        ["ticks per second", 50.0, rate, 100 * (rate / 50 - 1)],
        ["sum of dt / wall time", 1.0, dt, 100 * (dt - 1)],
        ["% of a core, server and one client", None, cpu, None],
    ]
    table("An idle backend at 50 ticks a second", ["what", "wanted", "median", "off by %"], rows)


if __name__ == "__main__":
    main()
