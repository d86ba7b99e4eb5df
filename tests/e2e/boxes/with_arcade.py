"""The boxes with Arcade: `python -m tests.e2e.boxes.with_arcade PORT OUT.png posted|outside`."""

import os
import sys
import time
from pathlib import Path
from typing import Any

import arcade

import pygase
from pygase.integrations.arcade import NetworkWindow
from tests.e2e.boxes.game import BACKGROUND, SIZE, new_game, picture
from tests.e2e.boxes.script import Script

KEYS = {
    arcade.key.LEFT: "left",
    arcade.key.RIGHT: "right",
    arcade.key.UP: "up",
    arcade.key.DOWN: "down",
    arcade.key.SPACE: "paint",
}


class Boxes(NetworkWindow):
    def __init__(self, port: int, out: Path, how: str) -> None:
        super().__init__(*SIZE, "boxes", antialiasing=False)
        self.how, self.out = how, out
        self.script = Script(out)
        self.seen: dict[str, Any] = new_game()
        self.pictured = False
        self.connect(port, "127.0.0.1")

    def on_net_connected(self, **_: Any) -> None:
        self.net.send("JOIN", retries=pygase.RELIABLE)

    def on_net_box_created(self, number: int) -> None:
        self.script.number = number

    def on_net_all_painted(self) -> None:
        self.script.all_painted = True

    def on_net_disconnected(self, **_: Any) -> None:
        if not self.script.over:
            os._exit(3)

    def on_key_press(self, symbol: int, modifiers: int) -> None:
        name = KEYS.get(symbol)
        if name == "paint":
            self.net.send("PAINT", retries=pygase.RELIABLE)
        elif name is not None:
            self.net.send("STEP", name, retries=pygase.RELIABLE)

    def on_update(self, delta_time: float) -> None:
        if arcade.headless:
            time.sleep(1 / 60)
        if self.pictured:  # By now it is on the screen, too.
            self.pictured = False
            print("PICTURE", flush=True)
            if self.how == "outside":
                sys.stdin.readline()  # The screen is looked at from outside meanwhile.
            self.net.send("FINISHED", retries=pygase.RELIABLE)
        key = self.script.next_key(self.seen)
        if key is not None:
            self.press(key)
        self.script.note(self.seen)
        if self.script.over:
            self.close()

    def on_draw(self) -> None:
        self.clear(BACKGROUND)
        self.seen = new_game() | self.state.to_dict()
        for (left, top, width, height), colour in picture(self.seen):
            arcade.draw_rect_filled(arcade.LBWH(left, SIZE[1] - top - height, width, height), colour)
        if self.script.wants_picture(self.seen):
            arcade.get_image().convert("RGB").save(self.out)
            self.pictured = True

    def press(self, name: str) -> None:
        if self.how == "outside":
            print(f"PRESS {name}", flush=True)
            return
        (symbol,) = (symbol for symbol, key in KEYS.items() if key == name)
        self.dispatch_event("on_key_press", symbol, 0)
        self.dispatch_event("on_key_release", symbol, 0)
        self.dispatch_events()  # They wait in pyglet's queue, which Arcade's loop without a window never empties.


if __name__ == "__main__":
    Boxes(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
    arcade.run()
