"""How much may be in flight, and how fast: a window steered by queueing delay, and a pacer.

The window follows the delay that our own packets cause, towards a small target, as LEDBAT does (RFC 6817), with a
target that scales with the path and bounded multiplicative steps once per round trip, as Swift does (Kumar et al.,
"Swift: Delay is Simple and Effective for Congestion Control in the Datacenter", SIGCOMM 2020). A game cannot use a
window that fills the router's queue: its own events would wait there. Random loss, as on radio, moves nothing; loss
that is out of proportion to what the path usually loses does (a queue too short to show up as delay). From time to
time the window shrinks for a moment to let the queue run dry, so that the shortest delay is seen again, as in
LEDBAT++ (draft-irtf-iccrg-ledbat-plus-plus, section 4.3).
"""

from pygase.config import INITIAL_RTT, INITIAL_WINDOW_BYTES, MAX_PAYLOAD_BYTES, MAX_WINDOW_BYTES, MIN_WINDOW_BYTES

__all__ = ["Congestion"]

_NEVER = float("inf")

_TARGET_SHARE = 0.2
"""Aim at a queue that makes the round trip a fifth longer: the line stays busy, and "at most half" has room to spare."""

_MIN_TARGET = 0.003
_MAX_TARGET = 0.06
"""Below 3 ms a queue cannot be told from a scheduler's whims; above 60 ms a game would feel it."""

_BASE_LIFETIME = 10.0
"""A shortest delay older than this is measured anew, BBR's value (draft-cardwell-iccrg-bbr-congestion-control)."""

_STEP_UP = 0.125
_STEP_DOWN = 0.5
_MAX_CUT = 0.3
"""Largest changes per round trip, as shares of the window. Swift's cut is at most one half; ours acts each round."""

_SLOW_START_GAIN = 2.0
_CRUISE_GAIN = 1.25
"""Pacing above window per round trip, RFC 9002 section 7.7, so that the window and not the pacer is the limit."""

_UNPACED_RTT = 0.002
"""Below this, pacing would need finer timers than systems have."""

_BURST_SECONDS = 0.008
_MIN_BURST = 2.0 * MAX_PAYLOAD_BYTES
"""What may go in one burst: what the line carries in 8 ms (a driver's wake-up may be late by that), or two packets."""


