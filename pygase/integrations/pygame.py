"""PygameAdapter: pygase in a pygame frame loop, on pygame and pygame-ce alike.

`Clock.tick_busy_loop` holds the interpreter while it waits, so a network *thread* gets no time meanwhile. A
client that is pumped (`Client.open`) has no thread and does not mind; with a thread, prefer `Clock.tick`.
"""

from __future__ import annotations

import importlib
import logging
import weakref
from collections import deque
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from pygase.errors import EngineUnusable
from pygase.event import Event
from pygase.integrations.base import FrameAdapter
from pygase.integrations.payloads import Args, Payload, Payloads
from pygase.state.interpolation import Smoothed

if TYPE_CHECKING:
    from pygase.client import Client

__all__ = ["PygameAdapter"]

_log = logging.getLogger("pygase.integrations.pygame")

MAX_TRANSLATED_TYPES: Final = 1_024
"""Event types that get a pygame type of their own by merely arriving. pygame has some 32,600 for the whole
process, and the names come from the other side: they must not be able to use them up."""

MAX_UNFETCHED: Final = 10_000
"""Translated events kept for a loop that calls `pump` and never `events`; their handlers have run all the
same."""


def _import_pygame() -> ModuleType:
    """Return pygame, or raise an error that says how to mend the installation.

    pygame and pygame-ce install into one and the same folder: with both, their files are mixed; with one of
    them removed, files of the other are gone too.
    """
    installed = {}
    for name in ("pygame", "pygame-ce"):
        try:
            installed[name] = version(name)
        except PackageNotFoundError:
            continue
    if len(installed) == 2:
        raise EngineUnusable(
            f"both pygame {installed['pygame']} and pygame-ce {installed['pygame-ce']} are installed. "
            "They share one folder and overwrite each other's files. Remove both, then install one: "
            "`python -m pip uninstall -y pygame pygame-ce`, then `python -m pip install pygame-ce` "
            "(or `pygame`)."
        )
    module, is_whole, cause = None, False, "its folder is not a package any more"
    try:
        module = importlib.import_module("pygame")
        is_whole = callable(importlib.import_module("pygame.event").custom_type)
    except (ImportError, AttributeError) as error:
        module, is_whole, cause = None, False, repr(error)
    if module is not None and is_whole and getattr(module, "__file__", None):
        return module
    if not installed:
        raise EngineUnusable("pygame is not installed: `python -m pip install pygame-ce` (or `pygame`).")
    name = next(iter(installed))
    raise EngineUnusable(
        f"{name} {installed[name]} is installed, but files of it are missing ({cause}). That happens "
        "when pygame and pygame-ce were both installed and one was removed, as they share one folder. Install it anew: "
        f"`python -m pip install --force-reinstall {name}`."
    )


pygame: Any = _import_pygame()


