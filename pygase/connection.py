"""Connections as the user sees them: status, latency, quality and counters."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from pygase.protocol import Traffic
from pygase.session.client import ClientSession
from pygase.session.seat import Seat

__all__ = ["ClientConnection", "Connection", "ConnectionStatus", "ServerConnection"]


class ConnectionStatus(IntEnum):
    """Where a connection stands."""

    DISCONNECTED = 0
    CONNECTED = 1
    CONNECTING = 2

    @classmethod
    def get(cls, name_or_value: str | int) -> int | str:
        """Return the value for a name such as "Connected", or the name for a value, as pygase 0.3 did."""
        if isinstance(name_or_value, str):
            return int(cls[name_or_value.upper()])
        return cls(name_or_value).name.capitalize()


class Connection:
    """One side of a connection between a client and a server."""

    @property
    def _traffic(self) -> Traffic:
        raise NotImplementedError

    @property
    def status(self) -> ConnectionStatus:
        """Where the connection stands."""
        raise NotImplementedError

    @property
    def remote_address(self) -> tuple[Any, ...]:
        """The other side's (host, port)."""
        raise NotImplementedError

    @property
    def latency(self) -> float:
        """The smoothed round trip time in seconds; 0.0 until it was first measured."""
        return self._traffic.latency

    @property
    def quality(self) -> float:
        """From 1.0, nothing is lost, down to 0.0, nothing gets through."""
        return self._traffic.quality

    @property
    def stats(self) -> Mapping[str, int]:
        """Counters since the connection began: datagrams, bytes, losses, retransmissions, drops."""
        return self._traffic.stats.as_dict()

    def __repr__(self) -> str:
        host, port = self.remote_address[:2]
        return f"<{type(self).__name__} {host}:{port} {self.status.name.lower()}, {self.latency * 1000:.0f} ms>"


class ClientConnection(Connection):
    """A client's connection to its server."""

    def __init__(self, session: ClientSession, hostname: str, port: int) -> None:
        self._session = session
        self._given_address = (hostname, port)

    @property
    def _traffic(self) -> Traffic:
        return self._session.traffic  # a new one after a reconnect to a server that was started again

    @property
    def status(self) -> ConnectionStatus:
        """Where the connection stands."""
        if self._session.is_connected:
            return ConnectionStatus.CONNECTED
        return ConnectionStatus.DISCONNECTED if self._session.is_over else ConnectionStatus.CONNECTING

    @property
    def remote_address(self) -> tuple[Any, ...]:
        """The server's (host, port): as given, then as resolved."""
        link = self._session.link
        return self._given_address if link is None or link.server_address is None else link.server_address[:2]

    @property
    def client_id(self) -> int | None:
        """The number by which the server knows this client; None until connected."""
        return self._session.client_id

    @property
    def stats(self) -> Mapping[str, int]:
        """Counters since the connection began: datagrams, bytes, losses, retransmissions, drops."""
        link = self._session.link
        return {
            **self._traffic.stats.as_dict(),
            **(link.stats if link else {}),
            "dropped_malformed": self._session.dropped,
        }


class ServerConnection(Connection):
    """A server's connection to one of its clients. Its status is CONNECTING while a cut-off client's seat is held."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat

    @property
    def _traffic(self) -> Traffic:
        return self._seat.traffic

    @property
    def status(self) -> ConnectionStatus:
        """Where the connection stands."""
        if self._seat.is_over:
            return ConnectionStatus.DISCONNECTED
        return ConnectionStatus.CONNECTING if self._seat.is_absent else ConnectionStatus.CONNECTED

    @property
    def remote_address(self) -> tuple[Any, ...]:
        """The client's (host, port): its key in `Server.connections`."""
        return self._seat.address

    @property
    def client_id(self) -> int:
        """The client's number, the same for as long as it plays."""
        return self._seat.peer.client_id

    @property
    def user_data(self) -> bytes:
        """What the client's connect token carried: trusted, since only a holder of the server's key can make one."""
        return self._seat.peer.user_data

    @property
    def stats(self) -> Mapping[str, int]:
        """Counters since the connection began: datagrams, bytes, losses, retransmissions, drops."""
        return {**self._traffic.stats.as_dict(), "dropped_malformed": self._seat.dropped}
