"""How much may be in flight, and how fast: a window steered by queueing delay, and a pacer.

The window is FAST TCP's (Wei, Jin, Low and Hegde, "FAST TCP: Motivation, Architecture, Algorithms, Performance",
IEEE/ACM Transactions on Networking 14(6), 2006): once per round trip it moves half-way to what the path holds without a
queue, plus a few packets, so that the line stays busy and the queue stays short. A game cannot use a window that fills
the router's queue: its own events would wait there. Random loss, as on radio, moves nothing; loss out of proportion to
what the path usually loses does, as a queue that is too short to show up as delay causes it. From time to time the
window shrinks for a moment to let the queue run dry, so that the shortest delay is seen again, as in LEDBAT++
(draft-irtf-iccrg-ledbat-plus-plus, section 4.3).
"""

# ruff: noqa: PLR1730  (this runs for every packet, and max() costs four times a comparison)

from typing import Final

from pygase.config import INITIAL_RTT, INITIAL_WINDOW_BYTES, MAX_PAYLOAD_BYTES, MAX_WINDOW_BYTES, MIN_WINDOW_BYTES

__all__ = ["Congestion"]

_NEVER: Final = float("inf")

_QUEUE_BYTES: Final = 1.5 * MAX_PAYLOAD_BYTES
_QUEUE_SHARE: Final = 0.05
"""How much of the window may stand in the path's queue: one or two packets, so that the line never idles between acks,
and a little more on fast lines, where two packets cannot be told from noise."""

_CALM_ROUNDS: Final = 3
_CALM_GROWTH: Final = 1.25
"""After so many rounds without a trace of a queue the window grows faster: the line has become wider, or slow start was
ended by a mistake."""

_STEP_UP: Final = 0.5
_STEP_DOWN: Final = 0.75
"""How far towards the aim in one round trip: FAST's gamma, and more of it where a queue stands."""

_BASE_LIFETIME: Final = 10.0
"""A shortest delay older than this is measured anew, BBR's value (draft-cardwell-iccrg-bbr-congestion-control)."""

_DRAIN: Final = 0.6
"""The window while the queue runs dry: below what the path holds with any queue that we aim at."""

_USED: Final = 0.7
"""A window of which less was in flight at any time has nothing to grow for."""

_LOSS_CUT: Final = 0.75
_LOSS_ROOM: Final = 0.9
_CUT_ROUNDS: Final = 3
"""Where too much is lost the window shrinks below what has arrived per round trip, by a quarter at least and a half at
most. Three rounds later it shows whether that has helped."""

_MOST_PER_ARRIVED: Final = 1.5
"""The window grows no further than this times what has arrived in one round trip: a line that carries no more, and has
no queue to show it, loses the rest. Random loss of up to a third leaves room to grow."""

_SLOW_START_GAIN: Final = 2.0
_CRUISE_GAIN: Final = 1.25
"""Pacing above window per round trip, RFC 9002 section 7.7, so that the window and not the pacer is the limit."""

_UNPACED_RTT: Final = 0.002
"""Below this, pacing would need finer timers than systems have."""

