"""A UDP relay with a bad line in it: what `pygase lag` runs."""

import contextlib
import heapq
import random
import selectors
import socket
import time
from collections.abc import Callable
from typing import Final

from pygase.testing.conditions import Conditions, Line

__all__ = ["Relay"]

Address = tuple[str, int]

_MAX_CLIENTS: Final = 256
"""Each takes a socket, and this is a tool for trying a game by hand."""

_MAX_WAITING_BYTES: Final = 64 * 1024 * 1024
"""What may be on its way at a time: 256 clients with 256 kB each. More is thrown away, and counted."""

_IDLE_SECONDS: Final = 60.0
"""A client that has said nothing for so long is forgotten; sessions of pygase say something every second."""

_BATCH: Final = 256
_DATAGRAM_BYTES: Final = 65_535
_LONGEST_SLEEP: Final = 0.25  # Windows does not let Ctrl-C interrupt a select


class _Client:
    """A client of the relay: its address, the socket that the server takes for it, and its lines."""

    def __init__(self, address: Address, sock: socket.socket, up: Line, down: Line, now: float) -> None:
        self.address = address
        self.sock = sock
        self.up = up
        self.down = down
        self.heard_at = now


class Relay:
    """Passes datagrams between clients and a server, as the conditions of a line will have it.

    Each client has a line of its own.

    Args:
        listen: Where clients send to; port 0 is any free one.
        target: The server.
        up: From the clients to the server.
        down: From the server to the clients.
        seed: Repeats the luck, as far as the datagrams are the same.

    Attributes:
        address: Where it listens.
        thrown_away: Datagrams for which there was no room, or no answerable client.

    Raises:
        OSError: The address to listen on is not to be had, or the target has no address.
    """

    def __init__(
        self, listen: Address, target: Address, up: Conditions, down: Conditions, seed: int | None = None
    ) -> None:
        found = socket.getaddrinfo(*target, type=socket.SOCK_DGRAM)
        found.sort(key=lambda info: info[0] != socket.AF_INET)
        self._target_family, self._target = found[0][0], found[0][4]
        self._up, self._down = up, down
        self._dice = random.Random(seed)  # noqa: S311  (luck of a line, no secret)
        self._clients: dict[Address, _Client] = {}
        self._gone_up, self._gone_down = Line(up, self._dice), Line(down, self._dice)  # counts of forgotten clients
        self._waiting: list[tuple[float, int, bytes, socket.socket, Address | None]] = []
        self._waiting_bytes = 0
        self._count = 0
        self._is_closed = False
        self.thrown_away = 0
        family = socket.AF_INET6 if ":" in listen[0] else socket.AF_INET
        self._sock = socket.socket(family, socket.SOCK_DGRAM)
        self._selector = selectors.DefaultSelector()
        try:
            self._sock.bind(listen)
        except OSError:
            self.close()
            raise
        self._sock.setblocking(False)
        self._selector.register(self._sock, selectors.EVENT_READ, None)
        self.address: Address = self._sock.getsockname()[:2]

    @property
    def client_count(self) -> int:
        """How many clients it has heard of lately."""
        return len(self._clients)

    @property
    def waiting(self) -> int:
        """How many datagrams are on their way."""
        return len(self._waiting)

    def counts(self, *, up: bool) -> dict[str, int]:
        """Return what has become of the datagrams in one direction, of all clients together."""
        lines = [self._gone_up if up else self._gone_down]
        lines += [client.up if up else client.down for client in self._clients.values()]
        names = ("sent", "lost", "doubled", "held_back", "overflowed")
        return {name: sum(getattr(line, name) for line in lines) for name in names}

    def run(self, until: Callable[[], bool]) -> None:
        """Relay until a condition holds, which is asked several times a second."""
        while not until():
            self.turn(_LONGEST_SLEEP)

    def turn(self, longest_sleep: float) -> None:
        """Wait for something to do, `longest_sleep` seconds at most, and do it."""
        now = time.monotonic()
        due = self._waiting[0][0] - now if self._waiting else longest_sleep
        for key, _ in self._selector.select(max(0.0, min(due, longest_sleep))):
            self._read(key.data)
        self._deliver(time.monotonic())
        self._forget_idle(time.monotonic())

    def close(self) -> None:
        """Close all sockets."""
        if not self._is_closed:
            self._is_closed = True
            self._selector.close()
            self._sock.close()
            for client in self._clients.values():
                client.sock.close()

    # --- inside -------------------------------------------------------------------------------------------------

    def _read(self, client: _Client | None) -> None:
        """Read what clients have sent (None), or what the server has sent to one of them."""
        sock = self._sock if client is None else client.sock
        for _ in range(_BATCH):
            try:
                data, source = sock.recvfrom(_DATAGRAM_BYTES)
            except BlockingIOError:
                return
            except OSError:  # an ICMP reply: the other side's port is closed just now
                continue
            now = time.monotonic()
            if client is not None:
                self._pass(data, client.down, self._sock, client.address, now)
            elif (sender := self._client(source, now)) is not None:
                sender.heard_at = now
                self._pass(data, sender.up, sender.sock, None, now)

    def _client(self, address: Address, now: float) -> _Client | None:
        client = self._clients.get(address)
        if client is None:
            if len(self._clients) >= _MAX_CLIENTS:
                self.thrown_away += 1
                return None
            sock = socket.socket(self._target_family, socket.SOCK_DGRAM)
            sock.setblocking(False)
            sock.connect(self._target)
            up, down = Line(self._up, self._dice), Line(self._down, self._dice)
            client = self._clients[address] = _Client(address, sock, up, down, now)
            self._selector.register(sock, selectors.EVENT_READ, client)
        return client

    def _pass(self, data: bytes, line: Line, sock: socket.socket, target: Address | None, now: float) -> None:
        for arrives in line.arrivals(len(data), now):
            if self._waiting_bytes + len(data) > _MAX_WAITING_BYTES:
                self.thrown_away += 1
                continue
            self._waiting_bytes += len(data)
            self._count += 1
            heapq.heappush(self._waiting, (arrives, self._count, data, sock, target))

    def _deliver(self, now: float) -> None:
        waiting = self._waiting
        while waiting and waiting[0][0] <= now:
            _, _, data, sock, target = heapq.heappop(waiting)
            self._waiting_bytes -= len(data)
            with contextlib.suppress(OSError):  # lost like any other: the socket is closed, or its buffer full
                if target is None:
                    sock.send(data)
                else:
                    sock.sendto(data, target)

    def _forget_idle(self, now: float) -> None:
        for address in [a for a, client in self._clients.items() if now - client.heard_at > _IDLE_SECONDS]:
            client = self._clients.pop(address)
            self._selector.unregister(client.sock)
            client.sock.close()
            self._gone_up.add(client.up)
            self._gone_down.add(client.down)
