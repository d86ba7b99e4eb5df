import math
from copy import deepcopy
from random import Random
from typing import Any

import pytest

from examples.arcade_demo import rules
from examples.arcade_demo.rules import Controls
from pygase import TO_DELETE
from tests.examples.games import merged

DT = 1 / 30


def ship(x: float, y: float, angle: float = 0.0, **changes: Any) -> dict[str, Any]:
    return {
        "name": "P",
        "colour": 0,
        "position": [x, y],
        "velocity": [0.0, 0.0],
        "angle": angle,
        "thrust": False,
        "shield": rules.FULL_SHIELD,
        "score": 0,
        "back_at": 0.0,
        "safe_until": 0.0,
        "ready_at": 0.0,
    } | changes


def rock(x: float, y: float, size: int = 3) -> dict[str, Any]:
    return {"position": [x, y], "velocity": [0.0, 0.0], "angle": 0.0, "spin": 10.0, "size": size}


def shot(x: float, y: float, owner: int = 1, until: float = 99.0) -> dict[str, Any]:
    return {"position": [x, y], "velocity": [0.0, 0.0], "angle": 0.0, "owner": owner, "until": until}


def arena(
    ships: dict[int, Any] | None = None,
    rocks: dict[int, Any] | None = None,
    shots: dict[int, Any] | None = None,
) -> rules.State:
    """A game with nothing in it but these, and rocks enough far away that no more come."""
    if rocks is None:
        rocks = {}
    far_rocks = {900 + number: rock(1000.0, 20.0) for number in range(6)}
    return {
        "ships": ships or {},
        "rocks": far_rocks | rocks,
        "shots": shots or {},
        "clock": 10.0,
        "next_id": 1000,
    }


def stepped(
    state: rules.State, controls: dict[int, Controls] | None = None, dt: float = DT
) -> tuple[rules.State, list[rules.Happening]]:
    update, happenings = rules.step(state, controls or {}, dt, Random(1))
    return merged(state, update), happenings


def test_who_joins_is_whole_and_safe_and_gets_an_id_of_its_own() -> None:
    state = rules.new_game()
    first, update = rules.join(state, "Cog", Random(1))
    state = merged(state, update)
    second, update = rules.join(state, "Cog", Random(2))
    state = merged(state, update)
    assert first != second
    assert [state["ships"][number]["name"] for number in (first, second)] == ["Cog", "Cog 2"]
    assert state["ships"][first]["shield"] == rules.FULL_SHIELD
    assert state["ships"][first]["safe_until"] == rules.SAFE_SECONDS


def test_who_leaves_is_gone_once() -> None:
    state = arena({1: ship(100, 100)})
    assert rules.leave(state, 1) == {"ships": {1: TO_DELETE}}
    assert rules.leave(state, 2) == {}


@pytest.mark.parametrize(("angle", "direction"), [(0, (0, 1)), (90, (1, 0)), (180, (0, -1)), (270, (-1, 0))])
def test_thrust_goes_where_the_ship_points(angle: float, direction: tuple[int, int]) -> None:
    state, _ = stepped(arena({1: ship(300, 300, angle)}), {1: Controls(thrust=True)})
    speed = state["ships"][1]["velocity"]
    assert math.hypot(*speed) > 1
    assert [round(part / math.hypot(*speed), 6) for part in speed] == [pytest.approx(part) for part in direction]
    assert state["ships"][1]["thrust"] is True


def test_turning_right_is_clockwise_and_wraps_at_a_full_turn() -> None:
    state, _ = stepped(arena({1: ship(300, 300, 359.0)}), {1: Controls(turn=1.0)}, dt=0.1)
    assert state["ships"][1]["angle"] == pytest.approx((359.0 + rules.TURN_SPEED * 0.1) % 360)


def test_a_ship_has_a_top_speed_and_coasts_to_a_stop() -> None:
    state = arena({1: ship(300, 300)})
    for _ in range(200):
        state, _ = stepped(state, {1: Controls(thrust=True)})
    assert math.hypot(*state["ships"][1]["velocity"]) <= rules.MAX_SPEED + 1e-9
    for _ in range(600):
        state, _ = stepped(state)
    assert math.hypot(*state["ships"][1]["velocity"]) < 0.01


