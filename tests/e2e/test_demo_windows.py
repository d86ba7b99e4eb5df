"""Both demos in real windows on a virtual screen, played with keys that are pressed from outside."""

import subprocess
import sys
import time
from collections.abc import Callable

import pytest

pytest.importorskip("PIL", reason="Pillow is not installed; it comes with Arcade")
from PIL import Image, ImageChops

from examples.colours import PLAYERS
from tests.e2e.programs import DEADLINE_SECONDS, ROOT, Screen, require, screen

GAMES = {
    "pygame_demo": ("pygame", "pygase tag", (16, 64, 992, 704)),
    "arcade_demo": ("arcade", "pygase space arena", (0, 0, 1000, 680)),
}
"""The engine, the window's title, and the part of it in which players move."""

Point = tuple[float, float]


def own_place(its_screen: Screen, area: tuple[int, int, int, int]) -> Point | None:
    """Where on the screen the player is: the middle of the first player's colour, if it is to be seen."""
    picture = its_screen.picture().crop(area)
    difference = ImageChops.difference(picture, Image.new("RGB", picture.size, PLAYERS[0]))
    red, green, blue = difference.point(lambda value: 255 * (value < 40)).split()
    box = ImageChops.darker(ImageChops.darker(red, green), blue).getbbox()
    return ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2) if box else None


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"it never happened: {what}"
        time.sleep(0.02)


@pytest.mark.parametrize("game", GAMES)
def test_held_keys_move_the_player_and_escape_leaves(game: str) -> None:
    engine, title, area = GAMES[game]
    require(engine)
    with screen(1280, 720) as its_screen:
        process = subprocess.Popen(
            [sys.executable, "-m", f"examples.{game}", "--bots", "0"],
            cwd=ROOT,
            env=its_screen.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            wait_for(lambda: own_place(its_screen, area) is not None, "the player is there")
            place = own_place(its_screen, area)
            assert place is not None
            its_screen.wait_for_focus(title)
            its_screen.hold("Up")
            its_screen.hold(sideways(place, area))
            wait_for(lambda: is_elsewhere(own_place(its_screen, area), place), "the held keys move the player")
            its_screen.press(title, "Escape")
            _, errors = process.communicate(timeout=20)
        finally:
            process.kill()
            process.communicate()
    assert process.returncode == 0, errors
    assert "Traceback" not in errors


def sideways(place: Point, area: tuple[int, int, int, int]) -> str:
    """The key that leads away from the nearer wall."""
    return "Right" if place[0] < (area[2] - area[0]) / 2 else "Left"


def is_elsewhere(now: Point | None, before: Point) -> bool:
    return now is not None and abs(now[0] - before[0]) + abs(now[1] - before[1]) > 60
