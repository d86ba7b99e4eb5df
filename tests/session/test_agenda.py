"""Deadlines: the first one is looked at again until it holds."""

from typing import Any

from pygase.config import NEVER
from pygase.session.agenda import Agenda
from tests.conftest import interpreted_only

pytestmark = interpreted_only  # its seats are stand-ins


class Seat:
    """A client whose deadline moves on without anybody noting it."""

    def __init__(self, actual: float) -> None:
        self.actual, self.deadline, self.is_over = actual, NEVER, False

    @property
    def session(self) -> Any:
        return self

    def deadline_of(self, seat: "Seat") -> float:
        return seat.actual


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
