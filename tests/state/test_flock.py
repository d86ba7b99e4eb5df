"""What moves together is shown as it would be if each moved alone, and is as fast."""

import math
import random

import pytest

from pygase.state.flock import Flock
from pygase.state.rows import Pairs
from pygase.state.tracks import Pace, Plan, Track


def pairs_of(places: list[list[float]]) -> Pairs:
    return Pairs(places, [[place[0] for place in places], [place[1] for place in places]])


def flock_of(places: list[list[float]]) -> tuple[Flock, list[Track]]:
    own_key = "".join(("pl", "ace"))  # not the same object as the constant
    tracks = [Track({own_key: list(place)}, "place", tuple(place)) for place in places]
    known = {number: {"place": track} for number, track in enumerate(tracks)}
    return Flock(list(known), known, "place"), tracks


@pytest.mark.parametrize("seed", range(6))
def test_flock_is_as_fast_as_its_tracks_alone(seed: int) -> None:
    dice, names = random.Random(seed), range(20)
    places = [[dice.uniform(-100, 100), dice.uniform(-100, 100)] for _ in names]
    speeds = [(dice.uniform(-50, 50), dice.uniform(-50, 50)) for _ in names]
    flock, tracks = flock_of(places)
    alone = [Track({"place": list(place)}, "place", tuple(place)) for place in places]
    pace, pace_alone = Pace(), Pace()
    pace.fastest = pace_alone.fastest = 20.0
    now = 0.0
    for number in range(1, 300):
        begin, now = now, now + dice.choice((0.05, 0.05, 0.051, 0.1))
        rush = 1.0 + 0.5 * math.sin(number / 20)
        for name in names:
            if dice.random() < 0.95:
                for axis in (0, 1):
                    places[name][axis] += rush * dice.uniform(0.9, 1.0) * speeds[name][axis] * (now - begin)
        plan, plan_alone = Plan(number, begin, now), Plan(number, begin, now)
        pace.pass_to(now)
        pace_alone.pass_to(now)
        to = [list(place) for place in places]
        assert flock.move(pairs_of(to), plan, pace)
        for track, place in zip(alone, to, strict=True):
            if track.values != tuple(place):
                plan_alone.show(track, tuple(place), 0.0, pace_alone)
                track.values = tuple(place)
        assert 0.989 * pace_alone.fastest <= pace.fastest <= 1.001 * pace_alone.fastest
    flock.settle()
    for track, other in zip(tracks, alone, strict=True):
        assert track.values == other.values
        assert track.speed == pytest.approx(other.speed)


def test_dash_that_is_not_repeated_is_no_pace() -> None:
    flock, _ = flock_of([[0.0, 0.0], [5.0, 0.0]])
    pace = Pace()
    pace.fastest = 100.0
    for number, (x, y) in enumerate([(10.0, 5.0), (20.0, 5.0), (55.0, 5.0), (65.0, 5.0)]):
        assert flock.move(pairs_of([[x, 0.0], [y, 0.0]]), Plan(number + 1, 0.1 * number, 0.1 * number + 0.1), pace)
        assert pace.fastest == pytest.approx(100.0)
    assert flock.move(pairs_of([[85.0, 0.0], [5.0, 0.0]]), Plan(5, 0.4, 0.5), pace)
    assert pace.fastest == pytest.approx(100.0)
    assert flock.move(pairs_of([[105.0, 0.0], [5.0, 0.0]]), Plan(6, 0.5, 0.6), pace)
    assert pace.fastest == pytest.approx(200.0)


@pytest.mark.parametrize("to", [[1e9, 0.0], [math.nan, 0.0], [0.0, math.inf], [0.0, -math.inf], [1e308, -1e308]])
@pytest.mark.parametrize("which", [0, 1])
def test_what_may_jump_or_is_not_finite_is_left_to_the_tracks(to: list[float], which: int) -> None:
    places = [[0.0, 0.0], [0.0, 0.0]]
    flock, _ = flock_of(places)
    pace, plan = Pace(), Plan(1, 0.0, 0.1)
    pace.fastest = 10.0
    places[which] = to
    assert not flock.move(pairs_of(places), plan, pace)
    assert not plan
    assert flock.number == 0
    assert pace.fastest == 10.0


def test_flock_at_rest_is_not_shown() -> None:
    flock, _ = flock_of([[1.0, 2.0], [3.0, 4.0]])
    pace, plan = Pace(), Plan(1, 0.0, 0.1)
    pace.fastest = 10.0
    assert flock.move(pairs_of([[1.0, 2.0], [3.0, 4.0]]), plan, pace)
    assert not plan


def test_one_that_rests_among_those_that_move_may_be_left_to_the_tracks() -> None:
    flock, _ = flock_of([[1.0, 2.0], [3.0, 4.0]])
    pace, plan = Pace(), Plan(1, 0.0, 0.1)
    pace.fastest = 10.0
    to = pairs_of([[1.1, 2.0], [3.0, 4.0]])
    assert not flock.move(to, plan, pace, may_rest=False)
    assert not plan
    assert flock.move(to, plan, pace)
    assert plan


def test_flock_writes_under_the_containers_own_key() -> None:
    """Another string that is equal has to be compared in each frame."""
    flock, tracks = flock_of([[1.0, 2.0]])
    assert flock.name is next(iter(tracks[0].container))
    assert flock.name == "place"


def test_container_that_has_lost_the_key() -> None:
    track = Track({}, "place", (1.0, 2.0))
    assert Flock(["a"], {"a": {"place": track}}, "place").name == "place"


@pytest.mark.parametrize("track", [None, {"x": 1}, Track({}, "place", 1.0), Track({}, "place", (1.0, 2.0, 3.0))])
def test_other_things_are_no_flock(track: object) -> None:
    with pytest.raises(TypeError):
        Flock(["a"], {"a": {"place": track}}, "place")
    with pytest.raises(KeyError):
        Flock(["b"], {"a": {"place": track}}, "place")
