"""Smoothed values on a virtual clock: updates come late, in disorder or not at all, and what is drawn is looked at."""

import math
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import pytest

from pygase.state import TO_DELETE, GameState, Replacement, StateArrival, apply_all
from pygase.state.interpolation import Angle, Cyclic, Interpolator, Smoothed

FRAME = 1 / 60
CLOCKS_APART = 1_000.0


class Screen:
    """A state with smoothing, fed with updates and looked at in frames."""

    def __init__(self, *paths: str | Smoothed, delay: float | None = None, **state: Any) -> None:
        self.smooth = Interpolator(paths, delay=delay)
        self.state = GameState(**state)
        self.version = 0
        self.feed(0.0, Replacement(self.state.to_dict()), arrival=0.0)

    def feed(
        self,
        server_time: float,
        update: dict[Any, Any],
        *,
        arrival: float | None = None,
        noticed: float | None = None,
        version: int | None = None,
    ) -> None:
        """Receive an update that was made at a time of the server, and by default arrives 50 ms later, in a frame."""
        self.version = self.version + 1 if version is None else version
        arrived = CLOCKS_APART + (server_time + 0.05 if arrival is None else arrival)
        history = [StateArrival(self.version, round(server_time, 3), arrived, update)]
        apply_all(self.state, history)
        self.smooth.receive(history, self.state, arrived if noticed is None else CLOCKS_APART + noticed)

    @contextmanager
    def drawn(self, time: float) -> Iterator[GameState]:
        self.smooth.place(CLOCKS_APART + time)
        try:
            yield self.state
        finally:
            self.smooth.restore()

    def at(self, time: float, look: Callable[[GameState], Any]) -> Any:
        with self.drawn(time) as state:
            return look(state)


def one(state: GameState) -> Any:
    return state.players["a"]["position"]


def moving_screen(updates: int = 40, *, speed: float = 100.0, interval: float = 0.05) -> Screen:
    """A body at constant speed, watched for long enough that all is settled."""
    screen = Screen("players.*.position", players={"a": {"position": [0.0, 7.0]}})
    for number in range(1, updates + 1):
        time = number * interval
        screen.feed(time, {"players": {"a": {"position": [speed * time, 7.0]}}})
        for frame in range(3):
            screen.at(time + 0.05 + frame * FRAME, one)
    return screen


# --- the acceptance of smoothness -------------------------------------------------------------------------------------


class Line:
    """What one body on a line looks like over a bad connection."""

    def __init__(
        self,
        seed: int,
        path: Callable[[float], list[float]],
        *,
        seconds: float = 60.0,
        latency: float = 0.1,
        jitter: float = 0.03,
        loss: float = 0.05,
        stall: tuple[float, float] | None = None,
    ) -> None:
        dice = random.Random(seed)
        screen = Screen("players.*.position", players={"a": {"position": path(0.0)}})
        flying = []
        for number in range(1, int(seconds * 20)):
            time = number / 20
            if dice.random() >= loss and not (stall and stall[0] <= time < stall[1]):
                flying.append((time + latency + dice.uniform(-jitter, jitter), number))
        flying.sort()
        self.frames: list[tuple[float, list[float]]] = []
        newest = at = 0
        frame = 0
        while frame * FRAME < seconds - 1.0:
            now = frame * FRAME
            frame += 1
            while at < len(flying) and flying[at][0] <= now:
                arrival, number = flying[at]
                at += 1
                if number > newest:  # as the replica does
                    newest = number
                    update = {"players": {"a": {"position": path(number / 20)}}}
                    screen.feed(number / 20, update, arrival=arrival, noticed=now, version=number + 1)
            self.frames.append((now, screen.at(now, one)))

    def after(self, begin: float, end: float = math.inf) -> list[tuple[float, list[float]]]:
        return [frame for frame in self.frames if begin <= frame[0] < end]


