"""Events that a frame loop leaves to be queued when the session is driven next."""

from typing import Any

import pytest

from pygase.config import FRAGMENT_BYTES, MAX_HANDED_OVER
from pygase.errors import BacklogFull
from pygase.protocol import unreliable
from pygase.session.client import ClientSession
from pygase.session.comeback import Comeback
from tests.conftest import interpreted_only


@pytest.fixture
def session() -> ClientSession:
    return ClientSession(0.0, bytes)


def queued(session: ClientSession) -> list[bytes]:
    return list(session.traffic._messages.unreliable.queue)


def messages(count: int, first: int = 0) -> list[bytes]:
    return [b"%d" % number for number in range(first, first + count)]


def test_events_wait_for_the_next_turn(session: ClientSession) -> None:
    for message in messages(3):
        assert session.hand_over(message, 0, None)
    assert queued(session) == []
    session.is_awaited = True
    session.datagrams_to_send(0.0)
    assert queued(session) == messages(3)
    assert not session.is_awaited


def test_an_event_that_is_dispatched_does_not_overtake_them(session: ClientSession) -> None:
    session.hand_over(b"0", 0, None)
    session.dispatch(b"1", 0, None)
    session.hand_over(b"2", 0, None)
    session.datagrams_to_send(0.0)
    assert queued(session) == messages(3)


def test_neither_many_nor_large_ones_are_taken(session: ClientSession) -> None:
    assert not session.hand_over(bytes(FRAGMENT_BYTES + 1), 0, None)
    for message in messages(MAX_HANDED_OVER):
        assert session.hand_over(message, 0, None)
    assert not session.hand_over(b"more", 0, None)
    session.dispatch(b"more", 0, None)
    assert queued(session) == [*messages(MAX_HANDED_OVER), b"more"]
    assert session.hand_over(b"and more", 0, None)


@interpreted_only
def test_where_there_is_no_room_none_is_lost_and_the_call_raises(
    session: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unreliable, "MAX_BACKLOG_MESSAGES", 4)
    for message in messages(6):
        assert session.hand_over(message, 0, None)
    session.datagrams_to_send(0.0)
    assert queued(session) == messages(4)
    assert not session.hand_over(b"6", 0, None)
    with pytest.raises(BacklogFull):
        session.dispatch(b"6", 0, None)
    session.traffic._messages.unreliable.queue.clear()
    session.datagrams_to_send(0.0)
    session.dispatch(b"6", 0, None)
    assert queued(session) == messages(3, first=4)
    assert session.hand_over(b"7", 0, None)


def test_reliable_ones_hold_up_a_goodbye(session: ClientSession) -> None:
    session.is_connected = True
    session.hand_over(b"0", -1, None)
    session.disconnect(0.0)
    assert session.traffic.reliable_pending == 1
    assert not session.is_over


def test_a_session_that_is_cut_off_keeps_what_must_arrive(session: ClientSession) -> None:
    session._comeback = Comeback(0.0, bytes)
    session.hand_over(b"once", 0, None)
    session.hand_over(b"surely", -1, "tag")
    session.datagrams_to_send(0.0)
    owed: Any = session.traffic.unacknowledged()
    assert (queued(session), owed) == ([], [(b"surely", "tag")])
