"""The numbers that stand for kinds of columns on the wire; `docs/PROTOCOL_STATE.md` is the norm."""

from typing import Final

from pygase.config import (
    MAX_PAYLOAD_BYTES,
    MAX_VALUE_DEPTH,
    UPDATE_MEMORY_PER_BYTE,
    UPDATE_MEMORY_PER_BYTE_OF_LARGE,
    UPDATE_MEMORY_SPARE,
)
from pygase.wire import count_containers

# --- an update: one byte of flags ------------------------------------------------------------------------------------

WHOLE: Final = 1  # the whole state, as one MessagePack value, instead of a change in columns
PADDED: Final = 2  # a number comes next: so many bytes at the end mean nothing
DEFLATED: Final = 4  # everything behind that is compressed with zlib

# --- columns of whole numbers: kind * 8 + width ----------------------------------------------------------------------

INTS: Final = 0
INTEGRAL_FLOATS: Final = 8  # floats without a fraction
NAMES: Final = 16  # strings, by their number in the table of known names
FIXED_FLOATS: Final = 24  # floats rounded to a step, in steps; the step's number in the table comes first

SAME: Final = 0  # all are the base
WIDTH_1: Final = 1  # differences to the base, of so many bytes
WIDTH_2: Final = 2
WIDTH_4: Final = 3
WIDTH_8: Final = 4
COUNTING: Final = 5  # base, base + 1, base + 2 ...
HALVED: Final = 6  # differences to the base, of so many half bytes as a byte says that comes first

# --- other columns ---------------------------------------------------------------------------------------------------

FLOATS_64: Final = 32
FLOATS_32: Final = 33
SAME_FLOATS: Final = 34
BOOLS: Final = 35
NONES: Final = 36
DELETIONS: Final = 37
PACKED: Final = 38
LISTS: Final = 39
FLAT_LISTS: Final = 40
ROWS: Final = 41
MAPS: Final = 42
REPLACEMENTS: Final = 43
MIXED: Final = 44
RECORDS: Final = 45
CHAINED: Final = 46

# --- the forms of values in records ----------------------------------------------------------------------------------

FORM_FLOAT: Final = 0
FORM_INT_4: Final = 1
FORM_INT_8: Final = 2
FORM_BOOL: Final = 3
FORM_INTEGRAL: Final = 4  # a float without a fraction
FORM_FIXED_4: Final = 5  # a float rounded to a step, in steps; the step's number in the table comes behind the form
FORM_FIXED_8: Final = 6
LISTED: Final = 16  # lists of one length, which comes behind the form

FORM_CODES: Final[dict[int, str]] = {
    FORM_FLOAT: "d",
    FORM_INT_4: "i",
    FORM_INT_8: "q",
    FORM_BOOL: "?",
    FORM_INTEGRAL: "i",
    FORM_FIXED_4: "i",
    FORM_FIXED_8: "q",
}
"""The forms in terms of `struct`."""

WIDTH_FORMATS: Final[dict[int, tuple[str, int]]] = {
    WIDTH_1: ("B", 1),
    WIDTH_2: ("H", 2),
    WIDTH_4: ("I", 4),
    WIDTH_8: ("Q", 8),
}

HALVED_FORMATS: Final[dict[int, tuple[str, int]]] = {1: ("B", 2), 3: ("H", 4), 5: ("I", 8), 6: ("I", 8), 7: ("I", 8)}
"""What so many half bytes are packed as, and how many half bytes that takes. For others there are other widths."""

# --- limits ----------------------------------------------------------------------------------------------------------

MAX_ROW_KEYS: Final = 32
"""Most keys of a row that gets a number; a game's objects have fewer, and rows of more travel as maps."""

MAX_GROUPS: Final = 32
"""Kinds of values in one mixed column: more kinds than that have little in common, and travel on their own."""

MAX_NESTING: Final = 3 * MAX_VALUE_DEPTH + 4
"""Columns within columns: for each level of a value its own, and two that sort it by kind and by keys."""

# --- what an update costs its reader ---------------------------------------------------------------------------------
# A column of equal values takes no bytes for them, and compressed ones hardly any, so that without a limit a datagram
# could cost gigabytes. Both sides therefore add up the same bytes of memory, at least what CPython needs and more for
# what takes long to make, and the sender pads what is too short for its cost.

COLUMN_COSTS: Final[dict[int, int]] = {
    **dict.fromkeys(range(CHAINED + 1), 16),  # a place in the column, and one in what it becomes part of
    **dict.fromkeys(range(INTS + WIDTH_1, INTEGRAL_FLOATS), 64),  # an object each
    **dict.fromkeys(range(INTEGRAL_FLOATS, FLOATS_64), 80),  # and another one while it is made
    **dict.fromkeys((FLOATS_64, FLOATS_32), 48),
    **dict.fromkeys((LISTS, FLAT_LISTS), 112),
}
"""What each value of a column costs, by the column's kind."""

FORM_COSTS: Final[dict[int, int]] = {
    FORM_FLOAT: 48,
    FORM_INT_4: 64,
    FORM_INT_8: 64,
    FORM_BOOL: 16,
    FORM_INTEGRAL: 80,
    FORM_FIXED_4: 80,
    FORM_FIXED_8: 80,
}
"""What each value in a record costs, by its form."""

ROW_COST: Final = 240
ROW_KEY_COST: Final = 24
EMPTY_DICT_COST: Final = 96
MAP_COST: Final = 640
MAP_KEY_COST: Final = 96
KNOWN_NAME_COST: Final = 400
PACKED_BYTE_COST: Final = 24
PACKED_CONTAINER_COST: Final = 160
INFLATED_BYTE_COST: Final = 3


def row_cost(keys: int, count: int) -> int:
    """What dicts of so many known keys cost beside the places of their values."""
    return (ROW_COST + ROW_KEY_COST * keys) * count


def form_cost(form: int, length: int) -> int:
    """What a value in a record costs.

    Args:
        form: Its form, without `LISTED`.
        length: The length of a list; 0 for none.
    """
    cost = FORM_COSTS[form]
    return COLUMN_COSTS[LISTS] + cost * length if length else cost


def map_cost(keys: int) -> int:
    """What a dict of so many other keys costs beside the places of keys and values."""
    return MAP_COST + MAP_KEY_COST * keys if keys else EMPTY_DICT_COST


def packed_cost(packed: bytes) -> int:
    """What a MessagePack value costs."""
    return PACKED_BYTE_COST * len(packed) + PACKED_CONTAINER_COST * count_containers(packed)


def allowance(size: int) -> int:
    """How much an update may cost that takes so many bytes."""
    if size <= MAX_PAYLOAD_BYTES:
        return UPDATE_MEMORY_PER_BYTE * size + UPDATE_MEMORY_SPARE
    return UPDATE_MEMORY_PER_BYTE_OF_LARGE * size


def size_for(cost: int) -> int:
    """How many bytes an update has to take that costs so much."""
    size = max(0, -(-(cost - UPDATE_MEMORY_SPARE) // UPDATE_MEMORY_PER_BYTE))
    if size <= MAX_PAYLOAD_BYTES:
        return size
    return max(MAX_PAYLOAD_BYTES + 1, -(-cost // UPDATE_MEMORY_PER_BYTE_OF_LARGE))
