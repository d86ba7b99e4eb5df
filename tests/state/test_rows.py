"""Updates that stay columns until they are applied do what the same updates do as dicts."""

import copy
import random
from typing import Any

import pytest

from pygase.state import TO_DELETE, GameState, Replacement, StateArrival, apply_all
from pygase.state.codec import Decoder, Encoder
from pygase.state.interpolation import Interpolator
from pygase.state.rows import Pairs, Rows, in_dicts
from pygase.state.values import same

FRAME = 1 / 60


def rows_of(update: dict[str, Any]) -> Any:
    """An update as it comes off the network."""
    encoder = Encoder()
    encoder.begin(0)
    return Decoder().decode(encoder.encode(update, None), keeps_rows=True)


UPDATES: list[dict[str, Any]] = [
    {"players": {"a": {"position": [1.5, 2.5]}, "b": {"position": [0.5, 3.0]}}},
    {"players": {"a": {"position": [1.0, 2.0], "hp": 3}, "b": {"position": [5.0, 3.0], "hp": 4}}},
    {"players": {1: {"x": None, "y": True}, 2: {"x": "text", "y": TO_DELETE}}},
    {"players": {"a": {"items": {"x": {"n": 1}, "y": {"n": 2}}}, "b": {"items": {"z": {"n": 3}}}}},
    {"players": {"a": {"items": Replacement({"x": 1})}, "b": {"items": TO_DELETE}}},
    {"players": {"a": {"items": {"x": TO_DELETE}}, "b": {"items": [1, [2.5, {"k": 3}]]}}},
    {"teams": {"red": {"a": {"x": 1.0}, "b": {"x": 2.0}}, "blue": {"c": {"x": 1.0}, "d": {"x": 0.5}}}},
]


@pytest.mark.parametrize("update", UPDATES, ids=repr)
def test_rows_stand_for_dicts(update: dict[str, Any]) -> None:
    assert same(in_dicts(rows_of(update)), update)


@pytest.mark.parametrize("update", UPDATES, ids=repr)
@pytest.mark.parametrize(
    "state",
    [
        {},
        {"players": {}, "teams": None},
        {"players": {"a": {"items": {"x": 1}, "hp": 1}, "b": {"items": {"x": 2}}}, "teams": {"red": {}}},
        {"players": {"a": "gone", "b": {"items": None}, 1: {"y": 0}, 2: {"y": 0}}},
    ],
    ids=repr,
)
def test_rows_are_applied_like_dicts(update: dict[str, Any], state: dict[str, Any]) -> None:
    one, other = GameState(**copy.deepcopy(state)), GameState(**copy.deepcopy(state))
    apply_all(one, [StateArrival(1, 0.0, 0.0, rows_of(update))])
    apply_all(other, [StateArrival(1, 0.0, 0.0, update)])
    assert same(one.to_dict(), other.to_dict())


def test_what_moves_comes_as_columns() -> None:
    rows = rows_of(UPDATES[0])["players"]
    assert type(rows) is Rows
    assert (rows.keys, rows.names, rows.are_plain) == (["a", "b"], ("position",), [True])
    assert type(rows.columns[0]) is Pairs
    assert list(map(list, rows.columns[0].components)) == [[1.5, 0.5], [2.5, 3.0]]


@pytest.mark.parametrize("column", [[[1, 2], [3, 4]], [[1.0, 2], [3.0, 4]], [[1.0], [2.0]], [[1.0, None], [2.0, None]]])
def test_only_lists_of_two_floats_are_pairs(column: list[Any]) -> None:
    rows = rows_of({"players": {number: {"position": value} for number, value in enumerate(column)}})["players"]
    assert rows.columns == [column]
    assert type(rows.columns[0]) is list


