"""The driver for a caller's asyncio loop: the loop watches the socket and the timer, and calls `turn`."""

import asyncio

from pygase.drivers.endpoint import Endpoint
from pygase.drivers.thread import NetworkThread

__all__ = ["AsyncioDriver"]


class AsyncioDriver:
    """Drives an endpoint on the running loop.

    A loop that cannot watch a socket (Windows' Proactor) gets a network thread instead; user code runs on the loop
    either way.

    Args:
        endpoint: What to drive, until its core is over. It is closed at the end.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._loop = asyncio.get_running_loop()
        self._endpoint = endpoint
        self._timer: asyncio.TimerHandle | None = None
        self._thread: NetworkThread | None = None
        self._ended = False
        self.ended = asyncio.Event()

    def start(self) -> None:
        """Begin to drive."""
        try:
            self._loop.add_reader(self._endpoint.sock.fileno(), self._turn)
        except NotImplementedError:
            self._thread = NetworkThread(self._endpoint, self._thread_ended)
            self._thread.start()
            return
        self._endpoint.wake = self.wake
        self._turn()

    def wake(self) -> None:
        """Make the loop take a turn soon. From any thread."""
        if self._thread is not None:
            self._thread.wake()
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._turn)

    def stop(self) -> None:
        """Stop driving and close the endpoint. On the loop's thread."""
        if self._thread is not None:
            self._thread.stop()
            return
        if self._ended:
            return
        self._ended = True
        self._loop.remove_reader(self._endpoint.sock.fileno())
        if self._timer is not None:
            self._timer.cancel()
        self._endpoint.close()
        self.ended.set()

    def _thread_ended(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.ended.set)

    def _turn(self) -> None:
        if self._ended:
            return
        more = self._endpoint.turn()
        if self._endpoint.core.is_over:
            self.stop()
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if more:
            self._loop.call_soon(self._turn)
            return
        deadline = self._endpoint.next_timer()
        if deadline is not None:
            self._timer = self._loop.call_later(max(0.0, deadline - self._endpoint.clock()), self._turn)
