from random import Random
from typing import Any

import pytest

from examples.arcade_demo import rules
from examples.arcade_demo.bot import Mind
from examples.arcade_demo.rules import Controls


def ship(x: float, y: float, angle: float = 0.0, **changes: Any) -> dict[str, Any]:
    resting = {"position": [x, y], "velocity": [0.0, 0.0], "angle": angle, "back_at": 0.0, "safe_until": 0.0}
    return resting | changes


def rock(x: float, y: float, velocity: tuple[float, float] = (0.0, 0.0)) -> dict[str, Any]:
    return {"position": [x, y], "velocity": list(velocity), "angle": 0.0, "spin": 0.0, "size": 2}


def arena(ships: dict[int, Any], rocks: dict[int, Any] | None = None) -> rules.State:
    return rules.new_game() | {"ships": ships, "rocks": rocks or {}, "clock": 10.0}


def decided(state: rules.State, frames: int = 60) -> list[Controls]:
    mind = Mind(Random(1))
    return [mind.decide(state, 1) for _ in range(frames)]


@pytest.mark.parametrize(("x", "turn"), [(700, 1), (500, -1)])
def test_it_turns_the_short_way_to_its_target(x: float, turn: int) -> None:
    controls = decided(arena({1: ship(600, 300), 2: ship(x, 300)}))
    assert all(one.turn * turn > 0 for one in controls)


def test_it_shoots_at_what_is_before_it_and_near() -> None:
    assert any(one.fire for one in decided(arena({1: ship(600, 300), 2: ship(600, 500)})))


def test_it_does_not_shoot_at_what_is_far_or_behind() -> None:
    assert not any(one.fire for one in decided(arena({1: ship(600, 20, 90.0), 2: ship(100, 300)})))


def test_it_aims_over_the_edge_when_that_is_shorter() -> None:
    state = arena({1: ship(20, 300, 270.0), 2: ship(rules.WIDTH - 150, 300)})
    assert any(one.fire for one in decided(state))


def test_it_leaves_alone_who_is_away_or_safe() -> None:
    away, safe = ship(600, 400, back_at=11.0), ship(600, 420, safe_until=11.0)
    assert decided(arena({1: ship(600, 300), 2: away, 3: safe})) == [Controls()] * 60


def test_it_flies_out_of_the_way_of_a_rock() -> None:
    controls = decided(arena({1: ship(600, 300, 0.0)}, {7: rock(600, 200, (0.0, 120.0))}))
    assert all(one.thrust for one in controls)


def test_away_it_does_nothing() -> None:
    assert decided(arena({1: ship(600, 300, back_at=11.0), 2: ship(600, 400)}), 1) == [Controls()]
