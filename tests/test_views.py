"""View functions, ready-made."""

import math
import random
from typing import Any

import pytest

from pygase import TO_DELETE, GameState, GameStateStore
from pygase.views import near


def world(count: int, seed: int = 1, spread: float = 1000.0) -> GameState:
    dice = random.Random(seed)
    rows = {n: {"position": [dice.uniform(0, spread), dice.uniform(0, spread)], "hp": n} for n in range(count)}
    return GameStateStore(GameState(players=rows, weather="fine")).get_game_state()


def by_hand(state: GameState, own: int, radius: float, limit: int | None) -> set[int]:
    x, y = state.players[own]["position"]
    distances = sorted(
        ((row["position"][0] - x) ** 2 + (row["position"][1] - y) ** 2, key) for key, row in state.players.items()
    )
    reach = [key for distance, key in distances if distance <= radius**2]
    return set(reach if limit is None else reach[: limit + 1])


@pytest.mark.parametrize(
    ("radius", "limit"), [(50.0, None), (300.0, None), (5000.0, None), (200.0, 5), (float("inf"), 16), (1.0, 3)]
)
@pytest.mark.parametrize("spread", [0.0, 100.0, 5000.0])
def test_sees_exactly_the_rows_that_are_near(radius: float, limit: int | None, spread: float) -> None:
    state = world(300, spread=spread)
    view = near("players.*.position", radius=radius, limit=limit)
    for own in range(0, 300, 7):
        shown = view(state, own)
        assert shown["weather"] == "fine"
        assert own in shown["players"]
        if spread:
            assert set(shown["players"]) == by_hand(state, own, radius, limit)
        else:
            assert len(shown["players"]) == (300 if limit is None else limit + 1)
        assert all(row is state.players[key] for key, row in shown["players"].items())


def test_clumps_and_outliers_are_found_too() -> None:
    dice = random.Random(2)
    places = [[dice.gauss(0, 1), dice.gauss(0, 1)] for _ in range(200)] + [[1e6, 1e6], [-1e9, 3.0]]
    rows = {n: {"position": place} for n, place in enumerate(places)}
    state = GameStateStore(GameState(players=rows)).get_game_state()
    view = near("players.*.position", limit=3)
    for own in (0, 50, 200, 201):
        assert set(view(state, own)["players"]) == by_hand(state, own, float("inf"), 3)


@pytest.mark.parametrize("far", [1e100, 1e160, 1e308, 2**62])
def test_rows_at_the_end_of_all_floats_are_in_nobodys_way(far: float) -> None:
    rows: dict[Any, Any] = {n: {"position": [float(n), 0.0]} for n in range(40)}
    rows |= {40: {"position": [far, -far]}, 41: {"position": [-far, far]}}
    state = GameStateStore(GameState(players=rows, eye=[far, far])).get_game_state()
    view = near("players.*.position", radius=100.0, limit=4)
    for own in (0, 20, 39):
        assert own in view(state, own)["players"]
        assert len(view(state, own)["players"]) == 5
        assert not {40, 41} & set(view(state, own)["players"])
    assert set(view(state, 40)["players"]) == {40}
    assert near("players.*.position", radius=100.0, of="eye")(state, 0)["players"] == {}


