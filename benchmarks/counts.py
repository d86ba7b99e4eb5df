"""Instructions that one client costs a server per tick: ``python -m benchmarks.counts [--n 16] [--ticks 20]``.

The room of `benchmarks.stages` under Valgrind's callgrind, which counts what the processor executes. Counts do not
depend on what else the machine does, so they show small changes that no clock shows. Joining and the first ticks do
not count. Client and server run in one process: the figure is for both.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.process import ROOT
from benchmarks.report import machine, table

PROGRAM = """
import os, subprocess, sys
from benchmarks.stages import Room
room = Room(int(sys.argv[1]))
room.connect()
for _ in range(20):
    room.tick(moving=True)
subprocess.run(["callgrind_control", "-i", "on", str(os.getpid())], check=True, stdout=subprocess.DEVNULL)
for _ in range(int(sys.argv[2])):
    room.tick(moving=True)
os._exit(0)
"""


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, nargs="*", default=[16, 64])
    parser.add_argument("--ticks", type=int, default=20)
    given = parser.parse_args()
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        print("(not counted: valgrind is not installed)")
        return
    print(machine())
    rows = []
    for n in given.n:
        rows.append([n, instructions(valgrind, n, given.ticks) // (n * given.ticks)])
    table("Instructions per client and tick, server's and client's side together", ["clients", "instructions"], rows)


def instructions(valgrind: str, n: int, ticks: int) -> int:
    """Instructions executed in so many ticks."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            valgrind,
            "--tool=callgrind",
            "--instr-atstart=no",
            f"--callgrind-out-file={Path(folder) / 'out'}",
            sys.executable,
        ]
        done = subprocess.run(
            [*command, "-c", PROGRAM, str(n), str(ticks)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"},
        )
    found = re.search(r"Collected : (\d+)", done.stderr)
    if found is None:
        raise RuntimeError(f"callgrind said no number: {done.stderr[-500:]}")
    return int(found[1])


if __name__ == "__main__":
    main()
