"""The long runs of `benchmarks.soak`, short enough for every day."""

import pytest

from benchmarks.census import census, grown
from benchmarks.cycles import cycles
from benchmarks.soak import Soak


def test_players_on_bad_lines_come_and_go_and_nothing_grows() -> None:
    soak = Soak(clients=6, seed=5)
    soak.run(seconds=480.0, samples=8)
    soak.calm_down()
    soak.assert_flat()
    assert soak.joins > 6
    assert soak.returns > 2
    assert soak.messages > 50
    soak.network.close()


def test_connects_and_disconnects_leave_nothing_behind() -> None:
    cycles(30, rest=10)


class Table:
    """Stands for an object of pygase's, which a census looks into."""

    def __init__(self) -> None:
        self.entries: list[int] = []
        self.bounded: list[int] = []


def test_census_finds_what_only_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Table, "__module__", "pygase.table")
    table = Table()
    counts = []
    for hour in range(6):
        table.entries += [hour] * 1_000
        table.bounded = [hour] * 100 * hour
        counts.append(census(table))
    assert grown(counts[:2], counts[-2:], slack=10) == {"Table.entries": (2_000, 5_000)}
