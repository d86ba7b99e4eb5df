"""The recipes of docs/howto/other_engines.md, each in its engine, on a real server, with players to draw."""

import importlib.util
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, blocks_of

PAGE = ROOT / "docs" / "howto" / "other_engines.md"

COMMON = """
    import json, sys, threading
    from pygase import RELIABLE, Backend, Client, GameState
    from pygase.integrations import base

    def step(state, dt):
        return {"players": {"Ada": {"position": [state.players["Ada"]["position"][0] + dt, 20.0]}}}

    backend = Backend(GameState(players={"Ada": {"position": [10.0, 20.0]}}), step)
    backend.run_in_thread("localhost", 0)
    client = Client()
    stopped, drawn, threads = [], [], set()

    class Watched(base.FrameAdapter):
        def pump(self, dt=None):
            super().pump(dt)
            threads.add(threading.get_ident())
            if len(drawn) >= 20 and not stopped:
                stopped.append(True)
                stop()

        def render_state(self):
            with super().render_state() as state:
                drawn.extend(getattr(state, "players", {}))
            return super().render_state()

    base.FrameAdapter = Watched

    def report():
        print(json.dumps({"drawn": drawn[:20], "threads": len(threads), "stopped": bool(stopped)}), flush=True)

    while not backend.server.port:
        pass
    client.connect_in_thread(backend.server.port)
"""
"""Serves a game, and ends the engine by `stop()` once players have been drawn in some frames."""

ENGINES = {
    "pyglet": """
        def stop():
            pyglet.app.exit()
        play(client)
        report()
    """,
    "raylib": """
        def stop():
            rl.window_should_close = lambda: True
        play(client)
        report()
    """,
    "pyxel": """
        def stop():
            report()
            pyxel.quit()
        play(client)
    """,
    "textual": """
        import asyncio

        def stop():
            app.exit()

        async def run():
            async with app.run_test():
                while not stopped:
                    await asyncio.sleep(0.01)

        app = Players()
        app.client = client
        asyncio.run(run())
        report()
    """,
    "panda3d": """
        import types

        def stop():
            report()
            sys.exit()

        game = types.SimpleNamespace(setPos=lambda x, y, z: None)
        Game.model_of = lambda self, name: game
        Game(client, windowType="offscreen").run()
    """,
}


def recipes() -> dict[str, str]:
    """The page's recipes, by engine: the blocks that are run here."""
    text = PAGE.read_text(encoding="utf-8").splitlines()
    found = {}
    for block in blocks_of(PAGE):
        if block.skip is not None and "tests/integrations/test_recipes.py" in block.skip:
            heading = [line for line in text[: block.line] if line.startswith("## ")][-1]
            found[heading.removeprefix("## ").lower()] = block.code
    return found


def test_every_recipe_is_run() -> None:
    assert recipes().keys() == ENGINES.keys()


@pytest.mark.parametrize("engine", ENGINES)
def test_recipe_is_under_fifteen_lines(engine: str) -> None:
    assert len([line for line in recipes()[engine].splitlines() if line.strip()]) < 15


@pytest.mark.parametrize("engine", ENGINES)
def test_recipe_draws_what_the_server_has(engine: str, virtual_display: str, tmp_path: Path) -> None:
    if importlib.util.find_spec(engine) is None:
        pytest.skip(f"{engine} is not installed")
    program = textwrap.dedent(COMMON) + recipes()[engine] + "\n" + textwrap.dedent(ENGINES[engine])
    env = {**os.environ, "DISPLAY": virtual_display, "PYTHONPATH": str(ROOT), "SDL_AUDIODRIVER": "dummy"}
    env.pop("ARCADE_HEADLESS", None)
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=env,
        cwd=tmp_path,
        timeout=60,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert lines, done.stdout[-2000:] + done.stderr[-3000:]
    seen = json.loads(lines[-1])
    assert seen == {"drawn": ["Ada"] * 20, "threads": 1, "stopped": True}
    assert "Traceback" not in done.stderr, done.stderr
