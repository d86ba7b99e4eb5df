"""Turn a pygame or Arcade game into a real-time multiplayer game."""

from pygase import tokens
from pygase.backend import Backend
from pygase.client import Client
from pygase.config import RELIABLE
from pygase.connection import ConnectionStatus
from pygase.drivers import get_available_ip_addresses
from pygase.errors import (
    AddressUnavailable,
    BacklogFull,
    ConnectionFailed,
    DisconnectReason,
    NotConnected,
    NotSendable,
    PygaseError,
    ReservedEventType,
    TooLarge,
)
from pygase.gamestate import TO_DELETE, GameState, GameStateStore, GameStateUpdate, GameStatus
from pygase.machine import GameStateMachine
from pygase.rooms import RoomServer
from pygase.server import Server

__all__ = [
    "RELIABLE",
    "TO_DELETE",
    "AddressUnavailable",
    "Backend",
    "BacklogFull",
    "Client",
    "ConnectionFailed",
    "ConnectionStatus",
    "DisconnectReason",
    "GameState",
    "GameStateMachine",
    "GameStateStore",
    "GameStateUpdate",
    "GameStatus",
    "NotConnected",
    "NotSendable",
    "PygaseError",
    "ReservedEventType",
    "RoomServer",
    "Server",
    "TooLarge",
    "get_available_ip_addresses",
    "tokens",
]
