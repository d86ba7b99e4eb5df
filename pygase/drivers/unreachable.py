"""Which clients' machines report that nobody listens there any more: ICMP "port unreachable", where Linux tells of it.

A report can be forged, so it is a hint only; see `ServerSession.note_unreachable`. Elsewhere there are no reports, and
everything works without them. Linux' ip(7) describes IP_RECVERR.
"""

import socket
import sys
from typing import Any, Final

__all__ = ["ask_for_reports", "reported_addresses"]

_IP_RECVERR: Final = 11
_IPV6_RECVERR: Final = 25
_MAX_REPORTS: Final = 64
"""Reports read at a time; the rest waits for the next turn, or is thrown away by the system."""


def ask_for_reports(sock: socket.socket) -> None:
    """Have the system keep reports for a server's socket."""
    if sys.platform != "linux":
        return
    level, option = (
        (socket.IPPROTO_IPV6, _IPV6_RECVERR) if sock.family == socket.AF_INET6 else (socket.IPPROTO_IP, _IP_RECVERR)
    )
    try:
        sock.setsockopt(level, option, 1)
    except OSError:  # a system without them
        return


def reported_addresses(sock: Any) -> list[tuple[Any, ...]]:
    """Return the addresses that datagrams of this socket could not be delivered to, as far as was reported."""
    found: list[tuple[Any, ...]] = []
    receive = getattr(sock, "recvmsg", None)
    if sys.platform != "linux" or receive is None:
        return found
    for _ in range(_MAX_REPORTS):
        try:
            *_, address = receive(1, 512, socket.MSG_ERRQUEUE)
        except OSError:  # no more of them
            break
        if address:
            found.append(address)
    return found
