"""The client's side of the state: updates as they arrive, and the state that the game looks at."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from pygase.config import MAX_PENDING_UPDATES, MAX_STATE_BYTES, MAX_TIME_ORDER
from pygase.errors import MalformedDatagram
from pygase.state import layout
from pygase.state.codec import Decoder
from pygase.state.gamestate import GameState, note_applied
from pygase.state.merge import apply, compose
from pygase.state.rows import in_dicts
from pygase.state.tree import Replacement, thaw
from pygase.state.values import size_of

__all__ = ["Replica", "StateArrival", "apply_all"]

_STAMP_PERIOD: Final = 65.536
_STAMP_BYTES: Final = 2
_MAX_PENDING_BYTES: Final = 4 * MAX_STATE_BYTES


@dataclass(frozen=True, slots=True)
class StateArrival:
    """A state update that has arrived.

    Attributes:
        version: The time order it leads to.
        server_time: The server's monotonic seconds when it was made, from an unknown origin that stays the same.
        arrival: The client's monotonic seconds when it came.
        update: The update, to be read only: a `Replacement` if it is the whole state. It may contain `Rows`.
        size: About how many bytes it takes.
        missed: How many updates, at most, were sent between the one before and this one and are lost or late; None if
            unknown. All other versions in between were not worth an update.
    """

    version: int
    server_time: float
    arrival: float
    update: dict[str, Any]
    size: int = 0
    missed: int | None = None


class Replica:
    """Takes updates off the network and keeps them until the game looks.

    It is not thread-safe: whoever uses it from two threads guards it.

    Attributes:
        version: Time order of the newest state that has been received, -1 before the first.
    """

    def __init__(self) -> None:
        self.version = -1
        self._decoder = Decoder()
        self._pending: deque[StateArrival] = deque()
        self._pending_size = 0
        self._server_time = 0.0
        self._arrival = 0.0

    @property
    def has_pending(self) -> bool:
        """Whether something has arrived since `take_pending`."""
        return bool(self._pending)

    def receive(self, baseline: int | None, version: int, blob: bytes, now: float, missed: int | None = None) -> bool:
        """Take an update.

        Args:
            baseline: Time order of the state that the update starts from, or None if it brings a whole state.
            version: Time order that it leads to.
            blob: What the server's `StateFeed` made.
            now: Monotonic seconds.
            missed: See `StateArrival`.

        Returns:
            Whether it was of use: not if it is old, or starts from a state that has not been received.

        Raises:
            MalformedDatagram: The blob is not what it claims to be. Nothing has changed then.
        """
        if version <= self.version or (baseline is not None and baseline > self.version):
            return False
        if version > MAX_TIME_ORDER or len(blob) <= _STAMP_BYTES:
            raise MalformedDatagram("a time order past the limit, or no update")
        if baseline is None and not blob[_STAMP_BYTES] & layout.WHOLE:
            raise MalformedDatagram("an update of nothing")
        update = self._decoder.decode(blob[_STAMP_BYTES:], keeps_rows=True)
        server_time = self._expand(int.from_bytes(blob[:_STAMP_BYTES], "little") / 1000, now)
        self.version = version
        self._server_time, self._arrival = server_time, now
        self._queue(StateArrival(version, server_time, now, update, self._decoder.cost, missed))
        return True

    def _expand(self, stamp: float, now: float) -> float:
        """Find the server's time whose remainder is the stamp, nearest to what the client's clock suggests."""
        if self.version < 0:
            return stamp
        expected = self._server_time + (now - self._arrival)
        return stamp + round((expected - stamp) / _STAMP_PERIOD) * _STAMP_PERIOD

    def _queue(self, arrival: StateArrival) -> None:
        pending = self._pending
        if type(arrival.update) is Replacement:
            pending.clear()
            self._pending_size = 0
        pending.append(arrival)
        self._pending_size += arrival.size
        if len(pending) > MAX_PENDING_UPDATES or self._pending_size > _MAX_PENDING_BYTES:
            keep = 1 if self._pending_size > _MAX_PENDING_BYTES else len(pending) // 2
            older = [pending.popleft() for _ in range(len(pending) - keep)]
            if older:
                pending.appendleft(_merged(older))
            self._pending_size = sum(one.size for one in pending)
            if self._pending_size > 2 * _MAX_PENDING_BYTES:
                pending.clear()
                raise MalformedDatagram("a state past its limit")

    def take_pending(self) -> list[StateArrival]:
        """Return what has arrived since the last call, oldest first."""
        taken = list(self._pending)
        self._pending.clear()
        self._pending_size = 0
        return taken


def _merged(arrivals: list[StateArrival]) -> StateArrival:
    last = arrivals[-1]
    update = in_dicts(arrivals[0].update)
    for arrival in arrivals[1:]:
        if type(update) is Replacement:
            known = thaw(update)
            apply(known, arrival.update)
            update = Replacement(known)
        else:
            update = compose(update, in_dicts(arrival.update))
    return StateArrival(last.version, last.server_time, last.arrival, update, size_of(update))


def apply_all(game_state: GameState, arrivals: Iterable[StateArrival]) -> bool:
    """Bring a game state up to date. Of the updates it keeps the lists in `Rows`, which nobody else has.

    Now and then the state is measured, so that a server cannot fill the client's memory with it. One that has outgrown
    twice the limit is emptied, and takes nothing from then on.

    Args:
        game_state: The state that the game looks at.
        arrivals: What `take_pending` returned, in order.

    Returns:
        Whether the state is within its limit.
    """
    attributes = game_state.__dict__
    version = -1
    unmeasured = game_state._unmeasured
    if unmeasured < 0:
        return False
    for arrival in arrivals:
        update = arrival.update
        if type(update) is Replacement:
            attributes.clear()
            attributes.update(thaw(update))
        else:
            apply(attributes, update)
        version = arrival.version
        unmeasured += arrival.size
    if version >= 0:
        if unmeasured > MAX_STATE_BYTES:
            unmeasured = 0
            if size_of(attributes) > 2 * MAX_STATE_BYTES:  # twice: the game itself may have put something in
                attributes.clear()
                unmeasured = -1
        note_applied(game_state, version, unmeasured)
    return unmeasured >= 0
