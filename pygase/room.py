"""One room of a `RoomServer`: its game, and how that runs with what drives all rooms."""

from collections.abc import Callable
from functools import partial
from typing import Final

from pygase.backend import Backend
from pygase.drivers import GameLoop, Run, System, TickThread, UserCode
from pygase.machine import GameStateMachine
from pygase.session.server import ServerSession
from pygase.session.tick import current_tick

__all__ = ["Room", "RoomRun", "RoomsUserCode"]

_JUST_NOW: Final = 0.002
"""Rooms whose ticks begin within so many seconds read the socket together."""


class Room:
    """What is known of an open room."""

    def __init__(self, name: str, backend: Backend, interval: float, max_clients: int | None) -> None:
        self.name = name
        self.backend = backend
        self.machine: GameStateMachine = backend.game_state_machine
        self.interval = interval
        self.max_clients = max_clients
        self.session: ServerSession | None = None
        self.run: RoomRun | None = None
        self.loop: GameLoop | None = None


class RoomRun(Run):
    """A room's run: the network is driven with the other rooms', and so are the handlers.

    Args:
        system: Clock and sockets.
        room: The room, with its session.
        host: The run of the `RoomServer`.
        ticks: Returns the thread that steps the rooms' game loops, if there is one by now.
    """

    def __init__(self, system: System, room: Room, host: Run, ticks: Callable[[], TickThread | None]) -> None:
        server = room.backend.server
        assert room.session is not None
        handle, sort = server._delivery.handle, server._delivery.sort
        super().__init__(system, room.session, server._user_code, handle, sort, on_end=server._stopped)
        self.drive_with(host)
        self.mailbox.on_mail = lambda: host.mailbox.post((self,))
        self._ticks = ticks
        self._flush_after_ticks = partial(host.flush, ends_tick=True)  # this room may be closed by then

    def flush(self, *, ends_tick: bool = False) -> None:
        """Send what there is to send; within a tick, once the ticks of other rooms that are due too are done."""
        ticks = self._ticks()
        if ticks is None or not ticks.call_after(self._flush_after_ticks):
            super().flush(ends_tick=ends_tick)

    def take_in(self, again_in: float) -> None:
        """Read what has arrived, unless another room's tick has done so just now: that was for all."""
        endpoint = self.endpoint
        if endpoint is not None and self.system.clock() - endpoint.drained_at > _JUST_NOW:
            super().take_in(again_in)
        elif endpoint is not None and not again_in:
            endpoint.drained_until = endpoint.drained_at  # handlers of this room's server wait for what comes

    def wait_over(self, timeout: float) -> bool:
        """Wait until the room is closed; not within a tick, where other rooms would wait too."""
        return self.over.is_set() if current_tick.get() is not None else super().wait_over(timeout)


class RoomsUserCode(UserCode):
    """The coroutine handlers of all rooms' servers, for the one thread that delivers."""

    def __init__(self) -> None:
        super().__init__("pygase.server")
        self._parts: dict[UserCode, None] = {}
        self._ended: set[UserCode] = set()

    def add(self, part: UserCode) -> None:
        """Step a room's coroutines too."""
        part.new_loop = self.new_loop
        self._ended.discard(part)
        self._parts[part] = None

    def let_go(self, part: UserCode) -> None:
        """Forget a room's, once those under way are through."""
        self._ended.add(part)

    @property
    def has_tasks(self) -> bool:
        """Whether coroutines of any room are under way."""
        return any(part.has_tasks for part in list(self._parts))

    def step(self) -> None:
        """Move all rooms' coroutines on, and forget ended rooms that have none any more."""
        for part in list(self._parts):
            part.step()
            if part in self._ended and not part.has_tasks:
                self._ended.discard(part)
                self._parts.pop(part, None)

    async def finish(self, timeout: float) -> None:
        """Wait for each room's coroutines, at most `timeout` seconds a room."""
        for part in list(self._parts):
            await part.finish(timeout)

    def close(self) -> None:
        """Cancel what is still under way in any room."""
        for part in list(self._parts):
            part.close()