@pytest.mark.parametrize("seed", range(5))
def test_uniform_motion_over_a_bad_line_is_smooth(seed: int) -> None:
    """20 updates and 60 frames a second, 100 ms latency, 30 ms jitter, 5 % loss."""
    line = Line(seed, lambda time: [120.0 * time, 50.0 + 90.0 * time])
    still = 0.0
    for (before, old), (now, new) in pairwise(line.after(3.0)):
        assert new[0] >= old[0], "it never steps backwards"
        still = still + now - before if new[0] - old[0] < 0.02 * 120.0 * FRAME else 0.0
        assert still <= 0.05, "it never stands still"
    for _, (x, y) in line.after(3.0):
        assert abs((y - 50.0) / 90.0 - x / 120.0) * 150.0 < 1.0, "it stays on its path"
    delays = [now - x / 120.0 for now, (x, _) in line.after(5.0)]
    assert max(delays) - 0.1 < 0.3


def test_motion_on_a_curve_stays_within_a_pixel_of_it() -> None:
    line = Line(1, lambda time: [300.0 * math.cos(time / 3), 300.0 * math.sin(time / 3)], loss=0.05)
    for _, (x, y) in line.after(3.0):
        assert abs(math.hypot(x, y) - 300.0) < 1.0


def test_motion_on_a_good_line_is_even_and_hardly_late() -> None:
    line = Line(1, lambda time: [100.0 * time, 0.0], latency=0.001, jitter=0.0002, loss=0.0)
    steps = [(new[0] - old[0]) / (now - before) for (before, old), (now, new) in pairwise(line.after(10.0))]
    assert min(steps) > 95.0
    assert max(steps) < 105.0
    assert max(now - x / 100.0 for now, (x, _) in line.after(10.0)) < 0.09


@pytest.mark.parametrize("length", [0.5, 1.0, 3.0])
def test_after_a_stall_it_catches_up_without_a_rush(length: float) -> None:
    line = Line(2, lambda time: [100.0 * time, 0.0], seconds=50.0, stall=(20.0, 20.0 + length))
    before = max(now - x / 100.0 for now, (x, _) in line.after(15.0, 20.0))
    for (earlier, old), (now, new) in pairwise(line.after(3.0)):
        assert 0.0 <= new[0] - old[0] <= 1.6 * 100.0 * (now - earlier)
    assert max(now - x / 100.0 for now, (x, _) in line.after(20.0 + length + 15.0)) < before + 0.1


def test_teleport_is_not_smeared() -> None:
    def path(time: float) -> list[float]:
        return [100.0 * time + (5_000.0 if time >= 10.0 else 0.0), 7.0]

    for seed in range(5):
        line = Line(seed, path, seconds=20.0)
        for (_, old), (_, new) in pairwise(line.after(3.0)):
            assert 0.0 <= new[0] - old[0] < 5.0 or 4_980.0 < new[0] - old[0] < 5_020.0
        assert not [x for _, (x, _) in line.frames if 1_010.0 < x < 5_990.0]


def test_teleport_among_others_that_move_is_not_smeared() -> None:
    """One teleports on its way, and one that rests: there and back, which is no steady motion."""
    names = "abc"
    screen = Screen("players.*.position", players={name: {"position": [0.0, 0.0]} for name in names})
    places = dict.fromkeys(names, 0.0)
    seen: list[dict[str, float]] = []
    for number in range(1, 400):
        changed = {"a", "b"}
        places["a"] += 5.0
        places["b"] += 5_000.0 if number in (100, 200, 300) else 5.0
        if number in (120, 150, 220, 250):
            places["c"] = 3_000.0 - places["c"]
            changed.add("c")
        screen.feed(number / 20, {"players": {name: {"position": [places[name], 0.0]} for name in changed}})
        for frame in range(3):
            with screen.drawn(number / 20 + 0.05 + frame * FRAME) as state:
                seen.append({name: state.players[name]["position"][0] for name in names})
    for old, new in pairwise(seen[30:]):
        assert 0.0 <= new["a"] - old["a"] < 3.0
        assert 0.0 <= new["b"] - old["b"] < 3.0 or 4_990.0 < new["b"] - old["b"] < 5_010.0
        assert new["c"] in (0.0, 3_000.0)
    assert sum(old["c"] != new["c"] for old, new in pairwise(seen)) == 4


# --- time -------------------------------------------------------------------------------------------------------------