class PygameAdapter(FrameAdapter):
    """Couples a `Client` to a pygame frame loop.

    Received events become pygame events with the attributes `name` (the event type), `args` (a list) and
    `data` (a dict of what was sent by keyword), and nothing else: what the other side sends never becomes an
    attribute.

    By default they do not pass through pygame's queue. That queue ends at 65,535 events, after which even
    `QUIT` cannot be posted.

    Args:
        client: The client. From now on its handlers run inside `pump` only.
        post: Post events to pygame's queue instead, for code that reads `pygame.event.get` itself. If the
            queue is full or blocks their type, they wait, and pygase says so once. Read `args` and `data` of
            a posted event in the frame in which you take it from the queue: pygame's `event.clear()` leaks
            what queued events hold, so they hold only a reference, which `pump` invalidates a frame after the
            event left the queue.
        max_events: Events delivered per `pump`, at most. The rest waits for the next frame.
        interpolate: Paths whose values are smoothed inside `render_state`; see `FrameAdapter`.
        delay: How far behind the server smoothed values are, in seconds. None adapts it to the connection.

    Example:
        ```python
        with PygameAdapter(client, interpolate=("players.*.position",)) as net:
            CHAT = net.type_for("CHAT")
            while running:
                for event in net.events():
                    if event.type == pygame.QUIT:
                        running = False
                    elif event.type == CHAT:
                        show(event.args[0])
                with net.render_state() as game_state:
                    draw(game_state)
                pygame.display.flip()
                clock.tick(60)
        ```
    """

    def __init__(
        self,
        client: Client,
        *,
        post: bool = False,
        max_events: int = 256,
        interpolate: Iterable[str | Smoothed] = (),
        delay: float | None = None,
    ) -> None:
        super().__init__(client, max_events=max_events, interpolate=interpolate, delay=delay)
        self._post = post
        self._types: dict[str, int] = {}
        self._other_type: int | None = None
        self._translated: deque[Any] = deque(maxlen=MAX_UNFETCHED)  # since the last events(); they bypass the queue
        self._unposted: deque[Event] = deque()
        self._payloads = Payloads()
        self._has_complained = False

    def type_for(self, event_type: str) -> int:
        """Return the pygame event type that events of a type get in this adapter.

        Types belong to the adapter and to the time from `pygame.init` to `pygame.quit`: `quit` makes pygame
        count from the start again, so ask anew after it. They differ from process to process and are never
        sent.

        Args:
            event_type: The event type, `CONNECTED`, `CONNECTION_FAILED` and `DISCONNECTED` included.
        """
        number = self._types.get(event_type)
        if number is None:
            number = self._types[event_type] = self._new_type()
        return number

    def events(self) -> list[Any]:
        """Pump, and return pygame's events followed by those that the network brought.

        Call it once per frame, in place of `pygame.event.get()`. After `close` only pygame's own are left.
        """
        self.pump()
        events: list[Any] = pygame.event.get()
        if self._post:
            return [self._resolved(event) for event in events] if self._payloads else events
        events += self._translated
        self._translated.clear()
        return events

    # --- translating ----------------------------------------------------------------------------------------

    def _translate(self, event: Event) -> None:
        if self._post:
            self._unposted.append(event)
        else:
            self._translated.append(
                pygame.event.Event(
                    self._type_of_arrival(event.type),
                    {"name": event.type, "args": event.handler_args, "data": event.handler_kwargs},
                )
            )

    def _type_of_arrival(self, event_type: str) -> int:
        if event_type in self._types or len(self._types) < MAX_TRANSLATED_TYPES:
            return self.type_for(event_type)
        if self._other_type is None:
            self._other_type = self._new_type()
            _log.warning(
                "more than %d event types have arrived; new ones share one pygame type from here on, "
                "except where type_for() is asked for them",
                MAX_TRANSLATED_TYPES,
            )
        return self._other_type

    def _new_type(self) -> int:
        if not self._types:  # anew after each quit, which forgets what is registered
            myself = weakref.ref(self)

            def before_quit() -> None:
                adapter = myself()
                if adapter is not None:
                    adapter._forget_types()

            pygame.register_quit(before_quit)
        return int(pygame.event.custom_type())

    def _forget_types(self) -> None:
        """Forget the types that `pygame.quit` is about to hand out again."""
        self._types.clear()
        self._other_type = None

    def _room(self) -> int:
        return self._max_events - len(self._unposted)

    # --- posting --------------------------------------------------------------------------------------------

    def pump(self, dt: float | None = None) -> None:
        """Take in what the network brought, deliver events to their handlers, send what is due.

        `events` calls it; call it yourself only in a loop that does not use `events`. See
        `FrameAdapter.pump`.
        """
        if self._post and not self._is_closed:
            self._expire_payloads()
        super().pump(dt)
        if self._post:
            self._post_waiting()

    def _post_waiting(self) -> None:
        while self._unposted:
            event = self._unposted[0]
            args, data = self._payloads.refer()
            attributes = {"name": event.type, "args": args, "data": data}
            posted = pygame.event.Event(self._type_of_arrival(event.type), attributes)
            try:
                is_posted = pygame.event.post(posted)
                problem = "blocks this event type (pygame.event.set_blocked)"
            except pygame.error as error:
                is_posted, problem = False, f"does not take events now ({error})"
            if not is_posted:
                self._complain(event.type, problem)
                return
            self._payloads.keep(Payload(event.handler_args, event.handler_kwargs))
            self._unposted.popleft()
        self._has_complained = False

    def _complain(self, event_type: str, problem: str) -> None:
        if not self._has_complained:
            self._has_complained = True
            _log.warning(
                "pygame's event queue %s: %r and all after it wait until it takes them. Read the queue in "
                "each frame, or leave out post=True and use events().",
                problem,
                event_type,
            )

    def _expire_payloads(self) -> None:
        """Forget payloads whose events have left the queue, by get() or clear(), a whole frame ago."""
        if not self._payloads:
            return
        types = [*self._types.values()]
        if self._other_type is not None:
            types.append(self._other_type)
        if pygame.display.get_init() and pygame.event.peek(types, pump=False):
            return  # some are still queued, and there is no telling which
        self._payloads.expire()

    def _resolved(self, event: Any) -> Any:
        """Return a posted event with its data in place of references to it."""
        args = getattr(event, "args", None)
        if not isinstance(args, Args) or args.payloads is not self._payloads:
            return event
        return pygame.event.Event(
            event.type, {"name": event.name, "args": args.fetch().args, "data": event.data.fetch().data}
        )

    def _detach(self) -> None:
        self._forget_types()
