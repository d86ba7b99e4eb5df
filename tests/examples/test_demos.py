"""Both games, started as a player starts them: in a process of their own."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("PIL", reason="Pillow is not installed; it comes with Arcade")
from PIL import Image, ImageChops

ROOT = Path(__file__).parents[2]
GAMES = {"pygame_demo": "pygame", "arcade_demo": "arcade"}
PLAYER_COLOURS = 3
"""Of the three bots and the player, one may be out of the picture just then: exploded, or under a bot."""


def play(game: str, *options: str, display: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER", "ARCADE_HEADLESS"}
    }
    if display is not None:
        environment["DISPLAY"] = display
    return subprocess.run(
        [sys.executable, "-m", f"examples.{game}", *options],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


@pytest.fixture(params=GAMES)
def game(request: pytest.FixtureRequest) -> str:
    """Each game whose engine can draw on this machine."""
    name: str = request.param
    engine = GAMES[name]
    pytest.importorskip(engine, reason=f"{engine} is not installed")
    if engine == "arcade":
        probe = "import os; os.environ['ARCADE_HEADLESS'] = '1'; import arcade; arcade.Window(8, 8)"
        result = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)
        if result.returncode:
            pytest.skip(f"Arcade cannot draw here, EGL is missing: {result.stderr.strip().splitlines()[-1]}")
    return name


def pixels_like(image: Image.Image, colour: tuple[int, int, int]) -> int:
    """How many pixels are about of a colour."""
    flat = Image.new("RGB", image.size, colour)
    difference = ImageChops.difference(image.convert("RGB"), flat).point(lambda value: 255 * (value > 24))
    red, green, blue = difference.split()
    return ImageChops.lighter(ImageChops.lighter(red, green), blue).histogram()[0]


def test_headless_it_plays_and_the_picture_shows_players_who_have_moved(game: str, tmp_path: Path) -> None:
    from examples.colours import PLAYERS

    picture = tmp_path / "game.png"
    for seconds in ("3.5", "10", "30"):  # On a machine that is busy with much else, bots need longer to get going.
        result = play(game, "--headless", "--seconds", seconds, "--screenshot", str(picture))
        assert result.returncode == 0, result.stderr
        assert "Traceback" not in result.stderr
        distances = [int(number) for number in re.findall(r"(?:walked|flew) (\d+) px", result.stdout)]
        if len(distances) == 4 and min(distances) > 10:
            break
    assert len(distances) == 4
    assert min(distances) > 10
    image = Image.open(picture)
    assert image.size == (1280, 720)
    assert sum(pixels_like(image, colour) > 20 for colour in PLAYERS[:4]) >= PLAYER_COLOURS


@pytest.mark.skipif(sys.platform != "linux", reason="only on Linux can there be no display at all")
def test_without_a_display_one_line_says_how_to_get_a_picture(game: str) -> None:
    result = play(game)
    assert result.returncode != 0
    lines = [line for line in result.stderr.splitlines() if "XDG_RUNTIME_DIR" not in line]  # SDL's own complaint
    assert len(lines) == 1
    assert "no display" in lines[0]
    assert f"python -m examples.{game} --headless --seconds 5 --screenshot" in lines[0]


def test_a_display_that_does_not_answer_is_no_display_either(game: str) -> None:
    if sys.platform != "linux":
        pytest.skip("only on Linux there are displays that do not answer")
    result = play(game, display=":9999")
    assert result.returncode != 0
    assert "Traceback" not in result.stderr
    assert "--headless" in result.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere SDL has other names for the ways to show a window")
def test_a_way_to_show_a_window_that_there_is_not_is_said_in_one_line() -> None:
    pytest.importorskip("pygame", reason="pygame is not installed")
    command = [sys.executable, "-m", "examples.pygame_demo"]
    environment = os.environ | {"SDL_VIDEODRIVER": "nonsense"}
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1
    assert "nonsense not available" in result.stderr
    assert "--headless" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="only on Linux there may be no display")
def test_a_way_to_show_a_window_that_is_set_to_nothing_counts_as_not_set() -> None:
    pytest.importorskip("pygame", reason="pygame is not installed")
    command = [sys.executable, "-m", "examples.pygame_demo"]
    environment = {name: value for name, value in os.environ.items() if name not in {"DISPLAY", "WAYLAND_DISPLAY"}}
    environment["SDL_VIDEODRIVER"] = ""
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1
    assert "There is no display here" in result.stderr


def test_somebody_elses_server_is_played_on_with_bots_of_ones_own(game: str, tmp_path: Path) -> None:
    server = subprocess.Popen(
        [sys.executable, "-u", "-m", f"examples.{game}", "--serve", "0", "--seconds", "30"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        port = re.findall(r"port (\d+)", server.stdout.readline())[0]
        options = ("--name", "Guest", "--bots", "1", "--headless", "--seconds", "5")
        picture = tmp_path / "game.png"
        result = play(game, "--connect", f"localhost:{port}", *options, "--screenshot", str(picture))
    finally:
        server.terminate()
        server.communicate(timeout=10)
    assert result.returncode == 0, result.stderr
    assert sorted(re.findall(r"(\w+) (?:walked|flew)", result.stdout)) == ["Bolt", "Guest"]


def test_where_nobody_serves_it_keeps_trying_and_still_draws(game: str, tmp_path: Path) -> None:
    picture = tmp_path / "game.png"
    options = ("--connect", "localhost:9", "--headless", "--seconds", "1", "--screenshot", str(picture))
    result = play(game, *options)
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr
    assert picture.exists()


def test_a_taken_port_is_said_in_one_line(game: str) -> None:
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("0.0.0.0", 0))
        result = play(game, "--serve", str(taken.getsockname()[1]), "--seconds", "1")
    assert result.returncode != 0
    assert "Traceback" not in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send to a program")
@pytest.mark.parametrize("name", GAMES)
def test_ctrl_c_ends_a_server_with_bots_on_it(name: str) -> None:
    command = [sys.executable, "-u", "-m", f"examples.{name}", "--serve", "0", "--bots", "2"]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        assert "port" in server.stdout.readline()
        server.send_signal(signal.SIGINT)
        output, errors = server.communicate(timeout=30)
    finally:
        server.kill()
    assert server.returncode == 0
    assert "stopped" in output
    assert "Traceback" not in errors


@pytest.mark.parametrize("name", GAMES)
def test_networking_is_fewer_than_fifteen_lines_of_the_client(name: str) -> None:
    source = (ROOT / "examples" / name / "client.py").read_text()
    marked = [line for line in source.splitlines() if line.endswith("# net")]
    assert 5 < len(marked) < 15
    for line in source.splitlines():  # and the marks are honest: no line that uses the network is without one
        if re.search(r"self\.net\b|self\.link\b|self\.client|pygase\.Client|on_net_|\blink\.turn", line):
            assert line.endswith("# net") or "self.link.words" in line, line
