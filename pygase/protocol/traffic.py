"""`Traffic`: everything two connected peers say to each other above the secure session and below events and state."""

from collections import deque

from pygase.protocol.stats import TrafficStats

__all__ = ["Traffic"]


class Traffic:
    """One side's half of one connection's traffic. Symmetric, without I/O; `now` is monotonic seconds everywhere.

    The owner's turn: `receive_packet` for each payload that came in, then take what is in `messages`, `snapshots`
    and `acked`; `handle_timer` when `next_timer` is due; then `packets_to_send` and send them all.

    Args:
        now: The current time.
        accepts_snapshots: False on a side that never receives state (the server): a snapshot frame is malformed then.

    Attributes:
        messages: Received messages ready to be handled, `(mode, message)`; the owner takes them out.
        snapshots: Completed snapshots `(baseline, version, blob)`, newest last; the owner takes them out.
        acked: Tags of messages that the peer is now known to have; the owner takes them out.
        acked_version: Newest snapshot version that the peer is known to have, or None.
        latency: Smoothed round trip in seconds, without the time the peer held its ack back; 0.0 before any sample.
        stats: Counters.
    """

    __slots__ = ("acked", "acked_version", "latency", "messages", "snapshots", "stats")

    def __init__(self, now: float, *, accepts_snapshots: bool = True) -> None:
        self.messages: deque[tuple[int, bytes]] = deque()
        self.snapshots: deque[tuple[int | None, int, bytes]] = deque()
        self.acked: deque[object] = deque()
        self.acked_version: int | None = None
        self.latency = 0.0
        self.stats = TrafficStats()

    # --- outgoing -------------------------------------------------------------------------------------------------

    def send(self, message: bytes, retries: int = 0, tag: object = None) -> None:
        """Queue one message.

        Args:
            message: At most `config.MAX_MESSAGE_BYTES` bytes.
            retries: 0 sends it once; n > 0 resends it at most n times when lost; `config.RELIABLE` (-1) resends it
                until it is acknowledged, and in order.
            tag: If not None, put into `acked` exactly once when the peer has the whole message (in any mode).

        Raises:
            BacklogFull: More is queued than the connection carries; nothing has been queued.
            TooLarge: The message is larger than `config.MAX_MESSAGE_BYTES`.
        """
        raise NotImplementedError

    def offer_snapshot(self, baseline: int | None, version: int, blob: bytes) -> None:
        """Offer the newest state. It replaces an offer that was not sent yet; while `snapshot_busy`, it is only noted.

        Args:
            baseline: The version that the blob is a delta against (`acked_version` or older), None for a full state.
            version: The version that the peer has afterwards; larger than `baseline`.
            blob: Encoded update; copied once, when it goes into a packet.

        Raises:
            TooLarge: The blob is larger than `config.MAX_SNAPSHOT_BYTES`.
        """
        raise NotImplementedError

    @property
    def snapshot_busy(self) -> bool:
        """Whether a snapshot of more than one packet is under way; new offers wait until it has arrived."""
        raise NotImplementedError

    @property
    def snapshot_due(self) -> bool:
        """Whether to offer anew, even without a further tick.

        True when the newest version offered is not acknowledged and nothing that carries it is queued or under way:
        its packet was lost, or it was offered while `snapshot_busy`. Offering clears it.
        """
        raise NotImplementedError

    def packets_to_send(self, now: float) -> list[bytes]:
        """All packets that may go now, each at most `config.MAX_PAYLOAD_BYTES`; each must be sent, in this order."""
        raise NotImplementedError

    # --- incoming -------------------------------------------------------------------------------------------------

    def receive_packet(self, payload: bytes, now: float) -> None:
        """Take in one packet of the peer's.

        Raises:
            MalformedDatagram: It is not a packet of ours, or breaks a limit; nothing has changed then.
        """
        raise NotImplementedError

    # --- time -----------------------------------------------------------------------------------------------------

    def next_timer(self) -> float | None:
        """When to call `handle_timer` and then `packets_to_send` again, if nothing else happens; None for never."""
        raise NotImplementedError

    def handle_timer(self, now: float) -> None:
        """Run what is due: detect losses, queue probes, drop what is too old. Cheap and harmless when early."""
        raise NotImplementedError

    def resume(self, now: float) -> None:
        """The connection below came back (reconnect with the same peer `Traffic`): forget path, back-off and window.

        Everything in flight counts as lost and goes again as its mode allows.
        """
        raise NotImplementedError

    # --- looking in -----------------------------------------------------------------------------------------------

    @property
    def reliable_pending(self) -> int:
        """Number of `RELIABLE` messages that are queued or not acknowledged yet."""
        raise NotImplementedError

    @property
    def backlog_bytes(self) -> int:
        """Bytes of messages that are queued or, where they may be resent, not acknowledged yet."""
        raise NotImplementedError

    @property
    def idle(self) -> bool:
        """Whether nothing is queued and nothing awaits an acknowledgement."""
        raise NotImplementedError

    @property
    def quality(self) -> float:
        """How good the line is for a game, 1.0 (perfect) to 0.0, from loss and latency."""
        raise NotImplementedError

    def unacknowledged(self) -> list[tuple[bytes, object]]:
        """The `RELIABLE` messages that the peer may not have, in order, with tags: to send again in a new session."""
        raise NotImplementedError
