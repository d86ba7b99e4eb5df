import pytest

from pygase.protocol.rtt import RoundTrip


def test_there_is_no_round_trip_before_the_first_sample() -> None:
    assert RoundTrip().smoothed == 0.0


def test_the_peers_ack_delay_is_taken_off() -> None:
    trip = RoundTrip()
    trip.sample(1.0, 0.050, 0.0)
    for _ in range(100):
        assert trip.sample(1.0, 0.075, 0.025) == pytest.approx(0.050)
    assert trip.smoothed == pytest.approx(0.050)


def test_an_ack_delay_that_cannot_be_is_not_believed() -> None:
    trip = RoundTrip()
    trip.sample(1.0, 0.050, 0.0)
    assert trip.sample(1.0, 0.060, 2.0) == 0.060


def test_the_mean_follows_and_the_probe_timeout_covers_the_variation() -> None:
    trip = RoundTrip()
    for number in range(200):
        trip.sample(1.0, 0.060 + 0.010 * (-1) ** number, 0.0)
    assert trip.smoothed == pytest.approx(0.060, abs=0.003)
    assert 0.080 < trip.probe_timeout < 0.120
