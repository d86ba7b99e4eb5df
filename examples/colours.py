"""The colours of both games, so that a player, a warning and a good connection look the same in each."""

Colour = tuple[int, int, int]

NIGHT: Colour = (13, 16, 28)
"""Behind everything."""

DUSK: Colour = (24, 29, 48)
"""What lies in the background and can be bumped into."""

DUSK_EDGE: Colour = (52, 62, 98)
PANEL: Colour = (20, 24, 42)
TEXT: Colour = (236, 240, 250)
QUIET_TEXT: Colour = (142, 152, 182)
DANGER: Colour = (255, 84, 84)
SHIELD: Colour = (120, 224, 255)

GOOD: Colour = (92, 219, 128)
BUSY: Colour = (250, 196, 84)
BAD: Colour = DANGER

# Eight that are told apart on the night, also by those who see red and green alike: their brightness differs.
PLAYERS: tuple[Colour, ...] = (
    (86, 180, 255),
    (255, 176, 59),
    (64, 214, 163),
    (226, 130, 255),
    (250, 240, 110),
    (255, 148, 160),
    (150, 156, 255),
    (206, 232, 214),
)


def mixed(colour: Colour, other: Colour, share: float) -> Colour:
    """The colour that is `share` (0 to 1) of the way from `colour` to `other`."""
    red, green, blue = (round(one + (two - one) * share) for one, two in zip(colour, other, strict=True))
    return red, green, blue
