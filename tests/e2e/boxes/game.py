"""A game made for the end-to-end tests: two boxes on a grid, moved cell by cell, that paint cells.

It knows no engine and no network. It is small, so that two engines can draw it alike to the last pixel.
"""

from typing import Any

COLUMNS, ROWS, CELL = 8, 6, 40
SIZE = (COLUMNS * CELL, ROWS * CELL)
BACKGROUND = (16, 18, 28)
COLOURS = ((230, 80, 80), (80, 160, 240))
STARTS = ((1, 1), (6, 4))
STEPS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}

Rect = tuple[int, int, int, int]
Colour = tuple[int, int, int]


def new_game() -> dict[str, Any]:
    return {"boxes": {}, "painted": {}, "finished": []}


def stepped(cell: list[int], direction: str) -> list[int]:
    column, row = STEPS[direction]
    return [min(max(cell[0] + column, 0), COLUMNS - 1), min(max(cell[1] + row, 0), ROWS - 1)]


def picture(state: dict[str, Any]) -> list[tuple[Rect, Colour]]:
    """What to draw: filled rectangles (left, top, width, height), y downwards, the later over the earlier."""
    shapes: list[tuple[Rect, Colour]] = []
    for name, number in sorted(state["painted"].items()):
        column, row = (int(part) for part in name.split(","))
        shapes.append(((column * CELL, row * CELL, CELL, CELL), _dimmed(COLOURS[number])))
    for number, box in sorted(state["boxes"].items()):
        column, row = box["cell"]
        shapes.append(((column * CELL + 6, row * CELL + 6, CELL - 12, CELL - 12), COLOURS[number]))
    return shapes


def _dimmed(colour: Colour) -> Colour:
    return colour[0] // 3, colour[1] // 3, colour[2] // 3
