"""A line kept full: its share is carried, and the round trip hardly grows. The matrix is `benchmarks.links`."""

from collections.abc import Callable

import pytest

from pygase.config import RELIABLE
from pygase.protocol import Traffic
from tests.protocol.link import Line, Link


def keep_sending(
    link: Link, backlog_bytes: float, retries: int = RELIABLE, note: Callable[[], None] | None = None
) -> None:
    """From now on one side always has so much to send, and the other takes what comes. `note` is called each 5 ms."""

    def fill() -> None:
        while link.a.backlog_bytes < backlog_bytes:
            link.a.send(bytes(1_000), retries)
        link.flush(link.a)
        link.b.messages.clear()
        if note is not None:
            note()
        link.at(link.now + 0.005, fill)

    link.at(link.now, fill)


def keep_full(line: Line, seconds: float, retries: int = RELIABLE) -> tuple[float, list[float]]:
    """Returns the share of the line's rate that arrived as new message bytes, and round trips measured."""
    link = Link(line, line, 1)
    start = link.now
    carried = [0]
    round_trips: list[float] = []

    def after(side: Traffic) -> None:
        if side is link.b and link.now > start + 2.0:
            carried[0] += sum(len(message) for _, message in link.b.messages)
        link.b.messages.clear()

    link.after_turn = after
    backlog_bytes = line.bytes_per_second * 6 * line.latency + 64_000
    keep_sending(link, backlog_bytes, retries, lambda: round_trips.append(link.a.latency))
    link.run(start + 2.0 + seconds)
    return carried[0] / seconds / line.bytes_per_second, round_trips[400:]


@pytest.mark.parametrize("latency", [0.05, 0.1])
def test_a_128_kb_line_carries_its_share_with_the_round_trip_at_most_half_longer(latency: float) -> None:
    share, round_trips = keep_full(Line(latency, bytes_per_second=128e3), 12.0)
    assert share > 0.85
    mean = sum(round_trips) / len(round_trips)
    assert mean < (2 * latency + 1_253 / 128e3) * 1.45
    assert sorted(round_trips)[int(len(round_trips) * 0.9)] < (2 * latency + 1_253 / 128e3) * 1.5


@pytest.mark.parametrize("loss", [0.05, 0.1, 0.2])
def test_random_loss_does_not_collapse_the_rate(loss: float) -> None:
    share, _ = keep_full(Line(0.05, loss=loss, bytes_per_second=256e3), 6.0)
    assert share > (1 - loss) * 0.75


def test_reordering_does_not_collapse_the_rate() -> None:
    share, _ = keep_full(Line(0.05, reordered=0.3, reordered_by=0.04, bytes_per_second=1e6), 3.0)
    assert share > 0.8


def test_a_queue_too_short_to_show_is_not_run_over_for_ever() -> None:
    link_line = Line(0.05, bytes_per_second=256e3, queue_bytes=4_800)
    link = Link(link_line, Line(0.05))
    keep_sending(link, 200_000)
    link.run(link.now + 15.0)
    assert link.dropped < 0.25 * link.a.stats.packets_sent
    assert link.b.stats.messages_received * 1_000 > 0.6 * 256e3 * 15


def test_a_line_that_becomes_wider_is_used_again() -> None:
    link = Link(Line(0.02, bytes_per_second=64e3), Line(0.02))
    keep_sending(link, 300_000)
    link.run(link.now + 5.0)
    link.ab = Line(0.02, bytes_per_second=640e3)
    link.run(link.now + 3.0)
    before = link.b.stats.messages_received
    link.run(link.now + 2.0)
    assert (link.b.stats.messages_received - before) * 1_000 > 0.8 * 640e3 * 2
