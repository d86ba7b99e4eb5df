"""``python -m examples.pygame_demo`` plays tag; ``--help`` says what else it does."""

import sys

from examples.launcher import Game, Options, Window, launch
from examples.pygame_demo.bot import Bot
from examples.pygame_demo.server import TICK_SECONDS, create_backend


def open_window(options: Options) -> Window:
    """Open the window. Only here pygame is imported: a server needs none."""
    from examples.pygame_demo.client import Tag  # noqa: PLC0415

    return Tag(options)


GAME = Game(
    module="examples.pygame_demo",
    title="tag",
    engine="pygame",
    tick_seconds=TICK_SECONDS,
    create_backend=create_backend,
    create_bot=Bot,
    open_window=open_window,
)

if __name__ == "__main__":
    sys.exit(launch(GAME))
