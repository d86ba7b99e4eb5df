"""Several rooms' sessions on one secure link: who joins is led to a room, and stays there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pygase.config import FAREWELL_WAIT, NEVER, SEAT_HOLD
from pygase.errors import DisconnectReason
from pygase.netcode import (
    Admission,
    JoinRequest,
    Peer,
    PeerConnected,
    PeerDisconnected,
    SecureServer,
)
from pygase.session.agenda import Agenda
from pygase.session.seat import Seat
from pygase.session.server import ServerSession
from pygase.state import GameStateStore, StateFeed, ViewFeed

__all__ = ["RoomClosed", "RoomsSession"]


@dataclass(frozen=True, slots=True)
class RoomClosed:
    """A room's last client has been told, and is gone."""

    session: ServerSession


class RoomsSession:
    """All connections of all rooms: a core like `ServerSession`, which serves the clients of each room.

    The rooms' sessions share one agenda, so what a turn costs depends on the clients that have something to say, not
    on the number of rooms.

    Args:
        is_own_ip: See `ServerSession`.
        seat_hold: See `ServerSession`.

    Attributes:
        link: The secure server; set before anything is received. Its policy asks `admit`.
        rooms: The sessions of the rooms that can be entered, by name, in the order in which they were opened.
        is_closing: Whether all rooms are being closed.
        is_over: Whether everybody in every room has been sent away.
    """

    link: SecureServer

    def __init__(self, is_own_ip: Callable[[str], bool], seat_hold: float = SEAT_HOLD) -> None:
        self.rooms: dict[str, ServerSession] = {}
        self.is_over = False
        self._is_own_ip = is_own_ip
        self._seat_hold = seat_hold
        self._agenda = Agenda()
        self._nowhere = _RoomLink(self, "").open(StateFeed(GameStateStore(), _no_clock), 0.0)
        self._names: dict[ServerSession, str] = {}  # of all that are not over, those that close included
        self._limits: dict[ServerSession, int] = {}
        self.is_closing = False

    # --- rooms ----------------------------------------------------------------------------------------------------

    def open(
        self, name: str, feed: StateFeed, max_clients: int | None = None, view_feed: ViewFeed | None = None
    ) -> ServerSession:
        """Return the session of a new room; there is none of that name. See `ServerSession` for the feeds."""
        session = _RoomLink(self, name).open(feed, self._seat_hold, view_feed)
        self.rooms[name] = session
        self._names[session] = name
        if max_clients is not None:
            self._limits[session] = max_clients
        return session

    def close_room(self, session: ServerSession, now: float, wait: float = FAREWELL_WAIT) -> None:
        """Send a room's clients away; nobody enters it any more."""
        session.close(now, wait)
        self._forget_closing()

    def close(self, now: float, wait: float = FAREWELL_WAIT) -> None:
        """Say goodbye to everybody in every room; see `ServerSession.close`."""
        self.is_closing = True
        for session in list(self._names):
            session.close(now, wait)
        self._nowhere.close(now, 0.0)
        self._end_if_done(now)

    def admit(self, request: JoinRequest) -> Admission | DisconnectReason:
        """Lead somebody who wants to join to a room, for `JoinPolicy.admit`."""
        ticket = request.ticket
        name = self._find(request.room if ticket is None else ticket.room)
        if name is None or (ticket is not None and name != ticket.room):
            return DisconnectReason.NO_SUCH_ROOM
        session = self.rooms[name]
        if self._is_full(session) and not (ticket is not None and session.has_seat(ticket.client_id)):
            return DisconnectReason.DENIED
        return Admission(room=name)

    def note_unreachable(self, address: tuple[Any, ...]) -> None:
        """See `ServerSession.note_unreachable`."""
        peer = self.link.peers.get(address)
        if peer is not None and peer.context is not None:
            peer.context.is_unreachable = True

    @property
    def hurried_until(self) -> float:
        """See `ServerSession.hurried_until`."""
        return NEVER if self.is_closing else self._agenda.hurried_until

    # --- the core's shape -----------------------------------------------------------------------------------------

    def receive_datagram(self, data: bytes, address: tuple[Any, ...], now: float) -> None:
        """Take in one datagram off the network. Never raises."""
        received = self.link.receive_datagram(data, address, now)
        if received is None:
            self._heed_link(now)
            return
        peer, payload = received
        seat: Seat | None = peer.context
        if seat is None:
            self._heed_link(now)
            seat = peer.context
            if seat is None:
                return
        seat.session.receive_payload(seat, payload, now)

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, tuple[Any, ...]]]:
        """Return what has to go out now."""
        out: list[tuple[bytes, tuple[Any, ...]]] = self.link.datagrams_to_send()
        self._agenda.sift()
        touched, published = self._agenda.touched, self._agenda.published
        if touched:
            by_room: dict[ServerSession, list[Seat]] = {}
            session: ServerSession | None = None
            for seat in touched:
                if seat.session is not session:  # those of a room mostly follow each other
                    session = seat.session
                    seats = by_room.setdefault(session, [])
                seats.append(seat)
            touched.clear()
            for session, seats in by_room.items():
                if not session.is_published:
                    session.serve(seats, out, now)
        if published:
            for session in published:
                session.serve_all(out, now)
            published.clear()
        return out

    def next_timer(self) -> float | None:
        """Return when `handle_timer` wants to be called, or None."""
        timer: float | None = self.link.next_timer()
        soonest = self._agenda.next_deadline()
        return soonest if soonest < NEVER and (timer is None or soonest < timer) else timer

    def handle_timer(self, now: float) -> None:
        """Do what is due."""
        link_timer = self.link.next_timer()
        if link_timer is not None and link_timer <= now:
            self.link.handle_timer(now)
            self._heed_link(now)
        while (seat := self._agenda.pop_due(now)) is not None:
            seat.session.handle_seat_timer(seat, now)

    def take_signals(self) -> list[tuple[ServerSession, list[Any]]]:
        """Return what has happened in each room since the last call; a `RoomClosed` comes last."""
        tellers = self._agenda.tellers
        taken: list[tuple[ServerSession, list[Any]]] = []
        if tellers:
            for session in tellers:
                signals = session.take_own_signals()
                if session is not self._nowhere:
                    taken.append((session, signals))
            tellers.clear()
        return taken

    # --- inside ---------------------------------------------------------------------------------------------------

    def _find(self, name: str) -> str | None:
        """Return the name of the room that is meant: who names none enters the one named "", else the oldest."""
        self._forget_closing()
        if name in self.rooms:
            return name
        return None if name else next(iter(self.rooms), None)

    def _forget_closing(self) -> None:
        for name in [name for name, session in self.rooms.items() if session.is_closing]:
            del self.rooms[name]

    def _is_full(self, session: ServerSession) -> bool:
        limit = self._limits.get(session)
        return limit is not None and sum(not seat.is_absent for seat in session.seats.values()) >= limit

    def _heed_link(self, now: float) -> None:
        while (signal := self.link.next_signal()) is not None:
            peer = signal.peer
            if isinstance(signal, PeerConnected):
                self._lead_in(signal, now)
            elif peer.context is not None:
                peer.context.session.heed(signal, now)

    def _lead_in(self, signal: PeerConnected, now: float) -> None:
        """Give a client to its room. That may have closed or filled up since the token was made."""
        peer = signal.peer
        name = self._find(peer.room)
        if name is None:
            self._turn_away(signal, DisconnectReason.NO_SUCH_ROOM, now)
            return
        session = self.rooms[name]
        if self._is_full(session) and not (peer.is_returning and session.has_seat(peer.client_id)):
            self._turn_away(signal, DisconnectReason.DENIED, now)
            return
        session.heed(signal, now)

    def _turn_away(self, signal: PeerConnected, reason: DisconnectReason, now: float) -> None:
        """Tell a client that has no room why, by all the means that a room has."""
        self._nowhere.heed(signal, now)
        self._nowhere.kick(signal.peer.context, reason, now)

    def _room_ended(self, session: ServerSession, now: float) -> None:
        name = self._names.pop(session, None)
        if name is None:
            return
        self._limits.pop(session, None)
        if self.rooms.get(name) is session:
            del self.rooms[name]
        session.tell(RoomClosed(session))
        self._end_if_done(now)

    def _end_if_done(self, now: float) -> None:
        if self.is_closing and not self._names and not self.is_over:
            self.is_over = True
            self.link.close(now)
            self._heed_link(now)


