"""The client's side of the join exchange: from an address to a connect token."""

from enum import Enum
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from pygase.config import HELLO_INTERVAL, HELLO_MAX_INTERVAL
from pygase.errors import DisconnectReason, MalformedDatagram
from pygase.netcode.channel import Drop
from pygase.netcode.crypto import KEY_BYTES, Entropy, box_open, box_seal
from pygase.netcode.join_wire import (
    ANSWER,
    ANSWER_BYTES,
    COOKIE,
    COOKIE_PACKET,
    JOIN,
    JOIN_PACKET,
    Wish,
    answer_info,
    decode_answer,
    encode_hello,
    encode_wish,
    join_info,
)
from pygase.netcode.keys import fingerprint_of
from pygase.netcode.tokens import ConnectToken

__all__ = ["JOIN_TRANSITIONS", "JoinClient", "JoinEvent", "JoinState"]


class JoinState(Enum):
    """How far the exchange is."""

    GREETING = "hello sent"
    ASKING = "wish sent"
    ADMITTED = "token received"
    REFUSED = "told why not"


class JoinEvent(Enum):
    """What moves it on."""

    COOKIE = "a cookie came"
    TOKEN = "a token came"  # noqa: S105
    REFUSAL = "a refusal came"
    UNANSWERED = "the wish was not answered several times over"
    STRANGER = "only a server with another fingerprint answered"


JOIN_TRANSITIONS: Final = {
    (JoinState.GREETING, JoinEvent.COOKIE): JoinState.ASKING,
    (JoinState.GREETING, JoinEvent.STRANGER): JoinState.REFUSED,
    (JoinState.ASKING, JoinEvent.TOKEN): JoinState.ADMITTED,
    (JoinState.ASKING, JoinEvent.REFUSAL): JoinState.REFUSED,
    (JoinState.ASKING, JoinEvent.UNANSWERED): JoinState.GREETING,
}

_WISHES_PER_COOKIE: Final = 4
"""How often a wish is sent before a new cookie is fetched: the cookie may be of a server that has restarted."""


class JoinClient:
    """Asks one server for a token. Each step goes out at once on the answer to the one before.

    Args:
        protocol_id: The game.
        fingerprint: The server's, or None to take whoever answers.
        wish: What to ask for. Its nonce is ignored, and made here.
        entropy: Randomness.
        now: Monotonic seconds.

    Attributes:
        state: How far it is.
        token: Once admitted.
        client_id: Once admitted.
        reason: Once refused.
        fingerprint: Of the server that answered.

    Raises:
        ValueError: The wish is too large.
    """

    def __init__(self, *, protocol_id: int, fingerprint: str | None, wish: Wish, entropy: Entropy, now: float) -> None:
        self.state = JoinState.GREETING
        self.token: ConnectToken | None = None
        self.client_id: int | None = None
        self.reason: DisconnectReason | None = None
        self.fingerprint: str | None = None
        self._protocol_id = protocol_id
        self._wanted = fingerprint
        self._entropy = entropy
        self._nonce = entropy(KEY_BYTES)
        self._wish = encode_wish(Wish(self._nonce, wish.password, wish.room, wish.ticket, wish.payload))
        self._key = X25519PrivateKey.from_private_bytes(entropy(KEY_BYTES))
        self._public_key = self._key.public_key().public_bytes_raw()
        self._server_key = b""
        self._datagram = encode_hello(protocol_id, self._public_key)
        self._interval = HELLO_INTERVAL
        self._wishes = 0
        self._stranger_deadline: float | None = None
        self._outbox = [self._datagram]
        self._send_at = now + self._interval

    def receive_datagram(self, data: bytes, now: float) -> None:
        """Take a datagram from the server's address.

        Raises:
            Drop: It says nothing to us.
        """
        if not data:
            raise Drop("dropped_malformed")
        if data[0] == COOKIE and len(data) == COOKIE_PACKET.size:
            self._receive_cookie(data, now)
        elif data[0] == ANSWER and len(data) == ANSWER_BYTES:
            self._receive_answer(data)
        else:
            raise Drop("dropped_malformed")

    def _receive_cookie(self, data: bytes, now: float) -> None:
        _, echo, cookie, server_key = COOKIE_PACKET.unpack(data)
        # Without the echo anybody could slip in a cookie who has not even seen our hello.
        if self.state is not JoinState.GREETING or echo != self._public_key[:16]:
            raise Drop("dropped_unexpected")
        fingerprint = fingerprint_of(server_key)
        if self._wanted is not None and fingerprint != self._wanted:
            # Perhaps forged, and the real one is still to come: it gets some time for that.
            if self._stranger_deadline is None:
                self._stranger_deadline = now + HELLO_MAX_INTERVAL
            raise Drop("dropped_wrong_fingerprint")
        info = join_info(self._protocol_id, self._public_key, cookie)
        try:
            box = box_seal(self._wish, server_key, info, self._entropy)
        except MalformedDatagram:
            raise Drop("dropped_malformed") from None
        self._server_key = server_key
        self.fingerprint = fingerprint
        self._stranger_deadline = None
        self._datagram = JOIN_PACKET.pack(JOIN, self._protocol_id, self._public_key, cookie, box)
        self._wishes = 0
        self._advance(JoinEvent.COOKIE)
        self._interval = HELLO_INTERVAL
        self._send(now)

    def _receive_answer(self, data: bytes) -> None:
        if self.state is not JoinState.ASKING:
            raise Drop("dropped_unexpected")
        info = answer_info(self._server_key, self._public_key, self._nonce)
        try:
            answer = decode_answer(box_open(data[1:], self._key, info), self._protocol_id)
        except MalformedDatagram:
            raise Drop("dropped_forged") from None
        if isinstance(answer, DisconnectReason):
            self.reason = answer
            self._advance(JoinEvent.REFUSAL)
        else:
            self.client_id, self.token = answer
            self._advance(JoinEvent.TOKEN)

    def _send(self, now: float) -> None:
        if self.state is JoinState.ASKING:
            self._wishes += 1
        self._outbox.append(self._datagram)
        self._send_at = now + self._interval
        self._interval = min(HELLO_MAX_INTERVAL, self._interval * 1.5)

    def datagrams_to_send(self) -> list[bytes]:
        """Take what has to go out to the server."""
        outbox, self._outbox = self._outbox, []
        return outbox

    def next_timer(self) -> float | None:
        """When `handle_timer` has something to do."""
        if self.state in (JoinState.ADMITTED, JoinState.REFUSED):
            return None
        return self._send_at if self._stranger_deadline is None else min(self._send_at, self._stranger_deadline)

    def handle_timer(self, now: float) -> None:
        """Repeat what was not answered."""
        timer = self.next_timer()
        if timer is None or timer > now:
            return
        if self._stranger_deadline is not None and self._stranger_deadline <= now:
            self.reason = DisconnectReason.WRONG_FINGERPRINT
            self._advance(JoinEvent.STRANGER)
            return
        if self.state is JoinState.ASKING and self._wishes >= _WISHES_PER_COOKIE:
            self._datagram = encode_hello(self._protocol_id, self._public_key)
            self._advance(JoinEvent.UNANSWERED)
        self._send(now)

    def _advance(self, event: JoinEvent) -> None:
        self.state = JOIN_TRANSITIONS[self.state, event]
