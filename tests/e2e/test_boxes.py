"""Whole games: real processes, real sockets, real engines. A server, two players, keys, and the pictures at the end.

Nothing here waits for time: every step of a player's script waits for what the state shows.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

pytest.importorskip("PIL", reason="Pillow is not installed; it comes with Arcade")
from PIL import Image, ImageChops

from tests.e2e.boxes.game import BACKGROUND, CELL, COLOURS, SIZE
from tests.e2e.programs import Program, Screen, require, screen

PAIRS = [("pygame", "pygame"), ("arcade", "arcade"), ("pygame", "arcade")]
X_KEYS = {"left": "Left", "right": "Right", "up": "Up", "down": "Down", "paint": "space"}


def same(one: Image.Image, other: Image.Image) -> bool:
    return one.size == other.size and ImageChops.difference(one.convert("RGB"), other.convert("RGB")).getbbox() is None


def check(pictures: list[Path]) -> None:
    """Both players saw the same in the end, and it is what their keys were to bring about."""
    states = [json.loads(path.with_suffix(".json").read_text()) for path in pictures]
    assert states[0]["painted"] == states[1]["painted"] == {"3,2": 0, "4,3": 1}
    assert states[0]["boxes"] == states[1]["boxes"] == {"0": {"cell": [3, 2]}, "1": {"cell": [4, 3]}}
    one, other = (Image.open(path).convert("RGB") for path in pictures)
    assert same(one, other)
    assert one.size == SIZE
    middle = CELL // 2
    assert one.getpixel((3 * CELL + middle, 2 * CELL + middle)) == COLOURS[0]
    assert one.getpixel((4 * CELL + middle, 3 * CELL + middle)) == COLOURS[1]
    assert one.getpixel((middle, middle)) == BACKGROUND


def end(server: Program) -> None:
    """Let the server end, on which nothing of the players who left may have stayed."""
    assert server.process.stdin is not None
    assert "BOXES {}" in server.finish()


@pytest.mark.parametrize("engines", PAIRS, ids="+".join)
def test_two_players_see_the_same_game(engines: tuple[str, str], tmp_path: Path) -> None:
    require(*engines)
    pictures = [tmp_path / f"{number}.png" for number in range(2)]
    with ExitStack() as stack:
        server = stack.enter_context(Program("tests.e2e.boxes.server"))
        port = server.line("PORT")
        players = [
            stack.enter_context(Program(f"tests.e2e.boxes.with_{engine}", port, str(picture), "posted"))
            for engine, picture in zip(engines, pictures, strict=True)
        ]
        for player in players:
            player.finish()
        end(server)
    check(pictures)


@pytest.mark.parametrize("engines", PAIRS, ids="+".join)
def test_two_players_at_real_windows_see_the_same_game(engines: tuple[str, str], tmp_path: Path) -> None:
    require(*engines)
    pictures = [tmp_path / f"{number}.png" for number in range(2)]
    with ExitStack() as stack:
        screens = [stack.enter_context(screen(640, 480)) for _ in engines]
        server = stack.enter_context(Program("tests.e2e.boxes.server"))
        port = server.line("PORT")
        players = [
            stack.enter_context(
                Program(f"tests.e2e.boxes.with_{engine}", port, str(picture), "outside", display=one.name)
            )
            for engine, picture, one in zip(engines, pictures, screens, strict=True)
        ]
        with ThreadPoolExecutor() as hands:
            list(hands.map(serve_keys, players, screens))
        for player, one, picture in zip(players, screens, pictures, strict=True):
            assert shows(one, picture)
            player.tell("seen")
        for player in players:
            player.finish()
        end(server)
    check(pictures)


def serve_keys(player: Program, its_screen: Screen) -> None:
    """Press the keys that a player asks for, until it has its picture."""
    for line in player.lines_until("PICTURE"):
        its_screen.press("boxes", X_KEYS[line.removeprefix("PRESS ")])


def shows(its_screen: Screen, picture: Path) -> bool:
    """Whether a picture is somewhere on a screen, to the pixel."""
    wanted = Image.open(picture).convert("RGB")
    on_screen = its_screen.picture()
    for left in range(on_screen.width - wanted.width + 1):
        for top in range(on_screen.height - wanted.height + 1):
            if on_screen.getpixel((left, top)) == BACKGROUND:
                return same(on_screen.crop((left, top, left + wanted.width, top + wanted.height)), wanted)
    return False
