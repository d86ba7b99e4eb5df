"""Child processes that speak line by line, and what they cost."""

import json
import os
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

SCRIPTS = Path(__file__).resolve().parent / "scripts"
ROOT = SCRIPTS.parent.parent


class Child:
    """A child process. It is always ended by its own id.

    Args:
        command: Program and arguments.
        env: Variables to set besides those of this process.
    """

    def __init__(self, command: Sequence[object], env: Mapping[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if os.environ.get("BENCH_DEBUG") else subprocess.DEVNULL,
            env={**os.environ, **(env or {})},
            bufsize=0,
        )
        self._buffer = b""

    def expect(self, start: str, timeout: float) -> str:
        """The next line that begins with `start`.

        Raises:
            TimeoutError: It did not come in time, or the child ended.
        """
        deadline = time.monotonic() + timeout
        while True:
            while b"\n" in self._buffer:
                line, self._buffer = self._buffer.split(b"\n", 1)
                if line.startswith(start.encode()):
                    return line.decode()
            assert self.process.stdout is not None
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, left))
            chunk = os.read(self.process.stdout.fileno(), 1 << 16) if ready else b""
            if not chunk:
                raise TimeoutError(f"{self.process.args!r} did not print {start!r} (BENCH_DEBUG=1 shows its errors)")
            self._buffer += chunk

    def result(self, timeout: float) -> dict[str, Any]:
        """The next line that is a JSON object."""
        loaded: dict[str, Any] = json.loads(self.expect("{", timeout))
        return loaded

    def tell(self, line: str) -> None:
        """Write one line to its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")

    def cpu_seconds(self) -> float:
        """CPU time of all its threads so far. Linux only."""
        tasks = Path(f"/proc/{self.process.pid}/task")
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e9

    def close(self) -> None:
        """End it, if it has not ended."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(2)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(2)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def machine_busy_seconds() -> float:
    """CPU time that the whole machine has spent on anything. Linux only."""
    fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")
