"""What servers and clients have to say to the layer above."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pygase.errors import DisconnectReason

if TYPE_CHECKING:
    from pygase.netcode.peer import Peer

__all__ = ["ClientSignal", "Connected", "Disconnected", "PeerConnected", "PeerDisconnected", "ServerSignal"]


@dataclass(frozen=True, slots=True)
class PeerConnected:
    """A client has proven itself and has its slot."""

    peer: "Peer"


@dataclass(frozen=True, slots=True)
class PeerDisconnected:
    """A client's session has ended. Nothing can be sealed for it any more."""

    peer: "Peer"
    reason: DisconnectReason


@dataclass(frozen=True, slots=True)
class Connected:
    """The client is connected."""

    client_id: int | None


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The client's session has ended, or could not begin."""

    reason: DisconnectReason
    was_connected: bool


ServerSignal = PeerConnected | PeerDisconnected
ClientSignal = Connected | Disconnected
