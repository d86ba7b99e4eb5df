"""When a datagram arrived, where Linux tells of it: also one that waited in the socket until somebody read it.

So a busy server may read late and still measure its clients' round trips right. Elsewhere a datagram counts as arrived
when it is read, and everything works without. Linux' socket(7) describes SO_TIMESTAMPNS.
"""

import socket
import struct
import sys
from typing import Any, Final

__all__ = ["ANCILLARY_BYTES", "arrival_time", "ask_for_arrival_times", "has_arrival_times"]

_SO_TIMESTAMPNS: Final = 35
_TIMESPEC: Final = struct.Struct("=qq")
_IS_SUPPORTED: Final = sys.platform == "linux" and sys.maxsize > 2**32

ANCILLARY_BYTES: Final = 64
"""Room for one time stamp in what `recvmsg` returns."""


def ask_for_arrival_times(sock: socket.socket) -> None:
    """Have the system note when datagrams arrive at a socket."""
    if _IS_SUPPORTED:
        try:
            sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        except OSError:  # a system without them
            return


def has_arrival_times(sock: Any) -> bool:
    """Return whether the system notes when datagrams arrive at a socket."""
    ask = getattr(sock, "getsockopt", None)
    try:
        return _IS_SUPPORTED and ask is not None and bool(ask(socket.SOL_SOCKET, _SO_TIMESTAMPNS))
    except OSError:
        return False


def arrival_time(ancillary: list[tuple[int, int, bytes]]) -> float:
    """Return the unix time that came with a datagram; 0.0 if none did."""
    for _, kind, data in ancillary:
        if kind == _SO_TIMESTAMPNS and len(data) == _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack(data)
            return seconds + nanoseconds * 1e-9  # type: ignore[no-any-return]
    return 0.0
