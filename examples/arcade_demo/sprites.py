"""The sprites of the space arena. Every one is drawn here, four times too large, and scaled down for smooth edges."""

import math
from functools import cache
from random import Random

import arcade
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from examples.arcade_demo import rules
from examples.colours import DUSK_EDGE, NIGHT, Colour, mixed

OVERSAMPLING = 4
WHITE: Colour = (255, 255, 255)
STONE: Colour = (126, 122, 140)
ROCK_SHAPES = 5
"""So many different rocks are drawn of each size."""

Point = tuple[float, float]


@cache
def ship(colour: Colour) -> arcade.Texture:
    """A ship that points up: a body with a lit and a shaded side, wings and a cockpit."""
    image, pen = _canvas(64)
    dark, light = mixed(colour, NIGHT, 0.4), mixed(colour, WHITE, 0.5)
    pen.polygon(_scaled([(32, 24), (58, 52), (50, 54), (32, 48), (14, 54), (6, 52)]), fill=dark)
    pen.polygon(_scaled([(32, 6), (46, 50), (32, 44)]), fill=colour)
    pen.polygon(_scaled([(32, 6), (18, 50), (32, 44)]), fill=light)
    pen.polygon(_scaled([(32, 20), (37, 35), (32, 38), (27, 35)]), fill=mixed(NIGHT, (120, 224, 255), 0.35))
    pen.line(_scaled([(32, 21), (28, 34)]), fill=(190, 240, 255), width=OVERSAMPLING)
    return _texture(image, f"ship {colour}")


@cache
def flame() -> arcade.Texture:
    """What comes out of a ship's engine; it points down."""
    image, pen = _canvas(64)
    for width, length, colour in ((9, 30, (255, 110, 40)), (6, 21, (255, 200, 90)), (3, 12, (255, 250, 230))):
        pen.polygon(_scaled([(32 - width, 8), (32 + width, 8), (32, 8 + length)]), fill=colour)
        pen.ellipse(_scaled([(32 - width, 4), (32 + width, 14)]), fill=colour)
    return _texture(image.filter(ImageFilter.GaussianBlur(OVERSAMPLING * 1.2)), "flame")


@cache
def shield() -> arcade.Texture:
    """The shimmer about a ship that is safe."""
    image, pen = _canvas(80)
    pen.ellipse(_scaled([(8, 8), (72, 72)]), fill=(120, 224, 255, 22), outline=(120, 224, 255, 210), width=8)
    return _texture(image, "shield")


@cache
def rock(size: int, shape: int) -> arcade.Texture:
    """A rock: an uneven outline, light from the upper left, and craters."""
    random = Random(100 * size + shape)
    radius = rules.ROCK_RADII[size]
    side = int(2 * radius + 16)
    middle = side / 2
    corners = []
    for number in range(13):
        reach = radius * random.uniform(0.84, 1.08)
        angle = number * math.tau / 13
        corners.append((middle + math.cos(angle) * reach, middle + math.sin(angle) * reach))
    outline, pen = _canvas(side)
    pen.polygon(_scaled(corners), fill=WHITE)
    mask = outline.getchannel("A")
    body = Image.new("RGBA", outline.size, mixed(STONE, NIGHT, 0.62))
    pen = ImageDraw.Draw(body)
    for step in range(12):
        share = step / 11
        reach, shift = radius * (1.25 - share), radius * 0.34 * share
        shade = mixed(mixed(STONE, NIGHT, 0.55), mixed(STONE, WHITE, 0.22), share)
        pen.ellipse(_around((middle - shift, middle - shift), reach), fill=shade)
    for _ in range(3 + size):
        distance, angle = radius * random.uniform(0.1, 0.68), random.uniform(0, math.tau)
        place = (middle + math.cos(angle) * distance, middle + math.sin(angle) * distance)
        depth = radius * random.uniform(0.09, 0.2)
        pen.ellipse(_around((place[0] + depth * 0.22, place[1] + depth * 0.22), depth), fill=mixed(STONE, WHITE, 0.25))
        pen.ellipse(_around(place, depth), fill=mixed(STONE, NIGHT, 0.6))
    body = body.filter(ImageFilter.GaussianBlur(OVERSAMPLING * 0.6))
    body.putalpha(mask)
    rim, pen = _canvas(side)
    pen.line(
        _scaled([*corners, corners[0]]), fill=(*mixed(STONE, WHITE, 0.35), 150), width=OVERSAMPLING * 2, joint="curve"
    )
    body.alpha_composite(Image.composite(rim, Image.new("RGBA", rim.size), mask))
    return _texture(body, f"rock {size} {shape}")


