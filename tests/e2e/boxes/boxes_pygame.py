"""The boxes with pygame: `boxes_pygame.py PORT OUT.png posted|outside`."""

import sys
from pathlib import Path

import pygame
from boxes_game import BACKGROUND, SIZE, new_game, picture
from boxes_script import Script

import pygase
from pygase.integrations.pygame import PygameAdapter

KEYS = {
    pygame.K_LEFT: "left",
    pygame.K_RIGHT: "right",
    pygame.K_UP: "up",
    pygame.K_DOWN: "down",
    pygame.K_SPACE: "paint",
}


def main(port: int, out: Path, how: str) -> None:
    pygame.display.init()
    screen = pygame.display.set_mode(SIZE)
    pygame.display.set_caption("boxes")
    clock = pygame.time.Clock()
    client = pygase.Client()
    script = Script(out)
    with PygameAdapter(client) as net:
        client.connect_in_thread(port, "127.0.0.1")
        while not script.over:
            for event in net.events():
                if event.type == net.type_for("CONNECTED"):
                    net.send("JOIN", retries=pygase.RELIABLE)
                elif event.type == net.type_for("BOX_CREATED"):
                    script.number = event.args[0]
                elif event.type == net.type_for("ALL_PAINTED"):
                    script.all_painted = True
                elif event.type == net.type_for("DISCONNECTED"):
                    sys.exit("disconnected")
                elif event.type == pygame.KEYDOWN and event.key in KEYS:
                    if KEYS[event.key] == "paint":
                        net.send("PAINT", retries=pygase.RELIABLE)
                    else:
                        net.send("STEP", KEYS[event.key], retries=pygase.RELIABLE)
            with net.render_state() as game_state:
                state = new_game() | game_state.to_dict()
                screen.fill(BACKGROUND)
                for rect, colour in picture(state):
                    screen.fill(colour, rect)
            key = script.next_key(state)
            if key is not None:
                press(key, how)
            pygame.display.flip()
            if script.wants_picture(state):
                pygame.image.save(screen, out)
                print("PICTURE", flush=True)
                if how == "outside":
                    sys.stdin.readline()  # The screen is looked at from outside meanwhile.
                net.send("FINISHED", retries=pygase.RELIABLE)
            script.note(state)
            clock.tick(60)
    pygame.quit()


def press(name: str, how: str) -> None:
    if how == "outside":
        print(f"PRESS {name}", flush=True)
        return
    (code,) = (code for code, key in KEYS.items() if key == name)
    pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=code, mod=0, unicode="", scancode=0))
    pygame.event.post(pygame.event.Event(pygame.KEYUP, key=code, mod=0, unicode="", scancode=0))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