@pytest.mark.parametrize(("radius", "limit"), [(math.inf, 4), (30.0, 4), (30.0, None), (math.inf, 0), (5.0, 60)])
def test_what_was_seen_before_makes_no_difference(radius: float, limit: int | None) -> None:
    dice = random.Random(3)
    store = GameStateStore(GameState(players={}))
    owns: dict[int, int] = {}
    how: dict[str, Any] = {"radius": radius, "limit": limit, "of": lambda state, client_id: owns.get(client_id)}
    long_used = near("players.*.position", **how)
    for version in range(150):
        rows: dict[Any, Any] = {}
        for row in dice.sample(range(90), 20):
            known = store.get_game_state().players.get(row)
            at = known["position"] if known and dice.random() < 0.9 else [50.0 * dice.random(), 0.0]
            rows[row] = {"position": [at[0] + dice.choice([-2.0, 0.0, 1.0]), float(dice.randrange(4))]}
        if version > 20:
            rows.update(dict.fromkeys(dice.sample(range(90), 5), TO_DELETE))
        if version == 100:
            rows.update(dict.fromkeys(range(80), TO_DELETE))
            rows.update({200 + n: {"position": [1e4 * n, 0.0]} for n in range(200)})  # and new numbers for all
        owns[dice.randrange(30)] = dice.randrange(90)
        draft = store.begin_tick()
        draft.merge({"players": rows})
        store.commit(draft)
        state = store.get_game_state()
        for client_id in dice.sample(range(30), 20):
            assert long_used(state, client_id) == near("players.*.position", **how)(state, client_id)


@pytest.mark.parametrize(
    "places", [[[0.0, 0.0]] * 5, [[5e-324 * n, 0.0] for n in range(5)], [[1e-200 * n, 1.0] for n in range(5)]]
)
def test_rows_in_one_place_are_found(places: list[list[float]]) -> None:
    state = GameStateStore(
        GameState(players={n: {"position": place} for n, place in enumerate(places)})
    ).get_game_state()
    for limit, count in ((0, 1), (2, 3), (9, 5), (None, 5)):
        shown = near("players.*.position", limit=limit)(state, 3)["players"]
        assert 3 in shown
        assert len(shown) == count


def test_client_without_a_row_sees_no_rows() -> None:
    assert near("players.*.position", radius=10)(world(5), 77)["players"] == {}


def test_row_without_a_position_is_its_owners_only() -> None:
    rows: dict[Any, Any] = {1: {"position": [0, 0]}, 2: {}, 3: {"position": "here"}, 4: {"position": [0.5, 0]}}
    state = GameStateStore(GameState(players=rows)).get_game_state()
    view = near("players.*.position", radius=10)
    assert set(view(state, 1)["players"]) == {1, 4}
    assert set(view(state, 2)["players"]) == {2}


def test_own_row_by_function_or_place_by_path() -> None:
    rows = {"ann": {"x": 0, "y": 0.0}, "bob": {"x": 5.0, "y": 0}, "cid": {"x": 50, "y": 0}}
    state = GameStateStore(GameState(players=rows, cameras={9: {"at": [50.0, 1.0]}})).get_game_state()
    names = {7: "bob"}
    view = near("players.*", radius=10, of=lambda game_state, client_id: names.get(client_id))
    assert set(view(state, 7)["players"]) == {"ann", "bob"}
    assert view(state, 8)["players"] == {}
    view = near("players.*", radius=10, of="cameras.{client_id}.at")
    assert set(view(state, 9)["players"]) == {"cid"}
    assert view(state, 8)["players"] == {}


def test_state_without_the_table_is_shown_as_it_is() -> None:
    state = GameStateStore(GameState(n=1)).get_game_state()
    assert near("players.*.position", radius=10)(state, 1)["n"] == 1


@pytest.mark.parametrize("path", ["players", "*.position", "players.*.*", "players..x", "players.x.*", "", None])
def test_path_that_is_none_raises(path: Any) -> None:
    with pytest.raises(ValueError, match=f"{path!r} is not a path".replace("*", r"\*")):
        near(path, radius=1.0)


@pytest.mark.parametrize(
    "how",
    [
        {"radius": 0.0},
        {"radius": -1.0},
        {"radius": float("nan")},
        {"radius": "5"},
        {"limit": -1},
        {"limit": 2.5},
        {"of": 7},
    ],
    ids=repr,
)
def test_options_that_are_none_raise_and_are_named(how: dict[str, Any]) -> None:
    ((name, value),) = how.items()
    with pytest.raises((TypeError, ValueError), match=f"{name} is .*{value!r}"):
        near("players.*.position", **how)
