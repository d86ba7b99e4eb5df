"""The states of a netcode client, what moves it from one to the next, and what each end means to a user."""

from enum import Enum, IntEnum
from typing import Final

from pygase.errors import DisconnectReason

__all__ = ["CLIENT_TRANSITIONS", "END_REASONS", "ClientEvent", "ClientState"]


class ClientState(IntEnum):
    """The standard's states with the standard's numbers: below zero are the ways to fail."""

    CONNECT_TOKEN_EXPIRED = -6
    INVALID_CONNECT_TOKEN = -5
    CONNECTION_TIMED_OUT = -4
    CONNECTION_RESPONSE_TIMED_OUT = -3
    CONNECTION_REQUEST_TIMED_OUT = -2
    CONNECTION_DENIED = -1
    DISCONNECTED = 0
    SENDING_CONNECTION_REQUEST = 1
    SENDING_CONNECTION_RESPONSE = 2
    CONNECTED = 3


class ClientEvent(Enum):
    """What moves a client on."""

    CONNECT = "a valid token was given"
    BAD_TOKEN = "an invalid token was given"  # noqa: S105
    CHALLENGED = "a challenge came"
    WELCOMED = "the first keep-alive came"
    DENIED = "the server is full"
    SILENT = "nothing came for too long"
    NEXT_SERVER = "the next address is tried"
    EXPIRED = "the token's time is over"
    DISMISSED = "the server said goodbye"
    LEAVE = "the user leaves"


_S = ClientState
_E = ClientEvent

CLIENT_TRANSITIONS: Final = {
    (_S.DISCONNECTED, _E.CONNECT): _S.SENDING_CONNECTION_REQUEST,
    (_S.DISCONNECTED, _E.BAD_TOKEN): _S.INVALID_CONNECT_TOKEN,
    (_S.SENDING_CONNECTION_REQUEST, _E.CHALLENGED): _S.SENDING_CONNECTION_RESPONSE,
    (_S.SENDING_CONNECTION_REQUEST, _E.DENIED): _S.CONNECTION_DENIED,
    (_S.SENDING_CONNECTION_REQUEST, _E.SILENT): _S.CONNECTION_REQUEST_TIMED_OUT,
    (_S.SENDING_CONNECTION_REQUEST, _E.NEXT_SERVER): _S.SENDING_CONNECTION_REQUEST,
    (_S.SENDING_CONNECTION_REQUEST, _E.EXPIRED): _S.CONNECT_TOKEN_EXPIRED,
    (_S.SENDING_CONNECTION_REQUEST, _E.LEAVE): _S.DISCONNECTED,
    (_S.SENDING_CONNECTION_RESPONSE, _E.WELCOMED): _S.CONNECTED,
    (_S.SENDING_CONNECTION_RESPONSE, _E.DENIED): _S.CONNECTION_DENIED,
    (_S.SENDING_CONNECTION_RESPONSE, _E.SILENT): _S.CONNECTION_RESPONSE_TIMED_OUT,
    (_S.SENDING_CONNECTION_RESPONSE, _E.NEXT_SERVER): _S.SENDING_CONNECTION_REQUEST,
    (_S.SENDING_CONNECTION_RESPONSE, _E.EXPIRED): _S.CONNECT_TOKEN_EXPIRED,
    (_S.SENDING_CONNECTION_RESPONSE, _E.LEAVE): _S.DISCONNECTED,
    (_S.CONNECTED, _E.SILENT): _S.CONNECTION_TIMED_OUT,
    (_S.CONNECTED, _E.DISMISSED): _S.DISCONNECTED,
    (_S.CONNECTED, _E.LEAVE): _S.DISCONNECTED,
}
"""What is not in here does not happen. A client that has ended stays so: a new try is a new client."""

END_REASONS: Final = {
    _E.BAD_TOKEN: DisconnectReason.TOKEN_INVALID,
    _E.DENIED: DisconnectReason.DENIED,
    _E.EXPIRED: DisconnectReason.TOKEN_EXPIRED,
    _E.DISMISSED: DisconnectReason.KICKED,
    _E.LEAVE: DisconnectReason.CLIENT_LEFT,
}
"""What the user is told. Silence is missing: it is a timeout for who was connected, and no answer for who was not."""
