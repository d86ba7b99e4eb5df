"""A simulated network on a virtual clock, on which real clients, servers and backends run.

No socket, no thread, no sleep: time jumps from one thing that happens to the next, so minutes take milliseconds, and
the same seed gives the same run again. The method is discrete event simulation; the shape of the test `Pair` in
quinn-proto was the model.
"""

import asyncio
import contextlib
import heapq
import random
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final

from pygase.backend import Backend
from pygase.client import Client
from pygase.drivers import Address
from pygase.errors import AddressUnavailable, WrongThread
from pygase.machine import GameStateMachine, Step, resolve
from pygase.server import Server
from pygase.testing.conditions import PROFILES, Conditions, Line

__all__ = ["SimulatedHost", "SimulatedNetwork", "SimulatedSocket"]

_FIRST_EPHEMERAL_PORT: Final = 49_152
_UNIX_TIME: Final = 1_767_225_600.0  # 2026-01-01: tokens need some date, and the same one in every run
_SERVER_IP: Final = "10.0.0.1"


class SimulatedSocket:
    """A datagram socket of a simulated host."""

    def __init__(self, network: "SimulatedNetwork", address: tuple[str, int]) -> None:
        self.inbox: deque[tuple[bytes, Address]] = deque()
        self._network = network
        self._address = address

    def recvfrom(self, bufsize: int, /) -> tuple[bytes, Address]:
        """Return the oldest datagram and its sender, or raise BlockingIOError."""
        if not self.inbox:
            raise BlockingIOError
        data, address = self.inbox.popleft()
        return data[:bufsize], address

    def sendto(self, data: bytes, address: Address, /) -> int:
        """Put a datagram on the line."""
        self._network.transmit(data, self._address, (str(address[0]), int(address[1])))
        return len(data)

    def getsockname(self) -> tuple[str, int]:
        """Return the address."""
        return self._address

    def rebind(self, address: tuple[str, int]) -> None:
        """Change the address, with whatever is in the inbox."""
        self._network.rebind(self, self._address, address)
        self._address = address

    def fileno(self) -> int:
        """Return -1: there is no file behind it."""
        return -1

    def close(self) -> None:
        """Free the address."""
        self._network.unbind(self._address)


class SimulatedHost:
    """A machine on the simulated network: what pygase's drivers take for the operating system.

    Attributes:
        ip: Its address. Changing it moves the machine to another network, as a phone that leaves the Wi-Fi.
        up, down: Its lines to and from the network.
        is_cut_off: While true, nothing gets in or out.
    """

    is_simulated = True

    def __init__(self, network: "SimulatedNetwork", ip: str, conditions: Conditions) -> None:
        self.network = network
        self.ip = ip
        self.up = Line(conditions, network.dice)
        self.down = Line(PROFILES["perfect"], network.dice)
        self.is_cut_off = False
        self.clock = network.clock
        self.entropy: Callable[[int], bytes] = network.entropy

    def conditions(self, up: Conditions, down: Conditions | None = None) -> None:
        """Change the lines, both alike unless `down` is given."""
        self.up.conditions, self.down.conditions = up, up if down is None else down

    def unix_epoch(self) -> float:
        """Return the unix time at virtual second 0."""
        return _UNIX_TIME

    def resolve(self, hostname: str, port: int) -> Address:
        """Return the address of a hostname: "localhost" is the server's, names are the servers' names."""
        return (self.network.names.get(hostname, hostname), port)

    def is_own_ip(self, ip: str) -> bool:
        """Return whether an address is this machine's. Clients on the simulated network are on others."""
        return ip == self.ip

    def client_socket(self, remote: Address) -> SimulatedSocket:  # noqa: ARG002  (the real one needs it)
        """Return a socket on a free port."""
        return self.network.bind(self.ip, 0)

    def server_socket(self, hostname: str, port: int) -> SimulatedSocket:  # noqa: ARG002  (one address a host)
        """Return a socket that listens on a port."""
        return self.network.bind(self.ip, port)

    @property
    def can_wait(self) -> bool:
        """Whether code may wait here: not inside a handler, which the simulation is in the middle of running."""
        return not self.network.is_running

    def sleep(self, seconds: float) -> None:
        """Let simulated time pass."""
        if not self.can_wait:
            raise WrongThread("a handler on the simulated network cannot wait: no time passes until it returns")
        self.network.run(seconds)

    def wait(self, event: threading.Event, timeout: float) -> bool:
        """Let simulated time pass until an event is set, at most `timeout` seconds. Returns whether it is."""
        if self.can_wait and not event.is_set():
            with contextlib.suppress(TimeoutError):
                self.network.run_until(event.is_set, timeout)
        return event.is_set()


