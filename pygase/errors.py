"""What pygase raises, split by who is to blame.

::

    PygaseError
    ├── MalformedDatagram       bytes off the network; internal, ends as a counter and a drop
    ├── NotSendable             a value that cannot be sent (also a TypeError)
    ├── TooLarge                an event or a state past its documented limit (also a ValueError)
    ├── BacklogFull             more is queued than the connection can carry (also a RuntimeError)
    ├── ReservedEventType       a lifecycle name was dispatched (also a ValueError)
    ├── NotConnected            there is no connection to use (also a ConnectionError)
    ├── ConnectionFailed        no connection could be made (also a ConnectionError)
    ├── AddressUnavailable      the server cannot listen there (also an OSError)
    ├── AlreadyRunning          a client, server or game loop was started twice (also a RuntimeError)
    ├── WrongThread             a call from a thread or a place where it cannot work (also a RuntimeError)
    ├── AdapterMisuse           an engine adapter used in a way that cannot work (also a RuntimeError)
    └── EngineUnusable          the engine of an adapter is missing or its installation broken (also an ImportError)
"""

from enum import StrEnum

__all__ = [
    "AdapterMisuse",
    "AddressUnavailable",
    "AlreadyRunning",
    "BacklogFull",
    "ConnectionFailed",
    "DisconnectReason",
    "EngineUnusable",
    "MalformedDatagram",
    "NotConnected",
    "NotSendable",
    "PygaseError",
    "ReservedEventType",
    "TooLarge",
    "WrongThread",
]


class DisconnectReason(StrEnum):
    """Why a connection ended, or never began. A string, so that it prints and compares as one."""

    CLIENT_LEFT = "client left"
    SERVER_SHUTDOWN = "server shut down"
    KICKED = "disconnected by the server"
    TIMED_OUT = "timed out"
    NO_ANSWER = "no answer from the server"
    DENIED = "server is full"
    WRONG_PASSWORD = "wrong password"  # noqa: S105  (a message, not a secret)
    WRONG_FINGERPRINT = "the server's key does not match the fingerprint"
    TOO_MANY_ATTEMPTS = "too many attempts, try again later"
    REFUSED = "refused by the server"
    REPLACED = "reconnected from elsewhere"
    TOKEN_EXPIRED = "connect token expired"  # noqa: S105
    TOKEN_INVALID = "connect token invalid"  # noqa: S105
    UNRESOLVED = "hostname could not be resolved"
    PROTOCOL_VIOLATION = "protocol violation"
    FLOODING = "sent more than its budget"
    INBOX_FULL = "the game took no events for too long"
    NO_SUCH_ROOM = "no such room on the server"


class PygaseError(Exception):
    """Base of everything pygase raises on purpose."""


class MalformedDatagram(PygaseError):
    """Bytes off the network that are not what they claim to be. Never leaves the library."""


class NotSendable(PygaseError, TypeError):
    """A value that has no form on the wire."""


class TooLarge(PygaseError, ValueError):
    """An event or a state that is larger than its limit."""


class BacklogFull(PygaseError, RuntimeError):
    """More is waiting to be sent than the connection is able to carry."""


class ReservedEventType(PygaseError, ValueError):
    """An event type that only pygase itself may use."""


class NotConnected(PygaseError, ConnectionError):
    """There is no connection on which this could be done."""


class ConnectionFailed(PygaseError, ConnectionError):
    """The connection could not be made.

    Attributes:
        reason: The `DisconnectReason`.
    """

    def __init__(self, message: str, reason: DisconnectReason = DisconnectReason.NO_ANSWER) -> None:
        super().__init__(message)
        self.reason = reason


class AddressUnavailable(PygaseError, OSError):
    """The server cannot listen on the address it was given."""


class AlreadyRunning(PygaseError, RuntimeError):
    """A client, server or game loop was started while it is running."""


class WrongThread(PygaseError, RuntimeError):
    """Called from a thread, or from within a block, where it cannot work."""


class AdapterMisuse(PygaseError, RuntimeError):
    """An engine adapter was used in a way that cannot work."""


class EngineUnusable(PygaseError, ImportError):
    """The engine that an adapter needs is not installed, or its installation is broken."""
