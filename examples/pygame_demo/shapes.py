"""What the picture of tag is made of: circles, lights, panels and text.

Everything round is drawn four times too large and scaled down once, which makes smooth edges, and then kept.
"""

from functools import lru_cache

import pygame

from examples.colours import DUSK, DUSK_EDGE, NIGHT, PANEL, Colour, mixed

Point = tuple[float, float]

OVERSAMPLING = 4
WHITE: Colour = (255, 255, 255)


def stamp(surface: pygame.Surface, image: pygame.Surface, middle: Point) -> None:
    """Draw an image with its middle at a point."""
    width, height = image.get_size()
    surface.blit(image, (round(middle[0] - width / 2), round(middle[1] - height / 2)))


def write(
    surface: pygame.Surface,
    text: str,
    size: int,
    colour: Colour,
    place: Point,
    *,
    anchor: str = "topleft",
    is_inside: bool = False,
) -> None:
    """Draw one line of text.

    Args:
        surface: Where to.
        text: The line.
        size: Its height.
        colour: Its colour.
        place: Where its anchor is.
        anchor: The pygame name of a corner, a side or the middle.
        is_inside: Whether it moves as far as it has to, so that the surface's edge cuts nothing off.
    """
    image = _text(text, size, colour)
    rectangle = image.get_rect(**{anchor: (round(place[0]), round(place[1]))})
    if is_inside:
        rectangle.clamp_ip(surface.get_rect().inflate(-12, -12))
    surface.blit(image, rectangle)


@lru_cache(maxsize=512)
def disc(radius: int, colour: Colour) -> pygame.Surface:
    """A full circle."""
    canvas, middle = _canvas(radius, colour)
    pygame.draw.circle(canvas, (*colour, 255), (middle, middle), middle - 1)
    return pygame.transform.smoothscale(canvas, (2 * radius, 2 * radius))


@lru_cache(maxsize=64)
def ball(radius: int, colour: Colour) -> pygame.Surface:
    """A circle that looks round: lit from the upper left."""
    canvas, middle = _canvas(radius, colour)
    lit, shaded = mixed(colour, WHITE, 0.4), mixed(colour, NIGHT, 0.3)
    for ring_radius in range(middle - 1, 0, -1):
        depth = ring_radius / middle
        centre = middle - (1 - depth) * middle * 0.3
        pygame.draw.circle(canvas, (*mixed(lit, shaded, depth**1.5), 255), (centre, centre), ring_radius)
    return pygame.transform.smoothscale(canvas, (2 * radius, 2 * radius))


@lru_cache(maxsize=64)
def ring(radius: int, width: int, colour: Colour) -> pygame.Surface:
    """The edge of a circle, `width` pixels of it."""
    canvas, middle = _canvas(radius, colour)
    pygame.draw.circle(canvas, (*colour, 255), (middle, middle), middle - 1, width * OVERSAMPLING)
    return pygame.transform.smoothscale(canvas, (2 * radius, 2 * radius))


@lru_cache(maxsize=1024)
def glow(radius: int, colour: Colour, strength: int) -> pygame.Surface:
    """A light that fades to its edge; `strength` (0 to 255) in the middle."""
    radius = max(radius, 1)
    canvas = pygame.Surface((2 * radius, 2 * radius), pygame.SRCALPHA)
    canvas.fill((*colour, 0))
    for ring_radius in range(radius, 0, -1):
        alpha = int(strength * (1 - ring_radius / radius) ** 2)
        pygame.draw.circle(canvas, (*colour, alpha), (radius, radius), ring_radius)
    return canvas


@lru_cache(maxsize=32)
def panel(width: int, height: int, colour: Colour = PANEL) -> pygame.Surface:
    """A box with round corners to write on."""
    canvas = pygame.Surface((width, height), pygame.SRCALPHA)
    pygame.draw.rect(canvas, colour, canvas.get_rect(), border_radius=12)
    pygame.draw.rect(canvas, DUSK_EDGE, canvas.get_rect(), width=1, border_radius=12)
    return canvas


def floor(width: int, height: int, pillars: tuple[tuple[float, float, float], ...]) -> pygame.Surface:
    """The arena: a dark floor with dots to judge speed by, and the pillars with their shadows."""
    surface = pygame.Surface((width, height))
    for y in range(height):
        middle_share = 1 - abs(y / height - 0.5) * 2
        pygame.draw.line(surface, mixed(NIGHT, DUSK, 0.25 + 0.5 * middle_share), (0, y), (width, y))
    for x in range(24, width, 32):
        for y in range(24, height, 32):
            stamp(surface, disc(2, mixed(DUSK, DUSK_EDGE, 0.6)), (x, y))
    for *middle, radius in pillars:
        place = (middle[0], middle[1])
        stamp(surface, glow(int(radius * 1.7), (2, 3, 7), 230), (place[0] + 4, place[1] + 8))
        stamp(surface, disc(int(radius), mixed(DUSK_EDGE, WHITE, 0.12)), place)
        stamp(surface, disc(int(radius) - 3, mixed(DUSK, DUSK_EDGE, 0.55)), place)
        stamp(surface, ring(int(radius) - 14, 2, mixed(DUSK, DUSK_EDGE, 0.9)), place)
    pygame.draw.rect(surface, DUSK_EDGE, surface.get_rect(), width=2)
    return surface


def _canvas(radius: int, colour: Colour) -> tuple[pygame.Surface, int]:
    """A large clear surface to draw a circle on, and where its middle is."""
    side = 2 * radius * OVERSAMPLING
    canvas = pygame.Surface((side, side), pygame.SRCALPHA)
    canvas.fill((*colour, 0))  # Of the circle's colour though clear, or the edge would be scaled into black.
    return canvas, side // 2


@lru_cache(maxsize=16)
def _font(size: int) -> pygame.font.Font:
    return pygame.font.Font(None, size)  # The font that comes with pygame: the same on every machine.


@lru_cache(maxsize=512)
def _text(text: str, size: int, colour: Colour) -> pygame.Surface:
    return _font(size).render(text, True, colour)
