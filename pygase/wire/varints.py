"""Unsigned integers in one to ten bytes: seven bits a byte, least significant first, high bit set on all but the last.

Source: LEB128, as in DWARF and WebAssembly. Small numbers, which is what packets are full of, take one byte.
"""

from typing import Final

from pygase.errors import MalformedDatagram

__all__ = ["read_varint", "unzigzag", "write_varint", "zigzag"]

_LIMIT: Final = 1 << 64


def write_varint(buffer: bytearray, number: int) -> None:
    """Append a number to the buffer.

    Args:
        buffer: What to append to.
        number: An integer from 0 to 2^64 - 1.

    Raises:
        ValueError: The number does not fit in 64 bits or is negative.
    """
    if number < 0x80:
        if number < 0:
            raise ValueError(f"{number} is negative")
        buffer.append(number)
        return
    if number >= _LIMIT:
        raise ValueError(f"{number} does not fit in 64 bits")
    while number >= 0x80:
        buffer.append(number & 0x7F | 0x80)
        number >>= 7
    buffer.append(number)


def read_varint(data: bytes, position: int) -> tuple[int, int]:
    """Read the number that starts at a position.

    Args:
        data: The bytes it stands in.
        position: Index of its first byte.

    Returns:
        The number, and the position behind it.

    Raises:
        MalformedDatagram: The bytes end within the number, or it does not fit in 64 bits.
    """
    try:
        byte = data[position]
        if byte < 0x80:
            return byte, position + 1
        number = byte & 0x7F
        shift = 7
        while shift < 70:
            position += 1
            byte = data[position]
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                if number >= _LIMIT:
                    break
                return number, position + 1
            shift += 7
    except IndexError:
        raise MalformedDatagram("a number is cut off") from None
    raise MalformedDatagram("a number does not fit in 64 bits")


def zigzag(number: int) -> int:
    """Fold a signed number onto the unsigned ones, so that small ones of either sign stay small."""
    return number << 1 if number >= 0 else (-number << 1) - 1


def unzigzag(number: int) -> int:
    """Undo `zigzag`."""
    return number >> 1 if not number & 1 else -(number >> 1) - 1