def test_value_between_two_updates_is_between_their_values() -> None:
    screen = Screen("players.*.position", delay=0.1, players={"a": {"position": [0.0, 0.0]}})
    screen.feed(0.05, {"players": {"a": {"position": [10.0, -20.0]}}}, arrival=0.05)
    screen.at(0.1, one)
    screen.feed(0.1, {"players": {"a": {"position": [10.0, -10.0]}}}, arrival=0.1)
    assert screen.at(0.125, one) == pytest.approx([5.0, -10.0], abs=0.2)
    assert one(screen.state) == [10.0, -10.0]


def test_body_at_rest_that_starts_is_not_smeared_over_its_rest() -> None:
    screen = moving_screen()
    x = one(screen.state)[0]
    frame = 2.05
    while frame < 7.0:
        screen.at(frame, one)
        frame += FRAME
    assert screen.at(frame, one) == [x, 7.0]
    screen.feed(7.0, {"players": {"a": {"position": [x + 5.0, 7.0]}}})
    seen = []
    while frame < 7.4:
        frame += FRAME
        seen.append(screen.at(frame, one)[0] - x)
    assert seen[0] == pytest.approx(0.0, abs=0.01), "it does not begin in the middle of its way"
    assert seen == sorted(seen)
    assert sum(0.0 < way < 4.99 for way in seen) >= 2, "it is on its way for an update's time"
    assert seen[-1] == 5.0


def test_first_motion_after_a_long_rest_takes_an_updates_time() -> None:
    screen = Screen("players.*.position", players={"a": {"position": [0.0, 0.0]}})
    for frame in range(180):
        screen.at(frame * FRAME, one)
    screen.feed(3.0, {"players": {"a": {"position": [5.0, 0.0]}}})
    seen = [screen.at(3.05 + frame * FRAME, one)[0] for frame in range(30)]
    assert seen[0] < 1.0
    assert seen == sorted(seen)
    assert seen[-1] == 5.0


def test_body_at_rest_that_starts_while_others_move() -> None:
    screen = Screen("players.*.position", players={"a": {"position": [0.0, 0.0]}, "b": {"position": [0.0, 0.0]}})
    seen = []
    for number in range(1, 60):
        update: dict[str, Any] = {"b": {"position": [5.0 * number, 0.0]}}
        if number >= 40:
            update["a"] = {"position": [5.0 * (number - 39), 0.0]}
        screen.feed(number / 20, {"players": update})
        for frame in range(3):
            with screen.drawn(number / 20 + 0.05 + frame * FRAME) as state:
                seen.append((state.players["a"]["position"][0], state.players["b"]["position"][0]))
    for a, b in seen[60:]:
        assert a == pytest.approx(max(0.0, b - 195.0), abs=0.01)


def test_body_that_changes_at_every_third_update_goes_on_in_between() -> None:
    """As a player whose own positions come 20 times a second, while 60 ticks a second move others."""
    start = {"a": {"place": [0.0, 0.0], "angle": 350.0, "deep": [0, 0, 0]}, "b": {"place": [0.0, 0.0]}}
    screen = Screen("players.*.place", "players.*.angle", "players.*.deep", players=start)
    seen = []
    for number in range(1, 240):
        time = number / 60
        update: dict[str, Any] = {"b": {"place": [100.0 * time, 0.0]}}
        if number % 3 == 0:
            angle = (350.0 + 60.0 * time) % 360.0
            update["a"] = {"place": [100.0 * time, 0.0], "angle": angle, "deep": [100.0 * time, 0, 1]}
        screen.feed(time, {"players": update})
        with screen.drawn(time + 0.05) as state:
            a, b = state.players["a"], state.players["b"]
            seen.append((a["place"][0], b["place"][0], a["deep"][0], a["angle"]))
    for (old, *_), (a, b, deep, angle) in pairwise(seen[120:]):
        assert 0.9 < (a - old) * 60 / 100.0 < 1.1
        assert a == pytest.approx(b, abs=0.2)
        assert a == pytest.approx(deep)
        assert angle == pytest.approx((350.0 + 0.6 * a) % 360.0)


