"""The byte layout of our packets; docs/PROTOCOL_TRAFFIC.md is the normative text.

Numbers of fixed width are little-endian. A varint has seven bits per byte, lowest first, the top bit saying that
another byte follows. Lengths never exceed a packet, so they are varints of one or two bytes.
"""

from struct import Struct
from typing import Final

from pygase.config import MAX_PAYLOAD_BYTES
from pygase.errors import MalformedDatagram

__all__ = [
    "ACK",
    "ACK_DELAY_UNIT",
    "FLAG_ACK",
    "FRAGMENT_RELIABLE",
    "FRAGMENT_RETRIED",
    "FRAGMENT_SNAPSHOT",
    "FRAGMENT_UNRELIABLE",
    "HEADER",
    "HEADER_WITH_ACK",
    "LENGTHS",
    "MODE_RELIABLE",
    "MODE_RETRIED",
    "MODE_UNRELIABLE",
    "RELIABLE_HEAD",
    "RELIABLE_RUN",
    "RETRIED",
    "RETRIED_HEAD",
    "RUNS_SHIFT",
    "SNAPSHOT",
    "UNKNOWN_ACK_DELAY",
    "UNRELIABLE",
    "UNRELIABLE_HEADS",
    "URGENCY_MASK",
    "URGENCY_NONE",
    "URGENCY_NOW",
    "URGENCY_RELAXED",
    "URGENCY_SOON",
    "read_length",
    "read_varint",
    "varint",
]

MODE_UNRELIABLE: Final = 0
MODE_RETRIED: Final = 1
MODE_RELIABLE: Final = 2

# How soon the sender of a packet wants to hear of its arrival: the lowest two bits of the flags.
URGENCY_NONE: Final = 0
URGENCY_RELAXED: Final = 1
URGENCY_SOON: Final = 2
URGENCY_NOW: Final = 3
URGENCY_MASK: Final = 3
FLAG_ACK: Final = 4
RUNS_SHIFT: Final = 3
"""The upper five bits of the flags count the further runs of received packets that follow the first."""

HEADER: Final = Struct("<HB")
"""Packet number (lowest 16 bits), flags."""

ACK: Final = Struct("<HH")
"""After the header if FLAG_ACK: largest packet number received (lowest 16 bits), ack delay."""

HEADER_WITH_ACK: Final = Struct("<HBHHB")
"""Header, ack, and a first run below 128: what nearly every packet begins with."""

ACK_DELAY_UNIT: Final = 32e-6
"""Seconds per unit of ack delay: fine enough for loopback, and 16 bits reach two seconds."""

UNKNOWN_ACK_DELAY: Final = 0xFFFF

UNRELIABLE: Final = 1
RELIABLE_RUN: Final = 2
SNAPSHOT: Final = 3
RETRIED: Final = 4
FRAGMENT_UNRELIABLE: Final = 5
FRAGMENT_RETRIED: Final = 6
FRAGMENT_RELIABLE: Final = 7
FRAGMENT_SNAPSHOT: Final = 8

RELIABLE_HEAD: Final = Struct("<BHB")
"""Frame type, first message id (lowest 16 bits), number of messages."""

RETRIED_HEAD: Final = Struct("<BH")
"""Frame type, message id (lowest 16 bits)."""


def varint(number: int) -> bytes:
    """Encode a non-negative number."""
    if number < 0x80:
        return bytes((number,))
    if number < 0x4000:
        return bytes((number & 0x7F | 0x80, number >> 7))
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def read_varint(data: bytes, position: int) -> tuple[int, int]:
    """Read a number of at most 63 bits.

    Returns:
        The number and the position behind it.

    Raises:
        IndexError: The data ends first; callers turn it into `MalformedDatagram`.
        MalformedDatagram: It is longer than 63 bits.
    """
    byte = data[position]
    if byte < 0x80:
        return byte, position + 1
    number = byte & 0x7F
    for shift in range(7, 63, 7):
        position += 1
        byte = data[position]
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, position + 1
    raise MalformedDatagram("a number of more than 63 bits")


def read_length(data: bytes, position: int) -> tuple[int, int]:
    """Read a length and check that so much follows.

    Returns:
        Where the content begins and where it ends.

    Raises:
        IndexError: As `read_varint`.
        MalformedDatagram: Fewer bytes follow.
    """
    length = data[position]
    position += 1
    if length > 0x7F:
        length = length & 0x7F | data[position] << 7
        position += 1
    end = position + length
    if end > len(data):
        raise MalformedDatagram("a length beyond the packet's end")
    return position, end


LENGTHS: Final = tuple(varint(length) for length in range(MAX_PAYLOAD_BYTES + 1))
"""Every length there can be, encoded."""

UNRELIABLE_HEADS: Final = tuple(bytes((UNRELIABLE,)) + length for length in LENGTHS)
"""What precedes an unreliable message of each length."""