@cache
def shot(colour: Colour) -> arcade.Texture:
    """A bolt of light that points up."""
    image, pen = _canvas(32)
    pen.rounded_rectangle(_scaled([(12, 4), (20, 28)]), radius=16, fill=(*colour, 150))
    image = image.filter(ImageFilter.GaussianBlur(OVERSAMPLING * 1.6))
    ImageDraw.Draw(image).rounded_rectangle(_scaled([(14, 7), (18, 25)]), radius=8, fill=mixed(colour, WHITE, 0.7))
    return _texture(image, f"shot {colour}")


@cache
def glow() -> arcade.Texture:
    """A white light that fades to its edge; sprites give it their colour."""
    side = 64
    image = Image.new("L", (side, side))
    light = Image.radial_gradient("L").resize((side, side))  # 0 in the middle, 255 at half the diagonal and on.
    light = light.point(lambda value: max(0, 255 - round(value * 1.42)))
    image = ImageChops.multiply(light, light)
    white = Image.new("RGBA", (side, side), (*WHITE, 255))
    white.putalpha(image)
    return arcade.Texture(white, hash="glow")


@cache
def ring() -> arcade.Texture:
    """A white ring, for shock waves."""
    image, pen = _canvas(128)
    pen.ellipse(_scaled([(6, 6), (122, 122)]), outline=(*WHITE, 255), width=OVERSAMPLING * 3)
    return _texture(image.filter(ImageFilter.GaussianBlur(OVERSAMPLING * 1.0)), "ring")


@cache
def dot() -> arcade.Texture:
    """A white disc, for marks in the list of scores."""
    image, pen = _canvas(32)
    pen.ellipse(_scaled([(2, 2), (30, 30)]), fill=WHITE)
    return _texture(image, "dot")


def space(width: int, height: int) -> arcade.Texture:
    """What is behind everything: coloured mist and three layers of stars."""
    random = Random(11)
    mist = Image.new("RGB", (width // 8, height // 8), NIGHT)
    pen = ImageDraw.Draw(mist)
    for colour in ((38, 30, 74), (16, 44, 66), (58, 26, 62), (22, 34, 70)) * 4:
        x, y, reach = random.uniform(0, mist.width), random.uniform(0, mist.height), random.uniform(8, 22)
        pen.ellipse((x - reach, y - reach * 0.6, x + reach, y + reach * 0.6), fill=mixed(NIGHT, colour, 0.8))
    picture = mist.filter(ImageFilter.GaussianBlur(9)).resize((width, height), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(picture)
    for count, side, brightness in ((500, 1, 0.3), (220, 1, 0.7), (40, 2, 0.9)):
        for _ in range(count):
            x, y = random.randrange(width), random.randrange(height)
            tint = random.choice([WHITE, (255, 226, 190), (190, 214, 255)])
            pen.rectangle((x, y, x + side - 1, y + side - 1), fill=mixed(DUSK_EDGE, tint, brightness))
    return arcade.Texture(picture.convert("RGBA"), hash="space")


def _canvas(side: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """A clear square to draw on, `OVERSAMPLING` times as large as its sprite will be."""
    image = Image.new("RGBA", (side * OVERSAMPLING, side * OVERSAMPLING), (0, 0, 0, 0))
    return image, ImageDraw.Draw(image)


def _scaled(points: list[Point]) -> list[Point]:
    return [(x * OVERSAMPLING, y * OVERSAMPLING) for x, y in points]


def _around(middle: Point, reach: float) -> list[Point]:
    """The box of a circle, as Pillow wants it."""
    x, y = middle
    return _scaled([(x - reach, y - reach), (x + reach, y + reach)])


def _texture(image: Image.Image, name: str) -> arcade.Texture:
    small = image.resize((image.width // OVERSAMPLING, image.height // OVERSAMPLING), Image.Resampling.LANCZOS)
    return arcade.Texture(small, hash=name)
