"""Servers and clients of the secure link on a virtual clock, with latency, loss and everybody's datagrams on record."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any, Protocol

from pygase.netcode import (
    Address,
    Client,
    ClientState,
    ConnectToken,
    JoinPolicy,
    SecureClient,
    SecureServer,
    Server,
    ServerKeys,
    make_token,
)

PROTOCOL_ID = 0x1122_3344_5566_7788
UNIX_EPOCH = 1_700_000_000.0
SERVER: Address = ("127.0.0.1", 40_000)
CLIENT: Address = ("10.0.0.1", 50_000)
TIMEOUT = 6
OPEN = JoinPolicy()


class Endpoint(Protocol):
    def receive_datagram(self, data: bytes, address: Address, now: float) -> Any: ...
    def datagrams_to_send(self) -> list[tuple[bytes, Address]]: ...
    def next_timer(self) -> float | None: ...
    def handle_timer(self, now: float) -> None: ...


@dataclass
class World:
    """A little network. A datagram takes `latency`; `loses` says which get lost.

    Attributes:
        sent: All datagrams: when, from where, to where, bytes.
        got: Payloads by who received them.
    """

    seed: int = 1
    latency: float = 0.05
    loses: Callable[[bytes, Address, Address], bool] = lambda data, source, target: False
    now: float = 0.0
    sent: list[tuple[float, Address, Address, bytes]] = field(default_factory=list)
    got: dict[Address, list[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.keys = ServerKeys.generate(self.random.randbytes)
        self.endpoints: dict[Address, Endpoint] = {}
        self._flying: list[tuple[float, int, Address, Address, bytes]] = []

    # --- who is there -----------------------------------------------------------------------------------------------

    def server(self, address: Address = SERVER, *, max_clients: int = 16, **options: Any) -> Server:
        options.setdefault("addresses", [address])
        server = Server(
            protocol_id=PROTOCOL_ID,
            private_key=self.keys.token_key,
            max_clients=max_clients,
            entropy=self.random.randbytes,
            unix_epoch=UNIX_EPOCH,
            now=self.now,
            **options,
        )
        self.endpoints[address] = server
        return server

    def token(self, client_id: int = 1, *, addresses: list[Address] | None = None, **options: Any) -> ConnectToken:
        options.setdefault("timeout", TIMEOUT)
        options.setdefault("unix_time", UNIX_EPOCH + self.now)
        options.setdefault("protocol_id", PROTOCOL_ID)
        return make_token(
            options.pop("key", self.keys.token_key),
            client_id=client_id,
            addresses=addresses or [SERVER],
            entropy=self.random.randbytes,
            **options,
        )

    def client(self, token: ConnectToken | bytes | None = None, address: Address = CLIENT) -> Client:
        client = Client(self.token() if token is None else token, self.now)
        self.endpoints[address] = client
        self.flush()
        return client

    def secure_server(
        self,
        address: Address = SERVER,
        *,
        policy: JoinPolicy | None = OPEN,
        max_clients: int = 16,
        **options: Any,
    ) -> SecureServer:
        options.setdefault("keys", self.keys)
        server = SecureServer(
            addresses=[address],
            max_clients=max_clients,
            entropy=self.random.randbytes,
            unix_epoch=UNIX_EPOCH,
            now=self.now,
            policy=policy,
            protocol_id=PROTOCOL_ID,
            **options,
        )
        self.endpoints[address] = server
        return server

    def secure_client(
        self, address: Address = CLIENT, *, server: Address | None = SERVER, **options: Any
    ) -> SecureClient:
        client = SecureClient(
            address=server,
            entropy=self.random.randbytes,
            unix_epoch=UNIX_EPOCH,
            now=self.now,
            protocol_id=PROTOCOL_ID,
            **options,
        )
        self.endpoints[address] = client
        self.flush()
        return client

    # --- the network ------------------------------------------------------------------------------------------------

    def send(self, data: bytes, source: Address, target: Address) -> None:
        self.sent.append((self.now, source, target, data))
        if not self.loses(data, source, target):
            heappush(self._flying, (self.now + self.latency, len(self.sent), source, target, data))

    def flush(self) -> None:
        for address, endpoint in list(self.endpoints.items()):
            for data, target in endpoint.datagrams_to_send():
                self.send(data, address, target)

    def deliver(self, data: bytes, source: Address, target: Address) -> None:
        """Hand a datagram over at once."""
        endpoint = self.endpoints.get(target)
        if endpoint is None:
            return
        self.flush()
        proven = isinstance(endpoint, Server) and source in endpoint.peers
        result = endpoint.receive_datagram(data, source, self.now)
        if isinstance(endpoint, Server) and not proven:
            # The amplification audit: whoever has not proven his address gets no more bytes than he sent.
            answers = endpoint.datagrams_to_send()
            assert sum(len(answer) for answer, to in answers if to == source) <= len(data)
            for answer, to in answers:
                self.send(answer, target, to)
        if result is not None:
            payload = result[1] if isinstance(endpoint, Server) else result
            self.got.setdefault(target, []).append(payload)
        self.flush()

    def run(self, seconds: float = 0.0, until: Callable[[], bool] | None = None) -> bool:
        """Let time pass, from one thing that happens to the next.

        Returns:
            Whether `until` came true; True without one.
        """
        end = self.now + seconds
        self.flush()
        while until is None or not until():
            timers = [timer for e in self.endpoints.values() if (timer := e.next_timer()) is not None]
            following = min([*timers, self._flying[0][0] if self._flying else float("inf")])
            if following > end:
                self.now = end
                return until is None
            self.now = max(self.now, following)
            while self._flying and self._flying[0][0] <= self.now:
                _, _, source, target, data = heappop(self._flying)
                self.deliver(data, source, target)
            for endpoint in list(self.endpoints.values()):
                timer = endpoint.next_timer()
                if timer is not None and timer <= self.now:
                    endpoint.handle_timer(self.now)
            self.flush()
        return True

    def run_until_connected(self, *clients: Client) -> None:
        assert self.run(30.0, until=lambda: all(c.state is ClientState.CONNECTED for c in clients))

    def connected(self, **options: Any) -> tuple[Server, Client]:
        """A server and a client that knows it is connected, and whom the server knows to know."""
        server = self.server(**options)
        client = self.client()
        self.run_until_connected(client)
        assert self.run(1.0, until=lambda: all(peer.confirmed for peer in server.peers.values()))
        while server.next_signal() or client.next_signal():
            pass
        return server, client

    def from_server(self, source: Address = SERVER) -> list[bytes]:
        return [data for _, sender, _, data in self.sent if sender == source]

    def from_client(self, source: Address = CLIENT) -> list[bytes]:
        return [data for _, sender, _, data in self.sent if sender == source]


def dropped(stats: dict[str, int]) -> dict[str, int]:
    """What was dropped, by reason."""
    return {name: count for name, count in stats.items() if count and name.startswith("dropped")}


def signals(endpoint: Server | Client | SecureClient) -> list[Any]:
    out = []
    while (signal := endpoint.next_signal()) is not None:
        out.append(signal)
    return out
