"""How the space arena looks. It knows Arcade and the state of the game, and nothing of the network."""

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import arcade

from examples.arcade_demo import rules, sprites
from examples.arcade_demo.layers import Layer, Point, Typesetter
from examples.colours import BUSY, DANGER, PANEL, PLAYERS, QUIET_TEXT, SHIELD, TEXT, Colour
from examples.roster import ranking

HELP = "arrow keys or WASD to fly      space to shoot      Esc to leave"
FOOT_HEIGHT = 40
MESSAGE_SECONDS = 5.0
MOST_SCORES = 9
MOST_SPARKS = 600
"""More than that nobody sees apart, and a slow machine would feel them."""


@dataclass
class Spark:
    """A light that flies, fades and goes out."""

    x: float
    y: float
    speed_x: float
    speed_y: float
    colour: Colour
    size: float
    life: float
    age: float = 0.0


class Picture:
    """Draws the game, and remembers what moves on from frame to frame: sparks, waves, messages."""

    def __init__(self) -> None:
        arcade.resources.load_liberation_fonts()
        space = arcade.Sprite(sprites.space(rules.WIDTH, rules.HEIGHT), 1, rules.WIDTH / 2, rules.HEIGHT / 2)
        self.space: arcade.SpriteList[arcade.Sprite] = arcade.SpriteList()
        self.space.append(space)
        self.lights, self.bodies, self.marks = Layer(), Layer(), Layer()
        self.text = Typesetter()
        self.sparks: deque[Spark] = deque(maxlen=MOST_SPARKS)
        self.waves: list[Spark] = []
        self.messages: deque[tuple[str, float]] = deque(maxlen=5)
        self.flown: dict[int, float] = {}
        self.seconds = 0.0
        self._last_places: dict[int, Point] = {}
        self._random = Random(1)

    def update(self, state: dict[str, Any], dt: float) -> None:
        """Let time pass for what only the picture knows of."""
        self.seconds += dt
        for spark in (*self.sparks, *self.waves):
            spark.age += dt
            spark.x += spark.speed_x * dt
            spark.y += spark.speed_y * dt
        while self.sparks and self.sparks[0].age >= self.sparks[0].life:
            self.sparks.popleft()
        self.waves = [wave for wave in self.waves if wave.age < wave.life]
        for ship_id, ship in state["ships"].items():
            place = (ship["position"][0], ship["position"][1])
            if not rules.is_away(ship):
                step = rules.distance(self._last_places.get(ship_id, place), place)
                self.flown[ship_id] = self.flown.get(ship_id, 0.0) + step
                if ship["thrust"]:
                    self._puff(ship, dt)
            self._last_places[ship_id] = place

    def draw(self, state: dict[str, Any], own_id: int | None, connection: tuple[str, Colour]) -> None:
        """Draw one frame.

        Args:
            state: Of the game.
            own_id: Which ship is this player's, if it has joined.
            connection: What the connection does, in words, and in which colour.
        """
        for layer in (self.lights, self.bodies, self.marks):
            layer.begin()
        self.text.begin()
        for rock_id, rock in state["rocks"].items():
            texture = sprites.rock(rock["size"], rock_id % sprites.ROCK_SHAPES)
            for place in _seen_at(rock["position"], texture.width / 2):
                self.bodies.stamp(texture, place, angle=rock["angle"])
        for shot in state["shots"].values():
            self._stamp_shot(state, shot)
        for ship_id, ship in state["ships"].items():
            if not rules.is_away(ship):
                self._stamp_ship(state, ship, is_own=ship_id == own_id)
        self._stamp_sparks()
        self._write_everything(state, own_id, connection)

        self.space.draw(pixelated=True)
        self.lights.draw(adding=True)
        self.bodies.draw()
        self._draw_panels(len(state["ships"]))
        self.marks.draw()
        self.text.draw()

    def show_hit(self, state: dict[str, Any], ship_id: int, position: Point) -> None:
        """Let the shield of a ship that was hit flash."""
        ship = state["ships"].get(ship_id)
        self._burst(position, [SHIELD, PLAYERS[ship["colour"]] if ship else TEXT], count=26, speed=190, size=9)
        self.waves.append(Spark(*position, 0, 0, SHIELD, 0.5, 0.35))

    def show_explosion(
        self, state: dict[str, Any], position: Point, size: int, ship_id: int | None, by_id: int | None
    ) -> None:
        """Blow a rock or a ship up, and say whose ship it was."""
        ship = state["ships"].get(ship_id)
        if ship is None:
            colours = [(255, 214, 150), sprites.STONE, (255, 150, 80)]
        else:
            colours = [PLAYERS[ship["colour"]], (255, 240, 200), DANGER]
            by = state["ships"].get(by_id)
            said = f"{by['name']} shot {ship['name']}" if by else f"{ship['name']} hit a rock"
            self.messages.append((said, self.seconds))
        self._burst(position, colours, count=18 + 22 * size, speed=70.0 + 60 * size, size=7.0 + 4 * size)
        self.waves.append(Spark(*position, 0, 0, colours[0], 0.35 * size, 0.3 + 0.08 * size))

    def summary(self, state: dict[str, Any]) -> str:
        """Who is in the picture and how far each has gone, in words."""
        pilots = [
            f"{ship['name']} flew {self.flown.get(ship_id, 0.0):.0f} px" for ship_id, ship in state["ships"].items()
        ]
        return ", ".join(pilots) or "nobody is here"

    def _puff(self, ship: dict[str, Any], dt: float) -> None:
        """What an engine leaves behind: about forty sparks a second."""
        heading_x, heading_y = rules.heading(ship["angle"])
        x, y = ship["position"]
        for _ in range(int(40 * dt + self._random.random())):
            side, speed = self._random.uniform(-40, 40), self._random.uniform(60, 150)
            self.sparks.append(
                Spark(
                    x - heading_x * 22,
                    y - heading_y * 22,
                    -heading_x * speed + heading_y * side,
                    -heading_y * speed - heading_x * side,
                    PLAYERS[ship["colour"]],
                    self._random.uniform(12, 22),
                    0.9,
                )
            )

    def _burst(self, place: Point, colours: list[Colour], *, count: int, speed: float, size: float) -> None:
        for number in range(count):
            angle, fast = self._random.uniform(0, math.tau), speed * self._random.uniform(0.1, 1.0)
            spark = Spark(
                place[0],
                place[1],
                math.cos(angle) * fast,
                math.sin(angle) * fast,
                colours[number % len(colours)],
                size * self._random.uniform(0.6, 1.6),
                self._random.uniform(0.5, 1.1),
            )
            self.sparks.append(spark)

    def _stamp_shot(self, state: dict[str, Any], shot: dict[str, Any]) -> None:
        owner = state["ships"].get(shot["owner"])
        colour = PLAYERS[owner["colour"]] if owner else TEXT
        self.lights.stamp(sprites.glow(), shot["position"], scale=0.7, colour=colour, alpha=120)
        self.bodies.stamp(sprites.shot(colour), shot["position"], angle=shot["angle"])

    def _stamp_ship(self, state: dict[str, Any], ship: dict[str, Any], *, is_own: bool) -> None:
        colour, angle = PLAYERS[ship["colour"]], ship["angle"]
        heading_x, heading_y = rules.heading(angle)
        for x, y in _seen_at(ship["position"], 40):
            self.lights.stamp(sprites.glow(), (x, y), scale=1.9, colour=colour, alpha=110 if is_own else 70)
            if ship["thrust"]:
                flicker = 0.9 + 0.25 * math.sin(self.seconds * 60)
                tail = (x - heading_x * 38 * flicker, y - heading_y * 38 * flicker)
                self.bodies.stamp(sprites.flame(), tail, angle=angle, scale=flicker)
            self.bodies.stamp(sprites.ship(colour), (x, y), angle=angle)
            if ship["safe_until"] > state["clock"]:
                pulse = int(150 + 90 * math.sin(self.seconds * 10))
                self.bodies.stamp(sprites.shield(), (x, y), scale=0.85, alpha=pulse)
            self.text.write(ship["name"], (x, y - 46), 11, TEXT if is_own else QUIET_TEXT, "center")
            for number in range(ship["shield"]):
                mark = (x + (number - (ship["shield"] - 1) / 2) * 10, y - 60)
                self.marks.stamp(sprites.dot(), mark, scale=0.2, colour=SHIELD)

    def _stamp_sparks(self) -> None:
        for spark in self.sparks:
            left = 1 - spark.age / spark.life
            if left > 0:
                scale = spark.size / 32 * (0.4 + 0.6 * left)
                place = (spark.x, spark.y)
                self.lights.stamp(sprites.glow(), place, scale=scale, colour=spark.colour, alpha=int(255 * left))
        for wave in self.waves:
            share = wave.age / wave.life
            scale, alpha = wave.size * (0.2 + share), int(200 * (1 - share))
            self.lights.stamp(sprites.ring(), (wave.x, wave.y), scale=scale, colour=wave.colour, alpha=alpha)

    def _write_everything(self, state: dict[str, Any], own_id: int | None, connection: tuple[str, Colour]) -> None:
        right, top = rules.WIDTH - 24, rules.HEIGHT - 30
        ships = state["ships"]
        for line, ship_id in enumerate(ranking(ships)[:MOST_SCORES]):
            ship, y = ships[ship_id], top - 26 * line
            is_own = ship_id == own_id
            self.marks.stamp(sprites.dot(), (right - 196, y), scale=0.42, colour=PLAYERS[ship["colour"]])
            self.text.write(ship["name"], (right - 178, y), 13, TEXT if is_own else QUIET_TEXT, "left", bold=is_own)
            self.text.write(f"{ship['score']}", (right, y), 13, TEXT, "right", bold=is_own)
        for line, (said, since) in enumerate(reversed(self.messages)):
            left = MESSAGE_SECONDS - (self.seconds - since)
            if left > 0:
                self.text.write(said, (24, top - 24 * line), 13, TEXT, "left", alpha=int(255 * min(1.0, left)))
        words, colour = connection
        self.lights.stamp(sprites.glow(), (32, FOOT_HEIGHT / 2), scale=0.55, colour=colour, alpha=200)
        self.marks.stamp(sprites.dot(), (32, FOOT_HEIGHT / 2), scale=0.36, colour=colour)
        self.text.write(words, (48, FOOT_HEIGHT / 2), 12, TEXT, "left")
        self.text.write(HELP, (right, FOOT_HEIGHT / 2), 12, QUIET_TEXT, "right")
        self._write_headline(state, ships.get(own_id))

    def _draw_panels(self, ship_count: int) -> None:
        """Something dark and half clear behind what has to be read."""
        rows = min(ship_count, MOST_SCORES)
        if rows:
            area = arcade.LRBT(rules.WIDTH - 236, rules.WIDTH - 10, rules.HEIGHT - 22 - 26 * rows, rules.HEIGHT - 10)
            arcade.draw_rect_filled(area, (*PANEL, 190))
        arcade.draw_rect_filled(arcade.LRBT(0, rules.WIDTH, 0, FOOT_HEIGHT), (*PANEL, 190))

    def _write_headline(self, state: dict[str, Any], own: dict[str, Any] | None) -> None:
        middle = (rules.WIDTH / 2, rules.HEIGHT * 0.62)
        if own is None:
            self.text.write("SPACE ARENA", middle, 64, TEXT, "center", bold=True)
            self.text.write("shoot rocks, shoot each other", (middle[0], middle[1] - 66), 18, QUIET_TEXT, "center")
        elif rules.is_away(own):
            seconds = max(0.0, own["back_at"] - state["clock"])
            self.text.write(f"back in {seconds:.1f} s", middle, 28, BUSY, "center", bold=True)


def _seen_at(place: Point, reach: float) -> Iterator[Point]:
    """Where a body is seen: in its place, and once more beyond the edge that it is just crossing."""
    for x in (place[0], place[0] - rules.WIDTH, place[0] + rules.WIDTH):
        for y in (place[1], place[1] - rules.HEIGHT, place[1] + rules.HEIGHT):
            if -reach < x < rules.WIDTH + reach and -reach < y < rules.HEIGHT + reach:
                yield x, y
