"""Who has a place on a server, and who had one."""

from typing import Any

from pygase.config import MAX_DEPARTED
from pygase.netcode import Peer
from pygase.session.seat import Seat

__all__ = ["Places"]


class Places:
    """Seats by address and by client id; both always hold the same ones.

    Attributes:
        by_address: The seats by address, those of clients that are cut off included.
    """

    __slots__ = ("_by_id", "_departed", "by_address")

    def __init__(self) -> None:
        self.by_address: dict[tuple[Any, ...], Seat] = {}
        self._by_id: dict[int, Seat] = {}
        self._departed: dict[int, None] = {}  # client ids whose place is gone, oldest first

    def of(self, client_id: int) -> Seat | None:
        """Return a client's seat, if it has one."""
        return self._by_id.get(client_id)

    def has_departed(self, client_id: int) -> bool:
        """Return whether a client had a place that is gone, as far as that is remembered."""
        return client_id in self._departed

    def present(self) -> list[Seat]:
        """Return the seats of all clients that are not cut off."""
        return [seat for seat in self.by_address.values() if not seat.is_absent]

    @property
    def host(self) -> Seat | None:
        """The client that may shut the server down: one whose token says so, or the first of this machine's."""
        present = self.present()
        for seat in present:
            if seat.peer.is_host_by_token:
                return seat
        return next((seat for seat in present if seat.is_local), None)

    def occupants(self, peer: Peer) -> list[Seat]:
        """Return the seats in whose place a link's client would sit: at its address, or with its id."""
        found = (self.by_address.get(peer.address), self._by_id.get(peer.client_id))
        return list(dict.fromkeys(seat for seat in found if seat is not None))

    def add(self, seat: Seat) -> None:
        """Give a client its place, in which nobody sits."""
        seat.peer.context = seat
        self.by_address[seat.peer.address] = seat
        self._by_id[seat.peer.client_id] = seat

    def move(self, seat: Seat, peer: Peer) -> tuple[Any, ...]:
        """Let a client go on over another link, at whose address nobody else sits. Returns its former address."""
        former = seat.address
        del self.by_address[former]
        seat.peer.context = None
        seat.peer, peer.context = peer, seat
        self.by_address[peer.address] = seat
        return former

    def remove(self, seat: Seat) -> None:
        """Take a client's place away, and remember that it had one."""
        client_id = seat.peer.client_id
        self._departed[client_id] = None
        if len(self._departed) > MAX_DEPARTED:
            del self._departed[next(iter(self._departed))]
        if self.by_address.get(seat.address) is seat:
            del self.by_address[seat.address]
        if self._by_id.get(client_id) is seat:
            del self._by_id[client_id]
        seat.peer.context = None
