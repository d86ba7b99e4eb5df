"""Keeps a client connected, and says in words what the connection is doing."""

from enum import Enum
from typing import Any

import pygase
from examples import colours

RETRY_SECONDS = 2.0
"""From the end of a connection to the next attempt: long enough to read why, short enough to wait for."""

Address = tuple[str, int]


class Phase(Enum):
    """What a connection is doing."""

    CONNECTING = colours.BUSY
    CONNECTED = colours.GOOD
    LOST = colours.BAD

    @property
    def colour(self) -> colours.Colour:
        """In which it is shown."""
        return self.value


class Link:
    """Connects a client to a server, and connects it again whenever the connection has come to an end.

    A client that was merely cut off tries to come back by itself, and finds its place as it left it. This begins anew
    where that cannot help: nobody answered, or the server was shut down.

    Args:
        client: To connect. It belongs to an adapter already: once that is closed, nothing is tried any more.
        address: Host and port of the server.
        threaded: Whether the network runs in a thread of its own, untouched by slow frames, which suits a
            game with a window. Otherwise it runs in the adapter's `pump`, which suits many bots in one loop.
    """

    def __init__(self, client: pygase.Client, address: Address, *, threaded: bool = True) -> None:
        self.client = client
        self.address = address
        self.threaded = threaded
        self.phase = Phase.CONNECTING
        self._reason = ""
        self._retry_time: float | None = None
        client.register_event_handler("CONNECTED", self._on_connected)
        client.register_event_handler("RECONNECTED", self._on_connected)
        client.register_event_handler("CONNECTION_FAILED", self._on_lost)
        client.register_event_handler("DISCONNECTED", self._on_lost)
        self._connect()

    def turn(self) -> None:
        """Try again if it is time to. Call it once per frame."""
        if self.phase is not Phase.LOST or self._is_coming_back():
            self._retry_time = None
        elif self._retry_time is None:
            self._retry_time = self.client.clock() + RETRY_SECONDS
        elif self.client.clock() >= self._retry_time:
            self._retry_time = None
            self._connect()

    @property
    def ping_ms(self) -> int | None:
        """The round trip to the server, in milliseconds; None without a connection."""
        connection = self.client.connection
        if self.phase is not Phase.CONNECTED or connection is None:
            return None
        return round(connection.latency * 1000)

    @property
    def words(self) -> str:
        """What the connection is doing, for people to read."""
        if self.phase is Phase.CONNECTED:
            return f"connected, ping {self.ping_ms} ms"
        if self.phase is Phase.CONNECTING:
            return f"connecting to {self.address[0]}:{self.address[1]}"
        if self._retry_time is None:
            return f"{self._reason}, trying again now"
        seconds = max(0.0, self._retry_time - self.client.clock())
        return f"{self._reason}, trying again in {seconds:.0f} s"

    def _connect(self) -> None:
        host, port = self.address
        if self.threaded:
            self.client.connect_in_thread(port, host)
        else:
            self.client.open(port, host)

    def _is_coming_back(self) -> bool:
        """Whether the client is trying already."""
        connection = self.client.connection
        return connection is not None and connection.status == pygase.ConnectionStatus.CONNECTING

    def _on_connected(self, **_: Any) -> None:
        self.phase = Phase.CONNECTED

    def _on_lost(self, reason: object = "", **_: Any) -> None:
        self._reason = f"connection lost ({reason})" if self.phase is Phase.CONNECTED else f"{reason}"
        self.phase = Phase.LOST
        if not self._is_coming_back():
            self._retry_time = self.client.clock() + RETRY_SECONDS
