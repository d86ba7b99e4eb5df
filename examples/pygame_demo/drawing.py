"""How tag looks. It knows pygame and the state of the game, and nothing of the network."""

import math
import textwrap
from collections import deque
from dataclasses import dataclass
from random import Random
from typing import Any

import pygame

from examples.colours import DANGER, DUSK_EDGE, NIGHT, PANEL, PLAYERS, QUIET_TEXT, SHIELD, TEXT, Colour, mixed
from examples.pygame_demo import rules
from examples.pygame_demo.shapes import Point, ball, disc, floor, glow, panel, ring, stamp, write
from examples.roster import ranking

SIZE = (1280, 720)
"""Of the window: the arena, a headline above it, and a panel beside it that covers nobody."""

ARENA = pygame.Rect(16, 64, rules.WIDTH, rules.HEIGHT)
SIDE = pygame.Rect(ARENA.right + 16, 16, SIZE[0] - ARENA.right - 32, SIZE[1] - 32)
HELP = ("arrow keys or WASD to run", "Esc to leave")

TRAIL_LENGTH = 26
TRAIL_GAP = 7.0
"""Pixels between two dots of a trail, however fast frames come."""

MESSAGE_SECONDS = 5.0
MOST_SCORES = 9


@dataclass
class Spark:
    """One dot of a burst."""

    x: float
    y: float
    speed_x: float
    speed_y: float
    colour: Colour
    age: float = 0.0


