"""A thread that sends what a frame loop leaves for it.

Building a datagram, sealing it and handing it to the system takes a good part of a frame's time, so a frame loop leaves
it to somebody else. That cannot be the network thread: it waits for the socket, and to wake it takes a system call,
during which the interpreter lock is up for grabs. The woken thread would take it and the frame would wait after all.
Ringing a bell keeps hold of it, so that the frame goes on, and the thread comes in when the frame waits for something.
"""

import threading
from collections.abc import Callable
from queue import SimpleQueue

__all__ = ["Sender"]


class Sender:
    """Calls a function on a thread of its own whenever it is rung for.

    Args:
        flush: Sends what there is to send.
        is_over: Asked before each call; the thread ends when it says so.
    """

    def __init__(self, flush: Callable[[], None], is_over: Callable[[], bool]) -> None:
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._flush = flush
        self._is_over = is_over
        self.ring = self._bell.put
        threading.Thread(target=self._run, name="pygase-sender", daemon=True).start()

    def _run(self) -> None:
        while True:
            self._bell.get()
            if self._is_over():
                return
            self._flush()