def test_update_that_comes_too_late_for_its_beginning_lets_nothing_jump() -> None:
    screen = Screen("players.*.place", players={"a": {"place": [0.0, 0.0]}, "b": {"place": [0.0, 0.0]}}, delay=0.03)
    seen = []
    for number in range(1, 240):
        time = number / 60
        update: dict[str, Any] = {"b": {"place": [100.0 * time, 0.0]}}
        if number % 4 == 0:
            update["a"] = {"place": [100.0 * time, 0.0]}
        screen.feed(time, {"players": update})
        seen.append(screen.at(time + 0.05, lambda state: state.players["a"]["place"][0]))
    for old, new in pairwise(seen[120:]):
        assert 0.0 <= new - old < 100.0 * 4 / 60


def test_lost_updates_are_made_up_for_by_the_next() -> None:
    screen = moving_screen(20)
    screen.feed(1.2, {"players": {"a": {"position": [120.0, 7.0]}}}, version=screen.version + 4)
    seen = [screen.at(1.25 + frame * FRAME, one)[0] for frame in range(40)]
    steps = [new - old for old, new in pairwise(seen)]
    assert max(steps) < 1.6 * 100.0 * FRAME
    assert seen[-1] == pytest.approx(120.0)


def test_fixed_delay_is_kept() -> None:
    screen = Screen("players.*.position", delay=0.2, players={"a": {"position": [0.0, 0.0]}})
    for number in range(1, 100):
        screen.feed(number / 20, {"players": {"a": {"position": [5.0 * number, 0.0]}}}, arrival=number / 20)
        for frame in range(3):
            now = number / 20 + frame * FRAME
            x = screen.at(now, one)[0]
    assert now - x / 100.0 == pytest.approx(0.2, abs=0.01)
    assert screen.smooth.delay == 0.2


def test_delay_adapts_to_the_update_interval() -> None:
    assert moving_screen(100, interval=0.02).smooth.delay < moving_screen(100, interval=0.1).smooth.delay


def test_server_that_was_started_anew_is_followed() -> None:
    screen = moving_screen()
    screen.feed(0.0, Replacement({"players": {"a": {"position": [1.0, 1.0]}}}), arrival=60.0, version=1)
    assert screen.at(60.01, one) == [1.0, 1.0]
    screen.feed(0.05, {"players": {"a": {"position": [2.0, 1.0]}}}, arrival=60.05)
    for frame in range(30):
        screen.at(60.05 + frame * FRAME, one)
    assert screen.at(60.6, one) == [2.0, 1.0]


def test_updates_at_the_same_millisecond() -> None:
    screen = moving_screen(20)
    screen.feed(1.05, {"players": {"a": {"position": [105.0, 7.0]}}})
    screen.feed(1.05, {"players": {"a": {"position": [105.5, 7.0]}}}, arrival=1.1)
    for frame in range(30):
        screen.at(1.1 + frame * FRAME, one)
    assert screen.at(2.0, one) == [105.5, 7.0]


def test_burst_of_updates_after_a_long_pause_is_bounded() -> None:
    screen = moving_screen(20)
    for number in range(21, 2_000):
        screen.feed(number / 20, {"players": {"a": {"position": [5.0 * number, 7.0]}}}, arrival=100.0)
    assert screen.at(100.0, one)[0] > 0.0
    for frame in range(1_200):
        x = screen.at(100.0 + frame * FRAME, one)[0]
    assert x == 5.0 * 1_999


# --- values -----------------------------------------------------------------------------------------------------------


def settle(screen: Screen, path: str, values: list[Any], *, interval: float = 0.05) -> list[Any]:
    """Send values of player a one after the other; return what is drawn in all frames."""
    seen = []
    for number, value in enumerate(values, 1):
        screen.feed(number * interval, {"players": {"a": {path: value}}})
        for frame in range(3):
            with screen.drawn(number * interval + 0.05 + frame * FRAME) as state:
                seen.append(state.players["a"].get(path))
    return seen


@pytest.mark.parametrize("spec", ["players.*.angle", Angle("players.*.angle")])
def test_angle_turns_the_short_way(spec: str | Smoothed) -> None:
    screen = Screen(spec, players={"a": {"angle": 300.0}})
    seen = settle(screen, "angle", [(300.0 + 5.0 * step) % 360.0 for step in range(60)])
    assert all(0.0 <= angle < 360.0 for angle in seen)
    turns = [(new - old + 180.0) % 360.0 - 180.0 for old, new in pairwise(seen)]
    assert min(turns) >= -1e-6
    assert max(turns) < 3.0


