from pygase.config import MAX_RECONNECT_PAUSE, NEVER, RECONNECT_FOR
from pygase.errors import DisconnectReason
from pygase.session.comeback import Comeback


def half(count: int) -> bytes:
    return b"\x80" * count


def test_pauses_grow_up_to_a_limit() -> None:
    comeback, now, pauses = Comeback(0.0, half), 0.0, []
    for _ in range(8):
        pauses.append(comeback.retry_at - now)
        now = comeback.retry_at
        comeback.begin_attempt()
        assert comeback.retry_at == NEVER
        assert comeback.goes_on_after(DisconnectReason.NO_ANSWER, now)
    assert pauses == sorted(pauses)
    assert pauses[0] < pauses[1] < pauses[-1] < 1.01 * MAX_RECONNECT_PAUSE


def test_it_ends_with_an_answer_that_no_further_attempt_would_change() -> None:
    comeback = Comeback(0.0, half)
    comeback.begin_attempt()
    assert not comeback.goes_on_after(DisconnectReason.WRONG_PASSWORD, 1.0)


def test_it_ends_when_its_time_is_over() -> None:
    comeback = Comeback(10.0, half)
    comeback.begin_attempt()
    assert comeback.goes_on_after(DisconnectReason.DENIED, 9.9 + RECONNECT_FOR)
    comeback.begin_attempt()
    assert not comeback.goes_on_after(DisconnectReason.DENIED, 10.1 + RECONNECT_FOR)