def test_space_has_no_edge() -> None:
    state = arena({1: ship(rules.WIDTH - 1, 1, velocity=[100.0, -100.0])})
    x, y = stepped(state, dt=0.1)[0]["ships"][1]["position"]
    assert 0 <= x < 20
    assert rules.HEIGHT - 20 < y < rules.HEIGHT


def test_distance_is_the_shortest_way_round() -> None:
    assert rules.distance((10, 10), (rules.WIDTH - 10, rules.HEIGHT - 10)) == pytest.approx(math.hypot(20, 20))
    assert rules.way((rules.WIDTH - 5, 0), (5, 0)) == pytest.approx((10, 0))


def test_holding_fire_shoots_only_as_fast_as_the_gun_loads() -> None:
    state = arena({1: ship(300, 300)})
    for _ in range(30):
        state, _ = stepped(state, {1: Controls(fire=True)})
    assert len(state["shots"]) in (4, 5)
    assert {shot["owner"] for shot in state["shots"].values()} == {1}


def test_a_shot_flies_ahead_of_its_ship_and_ends_by_itself() -> None:
    state, _ = stepped(arena({1: ship(300, 300, 90.0)}), {1: Controls(fire=True)})
    (flying,) = state["shots"].values()
    assert flying["position"][0] > 300 + rules.SHIP_RADIUS
    for _ in range(int(rules.SHOT_SECONDS / DT) + 1):
        state, _ = stepped(state)
    assert state["shots"] == {}


def test_nobody_is_hit_by_their_own_shot() -> None:
    state, happenings = stepped(arena({1: ship(300, 300)}, shots={5: shot(300, 300)}))
    assert happenings == []
    assert 5 in state["shots"]


def test_a_hit_takes_one_off_the_shield_and_uses_the_shot_up() -> None:
    state, happenings = stepped(arena({1: ship(600, 600), 2: ship(300, 300)}, shots={5: shot(300, 300)}))
    assert state["ships"][2]["shield"] == rules.FULL_SHIELD - 1
    assert state["shots"] == {}
    assert [kind for kind, _ in happenings] == ["HIT"]


def test_at_the_last_hit_a_ship_explodes_and_the_shooter_scores() -> None:
    state, happenings = stepped(arena({1: ship(600, 600), 2: ship(300, 300, shield=1)}, shots={5: shot(300, 300)}))
    assert rules.is_away(state["ships"][2])
    assert state["ships"][1]["score"] == rules.SHIP_POINTS
    ((kind, details),) = happenings
    assert kind == "EXPLOSION"
    assert (details["ship_id"], details["by_id"]) == (2, 1)


def test_who_exploded_comes_back_whole_and_safe() -> None:
    state = arena({1: ship(300, 300, shield=0, back_at=10.0 + rules.AWAY_SECONDS)})
    for _ in range(int(rules.AWAY_SECONDS / DT) + 2):
        assert state["ships"][1]["position"] == [300, 300]
        state, _ = stepped(state, {1: Controls(1.0, thrust=True, fire=True)})
        if not rules.is_away(state["ships"][1]):
            break
    back = state["ships"][1]
    assert not rules.is_away(back)
    assert back["shield"] == rules.FULL_SHIELD
    assert back["safe_until"] > state["clock"]


def test_a_safe_ship_is_not_hit_until_it_shoots_itself() -> None:
    state = arena({1: ship(600, 600), 2: ship(300, 300, safe_until=99.0)}, shots={5: shot(300, 300)})
    assert stepped(state)[0]["ships"][2]["shield"] == rules.FULL_SHIELD
    assert stepped(state, {2: Controls(fire=True)})[0]["ships"][2]["shield"] == rules.FULL_SHIELD - 1


def test_shots_of_somebody_who_left_still_count_against_others_and_nobody_scores() -> None:
    state, happenings = stepped(arena({2: ship(300, 300, shield=1)}, shots={5: shot(300, 300, owner=77)}))
    assert rules.is_away(state["ships"][2])
    assert len(happenings) == 1


