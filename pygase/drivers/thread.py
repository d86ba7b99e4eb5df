"""The driver for a thread of its own: waits for the socket or the next timer, then takes a turn."""

import contextlib
import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable

from pygase.drivers.endpoint import Endpoint

__all__ = ["NetworkThread"]

_log = logging.getLogger("pygase.drivers")

_SMOOTHING = 1 / 32

_MAX_SLEEP = 1.0
"""Longest sleep with nothing to do; only a bound on what a missed wake-up could cost."""


class NetworkThread:
    """Drives an endpoint until told to stop, or until `is_done` says so after a turn.

    Args:
        endpoint: What to drive. It is closed at the end.
        is_done: Asked after each turn.
        on_end: Called as the last thing, on the thread.
        gather: Once turns follow each other faster than this many seconds, on average, they are kept so far apart.
            What arrives meanwhile is handled in one go, which costs a busy server a fraction; an idle one still takes
            its turn at once.
    """

    def __init__(
        self, endpoint: Endpoint, is_done: Callable[[], bool], on_end: Callable[[], None], *, gather: float = 0.0
    ) -> None:
        self._endpoint = endpoint
        self._is_done = is_done
        self._on_end = on_end
        self._gather = gather
        self._turned_at = float("-inf")
        self._pace = 1.0  # the smoothed time from turn to turn
        self._waker, self._wake_up = socket.socketpair()
        self._waker.setblocking(False)
        self._wake_up.setblocking(False)
        self._stopping = False
        endpoint.wake = self.wake
        # A daemon: a program that forgets to disconnect still ends.
        self.thread = threading.Thread(target=self._run, name="pygase-network", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self.thread.start()

    def wake(self) -> None:
        """Make the thread take a turn soon. From any thread."""
        # A full pipe wakes as well, and a closed one has nobody left to wake.
        with contextlib.suppress(OSError):
            self._wake_up.send(b"\0")

    def stop(self) -> None:
        """Make the thread end after its turn."""
        self._stopping = True
        self.wake()

    def _run(self) -> None:
        endpoint = self._endpoint
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(endpoint.sock, selectors.EVENT_READ)
                selector.register(self._waker, selectors.EVENT_READ)
                while not self._stopping:
                    now = endpoint.clock()
                    self._pace += _SMOOTHING * (min(now - self._turned_at, 1.0) - self._pace)
                    self._turned_at = now
                    more = endpoint.turn()
                    if self._is_done():
                        break
                    self._sleep(selector, 0.0 if more else None)
        except Exception:
            _log.exception("the network thread stopped; this is a bug in pygase")
        finally:
            endpoint.close()
            self._waker.close()
            self._wake_up.close()
            self._on_end()

    def _sleep(self, selector: selectors.BaseSelector, timeout: float | None) -> None:
        endpoint = self._endpoint
        if timeout is None:
            timer = endpoint.next_timer()
            timeout = _MAX_SLEEP if timer is None else min(_MAX_SLEEP, max(0.0, timer - endpoint.clock()))
        for key, _ in selector.select(timeout):
            if key.fileobj is self._waker:
                with contextlib.suppress(BlockingIOError):
                    while self._waker.recv(256):
                        pass
        endpoint.sleeps_until = 0.0
        if self._pace < self._gather:
            early = self._turned_at + self._gather - endpoint.clock()
            if early > 0.0 and not self._stopping:
                time.sleep(early)
