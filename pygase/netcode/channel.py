"""One session's keys: seals what goes out, opens what comes in, refuses what came before.

The two methods `seal` and `open_payload` run for every packet of every client, so they are flat and make no objects
but the bytes they return.
"""

from typing import Final, NoReturn

from cryptography.exceptions import InvalidTag

from pygase.config import MAX_PAYLOAD_BYTES, REPLAY_WINDOW
from pygase.errors import MalformedDatagram, NotConnected, TooLarge
from pygase.netcode.crypto import TAG_BYTES, PacketCipher
from pygase.netcode.layout import CHALLENGE_TOKEN_BYTES, KEEP_ALIVE, PacketType, associated_data

__all__ = ["Channel", "Drop", "ReplayWindow"]

_PAYLOAD: Final = int(PacketType.PAYLOAD)
_OVERHEAD: Final = 1 + TAG_BYTES
_ALL_MISSING: Final = (1 << REPLAY_WINDOW - 1) - 1

_BODY_BYTES: Final = {
    PacketType.DENIED: 0,
    PacketType.CHALLENGE: 8 + CHALLENGE_TOKEN_BYTES,
    PacketType.RESPONSE: 8 + CHALLENGE_TOKEN_BYTES,
    PacketType.KEEP_ALIVE: KEEP_ALIVE.size,
    PacketType.DISCONNECT: 0,
}


class Drop(MalformedDatagram):
    """A datagram that is not for us to use."""

    @property
    def reason(self) -> str:
        """The counter in `stats` to which it is added."""
        return str(self.args[0])


