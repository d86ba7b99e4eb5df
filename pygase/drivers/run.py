"""One run of a client or server: its session, what drives it, and who runs the user's code.

Four things may drive the network: a thread (`drive_in_thread`), the caller's asyncio loop (`drive_in_loop`), the
caller itself (`turn`), a simulation (`driven_by`). User code runs where `deliver` is called: on the thread that
blocks in `run_here`, on the loop of `run_in_loop`, in the caller's pump, or with an engine adapter that has claimed
delivery.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from threading import get_ident
from typing import Any

from pygase.config import COROUTINE_GRACE
from pygase.drivers.asyncio import AsyncioDriver
from pygase.drivers.awaiting import inside_event_loop
from pygase.drivers.endpoint import Core, Endpoint
from pygase.drivers.mailbox import Mailbox
from pygase.drivers.sender import Sender
from pygase.drivers.system import DatagramSocket, System
from pygase.drivers.thread import NetworkThread
from pygase.drivers.usercode import UserCode

__all__ = ["Run"]

_LONGEST_PAUSE = 0.25
"""How long a thread waits at most before it looks around, in seconds."""

_COROUTINE_STEP = 0.005
"""How often coroutine handlers under way are moved on by a thread that has no event loop of its own."""


class Run:
    """Drives a session from its start to its end.

    Args:
        system: Clock and sockets.
        session: The core.
        user_code: Steps the coroutines among the handlers.
        handle: Runs the user's code for one signal; returns whether it was an event.
        sort: Passes the signals on inside the core's lock; the mailbox's `post` unless given.
        on_end: Called when the session has ended and its socket is closed, before `over` is set.
    """

    def __init__(
        self,
        system: System,
        session: Core,
        user_code: UserCode,
        handle: Callable[[Any], bool],
        sort: Callable[[list[Any]], None] | None = None,
        *,
        on_end: Callable[[], None] | None = None,
    ) -> None:
        self.system = system
        self.session = session
        self.lock = threading.Lock()
        self.mailbox: Mailbox[Any] = Mailbox()
        self.over = threading.Event()
        self.claimed_by: object = None
        self.endpoint: Endpoint | None = None
        self.is_pumped = True  # the caller drives the network
        self.has_thread = False  # that drives it
        self._sender: Sender | None = None
        self._sort = sort or self.mailbox.post
        self._handle = handle
        self._on_end = on_end
        self._user_code = user_code
        self._driver: object = None
        self._thread: NetworkThread | None = None
        self._delivering: NetworkThread | None = None  # while its leader runs user code, before it sends

    # --- network ------------------------------------------------------------------------------------------------

    def listen(self, sock: DatagramSocket) -> None:
        """Give the session its socket."""
        self.endpoint = Endpoint(self.session, sock, self.system.clock, self.lock, self._sort)

    def drive_in_thread(self, *, gather: float = 0.0) -> None:
        """Have this thread drive the network, in `run_here`, and another one when it must. See `NetworkThread`."""
        assert self.endpoint is not None
        with self.lock:
            if self.endpoint.is_closed:  # whoever ended it meanwhile has driven it to the end
                return
            self._driver = self._thread = driver = NetworkThread(self.endpoint, self._end, gather=gather)
            self.is_pumped, self.has_thread = False, True
        self.mailbox.on_mail = driver.wake_leader
        driver.start(led_by=get_ident())

    def drive_in_loop(self) -> AsyncioDriver:
        """Have the running asyncio loop drive the network."""
        assert self.endpoint is not None
        self._driver = driver = AsyncioDriver(self.endpoint)
        self.is_pumped = False
        driver.start()
        return driver

    def driven_by(self, driver: object) -> None:
        """Take note that somebody calls `take_turn` whenever there is something to do: a simulation does."""
        self._driver, self.is_pumped = driver, False

    def drive_with(self, other: "Run") -> None:
        """Share another run's socket, lock and driver: its core serves this session too."""
        self.lock, self.endpoint, self._driver, self.is_pumped = other.lock, other.endpoint, other, False

    def take_in(self, again_in: float) -> None:
        """Read what has arrived, before a tick that is to handle it. From any thread. See `Endpoint.take_in`."""
        if self.endpoint is not None and not self.over.is_set():
            self.endpoint.take_in(again_in)

    def wake(self) -> None:
        """Have whoever drives the network take a turn soon. From any thread."""
        if self.endpoint is not None:
            self.endpoint.wake()

    def flush(self, *, ends_tick: bool = False) -> None:
        """Send a tick's update, on this thread. See `Endpoint.flush`."""
        if self.endpoint is not None and not self.over.is_set():
            self.endpoint.flush(in_tick=True, ends_tick=ends_tick)

    def flush_soon(self) -> None:
        """Have what is queued sent from another thread. Of the caller's time it takes as little as can be."""
        if self._sender is None:
            assert self.endpoint is not None
            self._sender = Sender(self.endpoint.flush, self.over.is_set)
        self._sender.ring(None)

    def submit(self, function: Callable[..., Any], *args: Any, send: bool = True, **kwargs: Any) -> Any:
        """Call into the core, and send what comes of it at once unless told not to."""
        with self.lock:
            result = function(*args, **kwargs)
        if send:
            self.send()
        return result

    def send(self) -> None:
        """Send what a call into the core has left to be sent.

        Not where this is user code that was called by a driver, which sends as soon as it returns.
        """
        endpoint, delivering = self.endpoint, self._delivering
        if endpoint is None or (delivering is not None and delivering.leader == get_ident()):
            return
        if not self.over.is_set():
            endpoint.flush()
            if self.session.is_over:
                endpoint.wake()

    def _deliver_first(self) -> None:
        """Run user code on behalf of the network thread, which sends afterwards."""
        if self.claimed_by is None and (self.mailbox.items or self._user_code.has_tasks):
            self._delivering = self._thread
            try:
                self.deliver()
            finally:
                self._delivering = None

    def turn(self) -> None:
        """Drive the network once, for a session that nobody else drives, or whose event loop waits for the caller."""
        if self.is_pumped:
            self.take_turn()
        elif isinstance(self._driver, AsyncioDriver) and inside_event_loop() and self.endpoint is not None:
            self.endpoint.turn()
        elif self._thread is not None:
            self._thread.relieve(get_ident())

    def take_turn(self) -> None:
        """Drive the network once; for the session's driver."""
        endpoint = self.endpoint
        if endpoint is None or self.over.is_set():
            return
        while endpoint.turn():
            pass
        if self.session.is_over:
            endpoint.close()
            self._end()

    def abort(self) -> None:
        """End a session that never got a socket."""
        with self.lock:
            self._sort(self.session.take_signals())
        self._end()

    def wait_over(self, timeout: float) -> bool:
        """Wait until the session has ended. Drives it meanwhile if nobody else does. Returns whether it has."""
        if self._thread is not None:
            self._thread.relieve(get_ident())
        if not self.is_pumped or self.endpoint is None:
            return self.system.wait(self.over, timeout)
        deadline = self.system.clock() + timeout
        while self.system.can_wait and not self.over.is_set() and self.system.clock() < deadline:
            self.turn()
            if not self.over.is_set():
                self.system.sleep(_COROUTINE_STEP)
        return self.over.is_set()

    def end(self) -> None:
        """Take note that a session that was driven with another's is over."""
        self._end()

    def _end(self) -> None:
        if self.over.is_set():
            return
        if self._on_end is not None:
            self._on_end()
        self.mailbox.close()
        self.over.set()
        if self._sender is not None:
            self._sender.ring(None)

    # --- user code ----------------------------------------------------------------------------------------------

    def deliver(self, max_events: int | None = None) -> int:
        """Run the user's code for what has happened, on this thread. Returns how many events that were."""
        delivered, mail, handle = 0, self.mailbox.items, self._handle
        while mail and (max_events is None or delivered < max_events):
            delivered += handle(mail.popleft())
        self._user_code.step()
        return delivered

    def run_here(self) -> None:
        """Run user code on this thread until the session is over and everything is delivered."""
        driver = self._thread
        with driver.holding_interrupts() if driver is not None else contextlib.nullcontext():
            try:
                self._run_here(driver)
            finally:
                if driver is not None:
                    driver.relieve()

    def _run_here(self, driver: NetworkThread | None) -> None:
        mailbox, user_code, clock = self.mailbox, self._user_code, self.system.clock
        mail, deliver_first, gives_up_at = mailbox.items, self._deliver_first, float("inf")
        while not self.over.is_set() or (mailbox and self.claimed_by is None) or user_code.has_tasks:
            if self.over.is_set():
                gives_up_at = min(gives_up_at, clock() + COROUTINE_GRACE)
                if clock() >= gives_up_at:
                    break
            is_claimed = self.claimed_by is not None  # then the adapter delivers
            if is_claimed and self.over.is_set():
                break
            if is_claimed or not mailbox:
                pause = _COROUTINE_STEP if user_code.has_tasks else _LONGEST_PAUSE
                if driver is not None and driver.lead(pause, deliver_first):
                    # Mostly that is all there is to do, and the way back to waiting for the network is short.
                    while not (is_claimed or mail or user_code.has_tasks) and driver.lead(pause, deliver_first):
                        is_claimed = self.claimed_by is not None
                elif is_claimed:
                    self.over.wait(pause)
                else:
                    mailbox.wait(pause)
            if self.claimed_by is None:
                self.deliver()

    async def run_in_loop(self, leave: Callable[[], None]) -> None:
        """Drive the network and run user code on the running loop until the session is over.

        Args:
            leave: Says goodbye at once; called when the task is cancelled, while there is a socket to say it through.
        """
        loop = asyncio.get_running_loop()

        def deliver() -> None:
            if self.claimed_by is None:
                self.deliver()

        def on_mail() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(deliver)

        self.mailbox.on_mail = on_mail
        driver = self.drive_in_loop()
        try:
            await driver.ended.wait()
        except asyncio.CancelledError:
            leave()
            raise
        finally:
            driver.stop()
            self._end()
            self.mailbox.on_mail = None
        deliver()
        await self._user_code.finish(COROUTINE_GRACE)
