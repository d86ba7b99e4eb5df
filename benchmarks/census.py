"""Counts what is held in every container of pygase's objects, to find tables that only grow."""

import os
import resource
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Census = dict[str, tuple[int, int]]
"""How many items all containers of one name hold, such as "ServerSession.seats", and how many the fullest; under the
name of a class alone, how many of its objects there are, twice."""

SMALL = 512
"""What a single container may hold without being suspected: the tables of one connection have limits below it."""

_CONTAINERS = (dict, list, set, frozenset, deque, bytearray)


def census(*roots: object) -> Census:
    """Count the items in all containers that are reachable from some objects through objects of pygase.

    The game's own values are not looked into: the attributes of a game state are the game's.
    """
    found: Census = {}
    seen: set[int] = set()
    queue: list[object] = list(roots)
    while queue:
        thing = queue.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        count = found.get(type(thing).__name__, (0, 0))[0] + 1
        found[type(thing).__name__] = (count, count)
        for name, value in _attributes(thing):
            if isinstance(value, (*_CONTAINERS, Mapping)):
                key = f"{type(thing).__name__}.{name}"
                total, fullest = found.get(key, (0, 0))
                found[key] = (total + len(value), max(fullest, len(value)))
                queue += _things_in(value)
            elif _is_ours(value):
                queue.append(value)
    return found


def _is_ours(thing: object) -> bool:
    module = type(thing).__module__
    return module.startswith("pygase.") and not module.startswith("pygase.state.gamestate")


def _attributes(thing: object) -> Iterator[tuple[str, Any]]:
    for kind in type(thing).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__"):
                # A slot of a private name is stored under its class's.
                yield name, getattr(thing, name, None)
    yield from getattr(thing, "__dict__", {}).items()


def _things_in(container: Any) -> Iterator[object]:
    """Return what is ours in a container, in tuples in it as well."""
    items: list[Any] = list(container.values()) if isinstance(container, Mapping) else list(container)
    if isinstance(container, Mapping):
        items += [key for key in container if _is_ours(key)]
    for item in items:
        if _is_ours(item):
            yield item
        elif isinstance(item, tuple):
            yield from (part for part in item if _is_ours(part))


def grown(early: list[Census], late: list[Census], slack: int) -> dict[str, tuple[int, int]]:
    """Return what there is more of late than there ever was early, by more than half and `slack`.

    Containers count only once one of them alone holds more than the tables of a connection may.
    """
    found = {}
    for name in sorted({name for each in late for name in each}):
        before = max(each.get(name, (0, 0))[0] for each in early)
        after = min(each.get(name, (0, 0))[0] for each in late)
        is_small = "." in name and min(each.get(name, (0, 0))[1] for each in late) <= SMALL
        if after > before * 1.5 + slack and not is_small:
            found[name] = (before, after)
    return found


def rss_bytes() -> int:
    """Return the memory that this process holds."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # elsewhere only the peak is to be had
    return peak if sys.platform == "darwin" else peak * 1024
