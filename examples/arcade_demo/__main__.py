"""``python -m examples.arcade_demo`` plays the space arena; ``--help`` says what else it does."""

import sys

from examples.launcher import Game, Options, launch
from examples.link import Address
from examples.arcade_demo.bot import Bot
from examples.arcade_demo.server import TICK_SECONDS, create_backend


def play(options: Options, address: Address) -> None:
    """Open the window. Only here Arcade is imported: a server needs none."""
    from examples.arcade_demo.client import play as play_in_window  # noqa: PLC0415

    play_in_window(options, address)


GAME = Game(
    module="examples.arcade_demo",
    title="arena",
    engine="arcade",
    tick_seconds=TICK_SECONDS,
    create_backend=create_backend,
    create_bot=Bot,
    play=play,
)

if __name__ == "__main__":
    sys.exit(launch(GAME))
