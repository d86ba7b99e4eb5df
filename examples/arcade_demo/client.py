"""The pilot's side of the space arena, from top to bottom: a window, the keys, sixty frames a second.

The lines that have to do with the network end in ``# net``. The rest is a game as any other made with Arcade.
"""

import time
from random import Random
from typing import Any

import arcade
import pyglet

import pygase
from examples.arcade_demo import rules
from examples.arcade_demo.bot import Mind
from examples.arcade_demo.drawing import Picture
from examples.arcade_demo.rules import Controls
from examples.launcher import CannotShowError, Options
from examples.link import Address, Link
from pygase.integrations.arcade import NetworkWindow
from pygase.state.interpolation import Cyclic, Smoothed

FRAMES_PER_SECOND = 60
CONTROLS_PER_SECOND = 30

# Between two updates of the server, these move smoothly. Space comes round again, and so do angles.
SMOOTH: list[str | Smoothed] = [
    *(Cyclic(f"{kind}.*.position", (rules.WIDTH, rules.HEIGHT)) for kind in ("ships", "rocks", "shots")),
    *(f"{kind}.*.angle" for kind in ("ships", "rocks")),
]

LEFT, RIGHT = {arcade.key.LEFT, arcade.key.A}, {arcade.key.RIGHT, arcade.key.D}
THRUST, FIRE = {arcade.key.UP, arcade.key.W}, {arcade.key.SPACE}


class Arena(NetworkWindow):
    """The game as one pilot sees it."""

    link: Link

    def __init__(self, options: Options) -> None:
        try:
            super().__init__(rules.WIDTH, rules.HEIGHT, "pygase space arena", interpolate=SMOOTH)  # net
        except pyglet.window.WindowException as problem:
            raise CannotShowError(f"No window can be opened here ({problem})") from None
        except Exception as problem:
            if type(problem).__name__ != "NoSuchDisplayException":  # It can be imported only where there is X.
                raise
            raise CannotShowError("There is no display here") from None
        self.options = options
        self.picture = Picture()
        self.autopilot = Mind(Random(1)) if options.headless else None
        self.pressed: set[int] = set()
        self.own_id: int | None = None
        self.shown: dict[str, Any] = rules.new_game()
        self.seconds = 0.0

    def play(self, address: Address) -> None:
        """Play until the window is closed or the time is up."""
        self.link = Link(self.client, address)  # net
        arcade.run()
        if self.options.screenshot is not None:
            print(f"{self.options.screenshot}: {self.picture.summary(self.shown)}")

    def on_net_connected(self, **_: Any) -> None:  # net
        """The server is there: ask it for a ship."""
        self.net.send("JOIN", self.options.name, retries=pygase.RELIABLE)  # net

    def on_net_reconnected(self, **_: Any) -> None:  # net
        """We were cut off and are back: ask again, the answer is the same ship."""
        self.net.send("JOIN", self.options.name, retries=pygase.RELIABLE)  # net

    def on_net_ship_created(self, ship_id: int) -> None:  # net
        """The server has answered: this ship is ours."""
        self.own_id = ship_id

    def on_net_disconnected(self, **_: Any) -> None:  # net
        """The connection is gone, and the ship with it."""
        self.own_id = None

    def on_net_hit(self, ship_id: int, position: list[float]) -> None:  # net
        """A shield was hit."""
        self.picture.show_hit(self.shown, ship_id, (position[0], position[1]))

    def on_net_explosion(self, position: list[float], **details: Any) -> None:  # net
        """A rock or a ship blew up."""
        self.picture.show_explosion(self.shown, (position[0], position[1]), **details)

    def on_key_press(self, symbol: int, modifiers: int) -> None:  # noqa: ARG002
        """Remember what is held down; Escape leaves."""
        self.pressed.add(symbol)
        if symbol == arcade.key.ESCAPE:
            self.leave()

    def on_key_release(self, symbol: int, modifiers: int) -> None:  # noqa: ARG002
        """Forget what is no longer held down."""
        self.pressed.discard(symbol)

    def on_update(self, delta_time: float) -> None:
        """Send what the pilot does. The server flies the ship, and the picture follows."""
        if self.options.headless:
            time.sleep(1 / FRAMES_PER_SECOND)  # Arcade's loop without a window does not wait for anything.
        self.seconds += delta_time
        self.link.turn()  # net
        if self.own_id is not None and self.own_id in self.shown["ships"]:
            controls = self.autopilot.decide(self.shown, self.own_id) if self.autopilot else self.held_controls()
            self.net.send("CONTROLS", controls.turn, controls.thrust, controls.fire, rate=CONTROLS_PER_SECOND)  # net
        self.picture.update(self.shown, delta_time)
        if self.options.seconds is not None and self.seconds >= self.options.seconds:
            self.leave()

    def on_draw(self) -> None:
        """Draw what the state shows."""
        self.shown = rules.new_game() | self.state.to_dict()  # net
        self.clear()
        self.picture.draw(self.shown, self.own_id, (self.link.words, self.link.phase.colour))

    def held_controls(self) -> Controls:
        """What the pressed keys say."""
        turn = bool(self.pressed & RIGHT) - bool(self.pressed & LEFT)
        return Controls(turn, thrust=bool(self.pressed & THRUST), fire=bool(self.pressed & FIRE))

    def leave(self) -> None:
        """Save the last picture if that was asked for, and close the window."""
        if self.options.screenshot is not None:
            arcade.get_image().convert("RGB").save(self.options.screenshot)
        self.close()
