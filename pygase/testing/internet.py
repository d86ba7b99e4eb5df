"""The machines of a simulation, their sockets, and the way of datagrams between them."""

import random
from collections.abc import Callable
from typing import Final

from pygase.drivers import Address
from pygase.errors import AddressUnavailable
from pygase.testing.conditions import Lines, lines
from pygase.testing.host import SimulatedHost, SimulatedSocket
from pygase.testing.timeline import VirtualTime

__all__ = ["SimulatedInternet"]

_FIRST_EPHEMERAL_PORT: Final = 49_152


class SimulatedInternet(VirtualTime):
    """Hosts by their IP addresses, and what is sent from one to another.

    Args:
        seed: The same seed repeats the same run.

    Attributes:
        datagrams: How many have been sent.
        tap: If set, called with each datagram, its sender, its receiver; returns whether it may pass.
        names: The IP addresses of hostnames.
    """

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.names: dict[str, str] = {}
        self.datagrams = 0
        self.tap: Callable[[bytes, Address, Address], bool] | None = None
        self._dice = random.Random(f"{seed} entropy")  # noqa: S311  (a simulation, meant to repeat)
        self._sockets: dict[tuple[str, int], SimulatedSocket] = {}
        self._hosts: dict[str, SimulatedHost] = {}
        self._host_count = 0
        self._is_closed = False

    def entropy(self, count: int) -> bytes:
        """Return random bytes that the seed decides."""
        return self._dice.randbytes(count)

    def bind(self, host: SimulatedHost, port: int) -> SimulatedSocket:
        """Return a socket on a host; port 0 is any free one."""
        if port == 0:
            port = self._free_port(host.ip)
        if (host.ip, port) in self._sockets:
            raise AddressUnavailable(98, f"cannot listen on {host.ip!r}, port {port}: it is taken")
        sock = self._sockets[host.ip, port] = SimulatedSocket(self, host, port)
        self.look_around()
        return sock

    def unbind(self, sock: SimulatedSocket) -> None:
        """Free an address."""
        if self._sockets.get(sock.getsockname()) is sock:
            del self._sockets[sock.getsockname()]

    def transmit(self, data: bytes, source: tuple[str, int], target: tuple[str, int]) -> None:
        """Carry a datagram from one host to another, as their lines will have it."""
        self.datagrams += 1
        if self._is_closed or (self.tap is not None and not self.tap(data, source, target)):
            return
        sender, receiver = self._hosts.get(source[0]), self._hosts.get(target[0])
        if sender is None or receiver is None or sender.is_cut_off or receiver.is_cut_off:
            return
        size = len(data)
        for leaves in sender.up.arrivals(size, self.schedule.now):
            for arrives in receiver.down.arrivals(size, leaves):
                self.schedule.at(arrives, self._arrive, data, source, target)

    def inject(self, data: bytes, source: tuple[str, int], target: tuple[str, int]) -> None:
        """Have a datagram arrive now, whoever sent it: for forged and replayed ones."""
        self.schedule.at(self.now, self._arrive, data, source, target)

    # --- inside -----------------------------------------------------------------------------------------------------

    def _new_ip(self) -> str:
        self._host_count += 1
        return f"10.{self._host_count // 62_500}.{1 + self._host_count // 250 % 250}.{1 + self._host_count % 250}"

    def _add_host(self, ip: str, conditions: Lines) -> SimulatedHost:
        host = self._hosts[ip] = SimulatedHost(self, ip, *lines(conditions))
        return host

    def _move_host(self, host: SimulatedHost, ip: str | None, port: int | None) -> Address:
        sockets = [sock for sock in self._sockets.values() if sock.host is host]
        for sock in sockets:
            self.unbind(sock)
        self._hosts.pop(host.ip)
        host.ip = ip or self._new_ip()
        self._hosts[host.ip] = host
        for sock in sockets:
            sock.port, port = port or self._free_port(host.ip, above=sock.port), None
            self._sockets[host.ip, sock.port] = sock
        return sockets[0].getsockname() if sockets else (host.ip, 0)

    def _free_port(self, ip: str, above: int = _FIRST_EPHEMERAL_PORT - 1) -> int:
        return next(port for port in range(above + 1, 65_536) if (ip, port) not in self._sockets)

    def _arrive(self, data: bytes, source: tuple[str, int], target: tuple[str, int]) -> None:
        sock = self._sockets.get(target)
        if sock is not None and not sock.host.is_cut_off:
            sock.put(data, source)
