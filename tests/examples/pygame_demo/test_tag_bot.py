import math
from random import Random
from typing import Any

import pytest

from examples.pygame_demo import rules
from examples.pygame_demo.bot import FEAR_DISTANCE, Mind

Place = tuple[float, float]


def game(*places: Place, protection: float = 0.0) -> dict[str, Any]:
    """Player 1 is the chaser."""
    players = {number: {"position": list(place)} for number, place in enumerate(places, start=1)}
    return {"players": players, "chaser_id": 1, "protection": protection}


def walked(mind: Mind, state: dict[str, Any], player_id: int, seconds: float) -> Place:
    place = tuple(state["players"][player_id]["position"])
    for _ in range(int(seconds * 60)):
        direction = mind.decide(state, player_id, place, 1 / 60)
        place = rules.walk(place, direction, rules.speed_of(state, player_id), 1 / 60)
        state["players"][player_id]["position"] = list(place)
    return place


@pytest.mark.parametrize("runner", [(600.0, 100.0), (100.0, 600.0), (488.0, 560.0)])
def test_a_chaser_gets_to_somebody_who_stands_still_round_any_pillar(runner: Place) -> None:
    assert math.dist(walked(Mind(Random(1)), game((100.0, 100.0), runner), 1, 4.0), runner) < 2 * rules.RADIUS


def test_a_chaser_takes_the_nearest_runner() -> None:
    state = game((100.0, 100.0), (900.0, 600.0), (300.0, 60.0))
    assert math.dist(walked(Mind(Random(1)), state, 1, 1.2), (300.0, 60.0)) < 2 * rules.RADIUS


@pytest.mark.parametrize("chaser", [(400.0, 100.0), (100.0, 330.0), (200.0, 300.0)])
def test_a_runner_keeps_away_from_a_chaser_who_stands_still(chaser: Place) -> None:
    state = game(chaser, (250.0, 80.0))
    mind = Mind(Random(1))
    for _ in range(10):
        assert math.dist(walked(mind, state, 2, 0.5), chaser) > 2 * rules.RADIUS


def test_nobody_stands_still_while_there_is_nothing_to_fear() -> None:
    state = game((60.0, 60.0), (900.0, 600.0))
    assert math.dist((60.0, 60.0), (900.0, 600.0)) > FEAR_DISTANCE
    assert math.dist(walked(Mind(Random(1)), state, 2, 1.0), (900.0, 600.0)) > 60


def test_alone_it_strolls() -> None:
    assert math.dist(walked(Mind(Random(1)), game((100.0, 100.0)), 1, 1.0), (100.0, 100.0)) > 60


def test_the_same_seed_thinks_the_same() -> None:
    ways = [walked(Mind(Random(seed)), game((100.0, 100.0), (900.0, 600.0)), 2, 3.0) for seed in (5, 5, 6)]
    assert ways[0] == ways[1]