def test_angle_around_zero_stays_around_zero() -> None:
    screen = Screen(Angle("players.*.look", math.tau), players={"a": {"look": 3.0}})
    values = [math.remainder(3.0 + 0.05 * step, math.tau) for step in range(40)]
    seen = settle(screen, "look", values)
    assert all(-math.pi <= angle <= math.pi for angle in seen)
    turns = [math.remainder(new - old, math.tau) for old, new in pairwise(seen)]
    assert min(turns) >= -1e-6
    assert max(turns) < 0.04


def test_position_in_a_world_that_wraps_takes_the_short_way() -> None:
    screen = Screen(Cyclic("players.*.position", (800.0, 0.0)), players={"a": {"position": [700.0, 1.0]}})
    seen = settle(screen, "position", [[(700.0 + 5.0 * step) % 800.0, 1.0 + step] for step in range(60)])
    assert all(0.0 <= x < 800.0 for x, _ in seen)
    assert max(abs((new[0] - old[0] + 400.0) % 800.0 - 400.0) for old, new in pairwise(seen)) < 3.0


def test_wrapping_position_that_is_not_said_to_wrap_jumps() -> None:
    screen = Screen("players.*.position", players={"a": {"position": [700.0, 1.0]}})
    seen = settle(screen, "position", [[(700.0 + 5.0 * step) % 800.0, 1.0] for step in range(60)])
    assert all(x <= 6.0 or x >= 695.0 or new <= x + 3.0 for (x, _), (new, _) in pairwise(seen))
    assert not [x for x, _ in seen if 215.0 < x < 699.0]


def test_numbers_lists_of_three_and_dicts_are_smoothed() -> None:
    screen = Screen(
        "players.*.x", "players.*.place", "players.*.spot", players={"a": {"x": 0, "place": [0, 0, 0], "spot": {}}}
    )
    half = []
    for number in range(1, 30):
        value = {"x": number, "place": [number, 2 * number, 3], "spot": {"x": number, "deep": {"y": number}}}
        screen.feed(number / 20, {"players": {"a": value}})
        for frame in range(3):
            with screen.drawn(number / 20 + 0.05 + frame * FRAME) as state:
                player = state.players["a"]
                half.append((player["x"], *player["place"], player["spot"]["x"], player["spot"]["deep"]["y"]))
    for x, px, py, pz, sx, sy in half[40:]:
        assert px == pytest.approx(x)
        assert py == pytest.approx(2 * x)
        assert pz == pytest.approx(3)
        assert sx == pytest.approx(x)
        assert sy == pytest.approx(x)
    assert sum(x % 1 not in (0.0,) for x, *_ in half) > 30


def test_values_are_put_back_as_they_were() -> None:
    screen = moving_screen()
    before = screen.state.to_dict()
    with screen.drawn(2.06) as state:
        assert state.players["a"]["position"] != before["players"]["a"]["position"]
        assert type(state.players["a"]["position"]) is list
    assert screen.state.to_dict() == before


def test_paths_without_star_and_with_several() -> None:
    screen = Screen("ball", "teams.*.*.x", ball=[0.0, 0.0], teams={"red": {1: {"x": 0.0}}})
    for number in range(1, 30):
        screen.feed(number / 20, {"ball": [number, 0.0], "teams": {"red": {1: {"x": number}}}})
        for frame in range(3):
            with screen.drawn(number / 20 + 0.05 + frame * FRAME) as state:
                assert state.ball[0] == pytest.approx(state.teams["red"][1]["x"])
                seen = state.ball[0]
    assert seen < 29


# --- entities that come, go and change --------------------------------------------------------------------------------


def test_entity_appears_at_its_place_and_moves_on_from_there() -> None:
    screen = moving_screen(20)
    seen = []
    for number in range(21, 40):
        update: dict[str, Any] = {"a": {"position": [5.0 * number, 7.0]}}
        if number >= 25:
            update["b"] = {"position": [1_000.0 + 5.0 * (number - 25), 0.0]}
        screen.feed(number / 20, {"players": update})
        for frame in range(3):
            with screen.drawn(number / 20 + 0.05 + frame * FRAME) as state:
                if "b" in state.players:
                    seen.append(state.players["b"]["position"][0])
    assert seen[0] == 1_000.0
    assert all(0.0 <= new - old < 3.0 for old, new in pairwise(seen))
    assert seen[-1] > 1_050.0


