"""The client's secure link as the layers above use it: joining and session in one.

Another transport, such as a WebSocket, takes part by offering the same methods.
"""

from collections import deque
from enum import Enum
from typing import Final

from pygase.config import CONNECT_TIMEOUT, PROTOCOL_ID
from pygase.errors import DisconnectReason, NotConnected
from pygase.netcode.addresses import Address
from pygase.netcode.channel import Channel, Drop
from pygase.netcode.client import CLIENT_COUNTERS, Client
from pygase.netcode.client_states import ClientState
from pygase.netcode.crypto import Entropy
from pygase.netcode.join_client import JoinClient, JoinState
from pygase.netcode.join_wire import Wish
from pygase.netcode.signals import ClientSignal, Connected, Disconnected
from pygase.netcode.tokens import ConnectToken

__all__ = ["LinkState", "SecureClient"]


class LinkState(Enum):
    """How far a client's link is."""

    JOINING = "joining"
    REQUESTING = "requesting"
    RESPONDING = "responding"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"


_LINK_STATES: Final = {
    ClientState.SENDING_CONNECTION_REQUEST: LinkState.REQUESTING,
    ClientState.SENDING_CONNECTION_RESPONSE: LinkState.RESPONDING,
    ClientState.CONNECTED: LinkState.CONNECTED,
}


