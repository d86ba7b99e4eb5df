"""Sockets and clocks that behave as only some machines' do, and a core that notes what it is given."""

import errno
import random
import socket
from collections import deque
from typing import Any

Address = tuple[Any, ...]


class ScriptedSocket:
    """A datagram socket that replays a script: a datagram, or an exception to raise."""

    def __init__(self, *script: bytes | Exception, send_errors: tuple[Exception, ...] = ()) -> None:
        self.script: deque[bytes | Exception] = deque(script)
        self.send_errors = deque(send_errors)
        self.sent: list[bytes] = []
        self.is_closed = False

    def recvfrom(self, bufsize: int, /) -> tuple[bytes, Address]:
        if not self.script:
            raise BlockingIOError(errno.EWOULDBLOCK, "nothing there")
        item = self.script.popleft()
        if isinstance(item, Exception):
            raise item
        return item[:bufsize], ("127.0.0.1", 9)

    def sendto(self, data: bytes, address: Address, /) -> int:
        if self.send_errors:
            raise self.send_errors.popleft()
        self.sent.append(data)
        return len(data)

    def getsockname(self) -> Address:
        return ("127.0.0.1", 5)

    def fileno(self) -> int:
        return -1

    def close(self) -> None:
        self.is_closed = True


class NotingCore:
    """A core that notes what it is given, and sends and signals what it is told to."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.outgoing: list[bytes] = []
        self.signals: list[Any] = []
        self.timer: float | None = None
        self.timers_handled: list[float] = []
        self.is_over = False

    def receive_datagram(self, data: bytes, address: Address, now: float) -> None:
        self.received.append(data)

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, Address]]:
        taken, self.outgoing = self.outgoing, []
        return [(data, ("127.0.0.1", 9)) for data in taken]

    def next_timer(self) -> float | None:
        return self.timer

    def handle_timer(self, now: float) -> None:
        self.timers_handled.append(now)
        self.timer = None

    def take_signals(self) -> list[Any]:
        taken, self.signals = self.signals, []
        return taken


class FlakySocket:
    """A real socket that now and then fails as Windows' and overloaded ones do.

    Args:
        sock: The real one.
        share: How likely a call fails.
    """

    def __init__(self, sock: socket.socket, share: float = 0.15) -> None:
        self._sock = sock
        self._share = share
        self._dice = random.Random(1)
        self.failures = 0

    def _fails(self) -> bool:
        failed = self._dice.random() < self._share
        self.failures += failed
        return failed

    def recvfrom(self, bufsize: int, /) -> tuple[bytes, Address]:
        if self._fails():
            raise ConnectionResetError(errno.ECONNRESET, "an ICMP reply to an earlier datagram")
        return self._sock.recvfrom(bufsize)

    def sendto(self, data: bytes, address: Address, /) -> int:
        if self._fails():
            raise OSError(errno.ENOBUFS, "no buffer space")
        return self._sock.sendto(data, address)

    def getsockname(self) -> Any:
        return self._sock.getsockname()

    def fileno(self) -> int:
        return self._sock.fileno()

    def close(self) -> None:
        self._sock.close()


class CoarseClock:
    """A clock that moves in steps, as Windows' does in steps of 15.6 ms."""

    def __init__(self, clock: Any, step: float = 0.0156) -> None:
        self._clock, self._step = clock, step

    def __call__(self) -> float:
        return float(self._clock() // self._step * self._step)
