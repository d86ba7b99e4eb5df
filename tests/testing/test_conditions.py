"""Lines do to datagrams what their conditions say, by the numbers."""

import random

import pytest

from pygase.testing import PROFILES, Conditions
from pygase.testing.conditions import Line, lines

COUNT = 20_000


def arrivals(conditions: Conditions, gap: float = 0.01, size: int = 100) -> list[list[float]]:
    """Send many datagrams over a line; return for each how long its copies took."""
    line = Line(conditions, random.Random(1))
    return [[when - n * gap for when in line.arrivals(size, n * gap)] for n in range(COUNT)]


def test_perfect_line_changes_nothing() -> None:
    assert set(map(tuple, arrivals(Conditions()))) == {(0.0,)}


@pytest.mark.parametrize("loss", [0.0, 0.01, 0.2, 1.0])
def test_loss_is_as_likely_as_given(loss: float) -> None:
    lost = sum(not copies for copies in arrivals(Conditions(loss=loss)))
    assert lost == pytest.approx(loss * COUNT, rel=0.15)


@pytest.mark.parametrize("share", [0.01, 0.3])
def test_duplication_is_as_likely_as_given(share: float) -> None:
    doubled = sum(len(copies) == 2 for copies in arrivals(Conditions(duplication=share)))
    assert doubled == pytest.approx(share * COUNT, rel=0.15)


def test_latency_and_jitter_spread_evenly_around_the_latency() -> None:
    times = [copies[0] for copies in arrivals(Conditions(latency=0.1, jitter=0.02))]
    assert min(times) == pytest.approx(0.08, abs=0.0005)
    assert max(times) == pytest.approx(0.12, abs=0.0005)
    assert sum(times) / COUNT == pytest.approx(0.1, abs=0.0005)
    assert sum(time < 0.09 for time in times) == pytest.approx(COUNT / 4, rel=0.1)


def test_jitter_beyond_the_latency_never_delivers_into_the_past() -> None:
    assert all(copies[0] >= -1e-9 for copies in arrivals(Conditions(latency=0.01, jitter=0.05)))


def test_reordered_datagrams_are_overtaken() -> None:
    gap = 0.01
    copies = arrivals(Conditions(latency=0.05, reordering=0.1, reordering_delay=0.05), gap)
    when = [n * gap + times[0] for n, times in enumerate(copies)]
    overtaken = sum(when[n] > when[n + 1] for n in range(COUNT - 1))
    assert overtaken == pytest.approx(0.1 * 0.9 * COUNT, rel=0.15)  # those that are not held back with their successor


def test_losses_come_in_bursts_of_the_length_given() -> None:
    conditions = Conditions(burst_start=0.01, burst_end=0.2, burst_loss=1.0)
    lost = [not copies for copies in arrivals(conditions)]
    bursts = [run for run in "".join("x" if is_lost else " " for is_lost in lost).split(" ") if run]
    assert sum(map(len, bursts)) / len(bursts) == pytest.approx(1 / 0.2, rel=0.15)
    # The share of the bad state in the long run, by Gilbert and Elliott: p / (p + r).
    assert sum(lost) / COUNT == pytest.approx(0.01 / (0.01 + 0.2), rel=0.2)


def test_rate_spaces_datagrams_and_the_queue_drops_its_tail() -> None:
    line = Line(Conditions(latency=0.01, bytes_per_second=10_000, queue_bytes=5_000), random.Random(1))
    when = [time for _ in range(100) for time in line.arrivals(1_000, 0.0)]
    assert when == pytest.approx([0.01 + 0.1 * (n + 1) for n in range(5)])
    assert (line.sent, line.overflowed) == (100, 95)
    assert line.arrivals(1_000, 10.0) == [pytest.approx(10.11)], "an empty line is as good as new"


def test_sustained_rate_is_the_lines() -> None:
    took = arrivals(Conditions(bytes_per_second=5_000, queue_bytes=2_000), gap=0.01, size=100)
    assert sum(map(len, took)) == pytest.approx(COUNT / 2, rel=0.01)
    assert max(times[0] for times in took if times) <= 2_000 / 5_000 + 1e-9


def test_conditions_change_under_way() -> None:
    line = Line(Conditions(loss=1.0), random.Random(1))
    assert line.arrivals(100, 0.0) == []
    line.conditions = Conditions(latency=0.5)
    assert line.arrivals(100, 1.0) == [1.5]
    assert (line.sent, line.lost) == (2, 1)


def test_same_seed_gives_the_same_luck() -> None:
    assert arrivals(PROFILES["hotel"]) == arrivals(PROFILES["hotel"])


def test_every_profile_is_playable() -> None:
    assert set(PROFILES) == {"perfect", "lan", "wifi", "mobile_4g", "satellite", "hotel"}
    for conditions in PROFILES.values():
        lost = sum(not copies for copies in arrivals(conditions))
        assert lost < 0.1 * COUNT


@pytest.mark.parametrize(
    "wrong",
    [
        {"loss": 1.5},
        {"loss": -0.1},
        {"burst_end": 2.0},
        {"latency": -1.0},
        {"jitter": float("nan")},
        {"latency": float("inf")},
        {"bytes_per_second": 0.0},
        {"queue_bytes": -1},
    ],
)
def test_number_that_makes_no_sense_is_told(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Conditions(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Conditions().but(**wrong)


def test_a_pair_of_lines_is_up_and_down() -> None:
    bad = Conditions(loss=0.5)
    assert lines("wifi") == (PROFILES["wifi"], PROFILES["wifi"])
    assert lines((bad, "lan")) == (bad, PROFILES["lan"])
    with pytest.raises(ValueError, match=r"no profile 'moon'; there are perfect, lan"):
        lines("moon")


def test_conditions_say_what_they_are() -> None:
    assert str(Conditions()) == "perfect"
    assert str(Conditions(loss=0.1, latency=0.2)) == "latency=0.2, loss=0.1"
