from typing import Any

from pygase.integrations.rate import RateLimiter


def run(limiter: RateLimiter, rate: float, frames: int, fps: float = 60.0) -> list[tuple[float, Any]]:
    """Offer a new value in each frame; return the values that went out, with their times."""
    sent = []
    for frame in range(frames):
        now = frame / fps
        for _, (value,), _ in limiter.due(now):
            sent.append((now, value))
        if limiter.admit("MOVE", (frame,), {}, rate, now):
            sent.append((now, frame))
    return sent


def test_first_value_goes_at_once() -> None:
    assert RateLimiter().admit("MOVE", (1,), {}, 20.0, 5.0)


def test_no_more_than_rate_per_second() -> None:
    sent = run(RateLimiter(), 20.0, 600)
    for start in range(9):
        assert sum(start <= now < start + 1 for now, _ in sent) <= 21
    assert len(sent) <= 201


def test_rate_is_reached_though_frames_do_not_fall_on_its_beat() -> None:
    assert len(run(RateLimiter(), 25.0, 600, fps=60.0)) >= 248


def test_newest_value_waits_and_goes_out_when_its_time_has_come() -> None:
    limiter = RateLimiter()
    assert limiter.admit("MOVE", (1,), {}, 10.0, 0.0)
    assert not limiter.admit("MOVE", (2,), {}, 10.0, 0.02)
    assert not limiter.admit("MOVE", (3,), {"a": 1}, 10.0, 0.04)
    assert limiter.due(0.09) == []
    assert limiter.due(0.1) == [("MOVE", (3,), {"a": 1})]
    assert limiter.due(5.0) == []


def test_event_types_have_rates_of_their_own() -> None:
    limiter = RateLimiter()
    assert limiter.admit("MOVE", (1,), {}, 10.0, 0.0)
    assert limiter.admit("AIM", (1,), {}, 10.0, 0.0)


def test_a_pause_does_not_save_up_dispatches() -> None:
    limiter = RateLimiter()
    assert limiter.admit("MOVE", (1,), {}, 10.0, 0.0)
    assert limiter.admit("MOVE", (2,), {}, 10.0, 3.0)
    assert not limiter.admit("MOVE", (3,), {}, 10.0, 3.09)