_BURST_SECONDS: Final = 0.008
_MIN_BURST: Final = 2.0 * MAX_PAYLOAD_BYTES
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
        "_after_acked",
        "_after_lost",
        "_arrived",
        "_base_at",
        "_calm",
        "_cut_at",
        "_cut_rounds",
        "_recent",
        "_restore",
        "_round_acked",
        "_round_at",
        "_round_end",
        "_round_lost",
        "_round_most",
        "_round_rtt",
        "_share",
        "_slow_start",
        "_tokens",
        "_tokens_at",
        "_usual",
        "base",
        "in_flight",
        "limited",
        "loss",
        "rate",
        "window",
    )

    def __init__(self, now: float) -> None:
        # First what is looked at for every packet, which so lies together in the compiled build.
        self.window = float(INITIAL_WINDOW_BYTES)
        self.in_flight = 0
        self.rate = _SLOW_START_GAIN * INITIAL_WINDOW_BYTES / INITIAL_RTT
        self._tokens = 4.0 * MAX_PAYLOAD_BYTES
        self._tokens_at = now
        # Until something is known the path counts as one that loses now and then: see `reliable_sender.ReliableSender`.
        self.loss = 0.02
        self.base = _NEVER
        self._base_at = now
        self.limited = False
        self._slow_start = True
        # Samples whose least is the delay now, RFC 6817's current filter: jitter only ever adds.
        self._recent = (_NEVER, _NEVER, _NEVER, _NEVER)
        self._round_at = now
        self._round_end = 0
        self._round_rtt = _NEVER
        self._round_acked = 0
        self._round_lost = 0
        self._round_most = 0
        self._restore = 0.0
        # Share of bytes lost, per round and smoothed, and what it is when that is not our doing.
        self._share = 0.0
        self._usual = 0.15
        self._cut_rounds = 0
        self._cut_at = 0.0
        self._after_acked = 0
        self._after_lost = 0
        # What has arrived in each of the last rounds.
        self._arrived = (0, 0, 0)
        self._calm = 0

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
        in_flight = self.in_flight
        if in_flight > self._round_most:
            self._round_most = in_flight
        self.in_flight = in_flight - acked_bytes
        self._round_acked += acked_bytes
        if rtt:
            recent = self._recent
            self._recent = (recent[1], recent[2], recent[3], rtt)
            if rtt < self._round_rtt:
                self._round_rtt = rtt
            if rtt <= self.base:
                self.base = rtt
                self._base_at = now
            if self._slow_start and self.limited:
                self._speed_up(now, acked_bytes, min(self._recent))
        if newest >= self._round_end:
            self._end_round(now, next_number)

    def on_lost(self, size: int) -> None:
        """A packet in flight was declared lost."""
        self.in_flight -= size
        self._round_lost += size

    def _speed_up(self, now: float, acked_bytes: int, rtt: float) -> None:
        """Slow start: a byte more for each that arrives, until a queue shows; then what arrives is the line's rate."""
        window = self.window
        if window * (rtt - self.base) > (_QUEUE_BYTES + _QUEUE_SHARE * window) * rtt:
            self._slow_start = False
            carried = self._round_acked * self.base / max(now - self._round_at, self.base)
            self._drain(min(carried * (1.0 + _QUEUE_SHARE) + _QUEUE_BYTES, window))
        else:
            self._set_window(window + acked_bytes)
        self._set_rate(rtt)

    def _aim(self, used: float, rtt: float) -> float:
        """What to have in flight: what the path holds without a queue, judging from `used`, and a little."""
        return used * self.base / rtt + _QUEUE_BYTES + _QUEUE_SHARE * used

    def _set_window(self, window: float) -> None:
        self.window = min(max(window, MIN_WINDOW_BYTES), MAX_WINDOW_BYTES)

    def _drain(self, window: float) -> None:
        """Let the queue run dry for one round; then go on with this window."""
        self._restore = window
        self._set_window(window * _DRAIN)

    def _end_round(self, now: float, next_number: int) -> None:
        self._round_end = next_number
        self._round_at = now
        if self._round_most * 4 < MIN_WINDOW_BYTES and not self.limited and not self._round_lost and not self._restore:
            # Next to nothing under way: nothing to learn.
            self._round_rtt = _NEVER
            self._round_acked = self._round_most = 0
            return
        least = self._round_rtt
        acked, lost = self._round_acked, self._round_lost
        used = self._round_most
        limited = self.limited and used > self.window * _USED
        self._round_rtt = _NEVER
        self._round_acked = self._round_lost = self._round_most = 0
        self.limited = False
        excess = self._excess_loss(acked, lost)
        self._arrived = (acked, *self._arrived[:2])
        if least == _NEVER:
            return
        rtt = least
        if self._restore:
            # What came back in this round shows the path without our queue.
            self.base = least
            self._base_at = now
            self._set_window(self._restore)
            self._restore = 0.0
        elif limited and not self._slow_start and now - self._base_at > _BASE_LIFETIME:
            self._base_at = now
            self._drain(self.window)
        elif excess:
            self._slow_start = False
            self._calm = 0
            self._set_window(max(min(acked * _LOSS_ROOM, self.window * _LOSS_CUT), self.window * 0.5))
        elif not self._slow_start:
            self._steer(used, rtt, limited=limited)
        self._set_rate(rtt)

    def _steer(self, used: int, rtt: float, *, limited: bool) -> None:
        window = self.window
        if limited:
            aim = self._aim(window, rtt)
            held = window * self.base / rtt
            calm = (window - held) * 4 < aim - held
            self._calm = self._calm + 1 if calm else 0
            if self._calm >= _CALM_ROUNDS:
                aim = window * _CALM_GROWTH
            else:
                aim = window + (aim - window) * (_STEP_UP if aim > window else _STEP_DOWN)
            if aim > window:
                aim = max(min(aim, max(self._arrived) * _MOST_PER_ARRIVED + _QUEUE_BYTES), window)
            self._set_window(aim)
        else:
            # There was not enough to send. A queue can be ours all the same.
            aim = self._aim(used, rtt)
            if aim < used:
                self._set_window(min(window, aim))

    def _excess_loss(self, acked: int, lost: int) -> bool:
        """Whether more is lost than the path loses without our doing. True at most every few rounds."""
        share = self._share = self._share + (lost / (acked + lost or 1) - self._share) * 0.3
        self._usual += (share - self._usual) * (0.2 if share < self._usual else 0.02)
        if self._cut_rounds:
            self._cut_rounds -= 1
            if self._cut_rounds < _CUT_ROUNDS - 1:  # the first round after the cut was sent before it
                self._after_acked += acked
                self._after_lost += lost
            if not self._cut_rounds and self._after_lost > self._cut_at * 0.7 * (self._after_acked + self._after_lost):
                # Sending less has changed nothing: it is the path's own way.
                self._usual = max(self._usual, share)
            return False
        if lost <= 3 * MAX_PAYLOAD_BYTES or share < 1.5 * self._usual + 0.06:
            return False
        self._cut_rounds = _CUT_ROUNDS
        self._after_acked = self._after_lost = 0
        self._cut_at = share
        return True

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
