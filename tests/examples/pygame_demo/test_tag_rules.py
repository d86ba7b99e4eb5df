import math
from copy import deepcopy
from random import Random

import pytest

from examples.pygame_demo import rules
from pygase import TO_DELETE
from tests.examples.games import merged

FAR, FARTHER = [100.0, 100.0], [900.0, 600.0]


def game(*positions: list[float], chaser_id: int = 1, protection: float = 0.0) -> rules.State:
    players = {
        number: {"name": f"P{number}", "colour": 0, "position": position, "score": 0}
        for number, position in enumerate(positions, start=1)
    }
    return {"players": players, "chaser_id": chaser_id, "protection": protection, "clock": 0.0}


def is_free(position: list[float]) -> bool:
    x, y = position
    edge = rules.RADIUS
    in_arena = edge <= x <= rules.WIDTH - edge and edge <= y <= rules.HEIGHT - edge
    return in_arena and all(math.dist((x, y), pillar[:2]) >= pillar[2] + edge - 1e-6 for pillar in rules.PILLARS)


def test_the_first_to_join_is_the_chaser_and_under_protection() -> None:
    state = merged(rules.new_game(), rules.join(rules.new_game(), 4, "Cog", Random(1)))
    assert state["chaser_id"] == 4
    assert state["protection"] == rules.START_SECONDS
    assert state["players"][4]["name"] == "Cog"


def test_a_later_player_joins_as_a_runner_and_changes_nobody_else() -> None:
    update = rules.join(game(FAR), 2, "Bolt", Random(1))
    assert set(update) == {"players"}
    assert set(update["players"]) == {2}


def test_who_has_a_taken_name_gets_a_number_and_another_colour() -> None:
    state = merged(rules.new_game(), rules.join(rules.new_game(), 1, "Cog", Random(1)))
    player = rules.join(state, 2, "Cog", Random(1))["players"][2]
    assert player["name"] == "Cog 2"
    assert player["colour"] != state["players"][1]["colour"]


def test_everybody_starts_at_a_free_place() -> None:
    state = rules.new_game()
    for number in range(40):
        state = merged(state, rules.join(state, number, "P", Random(number)))
    assert all(is_free(player["position"]) for player in state["players"].values())


def test_the_same_seed_gives_the_same_place() -> None:
    assert rules.join(rules.new_game(), 1, "P", Random(7)) == rules.join(rules.new_game(), 1, "P", Random(7))


def test_a_runner_who_leaves_is_gone_and_the_chaser_stays() -> None:
    update = rules.leave(game(FAR, FARTHER), 2, Random(1))
    assert update == {"players": {2: TO_DELETE}}


def test_when_the_chaser_leaves_somebody_else_chases_after_protection() -> None:
    state = merged(game(FAR, FARTHER), rules.leave(game(FAR, FARTHER), 1, Random(1)))
    assert state["chaser_id"] == 2
    assert state["protection"] == rules.PROTECTION_SECONDS


def test_when_the_last_player_leaves_the_game_is_as_new() -> None:
    state = merged(game(FAR, protection=2.0), rules.leave(game(FAR), 1, Random(1)))
    assert state == rules.new_game()


def test_leaving_twice_is_no_update() -> None:
    assert rules.leave(game(FAR), 9, Random(1)) == {}


def test_a_move_within_reach_is_taken_as_it_is() -> None:
    assert rules.move(game(FAR), 1, 103.0, 104.0, 5.0) == {"players": {1: {"position": [103.0, 104.0]}}}


def test_a_move_beyond_reach_goes_only_as_far_as_reach() -> None:
    update = rules.move(game(FAR), 1, 700.0, 100.0, 10.0)
    assert update["players"][1]["position"] == pytest.approx([110.0, 100.0])


def test_a_move_into_a_pillar_or_a_wall_ends_beside_it() -> None:
    x, y, _ = rules.PILLARS[0]
    for target in ((x, y), (x + 3, y - 8), (-900.0, 100.0), (1e300, 1e300)):
        position = rules.move(game(FAR), 1, *target, math.inf)["players"][1]["position"]
        assert is_free(position)