class SimulatedNetwork:
    """A network, a clock, and everything that runs on them.

    Args:
        seed: The same seed repeats the same run.
        conditions: The lines of the clients made from now on: `Conditions`, or a name out of `PROFILES`.

    Attributes:
        now: Seconds since the simulation began.
        datagrams: How many have been sent.
        tap: If set, called with each datagram, its sender, its receiver; returns whether it may pass.

    Example:
        ```python
        network = SimulatedNetwork(seed=1, conditions="wifi")
        network.serve(backend)
        client = network.connect()
        network.run(seconds=60)
        assert network.has_converged()
        ```
    """

    def __init__(self, seed: int = 0, conditions: Conditions | str = "perfect") -> None:
        self.seed = seed
        self.now = 0.0
        self.dice = random.Random(seed)  # noqa: S311  (a simulation, meant to repeat)
        self.names = {"localhost": _SERVER_IP}
        self.datagrams = 0
        self.tap: Callable[[bytes, Address, Address], bool] | None = None
        self.is_running = False
        self.default_conditions = PROFILES[conditions] if isinstance(conditions, str) else conditions
        self.clients: list[Client] = []
        self.servers: list[Server] = []
        self._sockets: dict[tuple[str, int], SimulatedSocket] = {}
        self._hosts: dict[str, SimulatedHost] = {}
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._loop: asyncio.AbstractEventLoop | None = None

    # --- what a test says -----------------------------------------------------------------------------------------

    def serve(self, backend: Backend | Server, port: int = 8080, *, interval: float = 0.02, **options: Any) -> None:
        """Start a backend, or a server alone, on the host "localhost".

        Args:
            backend: It runs as it is.
            port: Where it listens.
            interval: Seconds between ticks.
            **options: For `Server.run`: password, keys, max_clients.
        """
        host = self._hosts.get(_SERVER_IP) or self._add_host(_SERVER_IP, PROFILES["perfect"])
        server = backend if isinstance(backend, Server) else backend.server
        wire = None if isinstance(backend, Server) else backend.game_state_machine
        server._system = host
        server._listen(port, "localhost", wire, **options)
        if server not in self.servers:
            self.servers.append(server)
        if isinstance(backend, Backend):
            self.run_game_loop(backend.game_state_machine, interval)

    def run_game_loop(self, machine: GameStateMachine, interval: float = 0.02) -> None:
        """Have a state machine tick in simulated time."""
        machine._system = self._hosts.get(_SERVER_IP) or self._add_host(_SERVER_IP, PROFILES["perfect"])
        machine._begin()
        self._step_machine(machine._game_loop(interval), None)

    def client(self, conditions: Conditions | str | None = None, *, ip: str | None = None) -> Client:
        """Return a client on a host of its own; it connects with `open`, `connect` would wait for ever.

        Args:
            conditions: Its line, both ways; the network's default unless given.
            ip: Its host's address; a new host unless given. The server's own is "10.0.0.1".
        """
        line = PROFILES[conditions] if isinstance(conditions, str) else conditions or self.default_conditions
        ip = ip or f"10.0.{1 + len(self.clients) // 250}.{1 + len(self.clients) % 250}"
        client = Client()
        client._system = self._hosts.get(ip) or self._add_host(ip, line)
        self.clients.append(client)
        return client

    def connect(
        self, port: int = 8080, *, conditions: Conditions | str | None = None, ip: str | None = None, **options: Any
    ) -> Client:
        """Return a client that has begun to connect. See `client`."""
        client = self.client(conditions, ip=ip)
        client.open(port, "localhost", **options)
        return client

    def host_of(self, who: Client | Server) -> SimulatedHost:
        """Return the machine that a client or server runs on."""
        host = who._system
        assert isinstance(host, SimulatedHost)
        return host

    def cut_off(self, who: Client | Server, seconds: float | None = None) -> None:
        """Let nothing in or out of somebody's machine, for some seconds or until `mend`."""
        self.host_of(who).is_cut_off = True
        if seconds is not None:
            self.after(seconds, lambda: self.mend(who))

    def mend(self, who: Client | Server) -> None:
        """Undo `cut_off`."""
        self.host_of(who).is_cut_off = False

    def move(self, who: Client, ip: str, port: int) -> None:
        """Give a client another address from one moment to the next, as a router does that forgot it."""
        host = self.host_of(who)
        run = who._run
        if run is None or run.endpoint is None:
            raise ValueError("only a client that connects can be moved")
        del self._hosts[host.ip]
        host.ip = ip
        self._hosts[ip] = host
        run.endpoint.sock.rebind((ip, port))  # type: ignore[attr-defined]  # a simulated socket

    def kill(self, server: Server) -> None:
        """Have a server vanish without a goodbye, as a process that was killed."""
        run = server._run
        if run is not None and run.endpoint is not None:
            run.endpoint.close()
            run.over.set()
        self.servers.remove(server)

    def after(self, seconds: float, action: Callable[[], Any]) -> None:
        """Call something in so many seconds from now."""
        self._at(self.now + seconds, action)

    def every(self, interval: float, action: Callable[[], Any]) -> None:
        """Call something every so many seconds: a game's frames, a player's input."""

        def again() -> None:
            action()
            self._at(self.now + interval, again)

        self._at(self.now + interval, again)

    def run(self, seconds: float) -> None:
        """Let simulated time pass."""
        self._run(self.now + seconds, None)

    def run_until(self, condition: Callable[[], Any], timeout: float = 10.0) -> None:
        """Let simulated time pass until a condition holds.

        Raises:
            TimeoutError: It did not hold in time; the message has the seed.
        """
        if not self._run(self.now + timeout, condition):
            raise TimeoutError(f"the condition did not hold within {timeout} simulated seconds (seed {self.seed})")

    def has_converged(self) -> bool:
        """Return whether every connected client's state equals the state of the (only) server."""
        return not self.differences()

    def differences(self) -> list[str]:
        """Return, in words, which connected clients' states differ from the server's."""
        found = []
        want = self.servers[0].game_state_store.get_game_state()
        values = {**want.to_dict(), "time_order": None}  # while a game loop runs, the number alone runs ahead
        for number, client in enumerate(self.clients):
            if client.connection is not None and client.connection.status == 1:
                with client.access_game_state() as have:
                    if {**have.to_dict(), "time_order": None} != values:
                        found.append(f"client {number} has {have!r}, the server {want!r}")
        return found

    def assert_converged(self) -> None:
        """Fail with what differs, and the seed, unless every connected client has the server's state."""
        differences = self.differences()
        assert not differences, f"seed {self.seed}: " + "; ".join(differences)

    # --- what drivers and hosts use -------------------------------------------------------------------------------

    def clock(self) -> float:
        """Return the simulated time."""
        return self.now

    def entropy(self, count: int) -> bytes:
        """Return random bytes that the seed decides."""
        return self.dice.randbytes(count)

    def bind(self, ip: str, port: int) -> SimulatedSocket:
        """Return a socket on an address; port 0 is any free one."""
        if port == 0:
            port = next(p for p in range(_FIRST_EPHEMERAL_PORT, 65_536) if (ip, p) not in self._sockets)
        if (ip, port) in self._sockets:
            raise AddressUnavailable(98, f"cannot listen on {ip!r}, port {port}: it is taken")
        sock = self._sockets[(ip, port)] = SimulatedSocket(self, (ip, port))
        return sock

    def unbind(self, address: tuple[str, int]) -> None:
        """Free an address."""
        self._sockets.pop(address, None)

    def rebind(self, sock: SimulatedSocket, former: tuple[str, int], address: tuple[str, int]) -> None:
        """Move a socket to another address."""
        self.unbind(former)
        self._sockets[address] = sock

    def transmit(self, data: bytes, source: tuple[str, int], target: tuple[str, int]) -> None:
        """Carry a datagram from one host to another, as their lines will have it."""
        self.datagrams += 1
        if self.tap is not None and not self.tap(data, source, target):
            return
        sender, receiver = self._hosts.get(source[0]), self._hosts.get(target[0])
        if sender is None or receiver is None or sender.is_cut_off or receiver.is_cut_off:
            return
        for leaves in sender.up.arrivals(len(data), self.now):
            for arrives in receiver.down.arrivals(len(data), leaves):
                self._at(arrives, lambda: self._arrive(data, source, target))

    def inject(self, data: bytes, source: tuple[str, int], target: tuple[str, int]) -> None:
        """Have a datagram arrive now, whoever sent it: for forged and replayed ones."""
        self._at(self.now, lambda: self._arrive(data, source, target))

    # --- inside -----------------------------------------------------------------------------------------------------

    def _add_host(self, ip: str, conditions: Conditions) -> SimulatedHost:
        host = self._hosts[ip] = SimulatedHost(self, ip, conditions)
        if ip != _SERVER_IP:
            host.conditions(conditions)
        return host

    def _at(self, when: float, action: Callable[[], Any]) -> None:
        self._count += 1
        heapq.heappush(self._queue, (when, self._count, action))

    def _arrive(self, data: bytes, source: tuple[str, int], target: tuple[str, int]) -> None:
        receiver = self._hosts.get(target[0])
        sock = self._sockets.get(target)
        if sock is not None and receiver is not None and not receiver.is_cut_off:
            sock.inbox.append((data, source))

    def _run(self, until: float, condition: Callable[[], Any] | None) -> bool:
        if self.is_running:
            raise WrongThread("the simulation is running already: a handler cannot run it")
        self.is_running = True
        try:
            self._turn_all()
            while True:
                self.is_running = False
                met = condition is not None and condition()
                self.is_running = True
                if met:
                    return True
                when = self._next_time()
                if when is None or when > until:
                    self.now = until
                    self.is_running = False
                    return condition is not None and bool(condition())
                self.now = max(self.now, when)
                while self._queue and self._queue[0][0] <= self.now:
                    heapq.heappop(self._queue)[2]()
                self._turn_all()
        finally:
            self.is_running = False

    def _next_time(self) -> float | None:
        times = [self._queue[0][0]] if self._queue else []
        runs = [server._run for server in self.servers] + [client._run for client in self.clients]
        for run in runs:
            if run is not None and run.endpoint is not None and not run.over.is_set():
                timer = run.endpoint.next_timer()
                if timer is not None:
                    # A timer a hair in the past must not hold the clock; one nanosecond on, it is due.
                    times.append(timer if timer > self.now else self.now + 1e-9)
        return min(times, default=None)

    def _turn_all(self) -> None:
        for server in self.servers:
            if server._run is not None:
                server._run.turn()
                server._run.deliver()
        for client in self.clients:
            client.pump()

    def _step_machine(self, steps: Step, sent: Any) -> None:
        """Run a game loop up to its next sleep."""
        try:
            step: float | Awaitable[Any] = next(steps) if sent is None else steps.send(sent)
            while not isinstance(step, (int, float)):
                if self._loop is None:
                    self._loop = asyncio.new_event_loop()
                step = resolve(steps, self._loop, step)
        except StopIteration:
            return
        self._at(self.now + step, lambda: self._step_machine(steps, None))

    def close(self) -> None:
        """Close what the simulation opened."""
        if self._loop is not None:
            self._loop.close()
            self._loop = None
