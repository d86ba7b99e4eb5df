"""Whom a server shows a version when there is no time to show it to all."""

from collections import Counter
from typing import Any

import pytest

from pygase.config import LONGEST_UNSEEN, NEVER
from pygase.session.rota import Rota

INTERVAL = 0.05


class Track:
    def __init__(self, lineage: object) -> None:
        self.version = -1
        self.lineage = lineage


class Seat:
    """All that a rota looks at."""

    def __init__(self, lineage: object = None) -> None:
        self.track: Any = Track(lineage)
        self.waits_since = NEVER


class Game:
    """A game with clients, whose ticks take as long as is said."""

    def __init__(self, count: int) -> None:
        self.rota = Rota()
        self.now = 0.0
        self.version = 0
        self.rest, self.each = 0.01, 0.0001
        self.seats: list[Any] = [Seat() for _ in range(count)]
        self.seen: Counter[int] = Counter()

    def tick(self, *, is_tick: bool = True) -> list[Any]:
        self.version += 1
        if is_tick:
            self.rota.begin_tick(self.now, INTERVAL)
        began = self.now + self.rest
        shown: list[Any] = self.rota.pick(self.seats)
        for seat in shown:
            seat.track.version = self.version
            seat.waits_since = NEVER
            self.seen[id(seat)] += 1
        ended = began + self.each * len(shown)
        self.rota.note_shown(began, ended, len(shown))
        self.now = max(ended, self.now + INTERVAL)
        return shown

    def settle(self) -> None:
        """Run until what ticks take is known, and count from now on."""
        for _ in range(40):
            self.tick()
        self.seen.clear()


def test_all_are_shown_every_tick_while_there_is_time() -> None:
    game = Game(300)
    assert all(game.tick() is game.seats for _ in range(100))


def test_without_the_time_all_are_shown_equally_many_ticks_which_are_in_time() -> None:
    game = Game(1000)
    game.settle()
    start = game.now
    shown = [len(game.tick()) for _ in range(60)]
    assert game.now - start == pytest.approx(60 * INTERVAL)
    assert min(shown) > 300, "as many as there is time for"
    assert max(game.seen.values()) - min(game.seen.values()) <= 1


def test_who_waits_for_what_it_did_is_shown_the_next_tick_and_nobody_is_left_out_for_it() -> None:
    game = Game(1000)
    game.settle()
    for number in range(60):
        acting = game.seats[number % 4 : 800 : 4]  # four parties in turn, and some who do nothing
        for seat in acting:
            seat.waits_since = game.now - 0.01
        shown = {id(seat) for seat in game.tick()}
        if number >= 4:  # before, too many others are to be shown one again
            assert {id(seat) for seat in acting} <= shown
    assert min(game.seen.values()) >= 60 * INTERVAL / LONGEST_UNSEEN - 1


def test_all_who_do_something_all_the_time_are_shown_equally_many_ticks() -> None:
    game = Game(1000)
    game.settle()
    for _ in range(60):
        for number, seat in enumerate(game.seats):
            seat.waits_since = min(seat.waits_since, game.now - INTERVAL * (number + 1) / 1001)
        game.tick()
    assert max(game.seen.values()) - min(game.seen.values()) <= 1


def test_nobody_is_left_out_for_longer_than_the_limit_though_ticks_are_late_then() -> None:
    game = Game(1000)
    game.rest = 0.03
    game.settle()
    start, last = game.now, {id(seat): (seat.track.version, game.now) for seat in game.seats}
    waits = []
    for _ in range(60):
        game.tick()
        for seat in game.seats:
            version, at = last[id(seat)]
            if seat.track.version != version:
                waits.append(game.now - at)
                last[id(seat)] = seat.track.version, game.now
    longest = max(waits)
    assert LONGEST_UNSEEN - 0.05 < longest < LONGEST_UNSEEN + 0.05
    assert 60 * INTERVAL < game.now - start < 60 * 1.5 * INTERVAL


@pytest.mark.parametrize(("rest", "each"), [(0.01, 0.001), (0.1, 0.0002), (1.0, 0.0001)])
def test_where_nobody_can_be_shown_enough_turns_cost_little(rest: float, each: float) -> None:
    game = Game(1000)
    game.rest, game.each = rest, each
    for _ in range(400):
        game.tick()
    game.seen.clear()
    start = game.now
    for _ in range(400):
        game.tick()
    without_turns = (game.now - start) / (rest + 1000 * each)
    assert min(game.seen.values()) > without_turns / 1.3


def test_all_are_shown_again_once_there_is_time() -> None:
    game = Game(1000)
    game.settle()
    assert len(game.tick()) < 500
    game.each = 0.00003
    game.settle()
    assert len(game.tick()) == 1000


def test_one_long_tick_changes_nothing() -> None:
    game = Game(200)
    game.settle()
    game.rest = 3.0
    game.tick()
    game.rest = 0.01
    assert all(len(game.tick()) == 200 for _ in range(40))


def test_version_that_is_no_ticks_is_for_all() -> None:
    game = Game(1000)
    game.settle()
    assert len(game.tick()) < 500
    assert len(game.tick(is_tick=False)) == 1000


def test_new_clients_come_first() -> None:
    game = Game(1000)
    game.settle()
    new = Seat()
    game.seats.append(new)
    assert game.tick()[0] is new


def test_who_shares_encodings_is_shown_the_same_ticks() -> None:
    game = Game(0)
    teams = [object() for _ in range(100)]
    game.seats = [Seat(teams[n % 100]) for n in range(1000)]
    for _ in range(60):
        shown = {id(seat) for seat in game.tick()}
        assert all(len({id(seat) in shown for seat in game.seats[team::100]}) == 1 for team in range(100))
    assert len(shown) < 500


def test_another_version_is_expected_while_a_game_loop_runs() -> None:
    rota = Rota()
    assert not rota.expects_version(0.0)
    rota.begin_tick(5.0, INTERVAL)
    assert rota.expects_version(5.0 + 1.9 * INTERVAL)
    assert not rota.expects_version(5.0 + 2.1 * INTERVAL), "it stands still"
    rota.begin_tick(6.0, 1.0)
    assert not rota.expects_version(6.1), "not soon"


def test_showing_that_began_before_the_tick_is_not_measured() -> None:
    game = Game(10)
    game.tick()
    game.rota.begin_tick(10.0, INTERVAL)
    game.rota.note_shown(9.0, 10.5, 10)
    assert len(game.tick()) == 10
