"""The numbers that stand for kinds of columns on the wire; `docs/PROTOCOL_STATE.md` is the norm."""

from typing import Final

from pygase.config import MAX_VALUE_DEPTH

# --- an update: one byte of flags ------------------------------------------------------------------------------------

WHOLE: Final = 1  # the whole state instead of a change; always plain
PLAIN: Final = 2  # one MessagePack value instead of columns
DEFLATED: Final = 4  # everything behind this byte is compressed with zlib

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

WIDTH_FORMATS: Final = {WIDTH_1: ("B", 1), WIDTH_2: ("H", 2), WIDTH_4: ("I", 4), WIDTH_8: ("Q", 8)}

# --- limits ----------------------------------------------------------------------------------------------------------

CELLS_PER_BYTE: Final = 8
"""Values that an update may hold per byte. A column of equal values takes no bytes for them, so that without a limit
a datagram could cost gigabytes; updates of games have one or two values per byte."""

SPARE_CELLS: Final = 2_048
"""Values that an update may hold besides: small updates of many equal values."""

MAX_ROW_KEYS: Final = 32
"""Most keys of a row that gets a number; a game's objects have fewer, and rows of more travel as maps."""

MAX_GROUPS: Final = 32
"""Kinds of values in one mixed column: more kinds than that have little in common, and travel on their own."""

MAX_NESTING: Final = 3 * MAX_VALUE_DEPTH + 4
"""Columns within columns: for each level of a value its own, and two that sort it by kind and by keys."""