class World:
    """Bodies that move, rest, jump, come and go, or whose place is something else for a while."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.bodies: dict[str, list[float]] = {f"b{number}": [0.0, 10.0 * number] for number in range(8)}
        self.speeds = {name: (self.dice.uniform(-90, 90), self.dice.uniform(-90, 90)) for name in self.bodies}
        self.resting: set[str] = set()
        self.fresh = 100

    def step(self) -> dict[str, Any]:
        """Let 50 ms pass; return the update of players, as often as not with some that have not moved."""
        dice, changes = self.dice, dict[str, Any]()
        for name, place in self.bodies.items():
            if dice.random() < 0.05:
                self.resting ^= {name}
            if name in self.resting:
                if dice.random() < 0.3:
                    changes[name] = {"position": list(place)}
                continue
            for axis in (0, 1):
                place[axis] += 0.05 * self.speeds[name][axis] + (5_000.0 if dice.random() < 0.004 else 0.0)
            changes[name] = {"position": list(place)}
        chance = dice.random()
        if chance < 0.03 and len(self.bodies) > 2:
            name = dice.choice(list(self.bodies))
            del self.bodies[name]
            changes[name] = TO_DELETE
        elif chance < 0.06:
            self.fresh += 1
            self.bodies[f"b{self.fresh}"] = [1.0, 1.0]
            self.speeds[f"b{self.fresh}"] = (50.0, 0.0)
            changes[f"b{self.fresh}"] = {"position": [1.0, 1.0]}
        elif chance < 0.08:
            changes[dice.choice(list(self.bodies))] = {"position": dice.choice([None, 3.0, [1, 2], {"x": 1.0}])}
        return changes


@pytest.mark.parametrize("seed", range(12))
def test_what_is_drawn_does_not_depend_on_the_form_of_the_updates(seed: int) -> None:
    world, dice = World(seed), random.Random(seed)
    start = Replacement({"players": {name: {"position": list(place)} for name, place in world.bodies.items()}})
    screens = [(GameState(), Interpolator(("players.*.position",))) for _ in range(2)]
    encoder, decoders = Encoder(), (Decoder(), Decoder())
    waiting: list[list[StateArrival]] = [[], []]
    for tick in range(1, 200):
        encoder.begin(tick)
        time = tick * 0.05
        changes = {"players": world.step()} if dice.random() > 0.05 else {"paused": tick}
        data = encoder.encode(start if tick == 1 or dice.random() < 0.01 else changes, tick - 1)
        for form, decoder in enumerate(decoders):
            update = decoder.decode(data, keeps_rows=bool(form))
            waiting[form].append(StateArrival(tick, time, time + 0.05, update))
        if dice.random() < 0.1:
            continue  # the game looks at both in the next frame
        for (state, smooth), arrivals in zip(screens, waiting, strict=True):
            apply_all(state, arrivals)
            smooth.receive(arrivals, state, time + 0.055, is_untouched=bool(tick & 4))
            arrivals.clear()
        for frame in range(3):
            drawn = []
            for state, smooth in screens:
                before = state.to_dict()
                smooth.place(time + 0.055 + frame * FRAME)
                drawn.append({name: body.get("position") for name, body in state.players.items()})
                smooth.restore()
                assert same(state.to_dict(), before)
            assert drawn[0].keys() == drawn[1].keys()
            for name, place in drawn[0].items():
                assert drawn[1][name] == (pytest.approx(place, abs=1e-6) if type(place) is list else place)


def test_what_a_game_has_written_is_put_back_unless_an_update_has_come() -> None:
    state, smooth = GameState(), Interpolator(("players.*.position",))
    encoder, decoder = Encoder(), Decoder()
    for tick in range(1, 20):
        encoder.begin(tick)
        bodies = {name: {"position": [0.5 + 10.0 * tick, 0.5 + number]} for number, name in enumerate("abc")}
        update = {"players": bodies}
        data = encoder.encode(Replacement(update) if tick == 1 else update, tick - 1)
        arrival = StateArrival(tick, tick * 0.05, tick * 0.05, decoder.decode(data, keeps_rows=True))
        apply_all(state, [arrival])
        is_untouched = tick % 2 == 0
        if not is_untouched:
            state.players["b"]["position"] = [-1.0, -1.0]
        smooth.receive([arrival], state, tick * 0.05, is_untouched=is_untouched)
        smooth.place(tick * 0.05 + 0.01)
        drawn = state.players["b"]["position"]
        smooth.restore()
        if tick > 5:
            assert 10.0 * (tick - 4) < drawn[0] < 10.0 * (tick + 1)
            assert drawn[1] == 1.5
        assert state.players["b"]["position"] == ([0.5 + 10.0 * tick, 1.5] if is_untouched else [-1.0, -1.0])
        assert state.players["a"]["position"] == [0.5 + 10.0 * tick, 0.5]
