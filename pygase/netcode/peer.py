"""A client as the server sees it."""

from collections.abc import Callable
from enum import Enum
from typing import Any, Final

from pygase.netcode.addresses import Address
from pygase.netcode.channel import Channel
from pygase.netcode.crypto import PacketCipher
from pygase.netcode.userdata import UserData

__all__ = ["PEER_TRANSITIONS", "Peer", "PeerEvent", "PeerState"]


class PeerState(Enum):
    """Where a client is on its way in and out."""

    CHALLENGED = "challenged"
    CONNECTED = "connected"
    CONFIRMED = "confirmed"
    GONE = "gone"


class PeerEvent(Enum):
    """What moves it on."""

    RESPONDED = "its response came back"
    HEARD = "a payload or keep-alive came"
    LEFT = "it said goodbye"
    SILENT = "nothing came for too long"
    DROPPED = "the server is done with it"


PEER_TRANSITIONS: Final = {
    (PeerState.CHALLENGED, PeerEvent.RESPONDED): PeerState.CONNECTED,
    (PeerState.CHALLENGED, PeerEvent.SILENT): PeerState.GONE,
    (PeerState.CHALLENGED, PeerEvent.DROPPED): PeerState.GONE,
    (PeerState.CONNECTED, PeerEvent.HEARD): PeerState.CONFIRMED,
    (PeerState.CONNECTED, PeerEvent.LEFT): PeerState.GONE,
    (PeerState.CONNECTED, PeerEvent.SILENT): PeerState.GONE,
    (PeerState.CONNECTED, PeerEvent.DROPPED): PeerState.GONE,
    (PeerState.CONFIRMED, PeerEvent.LEFT): PeerState.GONE,
    (PeerState.CONFIRMED, PeerEvent.SILENT): PeerState.GONE,
    (PeerState.CONFIRMED, PeerEvent.DROPPED): PeerState.GONE,
}
"""What is not in here does not happen. A server never takes anybody back: who returns is a new peer."""


class Peer(Channel):
    """A client: first challenged, then connected.

    Attributes:
        address: Where it is, as the socket gave it.
        client_id: Who it is, by its token.
        index: Its slot, or -1 while it has none.
        timeout: Seconds of silence after which it is given up. Not above zero: never.
        state: Challenged, connected, confirmed, gone.
        context: Whatever the layer above wants to find again here.
    """

    __slots__ = (
        "_user",
        "address",
        "client_id",
        "context",
        "index",
        "keep_alive",
        "state",
        "timeout",
        "token_tag",
    )

    def __init__(
        self,
        *,
        address: Address,
        client_id: int,
        raw_user_data: bytes,
        timeout: int,
        token_tag: bytes,
        seal_cipher: PacketCipher,
        open_cipher: PacketCipher,
        protocol_id: int,
        now: float,
    ) -> None:
        super().__init__(seal_cipher, open_cipher, protocol_id, now)
        self.address = address
        self.client_id = client_id
        self.index = -1
        self.timeout = timeout
        self.token_tag = token_tag
        self.state = PeerState.CHALLENGED
        self.confirmed = False
        self.context: Any = None
        self.keep_alive: Callable[[Peer, float], None] = _no_keep_alive
        self._user = UserData.from_bytes(raw_user_data)

    def __repr__(self) -> str:
        return f"<Peer {self.client_id} at {self.address!r}, {self.state.value}>"

    @property
    def user_data(self) -> bytes:
        """What the token's maker put in for the game."""
        return self._user.data

    @property
    def room(self) -> str:
        """The room that the token names; empty for the only one."""
        return self._user.room

    @property
    def is_host_by_token(self) -> bool:
        """Whether the token gives the host's role."""
        return self._user.is_host

    @property
    def is_returning(self) -> bool:
        """Whether a reconnect ticket proved that this is a client of before."""
        return self._user.is_returning

    def advance_state(self, event: PeerEvent) -> None:
        """Move on as the table says."""
        self.state = PEER_TRANSITIONS[self.state, event]

    def before_payload(self, now: float) -> None:
        """Repeat the keep-alive, without which the client does not know that it is connected."""
        self.keep_alive(self, now)


def _no_keep_alive(peer: Peer, now: float) -> None:
    """Stands in until the server has connected the peer."""