class ReplayWindow:
    """Remembers the newest sequence number and which of the 255 before it have not come: mostly none."""

    __slots__ = ("_missing", "newest")

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew, with somebody whose numbers start at nothing."""
        self.newest = -1
        self._missing = 0  # a bit for each number below the newest that has not come, the lowest bit for the nearest

    def already_received(self, sequence: int) -> bool:
        """Whether a packet has come before, or is too old to know."""
        behind = self.newest - sequence
        return behind >= 0 and (behind == 0 or behind >= REPLAY_WINDOW or not self._missing >> behind - 1 & 1)

    def advance(self, sequence: int) -> None:
        """Note a packet as received: only once it has been decrypted, or a forger could move the window."""
        ahead = sequence - self.newest
        if ahead <= 0:
            self._missing &= ~(1 << -ahead - 1)
            return
        self.newest = sequence
        between = min(ahead, REPLAY_WINDOW) - 1
        self._missing = (self._missing << between + 1 | (1 << between) - 1) & _ALL_MISSING


class Channel(ReplayWindow):
    """Seals one direction and opens the other.

    Attributes:
        confirmed: Whether the other side is known to be connected; until then `before_payload` runs first.
        next_sequence: The number of the next packet to be sealed.
        last_sent: When something was last sealed.
        last_received: When something was last opened.
    """

    __slots__ = (
        "_aad",
        "_open_cipher",
        "_payload_aad",
        "_payload_prefix",
        "_rollover",
        "_seal_cipher",
        "_sequence_bytes",
        "confirmed",
        "last_received",
        "last_sent",
        "next_sequence",
    )

    def __init__(
        self,
        seal_cipher: PacketCipher,
        open_cipher: PacketCipher,
        protocol_id: int,
        now: float,
        next_sequence: int = 0,
    ) -> None:
        super().__init__()
        self._seal_cipher = seal_cipher
        self._open_cipher = open_cipher
        self._aad = associated_data(protocol_id)
        self.next_sequence = next_sequence
        self.last_sent = now
        self.last_received = now
        self.confirmed = True
        self._set_sequence_bytes()

    def _set_sequence_bytes(self) -> None:
        """Prepare the header for as many sequence bytes as the next number takes, until one more is needed."""
        count = (self.next_sequence.bit_length() + 7) // 8 or 1
        self._sequence_bytes = count
        self._rollover = 1 << (8 * count)
        self._payload_prefix = count << 4 | _PAYLOAD
        self._payload_aad = self._aad[self._payload_prefix]

    def seal(self, payload: bytes, now: float) -> bytes:
        """Make the datagram that carries a payload. The hot path.

        Args:
            payload: 1 to 1,200 bytes.
            now: Monotonic seconds.

        Raises:
            TooLarge: The payload is empty or larger.
            NotConnected: The session has ended.
        """
        if not 0 < len(payload) <= MAX_PAYLOAD_BYTES:
            raise TooLarge(f"a payload takes 1 to {MAX_PAYLOAD_BYTES} bytes, not {len(payload)}")
        if not self.confirmed:
            self.before_payload(now)
        sequence = self.next_sequence
        if sequence >= self._rollover:
            self._set_sequence_bytes()
        self.next_sequence = sequence + 1
        self.last_sent = now
        return (sequence << 8 | self._payload_prefix).to_bytes(
            self._sequence_bytes + 1, "little"
        ) + self._seal_cipher.encrypt((sequence << 32).to_bytes(12, "little"), payload, self._payload_aad)

    def open_payload(self, data: bytes, now: float) -> bytes:
        """Open a datagram whose first byte says that it is a payload packet. The hot path.

        Raises:
            Drop: It is malformed, came before, or is forged. Nothing has changed then.
        """
        prefix = data[0]
        count = prefix >> 4
        size = len(data) - count - _OVERHEAD
        if not (0 < count <= 8 and 0 < size <= MAX_PAYLOAD_BYTES):
            raise Drop("dropped_malformed")
        sequence = data[1]
        if count > 1:
            sequence |= data[2] << 8
            if count > 2:  # not within the first hour
                sequence |= int.from_bytes(data[3 : count + 1], "little") << 16
        newest = self.newest
        if sequence <= newest and self.already_received(sequence):
            raise Drop("dropped_replayed")
        try:
            payload = self._open_cipher.decrypt(
                (sequence << 32).to_bytes(12, "little"), data[count + 1 :], self._aad[prefix]
            )
        except InvalidTag:
            raise Drop("dropped_forged") from None
        if sequence == newest + 1:
            self.newest = sequence
            if self._missing:
                self._missing = self._missing << 1 & _ALL_MISSING
        else:
            self.advance(sequence)
        self.last_received = now
        return payload

    def before_payload(self, now: float) -> None:
        """Runs before each payload that is sealed while the other side is not known to be connected."""

    def seal_packet(self, kind: PacketType, body: bytes, now: float) -> bytes:
        """Make the datagram for any other packet."""
        sequence = self.next_sequence
        self.next_sequence = sequence + 1
        self.last_sent = now
        return self.seal_numbered(kind, body, sequence)

    def seal_numbered(self, kind: PacketType, body: bytes, sequence: int) -> bytes:
        """Make the datagram for a packet whose number comes from elsewhere."""
        count = (sequence.bit_length() + 7) // 8 or 1
        prefix = count << 4 | kind
        header = (sequence << 8 | prefix).to_bytes(count + 1, "little")
        return header + self._seal_cipher.encrypt((sequence << 32).to_bytes(12, "little"), body, self._aad[prefix])

    def open_packet(self, data: bytes, now: float) -> tuple[PacketType, bytes]:
        """Open any datagram but a connection request.

        Returns:
            Its type and its body, whose size is right for the type.

        Raises:
            Drop: It is malformed, came before, or is forged.
        """
        if len(data) < 2 + TAG_BYTES or data[0] & 0x0F >= len(PacketType) or data[0] & 0x0F == PacketType.REQUEST:
            raise Drop("dropped_malformed")
        kind = PacketType(data[0] & 0x0F)
        if kind is PacketType.PAYLOAD:
            return kind, self.open_payload(data, now)
        count = data[0] >> 4
        if not 0 < count <= 8 or len(data) - count - _OVERHEAD != _BODY_BYTES[kind]:
            raise Drop("dropped_malformed")
        sequence = int.from_bytes(data[1 : count + 1], "little")
        # The handshake's packets are repeated with numbers from another range, and are harmless to see twice.
        protected = kind >= PacketType.KEEP_ALIVE
        if protected and self.already_received(sequence):
            raise Drop("dropped_replayed")
        try:
            body = self._open_cipher.decrypt(
                (sequence << 32).to_bytes(12, "little"), data[count + 1 :], self._aad[data[0]]
            )
        except InvalidTag:
            raise Drop("dropped_forged") from None
        if protected:
            self.advance(sequence)
        return kind, body

    def shut(self) -> None:
        """Forget the keys. Sealing raises `NotConnected` from now on, and everything that comes in is forged."""
        self._seal_cipher = self._open_cipher = _SHUT


class _Shut:
    """The cipher of a session that has ended."""

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> NoReturn:  # noqa: ARG002
        raise NotConnected("this connection has ended")

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> NoReturn:  # noqa: ARG002
        raise InvalidTag


_SHUT: Final = _Shut()
