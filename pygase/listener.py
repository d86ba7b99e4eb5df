"""What `Server` and `RoomServer` have in common: a port on which they listen, and how they run and stop."""

import asyncio
import contextlib
import logging
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final, Generic, TypedDict, TypeVar

from pygase.config import GATHER_INTERVAL, MAX_CLIENTS, SEAT_HOLD, TOKEN_LIFETIME
from pygase.drivers import (
    SYSTEM,
    Begun,
    DatagramSocket,
    Run,
    System,
    UserCode,
    at_exit,
    get_available_ip_addresses,
    inside_event_loop,
)
from pygase.errors import AlreadyRunning, DisconnectReason
from pygase.netcode import Admission, JoinPolicy, JoinRequest, SecureServer, ServerKeys, format_url
from pygase.netcode.addresses import network_of
from pygase.session.rooms import RoomsSession
from pygase.session.server import ServerSession

__all__ = ["CLOSE_TIMEOUT", "Listener", "ServerOptions", "check_max_clients", "until_over"]

_log = logging.getLogger("pygase.server")

S = TypeVar("S", ServerSession, RoomsSession)

CLOSE_TIMEOUT: Final = 2.0
"""How long `shutdown` waits for the network thread, which has nothing left to wait for itself."""


class ServerOptions(TypedDict, total=False):
    """What `Server.run`, `Backend.run` and their kind take besides the address.

    Attributes:
        password: What clients have to give to get in.
        keys: The server's keys, from `pygase keygen`, for clients that know its fingerprint and tokens that are made
            elsewhere. New ones each time unless given.
        max_clients: How many may be connected at a time.
        seat_hold: For how many seconds the place of a client that was cut off is kept; 0 for not at all. Only then
            comes its CLIENT_DISCONNECTED.
        addresses: Under which (IP address, port) pairs tokens made elsewhere name this server, if those are not what
            it listens on: "0.0.0.0" is no address that a token could name.
        tokens_only: Whether only those get in who have such a token, and who come back after they were cut off.
        token_lifetime: The longest that such tokens live, in seconds: what `pygase.tokens.mint` is told, if at all.
    """

    password: str | None
    keys: ServerKeys | None
    max_clients: int
    seat_hold: float
    addresses: Sequence[tuple[str, int]] | None
    tokens_only: bool
    token_lifetime: int


class Listener(Generic[S]):
    """Has a session, and what runs it."""

    def __init__(self) -> None:
        self._system: System = SYSTEM
        self._user_code = UserCode("pygase.server")
        self._hostname: str | None = None
        self._port: int | None = None
        self._run: Run | None = None
        self._session: S | None = None

    def shutdown(self) -> Coroutine[Any, Any, None] | None:
        """Say goodbye to all clients and stop; `run` may be called again.

        Inside a running event loop it returns an awaitable that has begun already.
        """
        run, session = self._run, self._session
        if run is not None and session is not None and not session.is_over:
            run.submit(session.close, self._system.clock())
        if inside_event_loop():
            return Begun(lambda: until_over(run))
        if run is not None:
            run.wait_over(CLOSE_TIMEOUT)
        return None

    @property
    def hostname(self) -> str | None:
        """The address on which the server listens; None while it does not run."""
        return "localhost" if self._hostname == "127.0.0.1" else self._hostname

    @property
    def port(self) -> int | None:
        """The port on which the server listens; None while it does not run."""
        return self._port

    @property
    def fingerprint(self) -> str | None:
        """What proves the server's identity to a client that was given it; None while it does not run."""
        return None if self._session is None or self._port is None else self._session.link.fingerprint

    @property
    def url(self) -> str | None:
        """What clients can connect to in place of a hostname, fingerprint included; None while it does not run."""
        if self._hostname is None or self._port is None:
            return None
        host = get_available_ip_addresses()[0] if self._hostname in ("0.0.0.0", "::") else self._hostname  # noqa: S104
        return format_url(host, self._port, self.fingerprint)

    @property
    def stats(self) -> Mapping[str, int]:
        """Counters since the server started, among them what was dropped and why."""
        return {} if self._session is None else dict(self._session.link.stats)

    # --- inside ---------------------------------------------------------------------------------------------------

    def _bind(self, port: int, hostname: str, options: ServerOptions) -> DatagramSocket:
        """Return a socket that listens, unless something is wrong."""
        if self._run is not None and not self._run.over.is_set():
            raise AlreadyRunning(f"this server is running already, on port {self._port}; shut it down first")
        if unknown := set(options) - ServerOptions.__annotations__.keys():
            raise TypeError(f"a server has no option {min(unknown)!r}; it has {sorted(ServerOptions.__annotations__)}")
        _check_options(hostname, port, options)
        return self._system.server_socket(hostname, port)

    def _new_link(
        self,
        sock: DatagramSocket,
        options: ServerOptions,
        admit: Callable[[JoinRequest], Admission | DisconnectReason] | None = None,
    ) -> SecureServer:
        system = self._system
        if options.get("tokens_only"):
            admit = _returning_only(admit)
        return SecureServer(
            addresses=options.get("addresses") or [sock.getsockname()[:2]],
            keys=options.get("keys") or ServerKeys.generate(system.entropy),
            max_clients=options.get("max_clients", MAX_CLIENTS),
            entropy=system.entropy,
            unix_epoch=system.unix_epoch(),
            now=system.clock(),
            policy=JoinPolicy(password=options.get("password"), admit=admit),
            token_lifetime=options.get("token_lifetime", TOKEN_LIFETIME),
        )

    def _serve(self, session: S, run: Run, sock: DatagramSocket) -> None:
        """Take note of what runs from now on; somebody drives it next."""
        run.listen(sock)
        address = sock.getsockname()
        self._session, self._run = session, run
        self._hostname, self._port = str(address[0]), int(address[1])
        at_exit(self, Listener._close_at_exit)
        _log.info("serving on %s", self.url)
        if network_of(address) is not None and self._system is SYSTEM:
            # Others are to connect: whoever started the server can tell them how, without setting up any logging.
            with contextlib.suppress(OSError, ValueError):  # as where nobody reads what programs say
                print(f"pygase serves on {self.url}", file=sys.stderr, flush=True)

    def _run_here(self, begin: Callable[[], Any] | None = None) -> None:
        run = self._run
        assert run is not None
        try:
            run.drive_in_thread(gather=GATHER_INTERVAL)
            if begin is not None:
                begin()
            run.run_here()
        except KeyboardInterrupt:
            _log.warning("interrupted: the server on port %s shuts down", self._port)
            if hasattr(sys, "ps1"):
                raise  # back to the prompt
            raise _Interrupted(_EXIT_CODE_OF_CTRL_C) from None
        finally:
            if self._run is run:  # or it runs again already, on another thread
                self._close_at_exit()
            run.over.wait(CLOSE_TIMEOUT)
            run.deliver()
            if self._run is run:
                self._user_code.close()

    async def _serve_in_loop(self) -> None:
        run = self._run
        assert run is not None
        try:
            await run.run_in_loop(self._close_at_exit)
        finally:
            run.deliver()

    def _close_at_exit(self) -> None:
        """Say goodbye to everybody, without waiting."""
        run, session = self._run, self._session
        if run is not None and session is not None and not session.is_over:
            run.submit(session.close, self._system.clock(), wait=0.0)


