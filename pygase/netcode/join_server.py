"""The server's side of the join exchange.

Nothing is kept for an address until it has given back a cookie, which proves that it receives what is sent to it.
"""

import hmac
import logging
from hashlib import sha256
from struct import Struct
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from pygase.config import (
    COOKIE_LIFETIME,
    GUESSES_BURST,
    GUESSES_BURST_PER_HOST,
    GUESSES_PER_SECOND,
    GUESSES_PER_SECOND_PER_HOST,
    HELLOS_BURST,
    HELLOS_PER_SECOND,
    JOINS_BURST,
    JOINS_BURST_PER_HOST,
    JOINS_PER_SECOND,
    JOINS_PER_SECOND_PER_HOST,
    LOG_INTERVAL,
)
from pygase.errors import DisconnectReason, MalformedDatagram
from pygase.netcode.addresses import Address, network_of
from pygase.netcode.budget import Budget, NetworkBudgets
from pygase.netcode.channel import Drop
from pygase.netcode.crypto import KEY_BYTES, Entropy, ExtendedCipher, box_open, box_seal
from pygase.netcode.join_wire import (
    ANSWER,
    COOKIE,
    COOKIE_PACKET,
    HELLO,
    HELLO_BYTES,
    JOIN,
    JOIN_PACKET,
    Wish,
    answer_info,
    decode_wish,
    encode_refusal,
    join_info,
)
from pygase.netcode.keys import ServerKeys
from pygase.netcode.policy import Admission, JoinPolicy, JoinRequest
from pygase.netcode.tickets import Ticket, open_ticket

__all__ = ["Applicant", "CookieJar", "JoinServer"]

_COUNTERS: Final = ("cookies", "dropped_bad_cookie", "join_policy_failed", "joins_admitted", "joins_refused")

_log = logging.getLogger("pygase.server")
_HELLO_HEAD: Final = Struct("<BQ32s")
_COOKIE_BYTES: Final = 16
_OWN_MACHINE: Final = "own machine"


