"""Where a client connects to, and as whom."""

from collections.abc import Callable
from typing import TypedDict

from pygase.config import CONNECT_TIMEOUT, RECONNECT_ATTEMPT
from pygase.drivers import DatagramSocket, System
from pygase.netcode import ConnectToken, SecureClient, parse_url, room_bytes

__all__ = ["ConnectOptions", "Destination"]


class ConnectOptions(TypedDict, total=False):
    """What `connect`, `connect_in_thread` and `open` take besides the address.

    Attributes:
        password: What the server asks for, if it does. It goes only inside the sealed channel.
        reconnect: Whether to try for a minute and a half to get back a connection that was lost; True unless given.
        token: A connect token that the game's own service has made with `pygase.tokens`; no join exchange then.
        room: The room to enter at a `RoomServer`; unless given, the one that it keeps for such clients. A token names
            its own.
    """

    password: str | None
    reconnect: bool
    room: str
    token: ConnectToken | bytes | None


class Destination:
    """A server as the user named it, and what it is to be told.

    Args:
        port: The server's port.
        hostname: Its name or address, or its URL.
        options: See `ConnectOptions`.

    Attributes:
        given: Hostname and port as the user gave them.
        hostname: Its name or address.
        port: Its port.
        reconnects: Whether to come back after a connection was lost.

    Raises:
        TypeError: Something is of the wrong type, or there is no such option.
        ValueError: Something can never be right.
    """

    def __init__(self, port: int, hostname: str, options: ConnectOptions) -> None:
        _check(port, hostname, options)
        self.given = (hostname, port)
        self.hostname, self.port = hostname, port
        self.reconnects = bool(options.get("reconnect", True))
        self._options = options
        self._fingerprint: str | None = None
        if "://" in hostname:
            url = parse_url(hostname)
            self.hostname, self.port, self._fingerprint = url.host, url.port, url.fingerprint

    def __str__(self) -> str:
        return f"{self.given[0]}, port {self.given[1]}"

    def reach(self, system: System) -> tuple[DatagramSocket, Callable[[float, bytes], SecureClient]]:
        """Look the server up, which may take the resolver's time.

        Returns:
            A socket from which it can be reached, and what makes a link to it: see `ClientSession.start`.

        Raises:
            OSError: It cannot be found.
            UnicodeError: No machine can have such a name.
        """
        address = system.resolve(self.hostname, self.port)
        sock = system.client_socket(address)
        unix_epoch, options = system.unix_epoch(), self._options

        def make_link(now: float, ticket: bytes) -> SecureClient:
            return SecureClient(
                address=address,
                entropy=system.entropy,
                unix_epoch=unix_epoch,
                now=now,
                fingerprint=self._fingerprint,
                token=None if ticket else options.get("token"),
                password=options.get("password"),
                room=options.get("room", ""),
                ticket=ticket,
                connect_timeout=RECONNECT_ATTEMPT if ticket else CONNECT_TIMEOUT,
            )

        return sock, make_link


def _check(port: int, hostname: str, options: ConnectOptions) -> None:
    """Raise for what can never connect, on the thread of whoever asked for it."""
    if unknown := set(options) - ConnectOptions.__annotations__.keys():
        raise TypeError(f"connect has no option {min(unknown)!r}; it has {sorted(ConnectOptions.__annotations__)}")
    if not isinstance(hostname, str):
        raise TypeError(f"a hostname is a string, not {hostname!r}")
    if "://" in hostname:
        parse_url(hostname)
    elif not isinstance(port, int) or isinstance(port, bool) or not 0 < port < 65536:
        raise ValueError(f"a port is a number from 1 to 65535, not {port!r}")
    password, token, room = options.get("password"), options.get("token"), options.get("room", "")
    if password is not None and not isinstance(password, str):
        raise TypeError(f"a password is a string, not {type(password).__name__}")
    if token is not None and not isinstance(token, (bytes, ConnectToken)):
        raise TypeError(f"a token is a ConnectToken or its bytes, not {token!r}")
    if not isinstance(room, str):
        raise TypeError(f"a room is a string, not {room!r}")
    room_bytes(room)
