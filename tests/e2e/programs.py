"""Programs that a test talks to, and screens that are not there."""

import os
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

import pytest

pytest.importorskip("PIL", reason="Pillow is not installed; it comes with Arcade")
from PIL import Image

ROOT = Path(__file__).parents[2]
DEADLINE_SECONDS = 120.0
"""Only a failure takes so long, or a machine that is busy with much else: alone a game takes two or three seconds."""


class Program:
    """A module of this project in a process of its own, which a test talks to line by line."""

    def __init__(self, module: str, *arguments: str, display: str | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", module, *arguments],
            cwd=ROOT,
            env=_environment(display),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._watchdog = threading.Timer(DEADLINE_SECONDS, self.process.kill)
        self._watchdog.start()

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *_: object) -> None:
        self._watchdog.cancel()
        self.process.kill()
        self.process.communicate()

    def line(self, prefix: str = "") -> str:
        """The rest of the next line that it says, which has to begin with a prefix."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.startswith(prefix):
            self.process.kill()
            pytest.fail(f"instead of {prefix}: {line!r}\n{self.process.communicate()[1]}")
        return line.removeprefix(prefix).strip()

    def lines_until(self, last: str) -> Iterator[str]:
        """What it says, line by line, until it says the last line."""
        while (line := self.line()) != last:
            if not line and self.process.poll() is not None:
                pytest.fail(f"ended before {last}:\n{self.process.communicate()[1]}")
            yield line

    def tell(self, line: str) -> None:
        """Say a line to it."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def finish(self) -> str:
        """Let it come to its end, which has to be a good one; returns what it said last."""
        output, errors = self.process.communicate(timeout=DEADLINE_SECONDS)
        assert self.process.returncode == 0, errors
        assert "Traceback" not in errors, errors
        return output


class Screen:
    """A virtual X display. What is on it can be looked at, and keys can be pressed, both from outside."""

    def __init__(self, name: str, frame_buffer: Path) -> None:
        self.name = name
        self.environment = _environment(name)
        self._frame_buffer = frame_buffer

    def press(self, window_title: str, key: str) -> None:
        """Press and release a key, as on a keyboard, as soon as the window has the keyboard's attention."""
        self.wait_for_focus(window_title)
        self._xdotool("key", key)

    def hold(self, key: str) -> None:
        """Press a key and keep it pressed."""
        self._xdotool("keydown", key)

    def wait_for_focus(self, window_title: str) -> None:
        """Wait until a window has the keyboard's attention."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while self._xdotool("getwindowfocus", "getwindowname") != window_title:
            assert time.monotonic() < deadline, f"no window named {window_title} came up"
            time.sleep(0.02)

    def picture(self) -> Image.Image:
        """What is on the screen, from its memory, which is laid out as X's window dumps are."""
        data = self._frame_buffer.read_bytes()
        fields = struct.unpack(">25I", data[:100])
        header_size, width, height, bytes_per_line, colour_count = (
            fields[0],
            fields[4],
            fields[5],
            fields[12],
            fields[19],
        )
        start = header_size + 12 * colour_count
        pixels = data[start : start + height * bytes_per_line]
        return Image.frombytes("RGB", (width, height), pixels, "raw", "BGRX", bytes_per_line)

    def _xdotool(self, *arguments: str) -> str:
        result = subprocess.run(
            ["xdotool", *arguments],
            env=_environment(self.name),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        return result.stdout.strip()


@contextmanager
def screen(width: int, height: int) -> Iterator[Screen]:
    """A virtual X display of its own, under a number that nobody else has."""
    for tool in ("Xvfb", "xdotool"):
        if which(tool) is None:
            pytest.skip(f"{tool} is missing: apt-get install xvfb xdotool")
    with TemporaryDirectory() as folder:
        reader, writer = os.pipe()
        size = f"{width}x{height}x24"
        command = ["Xvfb", "-displayfd", str(writer), "-screen", "0", size, "-fbdir", folder, "-nolisten", "tcp"]
        server = subprocess.Popen(command, pass_fds=[writer], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(writer)
        try:
            with os.fdopen(reader) as pipe:
                number = pipe.readline().strip()
            if not number:
                pytest.skip("Xvfb does not start here")
            yield Screen(f":{number}", Path(folder) / "Xvfb_screen0")
        finally:
            server.terminate()
            server.wait()


def require(*engines: str) -> None:
    """Skip the test where an engine is missing, or cannot draw, and say which and why."""
    for engine in engines:
        pytest.importorskip(engine, reason=f"{engine} is not installed")
    if "arcade" in engines:
        probe = "import os; os.environ['ARCADE_HEADLESS'] = '1'; import arcade; arcade.Window(8, 8)"
        result = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)
        if result.returncode:
            pytest.skip(f"Arcade cannot draw here, EGL is missing: {result.stderr.strip().splitlines()[-1]}")


def _environment(display: str | None) -> dict[str, str]:
    """The environment of a program that draws on a display, or on none."""
    engines = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER", "ARCADE_HEADLESS")
    result = {name: value for name, value in os.environ.items() if name not in engines}
    result["PYGAME_HIDE_SUPPORT_PROMPT"] = "1"
    if display is None:
        return result | {"SDL_VIDEODRIVER": "dummy", "ARCADE_HEADLESS": "True"}
    return result | {"DISPLAY": display, "SDL_VIDEODRIVER": "x11"}
