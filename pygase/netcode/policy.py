"""Who may join: what the server's owner decides."""

from collections.abc import Callable
from dataclasses import dataclass, field

from pygase.errors import DisconnectReason
from pygase.netcode.addresses import Address
from pygase.netcode.tickets import Ticket
from pygase.netcode.userdata import UserData

__all__ = ["Admission", "JoinPolicy", "JoinRequest"]


@dataclass(frozen=True, slots=True)
class JoinRequest:
    """Somebody who asks to be let in, and has given the right password if there is one.

    Attributes:
        address: Where it really is.
        room: The room it asks for; empty for the only one.
        payload: What the client passed on for this decision. Anybody may have written it.
        ticket: Who it was before, if it showed a ticket of this server's that still counts.
    """

    address: Address
    room: str
    payload: bytes
    ticket: Ticket | None


@dataclass(frozen=True, slots=True)
class Admission:
    """Let it in.

    Attributes:
        client_id: Up to 64 bits; None for the ticket's, or a new random one.
        user_data: Reaches the server as the peer's `user_data`; None for the ticket's.
        is_host: Whether it may shut the server down; None for the ticket's.
        room: None for the one that it asked for.

    Raises:
        ValueError: Something does not fit into a token.
    """

    client_id: int | None = None
    user_data: bytes | None = None
    is_host: bool | None = None
    room: str | None = None

    def __post_init__(self) -> None:
        if self.client_id is not None and not 0 <= self.client_id < 2**64:
            raise ValueError(f"client_id has to fit 64 bits: {self.client_id}")
        UserData(self.user_data or b"", self.room or "").to_bytes()


@dataclass(frozen=True, slots=True)
class JoinPolicy:
    """How a server answers those who ask to join.

    Attributes:
        password: What they have to know; None lets everybody try.
        admit: Decides about each one, or None to let them in while there is room. Called while a datagram is being
            received, so it must be quick; if it raises, the answer is no.
    """

    password: str | None = field(default=None, repr=False)
    admit: Callable[[JoinRequest], Admission | DisconnectReason] | None = None