class CookieJar:
    """Makes and checks cookies, without keeping any.

    A cookie is an HMAC over where it was sent, for which key, and when, under a secret that is replaced every
    `COOKIE_LIFETIME` and counts for that long once more.
    """

    __slots__ = ("_entropy", "_old_secret", "_period", "_secret")

    def __init__(self, entropy: Entropy, now: float) -> None:
        self._entropy = entropy
        self._period = int(now // COOKIE_LIFETIME)
        self._secret = entropy(KEY_BYTES)
        self._old_secret = entropy(KEY_BYTES)

    def bake(self, address: Address, client_key: bytes, now: float) -> bytes:
        """Make the cookie for an address and a client's public key."""
        self._rotate(now)
        return _mac(self._secret, self._period, address, client_key)

    def is_good(self, cookie: bytes, address: Address, client_key: bytes, now: float) -> bool:
        """Whether this is a cookie that was made here for them, not too long ago."""
        self._rotate(now)
        return hmac.compare_digest(cookie, _mac(self._secret, self._period, address, client_key)) or (
            hmac.compare_digest(cookie, _mac(self._old_secret, self._period - 1, address, client_key))
        )

    def _rotate(self, now: float) -> None:
        period = int(now // COOKIE_LIFETIME)
        if period == self._period:
            return
        self._old_secret = self._secret if period == self._period + 1 else self._entropy(KEY_BYTES)
        self._secret = self._entropy(KEY_BYTES)
        self._period = period


def _mac(secret: bytes, period: int, address: Address, client_key: bytes) -> bytes:
    content = f"{period}|{address[0]}|{address[1]}|".encode() + client_key
    return hmac.digest(secret, content, "sha256")[:_COOKIE_BYTES]


class Applicant:
    """Somebody whose wish was read, to be answered."""

    __slots__ = ("address", "client_key", "ticket", "wish")

    def __init__(self, address: Address, client_key: bytes, wish: Wish, ticket: Ticket | None) -> None:
        self.address = address
        self.client_key = client_key
        self.wish = wish
        self.ticket = ticket


class JoinServer:
    """Reads hellos and wishes; whom to let in is for `JoinPolicy`, and the token for whoever owns this."""

    def __init__(
        self, *, keys: ServerKeys, policy: JoinPolicy, protocol_id: int, entropy: Entropy, unix_epoch: float, now: float
    ) -> None:
        self.public_key = keys.public_key
        self.counters: dict[str, int] = dict.fromkeys(_COUNTERS, 0)
        self._private_key = X25519PrivateKey.from_private_bytes(keys.identity)
        self._tickets = ExtendedCipher(keys.ticket_key)
        self._policy = policy
        self._password = None if policy.password is None else _digest(policy.password)
        self._protocol_id = protocol_id
        self._entropy = entropy
        self._unix_epoch = unix_epoch
        self._cookies = CookieJar(entropy, now)
        self._hellos = Budget(HELLOS_PER_SECOND, HELLOS_BURST, now)
        self._joins = Budget(JOINS_PER_SECOND, JOINS_BURST, now)
        self._joins_by_network = NetworkBudgets(JOINS_PER_SECOND_PER_HOST, JOINS_BURST_PER_HOST)
        self._guesses = Budget(GUESSES_PER_SECOND, GUESSES_BURST, now)
        self._guesses_by_network = NetworkBudgets(GUESSES_PER_SECOND_PER_HOST, GUESSES_BURST_PER_HOST)
        self._logged_at = -LOG_INTERVAL

    def receive_datagram(self, data: bytes, address: Address, now: float) -> bytes | Applicant:
        """Take a datagram whose first byte says that it belongs to the join exchange.

        Returns:
            The cookie to send back, or who applies.

        Raises:
            Drop: Neither.
        """
        if len(data) != HELLO_BYTES:
            raise Drop("dropped_malformed")
        if data[0] == HELLO:
            return self._answer_hello(data, address, now)
        if data[0] == JOIN:
            return self._read_wish(data, address, now)
        raise Drop("dropped_malformed")

    def _answer_hello(self, data: bytes, address: Address, now: float) -> bytes:
        _, protocol_id, client_key = _HELLO_HEAD.unpack_from(data)
        if protocol_id != self._protocol_id:
            raise Drop("dropped_wrong_protocol")
        if not self._hellos.take(now):
            raise Drop("dropped_over_budget")
        self.counters["cookies"] += 1
        cookie = self._cookies.bake(address, client_key, now)
        return COOKIE_PACKET.pack(COOKIE, client_key[:16], cookie, self.public_key)

    def _read_wish(self, data: bytes, address: Address, now: float) -> Applicant:
        _, protocol_id, client_key, cookie, box = JOIN_PACKET.unpack(data)
        if protocol_id != self._protocol_id:
            raise Drop("dropped_wrong_protocol")
        if not self._cookies.is_good(cookie, address, client_key, now):
            raise Drop("dropped_bad_cookie")
        # From here on the address is real, so that it may be counted, and cost more.
        network = network_of(address)
        if network is not None and not self._joins_by_network.of(network, now).take(now):
            raise Drop("dropped_over_budget")
        if not self._joins.take(now):
            raise Drop("dropped_over_budget")
        try:
            wish = decode_wish(box_open(box, self._private_key, join_info(protocol_id, client_key, cookie)))
        except MalformedDatagram:
            raise Drop("dropped_forged") from None
        return Applicant(address, client_key, wish, self._read_ticket(wish.ticket, now))

    def _read_ticket(self, sealed: bytes, now: float) -> Ticket | None:
        # One that does not count any more is no reason to keep somebody out: he is new then.
        try:
            return open_ticket(sealed, self._tickets, self._protocol_id, self._unix_epoch + now) if sealed else None
        except MalformedDatagram:
            return None

    def judge(self, applicant: Applicant, now: float) -> Admission | DisconnectReason:
        """Check the password and ask the policy."""
        refusal = self._check_password(applicant, now)
        if refusal is not None:
            return refusal
        if self._policy.admit is None:
            return Admission()
        wish = applicant.wish
        try:
            verdict = self._policy.admit(JoinRequest(applicant.address, wish.room, wish.payload, applicant.ticket))
            if not isinstance(verdict, Admission | DisconnectReason):
                raise TypeError(f"admit has to return an Admission or a DisconnectReason, not {verdict!r}")
        except Exception:
            self.counters["join_policy_failed"] += 1
            if now - self._logged_at >= LOG_INTERVAL:
                self._logged_at = now
                _log.exception("the join policy failed; so the answer is no")
            return DisconnectReason.REFUSED
        return verdict

    def _check_password(self, applicant: Applicant, now: float) -> DisconnectReason | None:
        if self._password is None:
            return None
        network = network_of(applicant.address) or _OWN_MACHINE
        of_network = self._guesses_by_network.of(network, now)
        if not of_network.has(now) or not self._guesses.has(now):
            return DisconnectReason.TOO_MANY_ATTEMPTS
        given = applicant.wish.password
        if given is not None and hmac.compare_digest(_digest(given), self._password):
            return None
        of_network.spend()
        self._guesses.spend()
        return DisconnectReason.WRONG_PASSWORD

    def seal_answer(self, applicant: Applicant, content: bytes) -> bytes:
        """Make the ANSWER datagram.

        Raises:
            Drop: The client's key is one that no box can be sealed to.
        """
        info = answer_info(self.public_key, applicant.client_key, applicant.wish.nonce)
        try:
            return bytes((ANSWER,)) + box_seal(content, applicant.client_key, info, self._entropy)
        except MalformedDatagram:
            raise Drop("dropped_forged") from None

    def seal_refusal(self, applicant: Applicant, reason: DisconnectReason) -> bytes:
        """Make the ANSWER datagram that says no."""
        self.counters["joins_refused"] += 1
        return self.seal_answer(applicant, encode_refusal(reason))


def _digest(password: str) -> bytes:
    # Of one length whatever the password's, so that the time of the comparison says nothing of that either.
    return sha256(password.encode()).digest()
