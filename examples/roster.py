"""What every game with players needs: names that differ, colours that differ, and who is ahead."""

from collections.abc import Mapping
from typing import Any

COLOUR_COUNT = 8
MAX_NAME_LENGTH = 14
"""So that a name fits under a player and into the list of scores."""

Players = Mapping[int, Mapping[str, Any]]
"""From a player's id to what is known of it: a name, a colour's number, a score."""


def free_name(players: Players, wish: object) -> str:
    """The wished name, made printable and short, with a number when somebody has it already."""
    name = "".join(char for char in str(wish) if char.isprintable()).strip()[:MAX_NAME_LENGTH] or "Player"
    taken = {player["name"] for player in players.values()}
    candidate, number = name, 2
    while candidate in taken:
        candidate, number = f"{name} {number}", number + 1
    return candidate


def rarest_colour(players: Players) -> int:
    """The number of the colour that fewest players have."""
    used = [player["colour"] for player in players.values()]
    return min(range(COLOUR_COUNT), key=used.count)


def ranking(players: Players) -> list[int]:
    """Player ids, the best first; equals in the order in which they came."""
    return sorted(players, key=lambda player_id: (-players[player_id]["score"], player_id))