class Picture:
    """Draws the game onto a surface, and remembers what moves on: trails, sparks, messages."""

    def __init__(self, surface: pygame.Surface) -> None:
        self.surface = surface
        self.arena = surface.subsurface(ARENA)
        self.floor = floor(rules.WIDTH, rules.HEIGHT, rules.PILLARS)
        self.trails: dict[int, deque[Point]] = {}
        self.walked: dict[int, float] = {}
        self.sparks: list[Spark] = []
        self.messages: deque[tuple[str, float]] = deque(maxlen=5)
        self.seconds = 0.0
        self._random = Random(1)

    def draw(
        self,
        state: dict[str, Any],
        own_id: int | None,
        own_position: Point | None,
        connection: tuple[str, Colour],
        dt: float,
    ) -> None:
        """Draw one frame.

        Args:
            state: Of the game.
            own_id: Which player this is, if it has joined.
            own_position: Where this player is by its own reckoning, which is ahead of the server's.
            connection: What the connection does, in words, and in which colour.
            dt: Seconds since the last frame.
        """
        self.seconds += dt
        players = state["players"]
        places = {number: tuple(player["position"]) for number, player in players.items()}
        if own_id in places and own_position is not None:
            places[own_id] = own_position
        self.surface.fill(NIGHT)
        self.arena.blit(self.floor, (0, 0))
        self._draw_trails(players, places)
        self._draw_sparks(dt)
        for number in sorted(players, key=lambda number: number == own_id):
            self._draw_player(state, number, places[number], is_own=number == own_id)
        self._draw_headline(state, own_id)
        stamp(self.surface, panel(*SIDE.size), SIDE.center)
        self._draw_scores(state, own_id)
        self._draw_messages()
        self._draw_help_and_connection(*connection)

    def show_catch(self, state: dict[str, Any], catcher_id: int, caught_id: int) -> None:
        """Let sparks fly where somebody has just been caught, and say who."""
        players = state["players"]
        if catcher_id not in players or caught_id not in players:
            return
        catcher, caught = players[catcher_id], players[caught_id]
        self.messages.append((f"{catcher['name']} caught {caught['name']}", self.seconds))
        for number in range(70):
            angle, speed = self._random.uniform(0, math.tau), self._random.uniform(60, 420)
            colour = PLAYERS[caught["colour"]] if number % 2 else DANGER
            x, y = caught["position"]
            self.sparks.append(Spark(x, y, math.cos(angle) * speed, math.sin(angle) * speed, colour))

    def summary(self, state: dict[str, Any]) -> str:
        """Who is in the picture and how far each has gone, in words."""
        walkers = [
            f"{player['name']} walked {self.walked.get(number, 0.0):.0f} px"
            for number, player in state["players"].items()
        ]
        return ", ".join(walkers) or "nobody is here"

    def _draw_trails(self, players: dict[int, Any], places: dict[int, Point]) -> None:
        for number in set(self.trails) - set(players):
            del self.trails[number]
        for number, place in places.items():
            trail = self.trails.setdefault(number, deque([place], maxlen=TRAIL_LENGTH))
            if math.dist(trail[-1], place) > TRAIL_GAP:
                self.walked[number] = self.walked.get(number, 0.0) + math.dist(trail[-1], place)
                trail.append(place)
            colour = PLAYERS[players[number]["colour"]]
            for age, dot in enumerate(reversed(trail)):
                fade = 1 - age / TRAIL_LENGTH
                stamp(self.arena, glow(int(6 + 22 * fade), colour, int(160 * fade)), dot)

    def _draw_sparks(self, dt: float) -> None:
        for spark in self.sparks:
            spark.age += dt
            spark.x += spark.speed_x * dt
            spark.y += spark.speed_y * dt
            spark.speed_x *= 1 - 2.5 * dt
            spark.speed_y *= 1 - 2.5 * dt
            strength = int(255 * max(0.0, 1 - spark.age)) // 32 * 32  # In steps, so that few lights are kept.
            stamp(self.arena, glow(10, spark.colour, strength), (spark.x, spark.y))
        self.sparks = [spark for spark in self.sparks if spark.age < 1.0]

    def _draw_player(self, state: dict[str, Any], number: int, place: Point, *, is_own: bool) -> None:
        player, protection = state["players"][number], state["protection"]
        chases = number == state["chaser_id"]
        if chases:
            self._draw_chaser_light(place, is_awake=protection == 0)
        stamp(self.arena, ball(rules.RADIUS, PLAYERS[player["colour"]]), place)
        if is_own:
            stamp(self.arena, ring(rules.RADIUS, 3, TEXT), place)
        if protection > 0:
            self._draw_countdown(place, protection, DANGER if chases else SHIELD)
            if chases:
                write(self.arena, f"{math.ceil(protection)}", 36, NIGHT, place, anchor="center")
        name = f"{player['name']} (you)" if is_own else player["name"]
        above = place[1] > rules.HEIGHT - rules.RADIUS - 40
        label_y = place[1] + (-1 if above else 1) * (rules.RADIUS + 20)
        write(self.arena, name, 22, TEXT, (place[0], label_y), anchor="center", is_inside=True)

    def _draw_chaser_light(self, place: Point, *, is_awake: bool) -> None:
        """A red light and, when the hunt is on, a turning crown of spikes."""
        pulse = 1 + 0.1 * math.sin(self.seconds * 9) if is_awake else 0.9
        stamp(self.arena, glow(int(rules.RADIUS * 2.6 * pulse), DANGER, 200 if is_awake else 110), place)
        if is_awake:
            for spike in range(10):
                angle = self.seconds * 2.6 + spike * math.tau / 10
                stamp(self.arena, disc(5, DANGER), _around(place, angle, rules.RADIUS + 8))

    def _draw_countdown(self, place: Point, seconds: float, colour: Colour) -> None:
        """A ring of dots, one fewer every little while."""
        count = 30
        for number in range(math.ceil(count * seconds / rules.PROTECTION_SECONDS)):
            stamp(self.arena, disc(3, colour), _around(place, number * math.tau / count, rules.RADIUS + 9))

    def _draw_headline(self, state: dict[str, Any], own_id: int | None) -> None:
        players = state["players"]
        if own_id is None or own_id not in players:
            stamp(self.surface, panel(520, 230), (ARENA.centerx, 360))
            write(self.surface, "TAG", 130, TEXT, (ARENA.centerx, 330), anchor="center")
            write(self.surface, "caught? then you chase", 36, QUIET_TEXT, (ARENA.centerx, 415), anchor="center")
            return
        text, colour = _headline(state, own_id)
        write(self.surface, text, 40, colour, (ARENA.left + 4, 34), anchor="midleft")

    def _draw_scores(self, state: dict[str, Any], own_id: int | None) -> None:
        players = state["players"]
        write(self.surface, "SCORES", 20, QUIET_TEXT, (SIDE.left + 20, SIDE.top + 22))
        for line, number in enumerate(ranking(players)[:MOST_SCORES]):
            player, y = players[number], SIDE.top + 64 + 36 * line
            if number == own_id:
                own_row = panel(SIDE.width - 20, 36, mixed(PANEL, DUSK_EDGE, 0.5))
                stamp(self.surface, own_row, (SIDE.centerx, y))
            if number == state["chaser_id"]:
                stamp(self.surface, disc(13, DANGER), (SIDE.left + 34, y))
            stamp(self.surface, disc(9, PLAYERS[player["colour"]]), (SIDE.left + 34, y))
            write(self.surface, player["name"], 25, TEXT, (SIDE.left + 58, y), anchor="midleft")
            write(self.surface, f"{player['score']}", 25, TEXT, (SIDE.right - 24, y), anchor="midright")

    def _draw_messages(self) -> None:
        for line, (text, since) in enumerate(reversed(self.messages)):
            strength = min(1.0, max(0.0, MESSAGE_SECONDS - (self.seconds - since)))
            if strength > 0:
                write(self.surface, text, 23, mixed(PANEL, TEXT, strength), (SIDE.left + 20, 430 + 26 * line))

    def _draw_help_and_connection(self, words: str, colour: Colour) -> None:
        for line, text in enumerate(HELP):
            write(self.surface, text, 22, QUIET_TEXT, (SIDE.left + 20, SIDE.bottom - 150 + 24 * line))
        y = SIDE.bottom - 76
        stamp(self.surface, glow(18, colour, 220), (SIDE.left + 28, y))
        stamp(self.surface, disc(6, colour), (SIDE.left + 28, y))
        for line, text in enumerate(textwrap.wrap(words, 24)):
            write(self.surface, text, 22, TEXT, (SIDE.left + 48, y + 22 * line), anchor="midleft")


def _headline(state: dict[str, Any], own_id: int) -> tuple[str, Colour]:
    """What the player has to know right now, and in which colour."""
    players, seconds = state["players"], state["protection"]
    chases = state["chaser_id"] == own_id
    if len(players) < 2:
        return "waiting for somebody to play with", QUIET_TEXT
    if seconds > 0:
        if chases:
            return f"you chase in {seconds:.1f} s", DANGER
        return f"run! nobody can be caught for {seconds:.1f} s", SHIELD
    chaser = players.get(state["chaser_id"], {"name": "nobody"})
    return ("catch somebody!", DANGER) if chases else (f"{chaser['name']} is after you", TEXT)


def _around(middle: Point, angle: float, distance: float) -> Point:
    """The point at an angle, clockwise from the top, and a distance."""
    return middle[0] + math.sin(angle) * distance, middle[1] - math.cos(angle) * distance