class _Interrupted(SystemExit, KeyboardInterrupt):
    """A Ctrl-C that nobody has to catch: it ends the program as ever, but no traceback tells of it, as of a mistake."""


_EXIT_CODE_OF_CTRL_C: Final = 128 + 2
"""What shells say of a program that Ctrl-C has ended: 128 and the number of the signal."""


def _returning_only(
    admit: Callable[[JoinRequest], Admission | DisconnectReason] | None,
) -> Callable[[JoinRequest], Admission | DisconnectReason]:
    """Let only those join without a token who have a reconnect ticket, which proves that they had one."""

    def decide(request: JoinRequest) -> Admission | DisconnectReason:
        if request.ticket is None:
            return DisconnectReason.REFUSED
        return Admission() if admit is None else admit(request)

    return decide


def _check_options(hostname: str, port: int, options: ServerOptions) -> None:
    """Raise for what no server can be run with, before anything is opened."""
    if not isinstance(hostname, str):
        raise TypeError(f"a hostname is a string, not {hostname!r}; Backend.run takes it first, Server.run the port")
    if not isinstance(port, int) or isinstance(port, bool) or not 0 <= port < 65536:
        raise ValueError(
            f"a port is a number from 0 to 65535, not {port!r};"
            " Backend.run takes the hostname first, Server.run the port"
        )
    password, keys, addresses = options.get("password"), options.get("keys"), options.get("addresses")
    if password is not None and not isinstance(password, str):
        raise TypeError(f"a password is a string, not {type(password).__name__}")
    if keys is not None and not isinstance(keys, ServerKeys):
        raise TypeError(f"keys are ServerKeys, as pygase.tokens.load_keys gives them, not {type(keys).__name__}")
    check_max_clients(options.get("max_clients", MAX_CLIENTS))
    seat_hold = options.get("seat_hold", SEAT_HOLD)
    if not isinstance(seat_hold, (int, float)) or not seat_hold >= 0:
        raise ValueError(f"seat_hold is a number of seconds from 0 up, not {seat_hold!r}")
    if options.get("tokens_only") and keys is None:
        raise ValueError("tokens_only takes keys as well: without them nobody can make a token for this server")
    token_lifetime = options.get("token_lifetime", TOKEN_LIFETIME)
    if not isinstance(token_lifetime, int) or isinstance(token_lifetime, bool) or token_lifetime < 1:
        raise ValueError(f"token_lifetime is a whole number of seconds from 1 up, not {token_lifetime!r}")
    if addresses is not None and not all(isinstance(a, tuple) and len(a) == 2 for a in addresses):
        raise TypeError(f"addresses are (IP address, port) pairs, not {addresses!r}")


async def until_over(run: Run | None) -> None:
    """Wait on the running loop until a run has ended."""
    while run is not None and not run.over.is_set():
        await asyncio.sleep(0.002)


def check_max_clients(max_clients: object) -> None:
    """Raise ValueError for what is no number of clients."""
    if not isinstance(max_clients, int) or isinstance(max_clients, bool) or max_clients < 1:
        raise ValueError(f"max_clients is a number from 1 up, not {max_clients!r}")
