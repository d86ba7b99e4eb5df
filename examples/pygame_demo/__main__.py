"""``python -m examples.pygame_demo`` plays tag; ``--help`` says what else it does."""

import sys

from examples.launcher import Game, Options, launch
from examples.link import Address
from examples.pygame_demo.bot import Bot
from examples.pygame_demo.server import TICK_SECONDS, create_backend


def play(options: Options, address: Address) -> None:
    """Open the window. Only here pygame is imported: a server needs none."""
    from examples.pygame_demo.client import play as play_in_window  # noqa: PLC0415

    play_in_window(options, address)


GAME = Game(
    module="examples.pygame_demo",
    title="tag",
    engine="pygame",
    tick_seconds=TICK_SECONDS,
    create_backend=create_backend,
    create_bot=Bot,
    play=play,
)

if __name__ == "__main__":
    sys.exit(launch(GAME))