@pytest.mark.parametrize("bad", [None, "1", [1], math.nan, math.inf, True, {}, b"1"])
def test_a_move_that_is_not_two_numbers_is_no_update(bad: object) -> None:
    assert rules.move(game(FAR), 1, bad, 100.0, 10.0) == {}
    assert rules.move(game(FAR), 1, 100.0, bad, 10.0) == {}


def test_a_move_of_somebody_who_left_is_no_update() -> None:
    assert rules.move(game(FAR), 9, 1.0, 1.0, 10.0) == {}


def test_reach_grows_with_time_and_is_capped() -> None:
    reach = rules.grown_reach(0.0, 100.0, 0.1)
    assert reach == pytest.approx(100.0 * 0.1 * rules.REACH_SLACK)
    assert rules.grown_reach(reach, 100.0, 60.0) == 100.0 * rules.MAX_REACH_SECONDS * rules.REACH_SLACK


def test_no_stream_of_moves_goes_faster_than_the_slack_allows() -> None:
    state, reach, seconds = game(FAR), 0.0, 2.0
    for _ in range(int(seconds * 50)):
        reach = rules.grown_reach(reach, rules.RUNNER_SPEED, 0.02)
        before = state["players"][1]["position"]
        state = merged(state, rules.move(state, 1, 900.0, 100.0, reach))
        reach -= math.dist(before, state["players"][1]["position"])
    gone = state["players"][1]["position"][0] - FAR[0]
    assert gone == pytest.approx(rules.RUNNER_SPEED * rules.REACH_SLACK * seconds)


def test_walking_diagonally_is_no_faster() -> None:
    straight = math.dist(FAR, rules.walk((100.0, 100.0), (1, 0), 250.0, 0.1))
    assert math.dist(FAR, rules.walk((100.0, 100.0), (1, 1), 250.0, 0.1)) == pytest.approx(straight)
    assert math.dist(FAR, rules.walk((100.0, 100.0), (0.5, 0), 250.0, 0.1)) == pytest.approx(straight / 2)


def test_a_walker_slides_along_a_pillar_instead_of_sticking() -> None:
    x, y, radius = rules.PILLARS[2]
    position = (x - radius - rules.RADIUS - 40, y - 5)
    for _ in range(200):
        position = rules.walk(position, (1, 0), rules.RUNNER_SPEED, 1 / 60)
        assert is_free(list(position))
    assert position[0] > x + radius


def test_protection_counts_down_and_nobody_is_caught_meanwhile() -> None:
    state = game(FAR, FAR, protection=1.0)
    state = merged(state, rules.step(state, 0.75))
    assert state["protection"] == 0.25
    assert state["chaser_id"] == 1
    assert rules.step(state, 0.5) == {"protection": 0.0}


def test_who_is_touched_becomes_the_chaser_under_protection_and_the_catcher_scores() -> None:
    state = game(FAR, [FAR[0] + 2 * rules.RADIUS, FAR[1]], FARTHER)
    state = merged(state, rules.step(state, 0.02))
    assert state["chaser_id"] == 2
    assert state["protection"] == rules.PROTECTION_SECONDS
    assert state["players"][1]["score"] == rules.CATCH_POINTS


def test_of_two_touched_runners_the_nearer_is_caught() -> None:
    assert rules.step(game(FAR, [130.0, 100.0], [110.0, 100.0]), 0.02)["chaser_id"] == 3


def test_runners_who_touch_each_other_only_touch() -> None:
    assert "chaser_id" not in rules.step(game(FAR, FARTHER, FARTHER), 0.02)


def test_runners_earn_a_point_a_second_and_the_chaser_does_not() -> None:
    state = game(FAR, FARTHER)
    for _ in range(130):
        state = merged(state, rules.step(state, 0.02))
    assert [player["score"] for player in state["players"].values()] == [0, 2]


def test_alone_or_with_nobody_nothing_happens() -> None:
    assert rules.step(rules.new_game(), 0.02) == {}
    assert rules.step(game(FAR), 0.02) == {}


def test_the_rules_change_nothing_that_they_are_given() -> None:
    state = game(FAR, [130.0, 100.0])
    before = deepcopy(state)
    rules.step(state, 1.5)
    rules.move(state, 1, 105.0, 100.0, 9.0)
    rules.join(state, 3, "P", Random(1))
    rules.leave(state, 1, Random(1))
    assert state == before
