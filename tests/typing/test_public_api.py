"""The public API has the types that `public_api.py` asserts, and all of it is asserted there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import pygase

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def test_public_api_has_the_asserted_types() -> None:
    pytest.importorskip("mypy", reason="mypy is not installed")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", str(HERE / "public_api.py")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    ours = [line for line in done.stdout.splitlines() if line.startswith("tests/typing/")]
    assert not ours, "\n".join(ours)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", pygase.__all__)
def test_typing_test_covers(name: str) -> None:
    source = (HERE / "public_api.py").read_text(encoding="utf-8")
    assert len(re.findall(rf"\b{name}\b", source)) > 1, f"{name} is imported by public_api.py but not used"


def test_package_says_that_it_is_typed() -> None:
    assert (Path(pygase.__file__).parent / "py.typed").is_file()


def test_public_names_are_sorted_and_exist() -> None:
    assert pygase.__all__ == sorted(pygase.__all__, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    for name in pygase.__all__:
        assert getattr(pygase, name) is not None
