"""The data of events that wait in an engine's queue, kept out of that queue.

pygame's `event.clear()` never frees what the events that it throws away hold. So a posted event holds references of a
few bytes, and the data stays here until its event has left the queue.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, overload

from pygase.errors import AdapterMisuse

__all__ = ["Args", "Payload", "Payloads"]


class Payload:
    """The data of one event."""

    __slots__ = ("args", "data", "is_expired")

    def __init__(self, args: list[Any], data: dict[str, Any]) -> None:
        self.args = args
        self.data = data
        self.is_expired = False


class Payloads:
    """The data of all events that are in the queue, or were until a frame ago, by number."""

    def __init__(self) -> None:
        self._kept: dict[int, Payload] = {}
        self._next = 0

    def __len__(self) -> int:
        return len(self._kept)

    def refer(self) -> tuple[Args, Data]:
        """Return references to what `keep` is given next."""
        return Args(self, self._next), Data(self, self._next)

    def keep(self, payload: Payload) -> None:
        """Keep the data of an event that has gone into the queue."""
        self._kept[self._next] = payload
        self._next += 1

    def find(self, number: int) -> Payload | None:
        """Return the data with a number, if it is still here."""
        return self._kept.get(number)

    def expire(self) -> None:
        """Note that none of the events is in the queue any more; forget those of which that was known before."""
        self._kept = {number: payload for number, payload in self._kept.items() if not payload.is_expired}
        for payload in self._kept.values():
            payload.is_expired = True


class _Reference:
    """Stands in a posted event for data that is kept here. Once read, it keeps the data itself."""

    __slots__ = ("_number", "_payload", "payloads")

    def __init__(self, payloads: Payloads, number: int) -> None:
        self.payloads = payloads
        self._number = number
        self._payload: Payload | None = None

    def fetch(self) -> Payload:
        """Return the data.

        Raises:
            AdapterMisuse: Too late: the event was taken from the queue frames ago.
        """
        if self._payload is None:
            self._payload = self.payloads.find(self._number)
        if self._payload is None:
            raise AdapterMisuse(
                "the data of this event is gone: with post=True, read args and data in the frame in which the event "
                "was taken from pygame's queue, or use events(), whose events keep their data."
            )
        return self._payload


class Args(_Reference, Sequence[Any]):
    """A posted event's `args`: reads like the list that it stands for."""

    __slots__ = ()

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        return self.fetch().args[index]

    def __len__(self) -> int:
        return len(self.fetch().args)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return self.fetch().args == list(other)

    __hash__ = None  # type: ignore[assignment]  # like the list it stands for

    def __repr__(self) -> str:
        return repr(self.fetch().args)


class Data(_Reference, Mapping[str, Any]):
    """A posted event's `data`: reads like the dict that it stands for."""

    __slots__ = ()

    def __getitem__(self, key: str) -> Any:
        return self.fetch().data[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.fetch().data)

    def __len__(self) -> int:
        return len(self.fetch().data)

    def __repr__(self) -> str:
        return repr(self.fetch().data)