def test_deleted_entity_is_gone_at_once_and_returns_as_another() -> None:
    screen = moving_screen(20)
    screen.feed(1.05, {"players": {"a": {"position": [105.0, 7.0]}}})
    screen.feed(1.1, {"players": {"a": TO_DELETE}})
    with screen.drawn(1.16) as state:
        assert state.players == {}
    screen.feed(1.15, {"players": {"a": {"position": [-50.0, 0.0]}}})
    for frame in range(10):
        assert screen.at(1.2 + frame * FRAME, one) == [-50.0, 0.0]


def test_entity_that_is_gone_and_returns_among_others_is_another() -> None:
    screen = Screen("players.*.position", players={name: {"position": [0.0, 0.0]} for name in "ab"})
    seen = []
    for number in range(1, 100):
        update: dict[str, Any] = {"a": {"position": [5.0 * number, 0.0]}}
        if number == 40:
            update["b"] = TO_DELETE
        elif number == 41:
            update["b"] = {"position": [9_000.0, 0.0]}
        elif number != 42:
            update["b"] = {"position": [5.0 * number + (9_000.0 if number > 40 else 0.0), 0.0]}
        screen.feed(number / 20, {"players": update})
        for frame in range(3):
            with screen.drawn(number / 20 + 0.05 + frame * FRAME) as state:
                seen.append({name: body["position"][0] for name, body in state.players.items()})
    for old, new in pairwise(seen[30:]):
        assert 0.0 <= new["a"] - old["a"] < 3.0
    gone = [number for number, places in enumerate(seen) if "b" not in places]
    assert gone == [117, 118, 119], "for as long as it was gone"
    for old, new in pairwise(seen[30:117]):
        assert 0.0 <= new["b"] - old["b"] < 3.0
    assert seen[120]["b"] == 9_000.0
    assert all(old["b"] <= new["b"] for old, new in pairwise(seen[120:]))


def test_value_that_is_deleted_does_not_come_back() -> None:
    screen = moving_screen(20)
    screen.feed(1.05, {"players": {"a": {"position": [105.0, 7.0]}}})
    screen.feed(1.1, {"players": {"a": {"position": TO_DELETE}}})
    for frame in range(10):
        with screen.drawn(1.15 + frame * FRAME) as state:
            assert state.players["a"] == {}
    assert screen.state.players["a"] == {}


@pytest.mark.parametrize("other", [None, "far away", [1.0, "x"], [], {"x": 1.0}, 3.0, [1.0, 2.0, 3.0], True])
def test_value_that_changes_its_type_is_shown_at_once(other: Any) -> None:
    screen = moving_screen(20)
    screen.feed(1.05, {"players": {"a": {"position": [105.0, 7.0]}}})
    screen.feed(1.1, {"players": {"a": {"position": Replacement(other) if isinstance(other, dict) else other}}})
    for frame in range(10):
        assert screen.at(1.15 + frame * FRAME, one) == other
    screen.feed(1.2, {"players": {"a": {"position": [1.0, 1.0]}}})
    for frame in range(40):
        screen.at(1.25 + frame * FRAME, one)
    assert screen.at(2.5, one) == [1.0, 1.0]


def test_whole_state_anew_keeps_what_moves_moving() -> None:
    """As when a client was cut off for longer than the server remembers."""
    screen = Screen("players.*.position", players={"a": {"position": [0.0, 0.0]}})
    seen = []
    for number in range(1, 60):
        update: dict[str, Any] = {"players": {"a": {"position": [5.0 * number, 0.0]}}}
        if number in (30, 33):
            update = Replacement(update)
        if number == 40:
            update = {"players": Replacement(update["players"])}
        if number == 45:
            update = {"players": {"a": Replacement(update["players"]["a"])}}
        screen.feed(number / 20, update)
        seen += [screen.at(number / 20 + 0.05 + frame * FRAME, one)[0] for frame in range(3)]
    assert all(0.0 <= new - old < 3.0 for old, new in pairwise(seen))
    assert seen[-1] > 280.0


