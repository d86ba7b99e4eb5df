"""The code in README.md and in docs/ runs as it stands there."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pygase import DisconnectReason
from tests.docs.blocks import ROOT, blocks_of, pages, runnable

PAGES = [page for page in pages() if runnable(page)]


def names(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_code_on_the_page_runs(page: Path) -> None:
    source = "".join(block.code for block in runnable(page))
    for engine in ("pygame", "arcade"):
        if f"import {engine}" in source and importlib.util.find_spec(engine) is None:
            pytest.skip(f"{engine} is not installed")
    arguments = ["host"] if page.name == "README.md" else []
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.docs.run_page", str(page), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr


@pytest.mark.parametrize("page", pages(), ids=names)
def test_a_block_that_is_not_run_says_why(page: Path) -> None:
    for block in blocks_of(page):
        assert block.skip is None or len(block.skip) > 15, f"{page}:{block.line}: {block.skip!r} is no reason"
        if block.skip is not None:
            compile(block.code, f"{page}:{block.line}", "exec")


@pytest.mark.parametrize("page", pages(), ids=names)
def test_what_the_page_points_to_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for block in blocks_of(page):
        assert block.include is None or (ROOT / block.include).is_file(), block.include
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", text):
        assert (page.parent / target).exists(), f"{page}: {target} does not exist"


@pytest.mark.parametrize("page", pages(), ids=names)
def test_tests_named_on_the_page_exist(page: Path) -> None:
    for path, name in re.findall(r"`(tests/[\w/.-]+\.py)(?:::(\w+))?`", page.read_text(encoding="utf-8")):
        file = ROOT / path
        assert file.is_file() or "NAME" in path, f"{page}: {path} does not exist"
        if name:
            assert f"def {name}(" in file.read_text(encoding="utf-8"), f"{page}: {path} has no {name}"


def test_readme_has_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert 'python -m pip install -e ".[pygame]" && python -m examples.pygame_demo' in text
    assert 'python -m pip install -e ".[dev]" && python -m pytest' in text


def test_readme_game_is_about_thirty_lines() -> None:
    (game,) = runnable(ROOT / "README.md")
    assert len([line for line in game.code.splitlines() if line.strip()]) <= 32


def test_protocol_lists_every_reason_by_its_number() -> None:
    text = (ROOT / "docs" / "PROTOCOL.md").read_text(encoding="utf-8")
    for number, reason in enumerate(DisconnectReason):
        assert f"| {number:02x} | {reason} |" in text
