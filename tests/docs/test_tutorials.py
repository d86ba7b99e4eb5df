"""Every step of the tutorials runs as it stands, and its picture shows what the page says.

``UPDATE_IMAGES=1 python -m pytest tests/docs`` also puts the pictures where the pages show them.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pygase import RELIABLE, Client, GameState
from tests.conftest import wait_for
from tests.docs.blocks import ROOT
from tests.docs.run_page import free_port

TUTORIALS = ROOT / "docs" / "tutorials"
OWN, OTHER, COIN = (79, 179, 191), (209, 73, 91), (242, 193, 78)


@pytest.fixture(params=["pygame", "arcade"])
def engine(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    if name == "arcade":
        code = "import os; os.environ['ARCADE_HEADLESS'] = 'True'; import arcade; arcade.Window(64, 64)"
        tried = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False)
        if tried.returncode != 0:
            pytest.skip("this machine lacks a GL library that works without a screen (libEGL and a driver)")
    return name


def start(*command: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", *map(str, command)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def play(file: Path, *arguments: object) -> subprocess.Popen[str]:
    return start("-m", "tests.docs.play", file, *arguments)


def finish(program: subprocess.Popen[str]) -> str:
    out, err = program.communicate(timeout=60)
    assert program.returncode == 0, out + err
    assert "Traceback" not in err, err
    return out


@contextmanager
def server(file: Path) -> Iterator[int]:
    """The step's server, listening; yields its port."""
    port = free_port()
    program = start("-u", file, port)
    try:
        assert program.stdout is not None
        assert str(port) in program.stdout.readline()
        yield port
    finally:
        program.terminate()
        _, err = program.communicate(timeout=10)
    assert "Traceback" not in err, err


def colours(picture: Path) -> dict[tuple[int, ...], int]:
    """How many pixels the picture has of each colour."""
    from PIL import Image

    with Image.open(picture) as image:
        pixels = image.convert("RGB").getcolors(maxcolors=1 << 24) or []
    return {colour: count for count, colour in pixels if isinstance(colour, tuple)}


def shows_both_players(picture: Path) -> bool:
    """Whether both are to be seen; if not, the next picture may show them."""
    if not picture.exists():
        return False
    shown = colours(picture)
    if shown.get(OWN, 0) > 300 and shown.get(OTHER, 0) > 300:
        return True
    picture.unlink()
    return False


def publish(picture: Path, name: str) -> None:
    """Put the picture where the tutorial shows it, if this run is meant to."""
    if os.environ.get("UPDATE_IMAGES"):
        (ROOT / "docs" / "images").mkdir(exist_ok=True)
        shutil.copy(picture, ROOT / "docs" / "images" / name)


def test_step_one_is_a_game_for_one(engine: str, tmp_path: Path) -> None:
    picture = tmp_path / "1.png"
    finish(play(TUTORIALS / engine / "step1" / "game.py", "--keys", "RIGHT", "--screenshot", picture))
    shown = colours(picture)
    assert shown[OWN] > 900
    assert shown[COIN] > 200
    publish(picture, f"tutorial-{engine}-1.png")


@pytest.mark.parametrize("step", ["step2", "step3", "step4"])
@pytest.mark.parametrize("tutorial", ["pygame", "arcade"])
def test_server_of_a_step_lets_players_in_and_out(tutorial: str, step: str) -> None:
    with server(TUTORIALS / tutorial / step / "server.py") as port:
        ada, bob = Client(), Client()
        created: list[int] = []
        ada.register_event_handler("PLAYER_CREATED", created.append)
        for client, name in ((ada, "Ada"), (bob, "Bob")):
            client.connect_in_thread(port, "127.0.0.1")
            client.dispatch_event("JOIN", name, retries=RELIABLE)
        names = {"Ada", "Bob"}
        ada.try_to(lambda state: state.players, timeout=10)
        ada.wait_until(lambda state: {p["name"] for p in state.players.values()} == names, timeout=10)
        ada.wait_until(lambda _: len(created) == 1, timeout=10)
        bob.disconnect()
        ada.wait_until(lambda state: list(state.players) == created, timeout=10)
        ada.disconnect()


@pytest.mark.parametrize("step", ["step3", "step4"])
def test_two_players_see_each_other(engine: str, step: str, tmp_path: Path) -> None:
    folder = TUTORIALS / engine / step
    with server(folder / "server.py") as port:
        both_shown = tmp_path / "both-shown"
        address = ("127.0.0.1", port)
        pictures = [tmp_path / "ada.png", tmp_path / "bob.png"]
        common = ["--stay", both_shown, "--screenshot"]
        watcher = Client()
        watcher.connect_in_thread(port, "127.0.0.1")
        watcher.try_to(lambda state: state.players, timeout=10)
        players = [
            play(folder / "game.py", *address, "Ada", "--keys", "RIGHT", *common, pictures[0]),
            play(folder / "game.py", *address, "Bob", "--keys", "DOWN", *common, pictures[1]),
        ]
        first_places: dict[int, list[float]] = {}

        def both_have_moved(state: GameState) -> bool:
            for player_id, player in state.players.items():
                first_places.setdefault(player_id, player["position"])
            return len(state.players) == 2 and all(
                player["position"] != first_places[player_id] for player_id, player in state.players.items()
            )

        watcher.wait_until(both_have_moved, timeout=30)
        wait_for(lambda: all(map(shows_both_players, pictures)) or any(player.poll() is not None for player in players))
        both_shown.touch()
        for player in players:
            finish(player)
        watcher.disconnect()
    assert all(map(shows_both_players, pictures))
    publish(pictures[0], f"tutorial-{engine}-{step[-1]}.png")


@pytest.mark.parametrize("tutorial", ["pygame", "arcade"])
def test_step_four_believes_no_cheater(tutorial: str) -> None:
    with server(TUTORIALS / tutorial / "step4" / "server.py") as port:
        cheater = Client()
        created: list[int] = []
        cheater.register_event_handler("PLAYER_CREATED", created.append)
        cheater.connect_in_thread(port, "127.0.0.1")
        cheater.dispatch_event("JOIN", "Mallory", retries=RELIABLE)
        cheater.wait_until(lambda _: bool(created), timeout=10)
        x, y = cheater.try_to(lambda state: state.players[created[0]]["position"])
        far = [620 if x < 320 else 20, 460 if y < 240 else 20]
        for nonsense in ("here", [1, 2, 3], None, [1e9, 1e9], {"x": 1}, [float("nan"), 50]):
            cheater.dispatch_event("MOVE", nonsense, retries=RELIABLE)
        cheater.dispatch_event("MOVE", far, retries=RELIABLE)
        cheater.wait_until(lambda state: state.players[created[0]]["position"] != [x, y], timeout=10)
        position = cheater.try_to(lambda state: state.players[created[0]]["position"])
        distance = ((position[0] - x) ** 2 + (position[1] - y) ** 2) ** 0.5
        assert distance <= 240 * 1.2 * 0.5 + 1e-6
        cheater.disconnect()
