"""What the sessions tell the layer above, in the order in which it happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pygase.errors import DisconnectReason
from pygase.session.events import Event, EventFrom

if TYPE_CHECKING:
    from pygase.session.seat import Seat

__all__ = [
    "ClientJoined",
    "ClientLeft",
    "ClientReturned",
    "Connected",
    "Ended",
    "EventAcknowledged",
    "EventAcknowledgedBy",
    "EventArrived",
    "EventFrom",
    "Lost",
    "Reconnected",
    "ShutdownRequested",
]


@dataclass(frozen=True, slots=True)
class Connected:
    """The client's connection stands."""

    client_id: int


@dataclass(frozen=True, slots=True)
class Lost:
    """The client's connection broke off; it tries to get it back."""

    reason: DisconnectReason


@dataclass(frozen=True, slots=True)
class Reconnected:
    """The client is connected again and has its seat back."""

    client_id: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The client's connection is over, or never came about."""

    reason: DisconnectReason
    was_connected: bool


class EventArrived:
    """An event for the client; its state is new enough to handle it. `size` is what it took on the wire, in bytes.

    One is made for each, and a frozen dataclass would take twice as long.
    """

    __slots__ = ("event", "size")

    def __init__(self, event: Event, size: int) -> None:
        self.event = event
        self.size = size


@dataclass(frozen=True, slots=True)
class EventAcknowledged:
    """The server has an event. `tag` is what the event was dispatched with."""

    tag: object


@dataclass(frozen=True, slots=True)
class ClientJoined:
    """A client is connected. `is_returning`: with a ticket from an earlier run of this server."""

    seat: Seat
    is_returning: bool = False


@dataclass(frozen=True, slots=True)
class ClientReturned:
    """A client that was cut off is connected again, at a new address perhaps."""

    seat: Seat
    former_address: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class ClientLeft:
    """A client's connection is over."""

    seat: Seat
    reason: DisconnectReason


@dataclass(frozen=True, slots=True)
class EventAcknowledgedBy:
    """A client has an event. `tag` is what the event was dispatched with."""

    seat: Seat
    tag: object


@dataclass(frozen=True, slots=True)
class ShutdownRequested:
    """The host asks the server to shut down."""

    seat: Seat
