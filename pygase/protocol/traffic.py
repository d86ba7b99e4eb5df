"""`Traffic`: everything two connected peers say to each other above the secure session and below events and state."""

# ruff: noqa: PLR1730  (this runs for every packet, and min() costs four times a comparison)

from typing import Final

from pygase.config import FRAGMENT_BYTES
from pygase.protocol.incoming import NEVER
from pygase.protocol.outgoing import Outgoing

__all__ = ["Traffic"]

_FELT_LATENCY: Final = 0.05
_HALF_AS_GOOD: Final = 0.25
"""Up to 50 ms nobody feels; another 250 ms make a fast game half as good."""

_WORST_LOSS: Final = 0.25


class Traffic(Outgoing):
    """One side's half of one connection's traffic. Symmetric, without I/O; `now` is monotonic seconds everywhere.

    The owner's turn: `receive_packet` for each payload that came in, then take what is in `messages`, `snapshots`
    and `acked`; `handle_timer` when `next_timer` is due; then `packets_to_send` and send them all.

    Args:
        now: The current time.
        accepts_snapshots: False on a side that never receives state (the server): a snapshot frame is malformed then.

    Attributes:
        messages: Received messages ready to be handled, `(mode, message)`; the owner takes them out.
        snapshots: Completed snapshots `(baseline, version, blob)`, newest last; the owner takes them out.
        snapshot_out: The channel of the state that goes out, for who has no time for the methods here.
        acked: Tags of messages that the peer is now known to have; the owner takes them out.
        latency: Smoothed round trip in seconds, without the time the peer held its ack back; 0.0 before any sample.
        stats: Counters.
    """

    __slots__ = ()

    def __init__(self, now: float, *, accepts_snapshots: bool = True) -> None:
        super().__init__(now, accepts_snapshots=accepts_snapshots)

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
        self._messages.send(message, retries, tag)
        self._has_messages = True
        if len(message) <= FRAGMENT_BYTES:
            self._fresh_bytes += len(message) + 2
        self.stats.messages_sent += 1

    def offer_snapshot(self, baseline: int | None, version: int, blob: bytes) -> None:
        """Offer the newest state. It replaces an offer that was not sent yet; while `snapshot_busy`, it is only noted.

        Args:
            baseline: The version that the blob is a delta against (`acked_version` or older), None for a full state.
            version: The version that the peer has afterwards; larger than `baseline`.
            blob: Encoded update; copied once, when it goes into a packet.

        Raises:
            TooLarge: The blob is larger than `config.MAX_SNAPSHOT_BYTES`.
        """
        self.snapshot_out.make_offer(baseline, version, blob)

    @property
    def acked_version(self) -> int | None:
        """Newest snapshot version that the peer is known to have, or None."""
        version = self.snapshot_out.acked_version
        return version if version >= 0 else None

    @property
    def missed_snapshots(self) -> int | None:
        """How many snapshots, at most, the peer has sent between the two newest received ones that are lost or late.

        None if unknown: one of the two is the first, or took more than a packet, and while such a one is under way the
        peer sends no others.
        """
        return None if self._snapshot_in is None else self._snapshot_in.missed

    @property
    def snapshot_busy(self) -> bool:
        """Whether a snapshot of more than one packet is under way; new offers wait until it has arrived."""
        return self.snapshot_out.transfer is not None

    @property
    def snapshot_waits(self) -> bool:
        """Whether the last offer has not gone into a packet yet."""
        return self.snapshot_out.offer is not None

    @property
    def snapshot_due(self) -> bool:
        """Whether to offer anew, even without a further tick.

        True when the newest version offered is not acknowledged and nothing that carries it is queued or under way:
        its packet was lost, or it was offered while `snapshot_busy`. Offering clears it.
        """
        return self.snapshot_out.due

    # --- time -----------------------------------------------------------------------------------------------------

    def next_timer(self) -> float | None:
        """When to call `handle_timer` and then `packets_to_send` again, if nothing else happens; None for never."""
        at = self.due_at()
        return at if at < NEVER else None

    def due_at(self) -> float:
        """The same as `next_timer`, with infinity for never."""
        at = self._awaited_at()
        snapshot = self.snapshot_out
        if not self._has_messages and snapshot.offer is None and snapshot.transfer is None:  # nothing waits
            return at
        send_at = self._send_at()
        return send_at if send_at < at else at

    def stirred_at(self) -> float:
        """`due_at`, but minus infinity if there may be something to send now: a quick look after `receive_packet`."""
        if self._recovery.probes or self.snapshot_out.due or True in self._waiting():
            return -NEVER
        return self._awaited_at()

    def _awaited_at(self) -> float:
        """When something is due that nothing waits to be sent for: an ack, or an answer to what was sent."""
        recovery = self._recovery
        at = self._ack_at
        if recovery.loss_at < at:
            at = recovery.loss_at
        if recovery.eliciting:
            probe_at = recovery.probe_at()
            if probe_at < at:
                at = probe_at
        return at

    def handle_timer(self, now: float) -> None:
        """Run what is due: detect losses, queue probes, drop what is too old. Cheap and harmless when early."""
        recovery = self._recovery
        if now >= recovery.loss_at:
            recovery.detect_losses(now)
        if recovery.eliciting and now >= recovery.probe_at():
            recovery.probe(now)
        if self._rare is not None:
            self._rare.forget_stalled(now)

    def ping(self) -> None:
        """Ask the peer for a sign of life with the next packet, and so measure the round trip."""
        self._recovery.probes = max(self._recovery.probes, 1)

    def hurry(self) -> None:
        """Let the next message go without waiting for company, for an owner whose next turn may be a frame away."""
        self._coalesce_until = 0.0

    def resume(self, now: float) -> None:
        """The connection below came back (reconnect with the same peer `Traffic`): forget path, back-off and window.

        Everything in flight counts as lost and goes again as its mode allows.
        """
        self._recovery.lose_everything()
        self._congestion.restart(now)
        self._round_trip.__init__()  # type: ignore[misc]
        self._coalesce_until = now

    # --- looking in -----------------------------------------------------------------------------------------------

    @property
    def reliable_pending(self) -> int:
        """Number of `RELIABLE` messages that are queued or not acknowledged yet."""
        return len(self._messages.reliable)

    @property
    def awaits_ack(self) -> bool:
        """Whether something that was sent is to be acknowledged and is not yet."""
        return bool(self._recovery.eliciting)

    @property
    def measured_at(self) -> float:
        """When an acknowledgement has last told the round trip; minus infinity before that."""
        return self._round_trip.sampled_at

    @property
    def newest_acked(self) -> int:
        """Number of the newest packet that the peer has acknowledged, -1 before the first."""
        return self._recovery.largest_acked

    @property
    def backlog_bytes(self) -> int:
        """Bytes of messages that are queued or, where they may be resent, not acknowledged yet."""
        return self._messages.bytes

    @property
    def idle(self) -> bool:
        """Whether nothing is queued and nothing awaits an acknowledgement."""
        return not (
            self._recovery.eliciting or self.backlog_bytes or self.snapshot_out.offer or self.snapshot_out.transfer
        )

    @property
    def quality(self) -> float:
        """How good the line is for a game, 1.0 (perfect) to 0.0, from loss and latency."""
        lossless = max(1.0 - self._congestion.loss / _WORST_LOSS, 0.0)
        late = max(self.latency - _FELT_LATENCY, 0.0)
        return lossless * _HALF_AS_GOOD / (_HALF_AS_GOOD + late)

    def unacknowledged(self) -> list[tuple[bytes, object]]:
        """The `RELIABLE` messages that the peer may not have, in order, with tags: to send again in a new session."""
        return self._messages.reliable.unacknowledged()
