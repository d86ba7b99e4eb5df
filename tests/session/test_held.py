from pygase.config import MAX_HELD_BYTES
from pygase.session.event import Event
from pygase.session.held import HeldEvents


def types_of(held: HeldEvents, version: int) -> list[str]:
    return [arrived.event.type for arrived in held.release(version)]


def test_events_come_out_when_their_state_has_come() -> None:
    held = HeldEvents()
    for gate in (5, 3, 4):
        assert held.add(gate, Event(str(gate)), 10, is_reliable=False)
    assert types_of(held, 2) == []
    assert types_of(held, 4) == ["3", "4"]
    assert held.bytes
    assert types_of(held, 9) == ["5"]
    assert held.bytes == 0


def test_reliable_events_wait_for_the_one_before_them_and_others_do_not() -> None:
    held = HeldEvents()
    held.add(9, Event("first"), 10, is_reliable=True)
    held.add(0, Event("second"), 10, is_reliable=True)
    held.add(0, Event("beside"), 10, is_reliable=False)
    assert types_of(held, 1) == ["beside"]
    assert types_of(held, 9) == ["first", "second"]


def test_more_than_the_limit_is_refused() -> None:
    held = HeldEvents()
    assert held.add(1, Event("E"), MAX_HELD_BYTES // 2, is_reliable=True)
    assert not held.add(1, Event("E"), MAX_HELD_BYTES // 2, is_reliable=False)
