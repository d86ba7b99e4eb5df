"""``python -m examples.arcade_demo`` plays the space arena; ``--help`` says what else it does."""

import sys

from examples.arcade_demo.bot import Bot
from examples.arcade_demo.server import TICK_SECONDS, create_backend
from examples.launcher import Game, Options, Window, launch


def open_window(options: Options) -> Window:
    """Open the window. Only here Arcade is imported: a server needs none."""
    from examples.arcade_demo.client import Arena  # noqa: PLC0415

    return Arena(options)


GAME = Game(
    module="examples.arcade_demo",
    title="arena",
    engine="arcade",
    tick_seconds=TICK_SECONDS,
    create_backend=create_backend,
    create_bot=Bot,
    open_window=open_window,
)

if __name__ == "__main__":
    sys.exit(launch(GAME))
