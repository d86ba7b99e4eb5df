"""What one client may ask of a server per second."""

import pytest

from pygase.config import EVENTS_BURST, EVENTS_PER_SECOND, PACKETS_BURST
from pygase.session.budget import Allowance


def spend(allowance: Allowance, now: float) -> bool:
    """Spend an event as the session does: it looks at the clock only when a bucket is dry."""
    allowance.events_left -= 1.0
    return not (allowance.events_left < 0.0 and allowance.is_overdrawn(now))


def test_burst_may_be_spent_at_once_and_no_more() -> None:
    allowance = Allowance(5.0)
    assert all(spend(allowance, 5.0) for _ in range(EVENTS_BURST))
    assert not spend(allowance, 5.0)


def test_rate_may_be_spent_for_ever() -> None:
    allowance = Allowance(0.0)
    assert all(spend(allowance, n / EVENTS_PER_SECOND) for n in range(4 * EVENTS_BURST))


def test_shipped_budget_lets_an_upload_through_and_ends_a_flood() -> None:
    upload = Allowance(0.0)
    assert all(spend(upload, n / 60_000) for n in range(120_000))
    flood = Allowance(0.0)
    spent = next(n for n in range(1_000_000) if not spend(flood, n / 10_000))
    assert spent / 10_000 == pytest.approx(30.0, abs=1.0)


def test_idle_client_saves_up_no_more_than_the_burst() -> None:
    allowance = Allowance(0.0)
    assert not all(spend(allowance, 0.0) for _ in range(EVENTS_BURST + 1))
    assert all(spend(allowance, 1_000.0) for _ in range(EVENTS_BURST - 2))
    assert not all(spend(allowance, 1_000.0) for _ in range(EVENTS_BURST))


def test_one_bucket_that_runs_dry_gives_the_others_what_they_would_have_had_and_no_more() -> None:
    allowance = Allowance(0.0)
    allowance.packets_left = -1.0
    allowance.events_left = 0.5
    assert not allowance.is_overdrawn(1.0)
    assert allowance.events_left == 0.5 + EVENTS_PER_SECOND
    allowance.packets_left = -1.0
    assert not allowance.is_overdrawn(1_000.0)
    assert (allowance.packets_left, allowance.events_left) == (PACKETS_BURST, EVENTS_BURST)
