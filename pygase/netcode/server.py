"""The server's side of netcode 1.02: who gets in, who is in, and who is out, without I/O."""

from collections import deque
from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from typing import Final

from pygase.config import (
    CONNECT_TIMEOUT,
    HANDSHAKE_INTERVAL,
    KEEP_ALIVE_INTERVAL,
    MAX_PENDING_FACTOR,
    MIN_PENDING,
    REDUNDANT_DISCONNECTS,
    TOKEN_LIFETIME,
)
from pygase.errors import DisconnectReason, MalformedDatagram
from pygase.netcode.addresses import Address
from pygase.netcode.channel import Drop
from pygase.netcode.crypto import KEY_BYTES, Entropy, new_cipher
from pygase.netcode.layout import KEEP_ALIVE, U64, PacketType
from pygase.netcode.peer import Peer, PeerEvent, PeerState
from pygase.netcode.requests import RequestDesk
from pygase.netcode.signals import PeerConnected, PeerDisconnected, ServerSignal
from pygase.netcode.timers import TimerTable
from pygase.netcode.tokens import ChallengeToken, PrivateToken, open_challenge, seal_challenge
from pygase.netcode.userdata import UserData

__all__ = ["GLOBAL_SEQUENCE_START", "Server"]

GLOBAL_SEQUENCE_START: Final = 1 << 63
"""Where the numbers of challenges and denials begin. They are sealed with the same key as what a connected client is
sent, whose numbers begin at 0; so that no number ever meets its like, these live in the upper half."""

_COUNTERS: Final = (
    "connected",
    "denied",
    "disconnected",
    "dropped_already_connected",
    "dropped_closed",
    "dropped_forged",
    "dropped_malformed",
    "dropped_over_budget",
    "dropped_replayed",
    "dropped_token_expired",
    "dropped_token_history_full",
    "dropped_token_invalid",
    "dropped_token_other_server",
    "dropped_token_predates_start",
    "dropped_token_used",
    "dropped_too_many_pending",
    "dropped_unexpected",
    "dropped_unknown_sender",
    "dropped_wrong_protocol",
    "dropped_wrong_version",
)

_PAYLOAD: Final = int(PacketType.PAYLOAD)
_REQUEST: Final = int(PacketType.REQUEST)