class Congestion:
    """Window and pacer of one connection.

    Attributes:
        window: Bytes that may be in flight.
        in_flight: Bytes that are.
        limited: Set by the sender when there was more to send than window or pacer allowed.
        loss: Share of packets lost, smoothed.
        base: Shortest recent round trip in seconds, the peer's ack delay taken off.
    """

    __slots__ = (
        "_base_at",
        "_draining",
        "_round_acked",
        "_round_end",
        "_round_lost",
        "_round_rtt",
        "_round_sent_most",
        "_slow_start",
        "_tokens",
        "_tokens_at",
        "_usual_loss",
        "base",
        "in_flight",
        "limited",
        "loss",
        "rate",
        "window",
    )

    def __init__(self, now: float) -> None:
        self.window: float = INITIAL_WINDOW_BYTES
        self.in_flight = 0
        self.limited = False
        # Until something is known the path counts as one that loses now and then: see `channels.ReliableSender`.
        self.loss = 0.02
        self.base = 1e9
        self.rate = _SLOW_START_GAIN * INITIAL_WINDOW_BYTES / INITIAL_RTT
        self._usual_loss = 0.0
        self._base_at = now
        self._draining = False
        self._slow_start = True
        self._round_end = 0
        self._round_rtt = 1e9
        self._round_acked = 0
        self._round_lost = 0
        self._round_sent_most = 0
        self._tokens = 4.0 * MAX_PAYLOAD_BYTES
        self._tokens_at = now

    # --- the pacer --------------------------------------------------------------------------------------------------

    def may_send(self, now: float, reserve: int) -> bool:
        """Whether one more packet may go now, `reserve` bytes beyond window and pacer at most."""
        if self.in_flight >= self.window + reserve:
            self.limited = True
            return False
        rate = self.rate
        if not rate:
            return True
        elapsed = now - self._tokens_at
        if elapsed > 0.0:
            most = rate * _BURST_SECONDS
            if most < _MIN_BURST:
                most = _MIN_BURST
            tokens = self._tokens + elapsed * rate
            self._tokens = tokens if tokens < most else most
            self._tokens_at = now
        if self._tokens > -reserve:
            return True
        self.limited = True
        return False

    def next_send(self, reserve: int) -> float:
        """When the next packet may go; never, before an ack comes, if the window is full."""
        if self.in_flight >= self.window + reserve:
            return _NEVER
        if not self.rate or self._tokens > -reserve:
            return self._tokens_at
        # A byte more than nothing, or rounding could make a timer that fires without effect.
        return self._tokens_at + (1.0 - reserve - self._tokens) / self.rate

    def sent(self, size: int) -> None:
        """A packet of so many bytes went out and is in flight."""
        self.in_flight += size
        if self.rate:
            self._tokens -= size

    # --- the window -------------------------------------------------------------------------------------------------

    def on_ack(self, now: float, rtt: float, acked_bytes: int, newest: int, next_number: int) -> None:
        """Packets were acknowledged.

        Args:
            now: The current time.
            rtt: This ack's round trip sample in seconds, or 0.0 if it gave none.
            acked_bytes: Size of the packets newly acknowledged.
            newest: Largest packet number acknowledged.
            next_number: Number of the next packet to be sent.
        """
        if self.in_flight > self._round_sent_most:
            self._round_sent_most = self.in_flight
        self.in_flight -= acked_bytes
        self._round_acked += acked_bytes
        if rtt and rtt < self._round_rtt:
            self._round_rtt = rtt
            if rtt <= self.base:
                self.base = rtt
                self._base_at = now
        if newest >= self._round_end:
            self._end_round(now, next_number)

    def on_lost(self, size: int) -> None:
        """A packet in flight was declared lost."""
        self.in_flight -= size
        self._round_lost += size

    def _end_round(self, now: float, next_number: int) -> None:
        self._round_end = next_number
        rtt = self._round_rtt
        acked, lost = self._round_acked, self._round_lost
        used = self._round_sent_most
        limited = self.limited
        self._round_rtt = 1e9
        self._round_acked = self._round_lost = self._round_sent_most = 0
        self.limited = False
        excess = self._excess_loss(acked, lost)
        if rtt > 1e8:
            return
        if self._draining:
            # The window was cut for the last round; what came back in this one shows the path without our queue.
            self._draining = False
            self.base = rtt
            self._base_at = now
        elif limited and not self._slow_start and now - self._base_at > _BASE_LIFETIME:
            self._drain(now)
            return
        if limited or used * 2 > self.window:
            self._steer(rtt, excess, grow=limited)
        self._set_rate(rtt)

    def _excess_loss(self, acked: int, lost: int) -> bool:
        """Whether this round lost out of proportion to what the path usually loses."""
        if not lost:
            self._usual_loss *= 0.95
            return False
        share = lost / (acked + lost)
        excess = lost > 3 * MAX_PAYLOAD_BYTES and share > 2 * self._usual_loss + 0.05
        self._usual_loss += (share - self._usual_loss) * 0.05
        return excess

    def _steer(self, rtt: float, excess: bool, *, grow: bool) -> None:  # noqa: FBT001
        target = min(max(self.base * _TARGET_SHARE, _MIN_TARGET), _MAX_TARGET)
        queueing = rtt - self.base
        window = self.window
        if self._slow_start:
            if excess or queueing > target:
                self._slow_start = False
                window *= 0.7
            elif grow:
                window *= 2.0
        elif excess:
            window *= 0.85
        else:
            off = (target - queueing) / target
            if off >= 0.0:
                if grow:
                    window += max(window * _STEP_UP, MAX_PAYLOAD_BYTES) * off
            else:
                window *= 1.0 - min(-off * _STEP_DOWN * target / rtt, _MAX_CUT)
        self.window = min(max(window, MIN_WINDOW_BYTES), MAX_WINDOW_BYTES)

    def _drain(self, now: float) -> None:
        self._draining = True
        self._base_at = now
        self.window = max(self.window * 0.6, MIN_WINDOW_BYTES)
        self._set_rate(self.base)

    def _set_rate(self, rtt: float) -> None:
        if rtt < _UNPACED_RTT:
            self.rate = 0.0
        else:
            self.rate = (_SLOW_START_GAIN if self._slow_start else _CRUISE_GAIN) * self.window / rtt

    def restart(self, now: float) -> None:
        """The path may be another one: begin anew, with nothing in flight."""
        loss = self.loss
        self.__init__(now)  # type: ignore[misc]
        self.loss = loss
