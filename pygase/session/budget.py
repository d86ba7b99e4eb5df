"""What one client may ask of a server per second: packets, bytes, events, and what no honest client sends."""

from pygase.config import (
    BYTES_BURST,
    BYTES_PER_SECOND,
    EVENTS_BURST,
    EVENTS_PER_SECOND,
    FAULTS_BURST,
    FAULTS_PER_SECOND,
    PACKETS_BURST,
    PACKETS_PER_SECOND,
)

__all__ = ["Allowance"]


class Allowance:
    """Token buckets that are refilled only when one runs dry: spending is one subtraction.

    Args:
        now: Monotonic seconds.

    Attributes:
        packets_left, bytes_left, events_left, faults_left: What the client may still send.
    """

    __slots__ = ("_filled_at", "bytes_left", "events_left", "faults_left", "packets_left")

    def __init__(self, now: float) -> None:
        self.packets_left = PACKETS_BURST
        self.bytes_left = BYTES_BURST
        self.events_left = float(EVENTS_BURST)
        self.faults_left = FAULTS_BURST
        self._filled_at = now

    def is_overdrawn(self, now: float) -> bool:
        """Refill, once something left has become negative. Returns whether something still is."""
        elapsed, self._filled_at = now - self._filled_at, now
        self.packets_left = min(PACKETS_BURST, self.packets_left + elapsed * PACKETS_PER_SECOND)
        self.bytes_left = min(BYTES_BURST, self.bytes_left + elapsed * BYTES_PER_SECOND)
        self.events_left = min(float(EVENTS_BURST), self.events_left + elapsed * EVENTS_PER_SECOND)
        self.faults_left = min(FAULTS_BURST, self.faults_left + elapsed * FAULTS_PER_SECOND)
        return min(self.packets_left, self.bytes_left, self.events_left, self.faults_left) < 0.0
