"""The boxes with pygame: `python -m tests.e2e.boxes.with_pygame PORT OUT.png posted|outside`."""

import sys
from pathlib import Path
from typing import Any

import pygame

import pygase
from pygase.integrations.pygame import PygameAdapter
from tests.e2e.boxes.game import BACKGROUND, SIZE, new_game, picture
from tests.e2e.boxes.script import Script

KEYS = {
    pygame.K_LEFT: "left",
    pygame.K_RIGHT: "right",
    pygame.K_UP: "up",
    pygame.K_DOWN: "down",
    pygame.K_SPACE: "paint",
}


class Boxes:
    def __init__(self, port: int, out: Path, how: str) -> None:
        self.how, self.out = how, out
        self.script = Script(out)
        pygame.display.init()
        self.screen = pygame.display.set_mode(SIZE)
        pygame.display.set_caption("boxes")
        client = pygase.Client()
        self.net = PygameAdapter(client)
        client.connect_in_thread(port, "127.0.0.1")

    def run(self) -> None:
        clock = pygame.time.Clock()
        while not self.script.over:
            for event in self.net.events():
                self.handle(event)
            state = self.draw()
            pygame.display.flip()
            if self.script.wants_picture(state):
                pygame.image.save(self.screen, self.out)
                print("PICTURE", flush=True)
                if self.how == "outside":
                    sys.stdin.readline()  # The screen is looked at from outside meanwhile.
                self.net.send("FINISHED", retries=pygase.RELIABLE)
            key = self.script.next_key(state)
            if key is not None:
                self.press(key)
            self.script.note(state)
            clock.tick(60)
        self.net.close()
        pygame.quit()

    def handle(self, event: Any) -> None:
        if event.type == self.net.type_for("CONNECTED"):
            self.net.send("JOIN", retries=pygase.RELIABLE)
        elif event.type == self.net.type_for("BOX_CREATED"):
            self.script.number = event.args[0]
        elif event.type == self.net.type_for("ALL_PAINTED"):
            self.script.all_painted = True
        elif event.type == self.net.type_for("DISCONNECTED"):
            sys.exit(3)
        elif event.type == pygame.KEYDOWN and event.key in KEYS:
            if KEYS[event.key] == "paint":
                self.net.send("PAINT", retries=pygase.RELIABLE)
            else:
                self.net.send("STEP", KEYS[event.key], retries=pygase.RELIABLE)

    def draw(self) -> dict[str, Any]:
        with self.net.render_state() as game_state:
            state = new_game() | game_state.to_dict()
            self.screen.fill(BACKGROUND)
            for rect, colour in picture(state):
                self.screen.fill(colour, rect)
        return state

    def press(self, name: str) -> None:
        if self.how == "outside":
            print(f"PRESS {name}", flush=True)
            return
        (code,) = (code for code, key in KEYS.items() if key == name)
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=code, mod=0, unicode="", scancode=0))
        pygame.event.post(pygame.event.Event(pygame.KEYUP, key=code, mod=0, unicode="", scancode=0))


if __name__ == "__main__":
    Boxes(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]).run()
