"""The round trip, smoothed: RFC 6298 in the form of RFC 9002 section 5."""

from pygase.config import INITIAL_RTT, NEVER

__all__ = ["RoundTrip"]

_SHORTEST = 1e-6
"""A round trip within the clock's resolution; 0.0 means that there is none yet."""

_GRANULARITY = 0.001
"""Timers are no finer than this; RFC 9002 section 6.1.2's kGranularity."""


class RoundTrip:
    """Estimate of the round trip's mean and variation, in seconds.

    Attributes:
        smoothed: Exponentially weighted mean; 0.0 before the first sample.
        variation: Exponentially weighted mean deviation.
        latest: The last sample, corrected for the peer's ack delay.
        sampled_at: When that was.
        probe_timeout: After so long a silence a probe is due (RFC 9002 section 6.2.1), without the peer's ack delay.
    """

    __slots__ = ("latest", "probe_timeout", "sampled_at", "smoothed", "variation")

    def __init__(self) -> None:
        self.smoothed = 0.0
        self.variation = 0.0
        self.latest = 0.0
        self.sampled_at = -NEVER
        self.probe_timeout = 2 * INITIAL_RTT

    def sample(self, now: float, measured: float, ack_delay: float) -> float:
        """Take in one sample and return it, corrected.

        Args:
            now: The current time.
            measured: From sending a packet to its ack.
            ack_delay: How long the peer says that it held the ack back; not believed where nothing would remain.
                RFC 9002 is warier and takes off no more than leaves the shortest round trip ever measured, but where
                every ack is held back, as between two that speak 20 times a second, that is nothing. A peer that lies
                about this slows down only what we send to it.
        """
        latest = measured - ack_delay
        if latest <= 0.0:
            latest = max(measured, _SHORTEST)
        self.latest = latest
        self.sampled_at = now
        smoothed = self.smoothed
        if smoothed:
            error = latest - smoothed
            self.variation += ((error if error > 0.0 else -error) - self.variation) * 0.25
            self.smoothed = smoothed + error * 0.125
        else:
            self.smoothed = latest
            self.variation = latest / 2
        allowance = 4 * self.variation
        self.probe_timeout = self.smoothed + (allowance if allowance > _GRANULARITY else _GRANULARITY)
        return latest

    def loss_delay(self, reordering: float) -> float:
        """Time after which a packet is lost when a later one has arrived.

        Args:
            reordering: Allowance for packets overtaking each other, as a share of the round trip.
        """
        if not self.smoothed:
            return (1 + reordering) * INITIAL_RTT
        return max((1 + reordering) * max(self.smoothed, self.latest), _GRANULARITY)
