"""What rests, what is lost and what moves in its own time are told apart."""

from typing import Any

import pytest

from pygase.state.rhythm import Rhythm


def rhythm_of(*moves: tuple[float, int], missed: int | None = 0) -> Rhythm:
    """One that has seen motion at these times and versions."""
    rhythm = Rhythm()
    for time, version in moves:
        rhythm.begin_of_change(time, version, missed)
        rhythm.note(time, version, moves=True)
    return rhythm


def ticks(count: int, interval: float = 0.05, every: int = 1) -> list[tuple[float, int]]:
    return [(interval * every * number, every * number) for number in range(1, count + 1)]


def test_first_update_begins_where_it_ends() -> None:
    assert Rhythm().begin_of_change(7.0, 3, None) == 7.0


def test_motion_that_goes_on_begins_where_it_was() -> None:
    assert rhythm_of(*ticks(20)).begin_of_change(1.05, 21, 0) == pytest.approx(1.0)


@pytest.mark.parametrize("rest", [1, 5, 100])
def test_motion_after_a_rest_takes_a_tick(rest: int) -> None:
    """Nothing is lost, so the versions that did not come brought nothing."""
    assert rhythm_of(*ticks(20)).begin_of_change(1.05 + 0.05 * rest, 21 + rest, 0) == pytest.approx(1.0 + 0.05 * rest)


@pytest.mark.parametrize("missed", [3, 4, 50, None])
def test_motion_after_losses_began_before_them(missed: int | None) -> None:
    assert rhythm_of(*ticks(20)).begin_of_change(1.2, 24, missed) == pytest.approx(1.0)


@pytest.mark.parametrize("missed", [1, 2])
def test_motion_after_a_rest_with_losses_takes_as_many_ticks(missed: int) -> None:
    assert rhythm_of(*ticks(20)).begin_of_change(1.5, 30, missed) == pytest.approx(1.5 - 0.05 * (missed + 1))


def test_update_in_which_nothing_moves_ends_no_motion() -> None:
    """The server repeats what it does not know to have arrived, at any time."""
    rhythm = rhythm_of(*ticks(20))
    rhythm.begin_of_change(1.02, 20, 0)
    rhythm.note(1.02, 21, moves=False)
    assert rhythm.begin_of_change(1.06, 22, 0) == pytest.approx(1.0)
    rhythm.note(1.15, 23, moves=False)
    assert rhythm.begin_of_change(1.4, 28, 0) == pytest.approx(1.35)


def test_what_moves_at_every_third_tick_does_not_rest_between() -> None:
    rhythm = rhythm_of(*ticks(30, 0.02, every=3))
    assert rhythm.begin_of_change(1.86, 93, 0) == pytest.approx(1.8)
    assert rhythm.begin_of_change(1.88, 94, 0) == pytest.approx(1.8)
    assert rhythm.begin_of_change(2.8, 140, 0) == pytest.approx(2.74, abs=0.002)


def test_what_moves_ten_times_a_second_does_not_rest_between() -> None:
    rhythm = rhythm_of(*ticks(30, 0.05, every=2))
    assert rhythm.begin_of_change(3.1, 62, 0) == pytest.approx(3.0)
    assert rhythm.begin_of_change(3.2, 64, 0) == pytest.approx(3.1, abs=0.002)


def test_what_moves_now_and_then_rests_between() -> None:
    """As by fingers: never as long after the one before as that after its own."""
    moves = [(0.05 * at, at) for beat in range(20) for at in (5 * beat, 5 * beat + 2)]
    assert rhythm_of(*moves[1:]).begin_of_change(5.0, 100, 0) == pytest.approx(4.95, abs=0.002)


@pytest.mark.parametrize("interval", [0.01, 0.05, 0.2, 1.0])
def test_any_tick_rate_is_found_out(interval: float) -> None:
    rhythm = rhythm_of(*ticks(60, interval))
    assert rhythm.interval == pytest.approx(interval, rel=0.02)
    assert rhythm.begin_of_change(61 * interval, 61, 0) == pytest.approx(60 * interval)
    assert rhythm.begin_of_change(160 * interval, 160, 0) == pytest.approx(159 * interval, abs=0.02 * interval)


def test_server_whose_versions_do_not_count_ticks() -> None:
    rhythm = rhythm_of(*ticks(20))
    assert rhythm.begin_of_change(9.0, 21, 0) == pytest.approx(8.95)


@pytest.mark.parametrize("missed", [0, 1, 10**9, None])
def test_begin_is_never_before_the_last_motion_nor_after_the_update(missed: Any) -> None:
    rhythm = rhythm_of(*ticks(20))
    for step in range(1, 200):
        time = 1.0 + 0.001 * step * step
        begin = rhythm.begin_of_change(time, 20 + step, missed)
        assert 1.0 <= begin <= time
