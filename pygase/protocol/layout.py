"""The byte layout of our packets; docs/PROTOCOL_TRAFFIC.md is the normative text."""

from typing import Final

__all__ = ["MODE_RELIABLE", "MODE_RETRIED", "MODE_UNRELIABLE"]

MODE_UNRELIABLE: Final = 0
MODE_RETRIED: Final = 1
MODE_RELIABLE: Final = 2