class Server:
    """Sessions with many clients on one socket.

    Whatever is in `datagrams_to_send` goes out before what peers have sealed since: a client that does not know yet
    that it is connected learns it from a keep-alive that comes first.

    Args:
        addresses: What tokens may call this server: its public address, for IPv4 and IPv6. "0.0.0.0" or "::" stands
            for any address with that port; servers that share a key and a port then take each other's tokens.
        protocol_id: The game, 64 bits.
        private_key: 32 bytes that the makers of tokens have as well.
        max_clients: How many may be connected at once.
        entropy: Randomness.
        unix_epoch: The unix time at which `now` was zero. Nothing here looks at a wall clock, which may jump.
        now: Monotonic seconds.
        token_lifetime: The longest that tokens live. One that could be from before the server's start is refused,
            for the server cannot know whether it was used then.

    Attributes:
        peers: Those connected, by address. To be read only.
        stats: Counters, among them one for each reason to drop a datagram.
        max_clients: How many may be connected at once.
    """

    def __init__(
        self,
        *,
        addresses: Sequence[Address],
        protocol_id: int,
        private_key: bytes,
        max_clients: int,
        entropy: Entropy,
        unix_epoch: float,
        now: float,
        token_lifetime: int = TOKEN_LIFETIME,
    ) -> None:
        if max_clients < 1:
            raise ValueError(f"max_clients has to be at least 1: {max_clients}")
        self.peers: dict[Address, Peer] = {}
        self.stats: dict[str, int] = dict.fromkeys(_COUNTERS, 0)
        self.max_clients = max_clients
        self._protocol_id = protocol_id
        self._entropy = entropy
        self._unix_epoch = unix_epoch
        self._challenge_cipher = new_cipher(entropy(KEY_BYTES))
        self._challenge_sequence = 0
        self._global_sequence = GLOBAL_SEQUENCE_START
        self._pending: dict[Address, Peer] = {}
        self._by_id: dict[int, Peer] = {}
        self._free_slots = list(range(max_clients))
        heapify(self._free_slots)
        self._requests = RequestDesk(
            addresses=addresses,
            protocol_id=protocol_id,
            private_key=private_key,
            unix_epoch=unix_epoch,
            now=now,
            token_lifetime=token_lifetime,
        )
        self._timers: TimerTable[Peer] = TimerTable()
        self._outbox: list[tuple[bytes, Address]] = []
        self._signals: deque[ServerSignal] = deque()
        self._closed = False

    # --- what comes in ----------------------------------------------------------------------------------------------

    def receive_datagram(self, data: bytes, address: Address, now: float) -> tuple[Peer, bytes] | None:
        """Take a datagram from the socket. The hot path.

        Returns:
            Who sent it and the payload, if it carried one.
        """
        peer = self.peers.get(address)
        try:
            if peer is None:
                self._receive_from_stranger(data, address, now)
                return None
            if data[0] & 0x0F == _PAYLOAD:
                payload = peer.open_payload(data, now)
                if not peer.confirmed:
                    self._confirm(peer)
                return peer, payload
            self._receive_control(peer, data, now)
        except Drop as drop:
            self.stats[drop.reason] += 1
        except IndexError:  # an empty datagram
            self.stats["dropped_malformed"] += 1
        return None

    def _receive_control(self, peer: Peer, data: bytes, now: float) -> None:
        if data[0] == _REQUEST or (peer.address in self._pending and data[0] & 0x0F == PacketType.RESPONSE):
            # Somebody who returns with a ticket before the server has missed him, from the same address.
            self._receive_from_stranger(data, peer.address, now)
            return
        if data[0] > 0x8F:
            self._receive_foreign(data, peer.address, now)
            return
        kind, _ = peer.open_packet(data, now)
        if kind is PacketType.KEEP_ALIVE:
            peer.last_received = now
            if not peer.confirmed:
                self._confirm(peer)
        elif kind is PacketType.DISCONNECT:
            self._remove(peer, PeerEvent.LEFT, DisconnectReason.CLIENT_LEFT)
        else:
            raise Drop("dropped_unexpected")

    def _receive_from_stranger(self, data: bytes, address: Address, now: float) -> None:
        if self._closed:
            raise Drop("dropped_closed")
        if data[0] == _REQUEST:
            self._receive_request(data, address, now)
            return
        if data[0] > 0x8F:
            self._receive_foreign(data, address, now)
            return
        pending = self._pending.get(address)
        if pending is None:
            raise Drop("dropped_unknown_sender")
        kind, body = pending.open_packet(data, now)
        if kind is not PacketType.RESPONSE:
            raise Drop("dropped_unexpected")
        self._receive_response(pending, body, now)

    def _receive_foreign(self, data: bytes, address: Address, now: float) -> None:  # noqa: ARG002
        """Take what cannot be a netcode packet by its first byte. The join exchange comes in here."""
        raise Drop("dropped_malformed")

    # --- the handshake ----------------------------------------------------------------------------------------------

    def _receive_request(self, data: bytes, address: Address, now: float) -> None:
        """Check a connection request in the order of the standard, and answer with a challenge or a denial."""
        token, tag, expires = self._requests.open(data, address, now)
        returning = self._check_not_connected(token, address)
        self._requests.claim(tag, address, expires, now)
        if len(self.peers) >= self.max_clients and not returning:
            self.stats["denied"] += 1
            self._send_global(self._peer_for(token, tag, address, now), PacketType.DENIED, b"")
            return
        self._challenge(token, tag, address, now)

    def _check_not_connected(self, token: PrivateToken, address: Address) -> bool:
        """Refuse who is connected already, unless a ticket proves that the old session is his own.

        Returns:
            Whether there is such an old session, which will make room.
        """
        at_address = self.peers.get(address)
        with_id = self._by_id.get(token.client_id)
        if at_address is None and with_id is None:
            return False
        if (at_address is None or at_address is with_id) and UserData.from_bytes(token.user_data).is_returning:
            return True
        raise Drop("dropped_already_connected")

    def _challenge(self, token: PrivateToken, tag: bytes, address: Address, now: float) -> None:
        pending = self._pending.get(address)
        if pending is None or pending.token_tag != tag:
            if pending is not None:
                self._forget_pending(pending, PeerEvent.DROPPED)
            elif len(self._pending) >= max(MIN_PENDING, MAX_PENDING_FACTOR * self.max_clients):
                raise Drop("dropped_too_many_pending")
            pending = self._pending[address] = self._peer_for(token, tag, address, now)
        self._timers.set(pending, now + (token.timeout if token.timeout > 0 else CONNECT_TIMEOUT))
        sequence = self._challenge_sequence
        self._challenge_sequence += 1
        challenge = seal_challenge(ChallengeToken(token.client_id, token.user_data), self._challenge_cipher, sequence)
        self._send_global(pending, PacketType.CHALLENGE, U64.pack(sequence) + challenge)

    def _receive_response(self, pending: Peer, body: bytes, now: float) -> None:
        try:
            challenge = open_challenge(body[8:], self._challenge_cipher, U64.unpack_from(body)[0])
        except MalformedDatagram:
            raise Drop("dropped_forged") from None
        if challenge.client_id != pending.client_id:
            raise Drop("dropped_unexpected")
        old = self._by_id.get(pending.client_id)
        if old is not None:
            if not pending.is_returning:
                raise Drop("dropped_already_connected")
            self.disconnect(old, now, DisconnectReason.REPLACED)
        if not self._free_slots:
            self.stats["denied"] += 1
            self._send_global(pending, PacketType.DENIED, b"")
            return
        self._connect(pending, now)

    def _connect(self, peer: Peer, now: float) -> None:
        del self._pending[peer.address]
        self._requests.history.spend(peer.token_tag)
        peer.advance_state(PeerEvent.RESPONDED)
        peer.index = heappop(self._free_slots)
        peer.last_received = now
        peer.keep_alive = self._send_keep_alive
        self.peers[peer.address] = peer
        self._by_id[peer.client_id] = peer
        self.stats["connected"] += 1
        self._send_keep_alive(peer, now)
        self._timers.set(peer, now + HANDSHAKE_INTERVAL)
        self._signals.append(PeerConnected(peer))

    def _confirm(self, peer: Peer) -> None:
        peer.advance_state(PeerEvent.HEARD)
        peer.confirmed = True

    def _peer_for(self, token: PrivateToken, tag: bytes, address: Address, now: float) -> Peer:
        return Peer(
            address=address,
            client_id=token.client_id,
            raw_user_data=token.user_data,
            timeout=token.timeout,
            token_tag=tag,
            seal_cipher=new_cipher(token.server_to_client_key),
            open_cipher=new_cipher(token.client_to_server_key),
            protocol_id=self._protocol_id,
            now=now,
        )

    def expect(self, address: Address, now: float) -> None:
        """Note that an address was proven, so that its request is served whatever flood there is."""
        self._requests.expect(address, now)

    # --- what goes out ----------------------------------------------------------------------------------------------

    def datagrams_to_send(self) -> list[tuple[bytes, Address]]:
        """Take what has to go out: handshakes, keep-alives, goodbyes."""
        outbox, self._outbox = self._outbox, []
        return outbox

    def enqueue(self, datagram: bytes, address: Address) -> None:
        """Put something that a peer has sealed in line with the rest, such as last words before a goodbye."""
        self._outbox.append((datagram, address))

    def _send_global(self, peer: Peer, kind: PacketType, body: bytes) -> None:
        self._outbox.append((peer.seal_numbered(kind, body, self._global_sequence), peer.address))
        self._global_sequence += 1

    def _send_keep_alive(self, peer: Peer, now: float) -> None:
        body = KEEP_ALIVE.pack(peer.index, self.max_clients)
        self._outbox.append((peer.seal_packet(PacketType.KEEP_ALIVE, body, now), peer.address))

    # --- time -------------------------------------------------------------------------------------------------------

    def next_timer(self) -> float | None:
        """When `handle_timer` has something to do."""
        return self._timers.next()

    def handle_timer(self, now: float) -> None:
        """Send the keep-alives that are due, and give up those who have been silent for too long."""
        while (peer := self._timers.pop_due(now)) is not None:
            self._handle_peer_timer(peer, now)

    def _handle_peer_timer(self, peer: Peer, now: float) -> None:
        if peer.state is PeerState.CHALLENGED:
            self._forget_pending(peer, PeerEvent.SILENT)
            return
        # A peer's deadline stays where it was while packets come and go, and is looked at again only here: with a
        # thousand busy clients that is a thousand looks a second instead of one for every packet.
        gives_up = peer.last_received + peer.timeout if peer.timeout > 0 else float("inf")
        if gives_up <= now:
            self._remove(peer, PeerEvent.SILENT, DisconnectReason.TIMED_OUT)
            return
        interval = KEEP_ALIVE_INTERVAL if peer.confirmed else HANDSHAKE_INTERVAL
        if peer.last_sent + interval <= now:
            self._send_keep_alive(peer, now)
        self._timers.set(peer, min(peer.last_sent + interval, gives_up))

    # --- the end ----------------------------------------------------------------------------------------------------

    def disconnect(self, peer: Peer, now: float, reason: DisconnectReason = DisconnectReason.KICKED) -> None:
        """End a client's session, with a goodbye. Does nothing if it has ended already."""
        if self.peers.get(peer.address) is not peer:
            return
        for _ in range(REDUNDANT_DISCONNECTS):
            self._outbox.append((peer.seal_packet(PacketType.DISCONNECT, b"", now), peer.address))
        self._remove(peer, PeerEvent.DROPPED, reason)

    def close(self, now: float) -> None:
        """End all sessions, with a goodbye, and take no new ones."""
        self._closed = True
        for peer in list(self.peers.values()):
            self.disconnect(peer, now, DisconnectReason.SERVER_SHUTDOWN)
        for peer in list(self._pending.values()):
            self._forget_pending(peer, PeerEvent.DROPPED)

    def next_signal(self) -> ServerSignal | None:
        """Take the next thing that the layer above has to know."""
        return self._signals.popleft() if self._signals else None

    def _remove(self, peer: Peer, event: PeerEvent, reason: DisconnectReason) -> None:
        del self.peers[peer.address]
        del self._by_id[peer.client_id]
        heappush(self._free_slots, peer.index)
        self._timers.cancel(peer)
        peer.advance_state(event)
        peer.shut()
        self.stats["disconnected"] += 1
        self._signals.append(PeerDisconnected(peer, reason))

    def _forget_pending(self, peer: Peer, event: PeerEvent) -> None:
        self._pending.pop(peer.address, None)
        self._timers.cancel(peer)
        peer.advance_state(event)
        peer.shut()