class SecureClient:
    """One link, from the first hello, or from a token, to the goodbye. It begins at once.

    Args:
        entropy: Randomness.
        unix_epoch: The unix time at which `now` was zero.
        now: Monotonic seconds.
        address: Where the server is, as the socket takes it. A token's own addresses count only without it.
        token: A connect token made elsewhere, or its bytes; joins without one.
        fingerprint: The server's, or None to take whoever answers.
        password: What the server asks for, if it does.
        room: Which room to enter; empty for the only one.
        ticket: A reconnect ticket of an earlier session, or nothing.
        payload: For the server's join policy.
        protocol_id: The game, 64 bits.
        connect_timeout: Seconds after which it gives up.

    Attributes:
        server_address: Whom it is talking to.
        client_id: Who it is to the server, once it has joined; None with a token, which does not say it.
        fingerprint: Of the server it joined, once known.
        reason: Why it ended, once it has.
        stats: Counters, one for each reason to drop a datagram.

    Raises:
        ValueError: Neither address nor token, or a text above its limit.
    """

    def __init__(
        self,
        *,
        entropy: Entropy,
        unix_epoch: float,  # noqa: ARG002  (part of the link interface; tokens live in monotonic time here)
        now: float,
        address: Address | None = None,
        token: ConnectToken | bytes | None = None,
        fingerprint: str | None = None,
        password: str | None = None,
        room: str = "",
        ticket: bytes = b"",
        payload: bytes = b"",
        protocol_id: int = PROTOCOL_ID,
        connect_timeout: float = CONNECT_TIMEOUT,
    ) -> None:
        if address is None and token is None:
            raise ValueError("a client needs the server's address or a token")
        self.stats: dict[str, int] = dict.fromkeys((*CLIENT_COUNTERS, "dropped_wrong_fingerprint"), 0)
        self.client_id: int | None = None
        self.fingerprint: str | None = None
        self.reason: DisconnectReason | None = None
        self.server_address: Address = address or ("", 0)
        self._address = address
        self._protocol_id = protocol_id
        self._entropy = entropy
        self._wanted = fingerprint
        self._wish = Wish(b"", password, room, ticket, payload)
        self._gives_up: float | None = now + connect_timeout
        self._signals: deque[ClientSignal] = deque()
        self._join: JoinClient | None = None
        self._client: Client | None = None
        self._channel: Channel | None = None  # the session's, from when it stands
        if token is None:
            self._start_join(now)
        else:
            self._start_session(token, now)

    @property
    def state(self) -> LinkState:
        """How far the link is."""
        if self.reason is not None:
            return LinkState.DISCONNECTED
        return LinkState.JOINING if self._client is None else _LINK_STATES[self._client.state]

    @property
    def index(self) -> int:
        """Its slot on the server, once connected."""
        return -1 if self._client is None else self._client.index

    @property
    def max_clients(self) -> int:
        """The server's number of slots, once connected."""
        return 0 if self._client is None else self._client.max_clients

    def receive_datagram(self, data: bytes, address: Address, now: float) -> bytes | None:
        """Take a datagram from the socket. The hot path.

        Returns:
            The payload, if it carried one.
        """
        client = self._client
        if client is None:
            self._receive_joining(data, address, now)
            return None
        payload = client.receive_datagram(data, address, now)
        if payload is None:
            self._follow(client, now)
        return payload

    def _receive_joining(self, data: bytes, address: Address, now: float) -> None:
        join = self._join
        try:
            if join is None:
                raise Drop("dropped_unexpected")
            if address[:2] != self.server_address[:2]:
                raise Drop("dropped_wrong_sender")
            join.receive_datagram(data, now)
        except Drop as drop:
            self.stats[drop.reason] += 1
            return
        self._follow_join(join, now)

    def seal(self, payload: bytes, now: float) -> bytes:
        """Make the datagram that carries a payload to the server. The hot path.

        Raises:
            NotConnected: There is no session.
            TooLarge: The payload is empty or above 1,200 bytes.
        """
        if self._channel is None:
            raise NotConnected("there is no session to send in")
        return self._channel.seal(payload, now)

    def datagrams_to_send(self) -> list[tuple[bytes, Address]]:
        """Take what has to go out. It goes before what was sealed since."""
        if self._client is not None:
            return self._client.datagrams_to_send()
        if self._join is not None:
            return [(datagram, self.server_address) for datagram in self._join.datagrams_to_send()]
        return []

    def next_signal(self) -> ClientSignal | None:
        """Take the next thing that the layer above has to know."""
        return self._signals.popleft() if self._signals else None

    def next_timer(self) -> float | None:
        """When `handle_timer` has something to do."""
        if self.reason is not None:
            return None
        inner = self._client or self._join
        timer = None if inner is None else inner.next_timer()
        if timer is None or self._gives_up is None:
            return self._gives_up if timer is None else timer
        return min(timer, self._gives_up)

    def handle_timer(self, now: float) -> None:
        """Repeat what was not answered, keep the session alive, give up when it is time."""
        if self.reason is not None:
            return
        if self._gives_up is not None and self._gives_up <= now:
            if self._client is not None:
                self._client.disconnect(now)
            self._end(DisconnectReason.NO_ANSWER, was_connected=False)
        elif self._client is not None:
            self._client.handle_timer(now)
            self._follow(self._client, now)
        elif self._join is not None:
            self._join.handle_timer(now)
            self._follow_join(self._join, now)

    def disconnect(self, now: float) -> None:
        """End the link, with a goodbye if there is anybody to hear it. Does nothing if it has ended already."""
        if self.reason is not None:
            return
        was_connected = self.state is LinkState.CONNECTED
        if self._client is not None:
            self._client.disconnect(now)
        self._join = None
        self._end(DisconnectReason.CLIENT_LEFT, was_connected=was_connected)

    # --- from one step to the next ----------------------------------------------------------------------------------

    def _start_join(self, now: float) -> None:
        self._client = self._channel = None
        self._join = JoinClient(
            protocol_id=self._protocol_id, fingerprint=self._wanted, wish=self._wish, entropy=self._entropy, now=now
        )

    def _start_session(self, token: ConnectToken | bytes, now: float) -> None:
        client = self._client = Client(token, now, addresses=() if self._address is None else (self._address,))
        client.stats = self.stats  # one set of counters for the whole link
        self._follow(client, now)

    def _follow_join(self, join: JoinClient, now: float) -> None:
        self.fingerprint = join.fingerprint
        if join.state is JoinState.REFUSED:
            self._join = None
            self._end(join.reason or DisconnectReason.REFUSED, was_connected=False)
        elif join.token is not None:
            self._join = None
            self.client_id = join.client_id
            self._start_session(join.token, now)

    def _follow(self, client: Client, now: float) -> None:
        self.server_address = client.server_address
        while (signal := client.next_signal()) is not None:
            if isinstance(signal, Connected):
                self._gives_up = None
                self._channel = client._channel
                self._signals.append(Connected(self.client_id))
            elif self.reason is None:
                if self._may_join_again(signal):
                    # The server that gave the token does not know it any more: it was restarted meanwhile.
                    self._start_join(now)
                    return
                self._end(signal.reason, was_connected=signal.was_connected)

    def _may_join_again(self, signal: Disconnected) -> bool:
        return self.client_id is not None and signal.reason is DisconnectReason.NO_ANSWER and self._gives_up is not None

    def _end(self, reason: DisconnectReason, *, was_connected: bool) -> None:
        self.reason = reason
        self._gives_up = None
        self._signals.append(Disconnected(reason, was_connected))
