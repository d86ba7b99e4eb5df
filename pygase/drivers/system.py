"""What the machine gives: clock, randomness, sockets, names. The simulated network offers the same from memory."""

import contextlib
import ctypes
import errno
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from pygase.config import SOCKET_BUFFER_BYTES
from pygase.drivers.arrivals import ask_for_arrival_times
from pygase.drivers.unreachable import ask_for_reports
from pygase.errors import AddressUnavailable

__all__ = ["SYSTEM", "Address", "DatagramSocket", "OperatingSystem", "System", "get_available_ip_addresses"]

Address = tuple[Any, ...]
"""(host, port), and for IPv6 what else the operating system puts behind them."""


class DatagramSocket(Protocol):
    """A non-blocking datagram socket, real or simulated."""

    def recvfrom(self, bufsize: int, /) -> tuple[bytes, Address]:
        """Return the oldest datagram and its sender; BlockingIOError if there is none."""
        ...

    def sendto(self, data: bytes, address: Address, /) -> int:
        """Send a datagram."""
        ...

    def getsockname(self) -> Any:
        """Return the address it is bound to."""
        ...

    def fileno(self) -> int:
        """Return what a selector can watch."""
        ...

    def close(self) -> None:
        """Free the port."""
        ...


class System(Protocol):
    """Where a driver gets time, randomness and sockets from."""

    clock: Callable[[], float]
    entropy: Callable[[int], bytes]

    @property
    def can_wait(self) -> bool:
        """Whether code may wait here at all."""
        ...

    def unix_epoch(self) -> float:
        """Return the unix time at which the clock stood at zero."""
        ...

    def client_socket(self, remote: Address) -> DatagramSocket:
        """Return a socket from which `remote` can be reached."""
        ...

    def server_socket(self, hostname: str, port: int) -> DatagramSocket:
        """Return a socket that listens there; AddressUnavailable if it cannot."""
        ...

    def resolve(self, hostname: str, port: int) -> Address:
        """Return the address of a hostname; OSError if there is none."""
        ...

    def is_own_ip(self, ip: str) -> bool:
        """Return whether an IP address is this machine's."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        ...

    def wait(self, event: threading.Event, timeout: float) -> bool:
        """Let time pass until an event is set; return whether it is."""
        ...


class OperatingSystem:
    """The real thing."""

    can_wait = True
    clock: Callable[[], float] = staticmethod(time.monotonic)
    entropy: Callable[[int], bytes] = staticmethod(os.urandom)
    sleep: Callable[[float], None] = staticmethod(time.sleep)

    def wait(self, event: threading.Event, timeout: float) -> bool:
        """Wait for an event, at most `timeout` seconds. Returns whether it is set."""
        return event.wait(timeout)

    def unix_epoch(self) -> float:
        """Return the unix time at which the monotonic clock stood at zero, read once when a server or client starts.

        What is derived from it is untouched by a wall clock that is set later.
        """
        return time.time() - time.monotonic()

    def resolve(self, hostname: str, port: int) -> Address:
        """Return the first address of a hostname; IPv4 comes first, since that is what most game servers bind.

        Raises:
            OSError: The name does not resolve.
        """
        found = socket.getaddrinfo(hostname, port, type=socket.SOCK_DGRAM)
        found.sort(key=lambda info: info[0] != socket.AF_INET)
        return found[0][4]

    def is_own_ip(self, ip: str) -> bool:
        """Return whether an IP address is this machine's: only then can a socket be bound to it."""
        if "." in ip:  # a socket for both families shows IPv4 senders this way
            ip = ip.removeprefix("::ffff:")
        if ip.startswith("127.") or ip == "::1":
            return True
        try:
            with socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_DGRAM) as probe:
                probe.bind((ip, 0))
        except OSError:
            return False
        return True

    def client_socket(self, remote: Address) -> DatagramSocket:
        """Return a socket from which `remote` can be reached, bound to a free port."""
        family = socket.AF_INET6 if ":" in str(remote[0]) else socket.AF_INET
        sock = _datagram_socket(family)
        sock.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", 0))  # noqa: S104  (replies come from anywhere)
        return sock

    def server_socket(self, hostname: str, port: int) -> DatagramSocket:
        """Return a socket that listens on the address; "::" listens on IPv6 and IPv4.

        Raises:
            AddressUnavailable: The port is taken, or the address is not this machine's.
            ValueError: The port is no port.
        """
        # Name resolution would take a larger one modulo 65,536.
        if not isinstance(port, int) or not 0 <= port < 65536:
            raise ValueError(f"a port is a number from 0 to 65535, not {port!r}")
        try:
            address = self.resolve(hostname or "0.0.0.0", port)  # noqa: S104  ("" means every interface, as in sockets)
        except (OSError, UnicodeError) as error:
            number = getattr(error, "errno", None)
            raise AddressUnavailable(number, f"cannot listen on {hostname!r}: the name does not resolve") from None
        family = socket.AF_INET6 if ":" in str(address[0]) else socket.AF_INET
        sock = _datagram_socket(family)
        try:
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if address[0] == "::" else 1)
            sock.bind(address)
            ask_for_reports(sock)
            ask_for_arrival_times(sock)
        except OSError as error:
            sock.close()
            if error.errno == errno.EADDRNOTAVAIL:
                way_out = "this machine has no such address. 'localhost' and '0.0.0.0' are always its own"
            elif error.errno == errno.EACCES:
                way_out = "choose a port from 1024 up"
            else:
                way_out = "is another server running there? Choose another port, or port 0 for any free one"
            raise AddressUnavailable(
                error.errno, f"cannot listen on {hostname!r}, port {port}: {error.strerror or error}; {way_out}"
            ) from None
        return sock


def _datagram_socket(family: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.setblocking(False)
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        try:
            sock.setsockopt(socket.SOL_SOCKET, option, SOCKET_BUFFER_BYTES)
        except OSError:  # a system that refuses instead of giving less keeps its default
            continue
    if sys.platform == "win32":
        _ignore_icmp_resets(sock)
    return sock


def _ignore_icmp_resets(sock: socket.socket) -> None:
    """Switch off Windows' habit of failing recvfrom after an ICMP "port unreachable" (SIO_UDP_CONNRESET)."""
    if sys.platform == "win32":
        ioctl, returned = 0x9800000C, ctypes.c_ulong()
        ctypes.windll.ws2_32.WSAIoctl(
            sock.fileno(), ioctl, ctypes.byref(ctypes.c_ulong(0)), 4, None, 0, ctypes.byref(returned), None, None
        )


def get_available_ip_addresses() -> list[str]:
    """Return this machine's own IPv4 addresses, the ones under which a server can be reached; loopback comes last."""
    found: list[str] = []
    # Connecting a UDP socket sends nothing; it asks the routing table which of our addresses would be used.
    for target in ("192.0.2.1", "10.255.255.254", "192.168.255.254", "172.31.255.254"):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((target, 9))
                found.append(str(probe.getsockname()[0]))
            except OSError:  # no route there
                continue
    with contextlib.suppress(OSError):  # a machine need not know its own name
        found += [str(info[4][0]) for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)]
    return [ip for ip in dict.fromkeys(found) if not ip.startswith("127.")] + ["127.0.0.1"]


SYSTEM = OperatingSystem()
