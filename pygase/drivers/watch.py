"""Waiting for a socket or a wake-up.

The selectors of the standard library can do the same for any number of sockets. But a program that wakes up finds its
caches cold, and what lies between that and the first look at the datagram costs ten times what it does otherwise. So on
Linux there is a shorter way.
"""

import selectors
import socket
import sys
from typing import Any

__all__ = ["SelectorWatch", "Watch"]


class SelectorWatch:
    """Waits until something can be read, on any system.

    Args:
        waker: Gets a byte when somebody wants to wake whoever waits.
        others: What else to wait for.
    """

    def __init__(self, waker: socket.socket, *others: Any) -> None:
        self._waker = waker
        self._selector = selectors.DefaultSelector()
        for sock in (waker, *others):
            self._selector.register(sock, selectors.EVENT_READ)

    def wait(self, timeout: float) -> bool:
        """Wait, at most `timeout` seconds. Returns whether there is a byte for the waker."""
        return any(key.fileobj is self._waker for key, _ in self._selector.select(timeout))

    def close(self) -> None:
        """Free what the system keeps for it."""
        self._selector.close()


if sys.platform == "linux":
    import select

    class Watch:
        """As `SelectorWatch`."""

        def __init__(self, waker: socket.socket, *others: Any) -> None:
            self._waker = waker.fileno()
            self._epoll = select.epoll()
            self._most = 1 + len(others)
            for sock in (waker, *others):
                self._epoll.register(sock.fileno(), select.EPOLLIN)

        def wait(self, timeout: float) -> bool:
            """Wait, at most `timeout` seconds. Returns whether there is a byte for the waker."""
            for ready, _ in self._epoll.poll(timeout, self._most):  # noqa: SIM110  (any() starts a generator)
                if ready == self._waker:
                    return True
            return False

        def close(self) -> None:
            """Free what the system keeps for it."""
            self._epoll.close()

else:
    Watch = SelectorWatch
