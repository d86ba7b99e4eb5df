"""What starts a game: its options, a server within the game, and the bots. Both demos are started by this.

Three ways to play: without options a server, bots and a window in one program; with ``--serve`` only the
server; with ``--connect`` only the window, and a server elsewhere.
"""

import argparse
import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import pygase
from examples.link import Address
from pygase.errors import EngineUnusable

BOT_FRAMES_PER_SECOND = 60
"""As often as a player's screen shows a frame: bots play by the same rules."""

HEADLESS_SECONDS = 5.0
"""How long a game without a window runs when nobody says how long."""

SEAT_SECONDS = 10.0
"""How long the server keeps the place of a player who was cut off. Longer, and the others play with a statue."""

BOT_NAMES = ("Bolt", "Cog", "Sprocket", "Gizmo", "Widget", "Ratchet", "Rivet", "Piston")


class CannotShowError(Exception):
    """There is no way to open a window here. The message says why, without a full stop."""


@dataclass(frozen=True)
class Options:
    """What the player asked for on the command line."""

    serve: int | None
    connect: Address | None
    name: str
    bots: int
    seconds: float | None
    headless: bool
    screenshot: Path | None


class Bot(Protocol):
    """A player that no human steers."""

    def frame(self, dt: float) -> None:
        """Look at the game, `dt` seconds after the last time, and act."""

    def close(self) -> None:
        """Leave the game."""


class Window(Protocol):
    """What the player sees of a game."""

    def play(self, address: Address) -> None:
        """Connect to the server there, and run until the player closes the window or the time is up."""


@dataclass(frozen=True)
class Game:
    """What the launcher has to know of a game."""

    module: str
    title: str
    engine: str
    """The extra of pygase that installs what the window needs."""
    tick_seconds: float
    create_backend: Callable[[], pygase.Backend]
    create_bot: Callable[[str, Address, int], Bot]
    """From a name, the server's address and a seed."""
    open_window: Callable[[Options], Window]
    """Raises `CannotShowError` where there is no display."""


def launch(game: Game, arguments: Sequence[str] | None = None) -> int:
    """Start a game as the command line says; returns the exit code."""
    options = parse(game, arguments)
    try:
        if options.serve is not None:
            serve(game, options)
        else:
            play(game, options)
    except KeyboardInterrupt:
        print("stopped")
    except CannotShowError as problem:
        hint = f"python -m {game.module} --headless --seconds 5 --screenshot {game.title}.png"
        print(f"{problem}. For a picture instead: {hint}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as problem:
        if problem.name is None or problem.name.partition(".")[0] != game.engine:
            raise
        print(
            f'{game.engine} is missing. Install it with: python -m pip install "pygase[{game.engine}]"',
            file=sys.stderr,
        )
        return 1
    except (EngineUnusable, ImportError) as problem:  # pyglet raises ImportError where there is no OpenGL.
        print(f"{game.engine} cannot start here: {problem}", file=sys.stderr)
        return 1
    except pygase.AddressUnavailable as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def parse(game: Game, arguments: Sequence[str] | None = None) -> Options:
    """Read the command line, the same for every game."""
    parser = argparse.ArgumentParser(prog=f"python -m {game.module}", description=f"Play {game.title}.")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--serve", type=_port, metavar="PORT", help="run only the server; 0 takes any free port")
    where.add_argument("--connect", type=_address, metavar="HOST:PORT", help="play on somebody else's server")
    parser.add_argument("--name", default="Player", help="who you are")
    parser.add_argument("--bots", type=_count, metavar="N", help="how many bots join (3 in a game of your own)")
    parser.add_argument("--seconds", type=_seconds, metavar="S", help="stop after this time")
    parser.add_argument("--headless", action="store_true", help="open no window; a bot plays for you")
    parser.add_argument("--screenshot", type=_png, metavar="FILE.png", help="save the last picture")
    given = parser.parse_args(arguments)
    options = Options(**vars(given))
    if options.bots is None:
        own_game = options.serve is None and options.connect is None
        options = replace(options, bots=3 if own_game else 0)
    if options.headless and options.seconds is None:
        options = replace(options, seconds=HEADLESS_SECONDS)
    return options


def serve(game: Game, options: Options) -> None:
    """Run a server for others to connect to, until Ctrl-C or until the time is up."""
    assert options.serve is not None
    with server(game, "0.0.0.0", options.serve) as (_, port), bots(game, options.bots, ("127.0.0.1", port)):  # noqa: S104
        print(f"Serving {game.title} on port {port}. Join with one of:", flush=True)
        for host in ("localhost", *sorted(pygase.get_available_ip_addresses())):
            print(f"  python -m {game.module} --connect {host}:{port}", flush=True)
        end_time = time.monotonic() + (options.seconds or float("inf"))
        while time.monotonic() < end_time:
            time.sleep(0.1)  # Short, since on Windows Ctrl-C does not interrupt a sleep.


def play(game: Game, options: Options) -> None:
    """Open the window; without ``--connect`` on a server within this very program."""
    if options.headless:
        be_headless()
    window = game.open_window(options)  # First, since it takes a while, and a server should not stand still.
    if options.connect is not None:
        with bots(game, options.bots, options.connect):
            window.play(options.connect)
    else:
        with server(game, "127.0.0.1", 0) as address, bots(game, options.bots, address):
            window.play(address)


@contextlib.contextmanager
def server(game: Game, hostname: str, port: int) -> Iterator[Address]:
    """A running server, in threads of this program; yields its address."""
    backend = game.create_backend()
    backend.run_in_thread(hostname, port, interval=game.tick_seconds, seat_hold=SEAT_SECONDS)
    try:
        assert backend.server.port is not None
        yield hostname, backend.server.port
    finally:
        backend.shutdown()


@contextlib.contextmanager
def bots(game: Game, count: int, address: Address) -> Iterator[None]:
    """Bots that play from a thread of their own, all of them in one loop."""
    stopped = threading.Event()
    thread = threading.Thread(target=_run_bots, args=(game, count, address, stopped), name="bots", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(timeout=2.0)


def be_headless() -> None:
    """Let both engines draw where there is no screen. Has to come before they are imported."""
    os.environ["SDL_VIDEODRIVER"] = "dummy"
    os.environ["ARCADE_HEADLESS"] = "True"


def _run_bots(game: Game, count: int, address: Address, stopped: threading.Event) -> None:
    team = [game.create_bot(BOT_NAMES[number % len(BOT_NAMES)], address, number) for number in range(count)]
    interval = 1 / BOT_FRAMES_PER_SECOND
    frame_time = time.monotonic()
    while not stopped.wait(max(0.0, frame_time + interval - time.monotonic())):
        now = time.monotonic()
        dt, frame_time = now - frame_time, now
        for bot in team:
            bot.frame(dt)
    for bot in team:
        bot.close()


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port; ports go from 0 to 65535")
    return port


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise argparse.ArgumentTypeError(f"{text} is not of the form HOST:PORT, such as localhost:8080")
    return host.strip("[]"), _port(port)


def _count(text: str) -> int:
    count = int(text)
    if not 0 <= count <= 64:
        raise argparse.ArgumentTypeError("there can be 0 to 64 bots")
    return count


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError("a game takes more than 0 seconds, and not forever")
    return seconds


def _png(text: str) -> Path:
    if not text.lower().endswith(".png"):
        raise argparse.ArgumentTypeError(f"{text} does not end in .png")
    return Path(text)
