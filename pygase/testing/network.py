"""A simulated network on a virtual clock, on which real clients, servers and backends run.

No socket, no thread, no sleep: time jumps from one thing that happens to the next, so minutes take milliseconds, and
the same seed gives the same run again, byte for byte. The method is discrete event simulation; the shape of the test
`Pair` in quinn-proto was the model.
"""

from typing import Any, Final
from weakref import WeakSet

from pygase.backend import Backend
from pygase.client import Client
from pygase.drivers import Address, Run
from pygase.machine import GameStateMachine
from pygase.rooms import RoomServer
from pygase.server import Server
from pygase.testing.conditions import Lines, lines
from pygase.testing.convergence import Convergence, content, differences, is_connected, shown
from pygase.testing.driver import SimulatedDriver, SimulatedGameLoop
from pygase.testing.host import SimulatedHost
from pygase.testing.internet import SimulatedInternet
from pygase.testing.schedule import VirtualLoop

__all__ = ["SimulatedNetwork"]

_SERVER_IP: Final = "10.0.0.1"

Who = Client | Server | RoomServer


class SimulatedNetwork(SimulatedInternet):
    """A network, a clock, and everything that runs on them.

    Args:
        seed: The same seed repeats the same run.
        conditions: The lines of the clients made from now on: `Conditions`, a name out of `PROFILES`, or a pair of
            these, up and down.

    Attributes:
        now: Seconds since the simulation began.
        datagrams: How many have been sent.
        tap: If set, called with each datagram, its sender, its receiver; returns whether it may pass.
        names: The IP addresses of hostnames.
        clients, servers, room_servers: Who is on it.

    Example:
        ```python
        network = SimulatedNetwork(seed=1, conditions="wifi")
        network.serve(backend)
        client = network.connect()
        network.run(seconds=60)
        network.assert_converged()
        ```
    """

    def __init__(self, seed: int = 0, conditions: Lines = "perfect") -> None:
        super().__init__(seed)
        self.names["localhost"] = _SERVER_IP
        self.default_conditions: Lines = conditions
        self.clients: list[Client] = []
        self.servers: list[Server] = []
        self.room_servers: list[RoomServer] = []
        self._driven: dict[Who, Run] = {}
        self._loop: VirtualLoop | None = None
        self._game_loops: WeakSet[SimulatedGameLoop] = WeakSet()
        self._server_host = self._add_host(_SERVER_IP, "perfect")
        lines(conditions)  # an unknown profile is told here

    # --- who plays ------------------------------------------------------------------------------------------------

    def serve(
        self, backend: Backend | Server | RoomServer, port: int = 8080, *, interval: float = 0.02, **options: Any
    ) -> None:
        """Start a backend, a server alone, or one with rooms, on the host "localhost".

        Args:
            backend: It runs as it is.
            port: Where it listens.
            interval: Seconds between ticks; rooms have their own.
            **options: For `Server.run`: password, keys, max_clients.
        """
        if isinstance(backend, RoomServer):
            self._serve_rooms(backend, port, **options)
            return
        server = backend if isinstance(backend, Server) else backend.server
        wire = None if isinstance(backend, Server) else backend.game_state_machine
        server._system = self._server_host
        server._user_code.new_loop = self._new_loop
        server._listen(port, "localhost", wire, **options)
        self.look_around()
        if server not in self.servers:
            self.servers.append(server)
        if isinstance(backend, Backend):
            self.run_game_loop(backend.game_state_machine, interval)

    def _serve_rooms(self, server: RoomServer, port: int, **options: Any) -> None:
        server._system = self._server_host
        server._user_code.new_loop = self._new_loop
        server._listen(port, "localhost", **options)
        self.look_around()
        if server not in self.room_servers:
            self.room_servers.append(server)
        server._tick_with(lambda room: self.run_game_loop(room.machine, room.interval))

    def run_game_loop(self, machine: GameStateMachine, interval: float = 0.02) -> None:
        """Have a state machine tick in simulated time. See `GameStateMachine.run_game_loop`."""
        machine._check_can_run(interval)
        machine._system = self._server_host
        machine._begin()
        time_step = getattr(machine.time_step, "__qualname__", machine.time_step)
        name = f"the game loop of {time_step!r}"
        self._game_loops.add(SimulatedGameLoop(self, machine._game_loop(interval), self._server_host, name))

    def client(self, conditions: Lines | None = None, *, ip: str | None = None) -> Client:
        """Return a client on a host of its own; it connects with `open`, `connect` would wait for ever.

        Args:
            conditions: Its line; the network's default unless given.
            ip: Its host's address; a new host unless given. The server's own is "10.0.0.1".
        """
        return self.add(Client(), conditions, ip=ip)

    def add(self, client: Client, conditions: Lines | None = None, *, ip: str | None = None) -> Client:
        """Put a client that the game has made itself on a host, before it connects. See `client`. Returns it."""
        host = self._hosts.get(ip or "") or self._add_host(ip or self._new_ip(), conditions or self.default_conditions)
        client._system = host
        client._user_code.new_loop = self._new_loop
        self.clients.append(client)
        return client

    def connect(
        self, port: int = 8080, *, conditions: Lines | None = None, ip: str | None = None, **options: Any
    ) -> Client:
        """Return a client that has begun to connect. See `client`; `options` are for `Client.open`."""
        client = self.client(conditions, ip=ip)
        client.open(port, "localhost", **options)
        return client

    def remove(self, client: Client) -> None:
        """Disconnect a client and forget it and its host, in long runs where players come and go."""
        client.close()
        self.clients.remove(client)
        self._driven.pop(client, None)
        ip = self.host_of(client).ip
        if not any(self.host_of(who).ip == ip for who in self._everybody()):
            self._hosts.pop(ip, None)

    # --- what happens to them -------------------------------------------------------------------------------------

    def host_of(self, who: Who) -> SimulatedHost:
        """Return the machine that a client or server runs on."""
        host = who._system
        assert isinstance(host, SimulatedHost), f"{who} is not on the simulated network"
        return host

    def set_conditions(self, who: Who, conditions: Lines) -> None:
        """Change somebody's line from now on. A pair is up and down."""
        self.host_of(who).conditions(*lines(conditions))

    def cut_off(self, who: Who, seconds: float | None = None) -> None:
        """Let nothing in or out of somebody's machine, for some seconds or until `mend`."""
        self.host_of(who).is_cut_off = True
        if seconds is not None:
            self.after(seconds, lambda: self.mend(who))

    def mend(self, who: Who) -> None:
        """Undo `cut_off`."""
        self.host_of(who).is_cut_off = False

    def freeze(self, who: Who, seconds: float) -> None:
        """Have somebody's programs stand still, as on a laptop asleep. What you call yourself still runs."""
        host = self.host_of(who)
        host.is_frozen = True
        self.after(seconds, host.thaw)

    def kill(self, server: Server) -> None:
        """Have a server vanish without a goodbye, as a process that was killed. It may `serve` again."""
        run = server._run
        if run is not None and run.endpoint is not None:
            run.endpoint.close()
            run.over.set()
        self.servers.remove(server)

    def move(self, who: Who, ip: str | None = None, port: int | None = None) -> Address:
        """Give somebody's machine another address and other ports, as a phone that leaves the Wi-Fi or a NAT may.

        Nobody is told; what is sent to the old address is lost.

        Args:
            who: Whose machine.
            ip: The new address; a new one unless given. With the old one, only the ports change.
            port: The port of its first socket; the next free one unless given.

        Returns:
            The new address of its first socket.
        """
        return self._move_host(self.host_of(who), ip, port)

    # --- what came of it ------------------------------------------------------------------------------------------

    def has_converged(self) -> bool:
        """Return whether every connected client's state equals its server's at this moment.

        In a game that never stands still none ever does, by the time that datagrams take: see `assert_converged`.
        """
        return not self.differences()

    def differences(self) -> list[str]:
        """Return, in words, how connected clients' states differ from their servers'."""
        found = []
        for server in self._games():
            state = server.game_state_store.get_game_state()
            for name, client in self._clients_of(server):
                want = shown(server, client, state)
                with client.access_game_state() as have:
                    if content(have) != want:
                        found.append(f"{name}: {differences(content(have), want)}")
        return found

    def assert_converged(self, timeout: float = 10.0) -> None:
        """Fail unless every connected client gets to exactly the state that its server has.

        If they do not have it already, the game goes on meanwhile: a client has converged once it holds what the
        server held at the same `time_order`, now or later.

        Args:
            timeout: Simulated seconds that it may take.

        Raises:
            AssertionError: It did not come about. The message says who lacks what, and has the seed.
        """
        if not self.differences():
            return
        watched = [Convergence(server, self._clients_of(server)) for server in self._games()]
        try:
            if not self._run(self.now + timeout, lambda: not any(each.is_behind() for each in watched)):
                complaints = "; ".join(complaint for each in watched for complaint in each.complaints())
                raise AssertionError(f"not converged within {timeout} simulated s (seed {self.seed}): {complaints}")
        finally:
            for each in watched:
                each.stop()

    def close(self) -> None:
        """End the game loops, and close what the simulation opened. Nothing is sent any more."""
        self._is_closed = True
        for game_loop in list(self._game_loops):
            game_loop.close()
        if self._loop is not None:
            self._loop.close()
            self._loop = None

    # --- what drivers use -----------------------------------------------------------------------------------------

    @property
    def loop(self) -> VirtualLoop:
        """The loop on which coroutines of game loops run."""
        if self._loop is None:
            self._loop = self._new_loop()
        return self._loop

    # --- inside -----------------------------------------------------------------------------------------------------

    def _everybody(self) -> list[Who]:
        return [*self.servers, *self.room_servers, *self.clients]

    def _games(self) -> list[Server]:
        """Return the servers, and those of the rooms."""
        return [*self.servers, *(room.server for server in self.room_servers for room in server.rooms.values())]

    def _new_loop(self) -> VirtualLoop:
        return VirtualLoop(self.clock)

    def _clients_of(self, server: Server) -> list[tuple[str, Client]]:
        """Return the connected clients of a server, with what to call them."""
        return [
            (self._name_of(client), client)
            for client in self.clients
            if is_connected(client)
            and client.connection is not None
            and client.connection.remote_address == (self.host_of(server).ip, server.port)
            and (server in self.servers or self._is_in_room(client, server))
        ]

    def _is_in_room(self, client: Client, server: Server) -> bool:
        endpoint = None if client._run is None else client._run.endpoint
        return endpoint is not None and endpoint.sock.getsockname() in server.connections

    def _name_of(self, who: Who) -> str:
        if isinstance(who, Client):
            return f"client {self.clients.index(who)} on {self.host_of(who).ip}"
        return f"the server on {self.host_of(who).ip}, port {who.port}"

    def _adopt(self) -> None:
        """Drive whoever has begun to run since."""
        for who in self._everybody():
            run = who._run
            if run is not None and self._driven.get(who) is not run:
                self._driven[who] = run
                SimulatedDriver(self, run, self.host_of(who), who._user_code, self._name_of(who))
