"""A client's place on a server: it outlives the link, so that a client that was cut off finds it as it left it."""

from typing import TYPE_CHECKING, Any

from pygase.config import DEAF_AFTER, NEVER
from pygase.errors import DisconnectReason
from pygase.netcode import Peer
from pygase.protocol import Traffic
from pygase.session.budget import Allowance
from pygase.state import Track

if TYPE_CHECKING:
    from pygase.session.server import ServerSession

__all__ = ["Seat"]


class Seat(Allowance):
    """A client, as the server's session sees it.

    What is looked at for every packet comes first in `__init__`, and so lies together in the compiled build.

    Attributes:
        peer: Its secure link, or the last one it had.
        traffic: What is under way to and from it.
        owner: Free for the layer above.
        session: Whose client it is.
        waits_since: When the first event came since it was last put in order for being shown the state.
        is_local: Whether it plays on the server's own machine.
        is_absent: Whether its link is lost, and the seat held for its return.
        is_over: Whether its place is gone.
        farewell: Why its connection is about to end, if it is.
        ends_at: When it ends: a farewell that was not answered, or an absence that lasted too long.
    """

    __slots__ = (
        "deadline",
        "dropped",
        "due",
        "ends_at",
        "farewell",
        "gate",
        "heard_at",
        "heard_packet",
        "is_absent",
        "is_local",
        "is_over",
        "is_unreachable",
        "last_words",
        "offered_at",
        "offered_version",
        "owner",
        "peer",
        "session",
        "ticket_at",
        "track",
        "traffic",
        "waits_since",
        "welcome",
        "welcome_at",
        "whole_at",
    )

    def __init__(self, peer: Peer, now: float, session: "ServerSession", *, is_local: bool) -> None:
        super().__init__(now)
        self.peer = peer
        self.traffic = Traffic(now, accepts_snapshots=False)
        self.session = session
        self.deadline = NEVER  # its entry in the session's timers
        self.due = NEVER  # when there is something to do, as far as that was known when it was last looked at
        self.offered_version = -1
        self.offered_at = -NEVER
        self.waits_since = NEVER
        self.is_over = False
        self.is_absent = False
        self.is_local = is_local
        self.is_unreachable = False  # its machine said that nobody listens there any more
        self.welcome = b""  # what a client that came back is told until it answers; nothing else goes before
        self.gate = -1  # the newest time_order that an event under way to this client waits for
        self.farewell: DisconnectReason | None = None
        self.last_words = b""  # the packet that says so
        self.ends_at = NEVER
        self.ticket_at = NEVER  # when it gets a new reconnect ticket
        self.whole_at = NEVER  # when the whole state that it needs is worked at again
        self.welcome_at = NEVER
        self.track: Track | None = None  # where each client has its own view
        self.owner: Any = None
        self.dropped = 0
        self.heard_packet, self.heard_at = -1, NEVER  # the newest packet acknowledged, and when it was seen to be

    def is_deaf(self, now: float) -> bool:
        """Return whether the client has acknowledged nothing for so long, though it lives and much is owed."""
        newest = self.traffic.newest_acked
        if newest != self.heard_packet or self.heard_at == NEVER or not self.traffic.awaits_ack:
            self.heard_packet, self.heard_at = newest, now
        return now - self.heard_at > DEAF_AFTER

    def make_track(self) -> Track:
        """Begin to keep track of what the client sees."""
        self.track = Track()
        return self.track

    @property
    def address(self) -> tuple[Any, ...]:
        """The client's address."""
        address: tuple[Any, ...] = self.peer.address
        return address
