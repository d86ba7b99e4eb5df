"""A machine on the simulated network: what pygase's drivers take for the operating system."""

import contextlib
import random
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from pygase.drivers import Address
from pygase.errors import WrongThread
from pygase.testing.conditions import Conditions, Line

if TYPE_CHECKING:
    from pygase.testing.internet import SimulatedInternet

__all__ = ["SimulatedHost", "SimulatedSocket"]

_UNIX_TIME: Final = 1_767_225_600.0  # 2026-01-01: tokens need some date, and the same one in every run

_INBOX_DATAGRAMS: Final = 4_096
"""What a socket keeps for a program that does not read: about what 4 MiB hold of datagrams of 1 kB."""


class SimulatedSocket:
    """A datagram socket of a simulated host."""

    def __init__(self, network: "SimulatedInternet", host: "SimulatedHost", port: int) -> None:
        self.inbox: deque[tuple[bytes, Address]] = deque()
        self.host = host
        self.port = port
        self.on_mail: Callable[[], None] | None = None
        self._network = network

    def put(self, data: bytes, source: Address) -> None:
        """Take in a datagram that has arrived; a full inbox drops it, as an operating system does."""
        if len(self.inbox) < _INBOX_DATAGRAMS:
            self.inbox.append((data, source))
            if self.on_mail is not None:
                self.on_mail()

    def recvfrom(self, bufsize: int, /) -> tuple[bytes, Address]:
        """Return the oldest datagram and its sender, or raise BlockingIOError."""
        if not self.inbox:
            raise BlockingIOError
        data, address = self.inbox.popleft()
        return data[:bufsize], address

    def sendto(self, data: bytes, address: Address, /) -> int:
        """Put a datagram on the line."""
        self._network.transmit(data, (self.host.ip, self.port), (str(address[0]), int(address[1])))
        return len(data)

    def getsockname(self) -> tuple[str, int]:
        """Return the address."""
        return (self.host.ip, self.port)

    def fileno(self) -> int:
        """Return -1: there is no file behind it."""
        return -1

    def close(self) -> None:
        """Free the address."""
        self._network.unbind(self)


class SimulatedHost:
    """A machine on the simulated network.

    Attributes:
        ip: Its address. See `SimulatedNetwork.move` for a machine that changes it.
        up, down: Its lines to and from the network, with their counters.
        is_cut_off: While true, nothing gets in or out.
        is_frozen: While true, its programs stand still: a laptop asleep.
    """

    def __init__(self, network: "SimulatedInternet", ip: str, up: Conditions, down: Conditions) -> None:
        self.network = network
        self.ip = ip
        # Dice of their own: what one line does to its datagrams depends on nobody else's traffic.
        self.up = Line(up, random.Random(f"{network.seed} {ip} up"))  # noqa: S311  (a simulation, meant to repeat)
        self.down = Line(down, random.Random(f"{network.seed} {ip} down"))  # noqa: S311
        self.is_cut_off = False
        self.is_frozen = False
        self.on_thaw: list[Callable[[], None]] = []
        self.clock = network.clock
        self.entropy: Callable[[int], bytes] = network.entropy

    def conditions(self, up: Conditions, down: Conditions | None = None) -> None:
        """Change the lines, both alike unless `down` is given."""
        self.up.conditions, self.down.conditions = up, up if down is None else down

    def thaw(self) -> None:
        """Let a frozen machine's programs go on."""
        self.is_frozen = False
        waiting, self.on_thaw = self.on_thaw, []
        for go_on in waiting:
            go_on()

    def unix_epoch(self) -> float:
        """Return the unix time at virtual second 0."""
        return _UNIX_TIME

    def resolve(self, hostname: str, port: int) -> Address:
        """Return the address of a hostname: "localhost" is the server's; other names are those in `network.names`.

        Raises:
            OSError: It is neither a name nor an IP address.
        """
        self.network.look_around()
        ip = self.network.names.get(hostname, hostname)
        if not ip.replace(".", "").isdigit():
            raise OSError(f"{hostname!r} is no host of the simulated network")
        return (ip, port)

    def is_own_ip(self, ip: str) -> bool:
        """Return whether an address is this machine's. Clients on the simulated network are on others."""
        return ip == self.ip

    def client_socket(self, remote: Address) -> SimulatedSocket:  # noqa: ARG002  (the real one needs it)
        """Return a socket on a free port."""
        return self.network.bind(self, 0)

    def server_socket(self, hostname: str, port: int) -> SimulatedSocket:  # noqa: ARG002  (one address a host)
        """Return a socket that listens on a port."""
        return self.network.bind(self, port)

    @property
    def can_wait(self) -> bool:
        """Whether code may wait here: not inside a handler, which the simulation is in the middle of running."""
        return not self.network.is_running

    def sleep(self, seconds: float) -> None:
        """Let simulated time pass."""
        if not self.can_wait:
            raise WrongThread("a handler on the simulated network cannot wait: no time passes until it returns")
        self.network.run(seconds)

    def wait(self, event: threading.Event, timeout: float) -> bool:
        """Let simulated time pass until an event is set, at most `timeout` seconds. Returns whether it is."""
        if self.can_wait and not event.is_set():
            with contextlib.suppress(TimeoutError):
                self.network.run_until(event.is_set, timeout)
        return event.is_set()
