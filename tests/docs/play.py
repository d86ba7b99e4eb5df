"""Runs a program that opens a window, as a player without a screen would: ``python -m tests.docs.play FILE ...``.

The program is executed as it stands. Keys are held down for it, and once it has shown frames for long enough (and, if
asked for, until a file exists) the last picture is saved and the window closed.
"""

import argparse
import contextlib
import os
import runpy
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["SDL_VIDEODRIVER"] = "dummy"
os.environ["SDL_AUDIODRIVER"] = "dummy"
os.environ["ARCADE_HEADLESS"] = "True"
os.environ["PYGAME_HIDE_SUPPORT_PROMPT"] = "1"


class Session:
    """What is to happen while the program runs.

    Args:
        seconds: How long frames are shown at least before the window is closed.
        keys: Names of the keys that are held down, such as ``"RIGHT"``.
        screenshot: Where a picture goes; another is taken whenever it has been taken away.
        stay: A file; the window stays open until it exists.
    """

    def __init__(
        self,
        seconds: float,
        keys: list[str],
        screenshot: Path | None = None,
        stay: Path | None = None,
    ) -> None:
        self.seconds, self.keys, self.screenshot, self.stay = seconds, keys, screenshot, stay
        self.shown = 0
        self.start_time = time.monotonic()

    def frame_shown(self, save: Callable[[str], None], close: Callable[[], object]) -> None:
        """Called after every frame."""
        if self.shown == 0:
            self.start_time = time.monotonic()
        self.shown += 1
        played = time.monotonic() - self.start_time
        if played < self.seconds:
            return
        if self.screenshot is not None and not self.screenshot.exists():
            unfinished = self.screenshot.with_stem(f"unfinished-{self.screenshot.stem}")
            save(str(unfinished))
            unfinished.rename(self.screenshot)
        if self.stay is None or self.stay.exists():
            self.shown = 0
            close()


def prepare(session: Session, source: str) -> None:
    """Get the engine ready that the program uses."""
    if "import pygame" in source:
        prepare_pygame(session)
    if "import arcade" in source:
        prepare_arcade(session)


def prepare_pygame(session: Session) -> None:
    """Count frames by `pygame.display.flip`, and hold keys down: the dummy driver has no keyboard."""
    import pygame

    engine: Any = pygame
    flip = engine.display.flip
    held: dict[int, bool] = defaultdict(bool, {getattr(pygame, f"K_{key}"): True for key in session.keys})

    def counting_flip() -> None:
        flip()
        session.frame_shown(
            lambda name: engine.image.save(engine.display.get_surface(), name),
            lambda: engine.event.post(engine.event.Event(pygame.QUIT)),
        )

    engine.display.flip = counting_flip
    engine.key.get_pressed = lambda: held


def prepare_arcade(session: Session) -> None:
    """Count frames by `Window.flip`, and press keys once the window stands."""
    import arcade

    window_class: Any = arcade.Window
    flip = window_class.flip

    def counting_flip(window: Any) -> None:
        if session.shown == 0:
            for key in session.keys:
                window.on_key_press(getattr(arcade.key, key), 0)
        flip(window)
        # Closing ends the loop of a headless window; arcade.exit does not.
        session.frame_shown(lambda name: arcade.get_image().convert("RGB").save(name), window.close)

    window_class.flip = counting_flip


def give_up_after(seconds: float) -> None:
    """End the process if it hangs; the test sees the exit code and the line."""

    def give_up() -> None:
        time.sleep(seconds)
        with contextlib.suppress(OSError):  # nobody may be listening any more
            print(f"still running after {seconds} s", file=sys.stderr, flush=True)
        os._exit(3)

    threading.Thread(target=give_up, daemon=True).start()


def main() -> None:
    """Run the program that the command line names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("arguments", nargs="*")
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--keys", nargs="*", default=[])
    parser.add_argument("--screenshot", type=Path)
    parser.add_argument("--stay", type=Path)
    parser.add_argument("--give-up", type=float, default=45.0, metavar="SECONDS", help="end it if it hangs")
    given = parser.parse_args()
    session = Session(given.seconds, given.keys, given.screenshot, given.stay)
    source = given.file.read_text(encoding="utf-8")
    prepare(session, source)
    give_up_after(given.give_up)
    sys.argv = [str(given.file), *given.arguments]
    sys.path.insert(0, str(given.file.parent))
    runpy.run_path(str(given.file), run_name="__main__")


if __name__ == "__main__":
    main()
