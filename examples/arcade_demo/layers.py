"""Sprites and text that are put on the screen anew in every frame, and kept from frame to frame all the same."""

import arcade

from examples.colours import TEXT, Colour

Point = tuple[float, float]

FONT = "Liberation Sans"
"""Comes with Arcade, so it is the same on every machine."""


class Layer:
    """Sprites that are stamped anew in every frame. They are kept and used again, for making one takes long."""

    def __init__(self) -> None:
        self._sprites: arcade.SpriteList[arcade.Sprite] = arcade.SpriteList()
        self._used = 0

    def begin(self) -> None:
        """Start a new frame, with nothing in it."""
        self._used = 0

    def stamp(
        self,
        texture: arcade.Texture,
        place: Point,
        *,
        angle: float = 0.0,
        scale: float = 1.0,
        colour: Colour = (255, 255, 255),
        alpha: int = 255,
    ) -> None:
        """Put a texture somewhere, for this frame."""
        if self._used == len(self._sprites):
            self._sprites.append(arcade.Sprite(texture))
        sprite = self._sprites[self._used]
        self._used += 1
        if sprite.texture is not texture:
            sprite.texture = texture
        sprite.position = (place[0], place[1])
        sprite.angle = angle
        sprite.scale = (scale, scale)
        sprite.color = (*colour, max(0, min(255, alpha)))
        sprite.visible = True

    def draw(self, *, adding: bool = False) -> None:
        """Draw what was stamped; `adding` makes lights that overlap brighter."""
        for number in range(self._used, len(self._sprites)):
            self._sprites[number].visible = False
        context = arcade.get_window().ctx
        lights_up = (context.SRC_ALPHA, context.ONE)
        self._sprites.draw(blend_function=lights_up if adding else context.BLEND_DEFAULT)


class Typesetter:
    """Text that is written anew in every frame. What stays the same from frame to frame is laid out only once."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, float, bool, str], list[arcade.Text]] = {}
        self._used: dict[tuple[str, float, bool, str], int] = {}

    def begin(self) -> None:
        """Start a new frame, with nothing in it. What was not used in the last one is forgotten."""
        self._kept = {key: texts[: self._used[key]] for key, texts in self._kept.items() if key in self._used}
        self._used = {}

    def write(
        self,
        text: str,
        place: Point,
        size: float,
        colour: Colour,
        align: str,
        *,
        bold: bool = False,
        alpha: int = 255,
    ) -> None:
        """Write one line; `align` is where on it `place` is: left, center or right."""
        key = (text, size, bold, align)
        texts = self._kept.setdefault(key, [])
        number = self._used.get(key, 0)
        self._used[key] = number + 1
        if number == len(texts):
            texts.append(
                arcade.Text(text, 0, 0, TEXT, size, font_name=FONT, bold=bold, anchor_x=align, anchor_y="center")
            )
        texts[number].position = (round(place[0]), round(place[1]))
        if texts[number].color != (*colour, alpha):
            texts[number].color = (*colour, alpha)

    def draw(self) -> None:
        """Draw what was written."""
        for key, count in self._used.items():
            for text in self._kept[key][:count]:
                text.draw()