def test_a_shot_rock_falls_into_two_and_the_shooter_scores() -> None:
    state, happenings = stepped(arena({1: ship(600, 600)}, {7: rock(300, 300, 2)}, {5: shot(300, 300)}))
    assert 7 not in state["rocks"]
    assert sorted(rock["size"] for number, rock in state["rocks"].items() if number >= 1000) == [1, 1]
    assert state["ships"][1]["score"] == rules.ROCK_POINTS[2]
    assert [kind for kind, _ in happenings] == ["EXPLOSION"]


def test_the_smallest_rock_falls_to_dust() -> None:
    state, _ = stepped(arena({1: ship(600, 600)}, {7: rock(300, 300, 1)}, {5: shot(300, 300)}))
    assert set(state["rocks"]) == {900, 901, 902, 903, 904, 905}


def test_flying_into_a_rock_hurts_and_breaks_it() -> None:
    state, happenings = stepped(arena({1: ship(300, 300)}, {7: rock(300, 320)}))
    assert state["ships"][1]["shield"] == rules.FULL_SHIELD - 1
    assert 7 not in state["rocks"]
    assert [kind for kind, _ in happenings] == ["EXPLOSION", "HIT"]


def test_ships_that_meet_bounce_and_keep_their_momentum() -> None:
    ships = {1: ship(300, 300, velocity=[100.0, 10.0]), 2: ship(330, 300, velocity=[-50.0, 0.0])}
    state, _ = stepped(arena(ships), dt=1e-9)
    assert state["ships"][1]["velocity"] == pytest.approx([-50.0, 10.0], abs=1e-5)
    assert state["ships"][2]["velocity"] == pytest.approx([100.0, 0.0], abs=1e-5)


def test_rocks_come_until_there_are_enough_and_keep_off_ships() -> None:
    state = merged(rules.new_game(), {"ships": {1: ship(640, 360)}})
    for _ in range(30):
        before = set(state["rocks"])
        state, _ = stepped(state)
        for number in set(state["rocks"]) - before:
            assert rules.distance(state["rocks"][number]["position"], (640, 360)) > 100
    assert sum(2 ** (rock["size"] - 1) for rock in state["rocks"].values()) == rules.ROCK_MASS


@pytest.mark.parametrize(
    ("sent", "controls"),
    [
        ((1, True, True), Controls(1.0, thrust=True, fire=True)),
        ((-0.5, False, True), Controls(-0.5, thrust=False, fire=True)),
        ((99, 1, "yes"), Controls(1.0)),
        ((math.nan, True, None), Controls(0.0, thrust=True)),
        (("left", True, {}), Controls(0.0, thrust=True)),
        ((None, [], b""), Controls()),
    ],
)
def test_whatever_comes_over_the_network_becomes_controls(sent: tuple[Any, Any, Any], controls: Controls) -> None:
    assert rules.controls_from(*sent) == controls


def test_the_rules_change_nothing_that_they_are_given() -> None:
    state = arena({1: ship(300, 300), 2: ship(310, 300)}, {7: rock(300, 320)}, {5: shot(300, 300, owner=2)})
    before = deepcopy(state)
    stepped(state, {1: Controls(1.0, thrust=True, fire=True)})
    rules.join(state, "P", Random(1))
    rules.leave(state, 1)
    assert state == before


def test_the_same_seed_plays_the_same_game() -> None:
    def play(seed: int) -> rules.State:
        random, state = Random(seed), rules.new_game()
        for _ in range(3):
            state = merged(state, rules.join(state, "P", random)[1])
        for number in range(150):
            controls = {ship_id: Controls(math.sin(number + ship_id), True, True) for ship_id in state["ships"]}
            state = merged(state, rules.step(state, controls, DT, random)[0])
        return state

    assert play(3) == play(3)
    assert play(3) != play(4)


def test_an_update_holds_only_what_changed() -> None:
    update, _ = rules.step(arena({1: ship(300, 300)}), {}, DT, Random(1))
    assert "ships" not in update
    assert set(update["rocks"][900]) == {"angle"}
