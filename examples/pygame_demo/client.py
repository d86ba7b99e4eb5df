"""The player's side of tag, from top to bottom: a window, the keys, sixty frames a second.

The lines that have to do with the network end in ``# net``. The rest is the single-player game that it was.
"""

import math
import os
from random import Random
from typing import Any

import pygame

import pygase
from examples.launcher import CannotShowError, Options
from examples.link import Address, Link
from examples.pygame_demo import rules
from examples.pygame_demo.bot import Mind
from examples.pygame_demo.drawing import SIZE, Picture
from pygase.integrations.pygame import PygameAdapter

FRAMES_PER_SECOND = 60
MOVES_PER_SECOND = 60
TOO_FAR = 160.0
"""So many pixels away from where the server has us we have gone wrong, and it is right."""


class Tag:
    """The game as one player sees it."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.screen = open_window(headless=options.headless)
        self.picture = Picture(self.screen)
        self.autopilot = Mind(Random(1)) if options.headless else None
        self.state: dict[str, Any] = rules.new_game()
        self.own_id: int | None = None
        self.position: rules.Vector | None = None

        self.running = True
        self.client = pygase.Client()  # net
        self.net = PygameAdapter(self.client, interpolate=("players.*.position",))  # net

    def play(self, address: Address) -> None:
        """Play until the window is closed or the time is up."""
        link = Link(self.client, address)  # net
        clock = pygame.time.Clock()
        seconds = 0.0
        while self.running and (self.options.seconds is None or seconds < self.options.seconds):
            dt = clock.tick(FRAMES_PER_SECOND) / 1000
            seconds += dt
            link.turn()  # net
            self.update(dt)
            self.picture.draw(self.state, self.own_id, self.position, (link.words, link.phase.colour), dt)
            pygame.display.flip()
        self.net.close()  # net
        if self.options.screenshot is not None:
            pygame.image.save(self.screen, self.options.screenshot)
            print(f"{self.options.screenshot}: {self.picture.summary(self.state)}")
        pygame.quit()

    def update(self, dt: float) -> None:
        """Everything that happens between two pictures."""
        for event in self.net.events():  # net
            self.handle(event)
        with self.net.render_state() as game_state:  # net
            self.state = rules.new_game() | game_state.to_dict()  # net
        if self.own_id is not None and self.own_id in self.state["players"]:
            self.walk(self.own_id, dt)

    def handle(self, event: pygame.event.Event) -> None:
        """Keys and the window's buttons come as events, and so does what the server sends."""
        if event.type == pygame.QUIT or (event.type == pygame.KEYDOWN and event.key == pygame.K_ESCAPE):
            self.running = False
        elif event.type in {self.net.type_for("CONNECTED"), self.net.type_for("RECONNECTED")}:  # net
            self.net.send("JOIN", self.options.name, retries=pygase.RELIABLE)  # net
        elif event.type == self.net.type_for("PLAYER_CREATED"):  # net
            self.own_id, self.position = event.args[0], None
        elif event.type == self.net.type_for("DISCONNECTED"):  # net
            self.own_id = None
        elif event.type == self.net.type_for("CAUGHT"):  # net
            self.picture.show_catch(self.state, *event.args)

    def walk(self, own_id: int, dt: float) -> None:
        """Move at once by our own reckoning, and tell the server where we are."""
        x, y = self.state["players"][own_id]["position"]
        if self.position is None or math.dist(self.position, (x, y)) > TOO_FAR:
            self.position = (x, y)
        direction = pressed_direction()
        if self.autopilot:
            direction = self.autopilot.decide(self.state, own_id, self.position, dt)
        self.position = rules.walk(self.position, direction, rules.speed_of(self.state, own_id), dt)
        self.net.send("MOVE", *self.position, rate=MOVES_PER_SECOND)  # net


def pressed_direction() -> rules.Vector:
    """Where the pressed keys point to."""
    keys = pygame.key.get_pressed()
    right = (keys[pygame.K_RIGHT] or keys[pygame.K_d]) - (keys[pygame.K_LEFT] or keys[pygame.K_a])
    down = (keys[pygame.K_DOWN] or keys[pygame.K_s]) - (keys[pygame.K_UP] or keys[pygame.K_w])
    return right, down


def open_window(*, headless: bool) -> pygame.Surface:
    """A window, or without one a surface to draw on all the same."""
    pygame.font.init()
    if os.environ.get("SDL_VIDEODRIVER") == "":
        del os.environ["SDL_VIDEODRIVER"]  # set, but to nothing: pygame looks for that on Windows
    try:
        pygame.display.init()
        screen = pygame.display.set_mode(SIZE, 0 if headless else pygame.SCALED | pygame.RESIZABLE)
    except pygame.error as problem:
        raise CannotShowError(f"No window can be opened here ({problem})") from None
    if not headless and pygame.display.get_driver() in {"offscreen", "dummy"}:
        pygame.quit()
        raise CannotShowError("There is no display here")
    pygame.display.set_caption("pygase tag")
    return screen
