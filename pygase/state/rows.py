"""Parts of an update as they come off the network: columns, where most changes are of rows of one shape.

A state is mostly a dict of things of one kind, of which many change the same way at once. To make a dict for the change
of each, only to take it apart again, costs a client more than all the rest.
"""

from collections.abc import Iterable
from itertools import repeat
from typing import Any

__all__ = ["Pairs", "Rows", "in_dicts"]


class Pairs(list[Any]):
    """A column of lists of two floats.

    Attributes:
        components: The same the other way round: two columns of floats.
    """

    __slots__ = ("components",)

    def __init__(self, values: Iterable[list[Any]], components: list[list[float]]) -> None:
        super().__init__(values)
        self.components = components


class Rows:
    """In an update, what stands for a dict of dicts that all have the same keys.

    Attributes:
        keys: The keys of the outer dict.
        names: The keys of the inner dicts.
        columns: For each of the names, the values of all.
        are_plain: For each of the names, whether its values are new ones, which belong to whoever applies the update:
            no dicts to be merged, and nothing to be deleted.
    """

    __slots__ = ("are_plain", "columns", "keys", "names")

    def __init__(
        self, keys: list[Any], names: tuple[str, ...], columns: list[list[Any]], are_plain: list[bool]
    ) -> None:
        self.keys = keys
        self.names = names
        self.columns = columns
        self.are_plain = are_plain

    def in_dicts(self) -> dict[Any, dict[str, Any]]:
        """Return the dict that they stand for."""
        if not self.names:
            return {key: {} for key in self.keys}
        columns = [
            column if is_plain else [in_dicts(value) for value in column]
            for column, is_plain in zip(self.columns, self.are_plain, strict=True)
        ]
        return dict(zip(self.keys, map(dict, map(zip, repeat(self.names), zip(*columns, strict=True)))))  # noqa: B905


def in_dicts(update: Any) -> Any:
    """Return an update, or a value in one, with dicts in the place of rows."""
    if type(update) is Rows:
        return update.in_dicts()
    if type(update) is dict:
        return {key: in_dicts(value) for key, value in update.items()}
    return update
