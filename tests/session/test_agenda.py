"""Deadlines: the first one is looked at again until it holds."""

from typing import Any

from pygase.config import NEVER
from pygase.session.agenda import Agenda
from tests.conftest import interpreted_only

pytestmark = interpreted_only  # its seats are stand-ins


class Seat:
    """A client whose deadline moves on without anybody noting it, and its session."""

    def __init__(self, actual: float) -> None:
        self.actual, self.deadline, self.due, self.is_over = actual, NEVER, NEVER, False
        self.is_published, self.asked, self.stirred = False, 0, False

    @property
    def session(self) -> Any:
        return self

    def deadline_of(self, seat: "Seat") -> float:
        return seat.actual

    def is_stirred(self, seat: "Seat") -> bool:
        seat.asked += 1
        return seat.stirred


def agenda_of(*seats: Any) -> Agenda:
    agenda = Agenda()
    for seat in seats:
        agenda.schedule(seat, seat.actual)
    return agenda


def test_first_deadline_is_next() -> None:
    agenda = agenda_of(Seat(3.0), Seat(2.0))
    assert agenda.next_deadline() == 2.0


def test_deadline_that_has_moved_on_wakes_nobody() -> None:
    first: Any = Seat(2.0)
    second: Any = Seat(3.0)
    agenda = agenda_of(first, second)
    first.actual = 5.0
    assert agenda.next_deadline() == 3.0
    assert agenda.pop_due(4.0) is second
    assert agenda.pop_due(4.0) is None
    assert agenda.next_deadline() == 5.0
    assert agenda.pop_due(5.0) is first


def test_client_without_a_deadline_and_one_that_is_gone_are_let_go() -> None:
    first, second = Seat(2.0), Seat(3.0)
    agenda = agenda_of(first, second)
    first.actual, second.is_over = NEVER, True
    assert agenda.next_deadline() == NEVER
    assert not agenda.timers
    assert first.deadline == NEVER  # so that it can be scheduled anew


def test_next_deadline_of_nobody() -> None:
    assert Agenda().next_deadline() == NEVER


# --- heard ----------------------------------------------------------------------------------------------------------


def test_of_those_that_were_heard_only_who_may_have_to_be_answered_is_looked_after() -> None:
    agenda = Agenda()
    silent: Any = Seat(NEVER)
    stirred: Any = Seat(NEVER)
    stirred.stirred = True
    agenda.heard.update(dict.fromkeys([silent, stirred]))
    agenda.sift()
    assert list(agenda.touched) == [stirred]
    assert not agenda.heard


def test_nobody_is_asked_who_is_looked_after_anyway() -> None:
    agenda = Agenda()
    touched: Any = Seat(NEVER)
    published: Any = Seat(NEVER)
    published.is_published = published.stirred = True
    agenda.touched[touched] = None
    agenda.heard.update(dict.fromkeys([touched, published]))
    agenda.sift()
    assert list(agenda.touched) == [touched]
    assert touched.asked == published.asked == 0


# --- looked after together --------------------------------------------------------------------------------------------


def together(*actual: float) -> tuple[Agenda, list[Any]]:
    agenda = Agenda()
    seats: list[Any] = [Seat(each) for each in actual]
    agenda.served.append([*seats])
    assert agenda.next_deadline() == min(actual)
    return agenda, seats


def test_clients_looked_after_together_take_one_entry() -> None:
    agenda, _ = together(3.0, 2.0, NEVER)
    assert len(agenda.timers) == 1


def test_their_entry_moves_on_to_the_next_of_them() -> None:
    agenda, (first, second) = together(2.0, 3.0)
    first.actual = 5.0
    assert agenda.next_deadline() == 3.0
    second.is_over = True
    assert agenda.next_deadline() == 5.0
    first.actual = NEVER
    assert agenda.next_deadline() == NEVER
    assert not agenda.timers


def test_looked_after_again_they_leave_their_former_entry() -> None:
    agenda, seats = together(2.0, 3.0)
    for seat in seats:
        seat.actual = 7.0
    agenda.served.append([*seats])
    assert agenda.next_deadline() == 7.0
    assert len(agenda.timers) == 1


def test_looked_after_again_and_again_they_keep_their_entry_while_none_is_due_sooner() -> None:
    agenda, seats = together(2.0, 3.0)
    (entry,) = agenda.timers
    for number in range(10):
        for seat in seats:
            seat.actual += number
        agenda.reschedule([*seats])
    assert agenda.timers == [entry]
    assert agenda.next_deadline() == min(seat.actual for seat in seats)


def test_those_with_entries_of_their_own_come_to_share_one() -> None:
    seats: list[Any] = [Seat(2.0), Seat(3.0), Seat(4.0)]
    agenda = agenda_of(*seats)
    seats[2].actual = 1.0
    agenda.reschedule([*seats])
    for seat in seats:
        seat.actual = 9.0
    agenda.reschedule([*seats])
    assert agenda.next_deadline() == 9.0
    assert len(agenda.timers) == 1
    assert [agenda.pop_due(9.0) for _ in range(4)] == [*seats, None]


def test_one_that_is_due_sooner_gets_an_entry_of_its_own() -> None:
    agenda, (first, second) = together(4.0, 5.0)
    second.actual = 3.0
    agenda.served.append([second])
    assert agenda.next_deadline() == 3.0
    assert agenda.pop_due(3.0) is second
    assert agenda.pop_due(3.0) is None
    assert agenda.pop_due(4.0) is first
    assert agenda.pop_due(4.0) is None


def test_one_that_is_due_later_keeps_its_entry_until_that_comes() -> None:
    agenda, (_, second) = together(4.0, 5.0)
    second.actual = 9.0
    agenda.served.append([second])
    assert agenda.next_deadline() == 4.0
    assert len(agenda.timers) == 1


def test_clients_of_a_due_entry_are_taken_one_by_one() -> None:
    agenda, seats = together(2.0, 3.0, 4.0)
    seats[1].is_over = True
    assert [agenda.pop_due(2.0) for _ in range(3)] == [seats[0], seats[2], None]
    assert not agenda.timers


def test_entries_that_count_for_nobody_any_more_do_not_pile_up() -> None:
    agenda, seats = together(1.0, 1.0, 1.0)
    for number in range(1_000):
        for seat in seats[1:]:
            seat.actual = 900.0 - number / 10
        agenda.served.append(seats[1:])
        assert agenda.next_deadline() == 1.0
    assert len(agenda.timers) <= 72


def test_entries_do_not_pile_up_for_a_client_that_comes_back_to_one_far_ahead() -> None:
    client: Any = Seat(10_000.0)
    agenda = agenda_of(client)
    for now in range(2_000):
        agenda.schedule(client, now + 0.5)  # something is under way
        client.actual = 10_000.0  # and settled, before it is due
        due: Any = agenda.pop_due(now + 1.0)
        assert due is client
        agenda.served.append([due])
        assert agenda.next_deadline() == 10_000.0
    assert len(agenda.timers) < 100
