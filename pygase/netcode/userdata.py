"""How pygase uses the 256 bytes of user data in a connect token: role, room, and what the game put in.

::

    "PG" 0x01    marks this layout; anything else is user data of somebody else's making, and means nothing to us
    flags        u8: bit 0 host, bit 1 returning with a ticket
    room         u8 length, UTF-8
    data         u8 length, bytes
    zeros up to 256

The server reads it from the sealed part of the token only, so whatever it says was said by whoever holds the key.
"""

from dataclasses import dataclass
from typing import Final

from pygase.config import MAX_ROOM_BYTES
from pygase.netcode.layout import USER_DATA_BYTES

__all__ = ["MAX_USER_DATA_BYTES", "UserData", "room_bytes"]

_MARK: Final = b"PG\x01"
_HOST: Final = 1
_RETURNING: Final = 2
_OVERHEAD: Final = len(_MARK) + 3

MAX_USER_DATA_BYTES: Final = USER_DATA_BYTES - _OVERHEAD - MAX_ROOM_BYTES
"""What is left for the game whatever the room is called."""


@dataclass(frozen=True, slots=True)
class UserData:
    """What a token says of its bearer beside the `client_id`.

    Attributes:
        data: The game's own, trusted since only a holder of the key can have put it there.
        room: The room to enter; empty for the only one.
        is_host: Whether the bearer may shut the server down.
        is_returning: Whether a ticket proved that this is a client of before, who takes the place of its old session.
    """

    data: bytes = b""
    room: str = ""
    is_host: bool = False
    is_returning: bool = False

    def to_bytes(self) -> bytes:
        """Encode to 256 bytes.

        Raises:
            ValueError: The room's name or the data is too long.
        """
        room = room_bytes(self.room)
        if len(self.data) > MAX_USER_DATA_BYTES:
            raise ValueError(f"user data takes {MAX_USER_DATA_BYTES} bytes, not {len(self.data)}")
        flags = (_HOST if self.is_host else 0) | (_RETURNING if self.is_returning else 0)
        packed = _MARK + bytes((flags, len(room))) + room + bytes((len(self.data),)) + self.data
        return packed.ljust(USER_DATA_BYTES, b"\0")

    @classmethod
    def from_bytes(cls, raw: bytes) -> "UserData":
        """Decode. What is not in this layout is somebody else's, and becomes `data` as it is."""
        if not raw.startswith(_MARK):
            return cls(data=raw)
        room_end = len(_MARK) + 2 + raw[len(_MARK) + 1]
        data_end = room_end + 1 + raw[room_end] if room_end < len(raw) else len(raw) + 1
        if data_end > len(raw):
            return cls(data=raw)
        try:
            room = raw[len(_MARK) + 2 : room_end].decode()
        except UnicodeDecodeError:
            return cls(data=raw)
        flags = raw[len(_MARK)]
        return cls(raw[room_end + 1 : data_end], room, bool(flags & _HOST), bool(flags & _RETURNING))


def room_bytes(room: str) -> bytes:
    """The name of a room in UTF-8.

    Raises:
        ValueError: It is too long.
    """
    encoded = room.encode()
    if len(encoded) > MAX_ROOM_BYTES:
        raise ValueError(f"a room's name takes {MAX_ROOM_BYTES} bytes in UTF-8, not {len(encoded)}: {room!r}")
    return encoded
