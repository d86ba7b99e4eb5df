"""The layers of docs/architecture.md, checked, and that no engine comes along uninvited."""

import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import pygase

ROOT = Path(__file__).resolve().parent.parent
ENGINES = ("pygame", "arcade", "pyglet")


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_import_contracts_are_kept() -> None:
    pytest.importorskip("importlinter", reason="import-linter is not installed")
    lint = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_logo=True))"
    done = run_python(lint)
    assert done.returncode == 0, done.stdout + done.stderr


def test_importing_pygase_imports_no_engine() -> None:
    done = run_python(f"import sys, pygase; print([e for e in {ENGINES!r} if e in sys.modules])")
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def module_names() -> list[str]:
    """Every module of pygase that must import where no engine is installed."""
    found = pkgutil.walk_packages(pygase.__path__, "pygase.")
    engine_modules = {f"pygase.integrations.{name}" for name in ("pygame", "arcade", "arcade_adapter")}
    return sorted(m.name for m in found if m.name not in engine_modules and not m.name.endswith("__main__"))


def test_every_other_module_imports_without_an_engine() -> None:
    block = f"import sys; sys.modules.update(dict.fromkeys({ENGINES!r}))"
    imports = "; ".join(f"import {name}" for name in module_names())
    done = run_python(f"{block}; {imports}")
    assert done.returncode == 0, done.stderr
