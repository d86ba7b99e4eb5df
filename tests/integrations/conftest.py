"""A client without a network: what an adapter sees of one, with a clock that tests move."""

import os
import shutil
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from pygase.errors import NotConnected
from pygase.event import Event, UniversalEventHandler


class FakeClient:
    def __init__(self) -> None:
        self.now = 100.0
        self.connection: Any = object()
        self.claimed_by: object = None
        self.queue: deque[Event] = deque()
        self.dispatched: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self.handlers = UniversalEventHandler()
        self.state = SimpleNamespace(players={})
        self.history: list[Any] = []
        self.calls: list[str] = []
        self.disconnected = 0
        self.depth = 0
        self.is_untouched = False
        self._lock = threading.RLock()

    def arrive(self, event_type: str, *args: Any, **kwargs: Any) -> None:
        self.queue.append(Event(event_type, *args, **kwargs))

    def claim_delivery(self, owner: object) -> None:
        self.claimed_by = owner

    def release_delivery(self) -> None:
        self.claimed_by = None

    def pump(self) -> None:
        self.calls.append("pump")

    def deliver(self, max_events: int | None = None, observer: Callable[[Event], None] | None = None) -> int:
        self.calls.append("deliver")
        delivered = 0
        while self.queue and (max_events is None or delivered < max_events):
            event = self.queue.popleft()
            self.handlers.call(event, {})
            if observer is not None:
                observer(event)
            delivered += 1
        return delivered

    def register_event_handler(self, event_type: str, handler: Callable[..., Any]) -> None:
        self.handlers.register_event_handler(event_type, handler)

    def dispatch_event(self, event_type: str, *args: Any, **kwargs: Any) -> None:
        if self.connection is None or self.disconnected:
            raise NotConnected("not connected")
        self.dispatched.append((event_type, args, kwargs))

    def access_game_state(self) -> "FakeClient":
        return self

    def __enter__(self) -> Any:
        self._lock.acquire()
        self.depth += 1
        return self.state

    def __exit__(self, *_: object) -> None:
        self.depth -= 1
        self._lock.release()

    def take_state_history(self) -> list[Any]:
        taken, self.history = self.history, []
        return taken

    def clock(self) -> float:
        return self.now

    def disconnect(self, *, shutdown_server: bool = False) -> None:
        self.disconnected += 1
        self.arrive("DISCONNECTED", reason="client left")


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


@pytest.fixture(scope="session")
def virtual_display() -> Iterator[str]:
    """The name of an X display that nobody sees."""
    server = shutil.which("Xvfb")
    if server is None:
        pytest.skip("needs Xvfb")
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [server, "-displayfd", str(writer), "-screen", "0", "640x480x24"],
        pass_fds=[writer],
        stderr=subprocess.DEVNULL,
    )
    os.close(writer)
    with os.fdopen(reader) as answer:
        number = answer.readline().strip()  # it answers when it is ready; an empty line means that it died
    if not number:
        pytest.skip("Xvfb does not start here")
    yield f":{number}"
    process.terminate()
    process.wait(10)
