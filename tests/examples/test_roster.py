import pytest

from examples import roster


@pytest.mark.parametrize(
    ("wish", "name"),
    [
        ("Cog", "Cog"),
        ("  Cog ", "Cog"),
        ("", "Player"),
        (None, "None"),
        ("\x00\n", "Player"),
        ("Bolt", "Bolt 3"),
        ("x" * 99, "x" * roster.MAX_NAME_LENGTH),
    ],
)
def test_a_name_is_printable_short_and_nobody_elses(wish: object, name: str) -> None:
    assert roster.free_name({1: {"name": "Bolt"}, 2: {"name": "Bolt 2"}}, wish) == name


def test_colours_repeat_only_when_all_are_taken() -> None:
    players: dict[int, dict[str, int]] = {}
    for number in range(roster.COLOUR_COUNT + 1):
        players[number] = {"colour": roster.rarest_colour(players)}
    colours = [player["colour"] for player in players.values()]
    assert sorted(colours[: roster.COLOUR_COUNT]) == list(range(roster.COLOUR_COUNT))
    assert colours[-1] == 0


def test_ranking_puts_the_best_first_and_keeps_the_order_of_equals() -> None:
    players = {1: {"score": 3}, 2: {"score": 8}, 3: {"score": 3}}
    assert roster.ranking(players) == [2, 1, 3]
