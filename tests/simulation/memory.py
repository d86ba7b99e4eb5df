"""How much memory something takes."""

import gc
import logging
import sys
import types
from typing import Any

__all__ = ["memory_of"]

_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.CodeType)
_SKIPPED = (type, types.ModuleType, logging.Logger, *_FUNCTIONS)


def memory_of(*roots: Any) -> int:
    """Bytes of everything that hangs on some objects and is data."""
    seen: set[int] = set()
    todo, total = list(roots), 0
    while todo:
        thing = todo.pop()
        if id(thing) in seen or isinstance(thing, _SKIPPED):
            continue
        seen.add(id(thing))
        total += sys.getsizeof(thing)
        todo.extend(gc.get_referents(thing))
    return total
