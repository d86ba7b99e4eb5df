"""One connection's traffic: acks, round trips, loss, congestion, delivery modes, fragments and snapshots. No I/O."""

from pygase.protocol.layout import MODE_RELIABLE, MODE_RETRIED, MODE_UNRELIABLE
from pygase.protocol.traffic import Traffic

__all__ = ["MODE_RELIABLE", "MODE_RETRIED", "MODE_UNRELIABLE", "Traffic"]
