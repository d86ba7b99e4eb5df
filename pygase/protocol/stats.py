"""Counters of one connection's traffic."""

from typing import Final

__all__ = ["TrafficStats"]

_COUNTERS: Final = (
    "bytes_received",
    "bytes_sent",
    "fragments_resent",
    "messages_dropped",
    "messages_duplicated",
    "messages_received",
    "messages_repeated",
    "messages_resent",
    "messages_sent",
    "packets_duplicated",
    "packets_lost",
    "packets_received",
    "packets_sent",
    "snapshots_received",
    "snapshots_sent",
)


class TrafficStats:
    """What one connection has carried so far. Plain integers that only grow; sizes are bytes of our packets.

    Attributes:
        packets_sent: Packets handed out by `Traffic.packets_to_send`.
        packets_received: Packets taken in that were neither duplicates nor malformed.
        packets_lost: Packets of ours that were declared lost; a late ack takes them back.
        packets_duplicated: Packets received again, or so late that they count as such.
        bytes_sent: Bytes in `packets_sent`.
        bytes_received: Bytes in `packets_received`.
        messages_sent: Messages accepted by `Traffic.send`.
        messages_received: Messages put into `Traffic.messages`.
        messages_resent: Message copies sent again because a packet was lost.
        messages_repeated: Message copies sent early, before a loss was known (see `ReliableSender.repeat`).
        messages_dropped: Messages given up: retries used up, or unreliable ones too old to send.
        messages_duplicated: Message copies received again and ignored.
        snapshots_sent: Snapshots put into packets (a transfer counts once).
        snapshots_received: Snapshots put into `Traffic.snapshots`.
        fragments_resent: Fragments sent again because a packet was lost.
    """

    __slots__ = _COUNTERS

    def __init__(self) -> None:
        # First what grows with every packet, which so lies together in the compiled build.
        self.packets_received = 0
        self.bytes_received = 0
        self.messages_received = 0
        self.packets_sent = 0
        self.bytes_sent = 0
        self.snapshots_sent = 0
        self.snapshots_received = 0
        self.messages_sent = 0
        self.packets_lost = 0
        self.packets_duplicated = 0
        self.messages_resent = 0
        self.messages_repeated = 0
        self.messages_dropped = 0
        self.messages_duplicated = 0
        self.fragments_resent = 0

    def as_dict(self) -> dict[str, int]:
        """All counters by name, for showing or logging."""
        return {name: getattr(self, name) for name in _COUNTERS}
