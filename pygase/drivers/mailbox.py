"""Where the network leaves what user code has to hear, for whoever runs user code."""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

__all__ = ["Mailbox"]

T = TypeVar("T")


class Mailbox(Generic[T]):
    """A queue between the network and the one place where user code runs.

    That place may wait (a thread), be called (`on_mail`, from the posting thread), or come by once per frame.

    Attributes:
        items: What is in it, oldest first; the reader takes it out.
        on_mail: Called after each post, if set.
        is_closed: Whether nothing comes any more.
    """

    def __init__(self) -> None:
        self.items: deque[T] = deque()
        self._mail = threading.Event()
        self._is_awaited = False
        self.on_mail: Callable[[], None] | None = None
        self.is_closed = False

    def __len__(self) -> int:
        return len(self.items)

    def post(self, items: Iterable[T]) -> None:
        """Append items and tell the reader."""
        self.items.extend(items)
        if self._is_awaited:
            self._mail.set()
        if self.on_mail is not None:
            self.on_mail()

    def wait(self, timeout: float) -> None:
        """Return as soon as there is something to take, the box is closed, or `timeout` seconds have passed."""
        self._is_awaited = True
        if not self.items and not self.is_closed:
            self._mail.wait(timeout)
        self._is_awaited = False
        self._mail.clear()

    def close(self) -> None:
        """Let a waiting reader go once it has taken what is there."""
        self.is_closed = True
        self.wake()

    def wake(self) -> None:
        """Let a waiting reader look around, mail or not."""
        self.post(())
