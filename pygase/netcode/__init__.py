"""Secure sessions without I/O: netcode 1.02, and the join exchange that hands out its connect tokens."""

from pygase.netcode.addresses import Address, format_address, parse_address
from pygase.netcode.client import Client
from pygase.netcode.client_states import ClientState
from pygase.netcode.keys import ServerKeys, ServerUrl, format_url, parse_url
from pygase.netcode.peer import Peer
from pygase.netcode.policy import Admission, JoinPolicy, JoinRequest
from pygase.netcode.secure_client import LinkState, SecureClient
from pygase.netcode.secure_server import SecureServer
from pygase.netcode.server import Server
from pygase.netcode.signals import Connected, Disconnected, PeerConnected, PeerDisconnected
from pygase.netcode.tokens import ConnectToken, PrivateToken, make_token
from pygase.netcode.userdata import MAX_USER_DATA_BYTES, UserData, room_bytes

__all__ = [
    "MAX_USER_DATA_BYTES",
    "Address",
    "Admission",
    "Client",
    "ClientState",
    "ConnectToken",
    "Connected",
    "Disconnected",
    "JoinPolicy",
    "JoinRequest",
    "LinkState",
    "Peer",
    "PeerConnected",
    "PeerDisconnected",
    "PrivateToken",
    "SecureClient",
    "SecureServer",
    "Server",
    "ServerKeys",
    "ServerUrl",
    "UserData",
    "format_address",
    "format_url",
    "make_token",
    "parse_address",
    "parse_url",
    "room_bytes",
]