def _no_clock() -> float:
    """The time where no game is."""
    return 0.0


class _RoomLink:
    """A room's share of the link. What comes in is handed to the room by `RoomsSession`, which also keeps the time."""

    session: ServerSession

    def __init__(self, rooms: RoomsSession, name: str) -> None:
        self._rooms = rooms
        self._name = name

    def open(self, feed: StateFeed, seat_hold: float, view_feed: ViewFeed | None = None) -> ServerSession:
        rooms = self._rooms
        self.session = ServerSession(self, feed, rooms._is_own_ip, seat_hold, view_feed, agenda=rooms._agenda)
        return self.session

    @property
    def fingerprint(self) -> str:
        return self._rooms.link.fingerprint

    @property
    def stats(self) -> Mapping[str, int]:
        return self._rooms.link.stats

    @property
    def peers(self) -> Mapping[Any, Peer]:
        return self._rooms.link.peers

    def receive_datagram(self, data: bytes, address: tuple[Any, ...], now: float) -> None:
        raise NotImplementedError("datagrams come in by way of RoomsSession")

    def datagrams_to_send(self) -> list[tuple[bytes, tuple[Any, ...]]]:
        return []

    def next_timer(self) -> float | None:
        return None

    def handle_timer(self, now: float) -> None:
        pass

    def next_signal(self) -> PeerConnected | PeerDisconnected | None:
        return None

    def enqueue(self, datagram: bytes, address: tuple[Any, ...]) -> None:
        self._rooms.link.enqueue(datagram, address)

    def make_ticket(self, peer: Peer, now: float) -> bytes:
        return self._rooms.link.make_ticket(peer, now, self._name)

    def disconnect(self, peer: Peer, now: float, reason: DisconnectReason = DisconnectReason.KICKED) -> None:
        self._rooms.link.disconnect(peer, now, reason)
        self._rooms._heed_link(now)

    def close(self, now: float) -> None:
        """End this room's sessions only."""
        for seat in list(self.session.seats.values()):
            self._rooms.link.disconnect(seat.peer, now, DisconnectReason.SERVER_SHUTDOWN)
        self._rooms._heed_link(now)
        self._rooms._room_ended(self.session, now)
