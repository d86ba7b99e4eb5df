"""What one client may ask of a server per second."""

import pytest

from pygase.config import EVENTS_BURST, EVENTS_PER_SECOND
from pygase.session.budget import Budget


def spend(budget: Budget, tokens: float, now: float) -> bool:
    """Spend as the session does: it looks at the clock only when the bucket is dry."""
    budget.left -= tokens
    return not (budget.left < 0.0 and budget.is_overdrawn(now))


def test_burst_may_be_spent_at_once_and_no_more() -> None:
    budget = Budget(10.0, 100.0, now=5.0)
    assert all(spend(budget, 1.0, 5.0) for _ in range(100))
    assert not spend(budget, 1.0, 5.0)


def test_rate_may_be_spent_for_ever() -> None:
    budget = Budget(10.0, 20.0, now=0.0)
    assert all(spend(budget, 1.0, n * 0.1) for n in range(10_000))


def test_twice_the_rate_is_found_out() -> None:
    budget = Budget(10.0, 20.0, now=0.0)
    spent = next(n for n in range(10_000) if not spend(budget, 1.0, n * 0.05))
    assert spent == pytest.approx(40, abs=3)


def test_shipped_budget_lets_an_upload_through_and_ends_a_flood() -> None:
    upload = Budget(EVENTS_PER_SECOND, EVENTS_BURST, now=0.0)
    assert all(spend(upload, 1.0, n / 60_000) for n in range(120_000))
    flood = Budget(EVENTS_PER_SECOND, EVENTS_BURST, now=0.0)
    spent = next(n for n in range(1_000_000) if not spend(flood, 1.0, n / 10_000))
    assert spent / 10_000 == pytest.approx(30.0, abs=1.0)


def test_idle_client_saves_up_no_more_than_the_burst() -> None:
    budget = Budget(10.0, 20.0, now=0.0)
    assert not all(spend(budget, 1.0, 0.0) for _ in range(21))
    assert all(spend(budget, 1.0, 1_000.0) for _ in range(18))
    assert not all(spend(budget, 1.0, 1_000.0) for _ in range(30))