def test_forgotten_history_harms_nothing() -> None:
    """The client keeps so many updates for smoothing; of a game that does not draw for long, some go unseen."""
    screen = moving_screen(20)
    screen.feed(1.05, {"players": {"a": {"position": [105.0, 7.0]}}})
    unseen = StateArrival(screen.version + 1, 1.1, CLOCKS_APART + 1.15, {"players": {"a": {"position": TO_DELETE}}})
    apply_all(screen.state, [unseen])
    screen.feed(1.15, {"players": {"b": {"position": [0.0, 0.0]}}}, version=screen.version + 2)
    with screen.drawn(1.16) as state:
        assert state.players == {"a": {}, "b": {"position": [0.0, 0.0]}}


def test_passing_entities_are_forgotten() -> None:
    screen = Screen("shots.*.position", shots={})
    for number in range(2_000):
        shots: dict[Any, Any] = {number: {"position": [0.0, 0.0]}}
        if number >= 10:
            shots[number - 10] = TO_DELETE
        screen.feed(number / 20, {"shots": shots})
        screen.smooth.place(CLOCKS_APART + number / 20 + 0.06)
        screen.smooth.restore()
    assert len(screen.smooth._motions._paths[0].known["shots"]) <= 10


def test_random_states_are_always_put_back() -> None:
    """Whatever comes and goes, drawing leaves the state as it was and shows nothing that is not there."""
    dice = random.Random(5)
    screen = Screen("things.*.p", "things.*.q.*.angle", things={})
    choices = (TO_DELETE, 1, 2.5, [1, 2], [3.0, 4.0], [1, 2, 3], None, "s", {"x": 1})
    for number in range(1, 1_500):
        update: dict[Any, Any] = {}
        for _ in range(3):
            thing: Any = {
                "p": dice.choice(choices),
                "q": dice.choice(
                    (TO_DELETE, 5, {dice.randrange(3): dice.choice((TO_DELETE, {"angle": dice.random()}))})
                ),
            }
            kind = dice.random()
            things = update.setdefault("things", {})
            if kind < 0.15:
                thing = TO_DELETE
            elif kind < 0.3:
                thing = Replacement({key: value for key, value in thing.items() if value is not TO_DELETE})
            things[dice.randrange(6)] = thing
        if dice.random() < 0.03:
            update = Replacement({"things": {1: {"p": [1, 1]}}})
        screen.feed(number / 20, update, version=screen.version + dice.choice((1, 1, 1, 3)))
        before = screen.state.to_dict()
        for frame in range(3):
            with screen.drawn(number / 20 + 0.05 + frame * FRAME) as state:
                assert state.things.keys() == before["things"].keys()
        assert screen.state.to_dict() == before


# --- asking for it ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", ".", "players..x", "*", "*.x", "players."])
def test_path_that_is_none_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="path"):
        Interpolator((path,))


def test_path_of_another_type_is_refused() -> None:
    with pytest.raises(TypeError, match="path"):
        Interpolator((5,))  # type: ignore[arg-type]


@pytest.mark.parametrize("delay", [-0.1, math.nan, math.inf])
def test_delay_that_is_none_is_refused(delay: float) -> None:
    with pytest.raises(ValueError, match="delay"):
        Interpolator(("a.b",), delay=delay)


def test_periods_for_some_components_only() -> None:
    screen = Screen(
        Cyclic("players.*.place", (100.0,)),
        Cyclic("players.*.spot", (100.0, 0.0, 50.0)),
        players={"a": {"place": [90.0, 0.0, 0.0], "spot": [90.0, 0.0]}},
    )
    seen = []
    for number in range(1, 40):
        x, y = (90.0 + number) % 100.0, 3.0 * number
        screen.feed(number / 20, {"players": {"a": {"place": [x, y, -y], "spot": [x, y]}}})
        for frame in range(3):
            with screen.drawn(number / 20 + 0.05 + frame * FRAME) as state:
                player = state.players["a"]
                seen.append(player["place"])
                assert player["spot"] == pytest.approx(player["place"][:2])
    for old, new in pairwise(seen):
        assert 0.0 <= (new[0] - old[0] + 50.0) % 100.0 - 50.0 < 1.0
        assert 0.0 <= new[1] - old[1] < 2.0
        assert new[2] == pytest.approx(-new[1])
