"""The server's secure link as the layers above use it: sessions, and the joins that lead to them.

Another transport, such as a WebSocket, takes part by offering the same methods.
"""

from collections.abc import Sequence
from typing import Final

from pygase.config import PEER_TIMEOUT, PROTOCOL_ID, TICKET_LIFETIME, TOKEN_LIFETIME
from pygase.errors import DisconnectReason
from pygase.netcode.addresses import Address
from pygase.netcode.channel import Drop
from pygase.netcode.crypto import Entropy, ExtendedCipher
from pygase.netcode.join_server import Applicant, JoinServer
from pygase.netcode.join_wire import encode_admission
from pygase.netcode.keys import ServerKeys
from pygase.netcode.peer import Peer
from pygase.netcode.policy import Admission, JoinPolicy
from pygase.netcode.server import Server
from pygase.netcode.tickets import Ticket, seal_ticket
from pygase.netcode.tokens import ConnectToken, make_token
from pygase.netcode.userdata import MAX_USER_DATA_BYTES, UserData

__all__ = ["SecureServer"]

_ID_BYTES: Final = 8


class SecureServer(Server):
    """A netcode server that also hands out tokens to those who ask, if its policy lets them in.

    Args:
        addresses: What tokens may call this server: its public address, for IPv4 and IPv6, or "0.0.0.0" or "::"
            for any with that port. Tokens that it makes itself name the first.
        keys: Its secrets.
        max_clients: How many may be connected at once.
        entropy: Randomness.
        unix_epoch: The unix time at which `now` was zero.
        now: Monotonic seconds.
        policy: Who may join; None for nobody but those with a token made elsewhere.
        protocol_id: The game, 64 bits.
        peer_timeout: Seconds of silence after which a client that joined is given up.
        token_lifetime: The longest that tokens live, whoever makes them.

    Attributes:
        fingerprint: What to give to players so that nobody in the middle can pass for this server.
    """

    def __init__(
        self,
        *,
        addresses: Sequence[Address],
        keys: ServerKeys,
        max_clients: int,
        entropy: Entropy,
        unix_epoch: float,
        now: float,
        policy: JoinPolicy | None = None,
        protocol_id: int = PROTOCOL_ID,
        peer_timeout: float = PEER_TIMEOUT,
        token_lifetime: int = TOKEN_LIFETIME,
    ) -> None:
        super().__init__(
            addresses=addresses,
            protocol_id=protocol_id,
            private_key=keys.token_key,
            max_clients=max_clients,
            entropy=entropy,
            unix_epoch=unix_epoch,
            now=now,
            token_lifetime=token_lifetime,
        )
        self.fingerprint = keys.fingerprint
        self._keys = keys
        self._tickets = ExtendedCipher(keys.ticket_key)
        self._token_addresses = tuple(addresses[:1])
        self._token_lifetime = token_lifetime
        self._peer_timeout = round(peer_timeout)
        self._join = None
        if policy is not None:
            self._join = JoinServer(
                keys=keys, policy=policy, protocol_id=protocol_id, entropy=entropy, unix_epoch=unix_epoch, now=now
            )
            self.stats.update(self._join.counters)
            self._join.counters = self.stats

    def make_ticket(self, peer: Peer, now: float, room: str | None = None) -> bytes:
        """Make a reconnect ticket, opaque to the client and at most `MAX_TICKET_BYTES`.

        Shown in a later join, here or at a server with the same keys, it gives the same `client_id`, user data and
        role again.

        Args:
            peer: Whose.
            now: Monotonic seconds.
            room: Where it is, if not in the room that its token names.
        """
        expires = int(self._unix_epoch + now) + TICKET_LIFETIME
        # User data that fills a token is of somebody else's layout, and has no room beside a role.
        data = peer.user_data if len(peer.user_data) <= MAX_USER_DATA_BYTES else b""
        here = peer.room if room is None else room
        ticket = Ticket(peer.client_id, expires, data, here, peer.is_host_by_token)
        return seal_ticket(ticket, self._tickets, self._protocol_id, self._entropy)

    def _receive_foreign(self, data: bytes, address: Address, now: float) -> None:
        if self._join is None:
            raise Drop("dropped_unexpected")
        result = self._join.receive_datagram(data, address, now)
        reply = self._decide(self._join, result, now) if isinstance(result, Applicant) else result
        self._outbox.append((reply, address))

    def _decide(self, join: JoinServer, applicant: Applicant, now: float) -> bytes:
        verdict = join.judge(applicant, now)
        if isinstance(verdict, DisconnectReason):
            return join.seal_refusal(applicant, verdict)
        ticket = applicant.ticket
        client_id = verdict.client_id
        if client_id is None:
            client_id = ticket.client_id if ticket is not None else self._new_client_id()
        returns = ticket is not None and ticket.client_id == client_id
        if len(self.peers) >= self.max_clients and not (returns and client_id in self._by_id):
            return join.seal_refusal(applicant, DisconnectReason.DENIED)
        user = _user_data(verdict, applicant, is_returning=returns)
        token = self._make_token(client_id, user, now)
        self.expect(applicant.address, now)
        self.stats["joins_admitted"] += 1
        return join.seal_answer(applicant, encode_admission(client_id, token))

    def _make_token(self, client_id: int, user: UserData, now: float) -> ConnectToken:
        return make_token(
            self._keys.token_key,
            protocol_id=self._protocol_id,
            client_id=client_id,
            addresses=self._token_addresses,
            unix_time=self._unix_epoch + now,
            entropy=self._entropy,
            user_data=user.to_bytes(),
            lifetime=self._token_lifetime,
            timeout=self._peer_timeout,
        )

    def _new_client_id(self) -> int:
        # 63 bits, so that it fits a signed integer wherever a game keeps it. Zero stays free to mean nobody.
        while True:
            client_id = int.from_bytes(self._entropy(_ID_BYTES), "little") >> 1
            if client_id and client_id not in self._by_id:
                return client_id


def _user_data(admission: Admission, applicant: Applicant, *, is_returning: bool) -> UserData:
    ticket = applicant.ticket
    data, is_host = admission.user_data, admission.is_host
    if data is None:
        data = ticket.user_data if ticket is not None else b""
    if is_host is None:
        is_host = ticket.is_host if ticket is not None else False
    room = applicant.wish.room if admission.room is None else admission.room
    return UserData(data, room, is_host, is_returning)
