from dataclasses import replace
from pathlib import Path

import pytest

from examples.launcher import HEADLESS_SECONDS, Game, Options, launch, parse
from examples.pygame_demo.__main__ import GAME


def refuse(options: Options) -> None:
    raise AssertionError("nothing is to be opened")


GAME_WITHOUT_WINDOW: Game = replace(GAME, open_window=refuse)  # type: ignore[arg-type]


def test_without_options_one_plays_against_three_bots() -> None:
    assert parse(GAME, []) == Options(None, None, "Player", 3, None, headless=False, screenshot=None)


def test_on_a_server_there_are_only_the_bots_that_were_asked_for() -> None:
    assert parse(GAME, ["--serve", "0"]).bots == 0
    assert parse(GAME, ["--connect", "localhost:1"]).bots == 0
    assert parse(GAME, ["--connect", "localhost:1", "--bots", "2"]).bots == 2


def test_a_headless_game_ends_by_itself() -> None:
    assert parse(GAME, ["--headless"]).seconds == HEADLESS_SECONDS
    assert parse(GAME, ["--headless", "--seconds", "2"]).seconds == 2


def test_addresses_are_a_host_and_a_port() -> None:
    assert parse(GAME, ["--connect", "example.org:8080"]).connect == ("example.org", 8080)
    assert parse(GAME, ["--connect", "[::1]:8080"]).connect == ("::1", 8080)
    assert parse(GAME, ["--screenshot", "a.png"]).screenshot == Path("a.png")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--connect", "localhost"], "HOST:PORT"),
        (["--connect", ":1"], "HOST:PORT"),
        (["--connect", "localhost:70000"], "0 to 65535"),
        (["--serve", "-1"], "0 to 65535"),
        (["--serve", "x"], "invalid"),
        (["--bots", "65"], "0 to 64"),
        (["--seconds", "0"], "more than 0"),
        (["--seconds", "nan"], "more than 0"),
        (["--screenshot", "a.jpg"], ".png"),
        (["--serve", "1", "--connect", "localhost:1"], "not allowed with"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        launch(GAME_WITHOUT_WINDOW, arguments)
    assert end.value.code == 2
    assert complaint in capsys.readouterr().err


def test_a_missing_engine_is_named_with_the_command_that_installs_it(capsys: pytest.CaptureFixture[str]) -> None:
    def miss(options: Options) -> None:
        raise ModuleNotFoundError("No module named 'pygame'", name="pygame")

    assert launch(replace(GAME, open_window=miss), []) == 1  # type: ignore[arg-type]
    assert 'python -m pip install "pygase[pygame]"' in capsys.readouterr().err


def test_a_missing_graphics_library_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    def miss(options: Options) -> None:
        raise ImportError('Library "GL" not found.')

    assert launch(replace(GAME, open_window=miss), []) == 1  # type: ignore[arg-type]
    assert capsys.readouterr().err == 'pygame cannot start here: Library "GL" not found.\n'
