"""What one client costs a server per tick, stage by stage: ``python -m benchmarks.stages [--n 16] [--ticks 400]``.

A room as in `benchmarks.room`, in one process and without sockets: the server's session, a state machine's draft and n
clients' sessions hand each other datagrams, and a clock stands around each stage of the server's work. The clock's own
cost is measured and taken off. Sending and receiving a datagram through the loopback interface is measured beside it.
The last column is the floor: the calls into C alone, in a tight loop. Where pygase is compiled, no clock can stand
inside it: what comes in is then all in "rest in", and what goes out in "rest out". `--outer` does so in pure code.
"""

import argparse
import os
import socket
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import msgpack
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from benchmarks.report import Cell, machine, median, table
from pygase import GameState, GameStateStore
from pygase.compiled import is_compiled
from pygase.netcode import JoinPolicy, Peer, SecureClient, SecureServer, ServerKeys
from pygase.protocol import Traffic
from pygase.session import ClientSession, ServerSession
from pygase.session import events as event_codec
from pygase.session.events import encode_event
from pygase.session.signals import ClientJoined, EventFrom
from pygase.state import StateFeed, apply_all

SERVER = ("127.0.0.1", 40_000)
INTERVAL = 0.05

STAGES = (
    ("recvfrom", "one datagram from the socket"),
    ("open", "netcode: find the session, check, decrypt"),
    ("packet in", "protocol: acknowledgements, window, messages"),
    ("decode", "session: bytes to an event"),
    ("rest in", "session: budgets, bookkeeping"),
    ("handler", "the game's handler and the merge of its result"),
    ("commit", "one tick's update into the store, shared by all"),
    ("encode", "the update's encoding, shared by all on one baseline"),
    ("packet out", "protocol: build one packet, with state and acknowledgements"),
    ("seal", "netcode: encrypt"),
    ("rest out", "session: whom to send what, timers"),
    ("sendto", "one datagram to the socket"),
)


class Clock:
    """Adds up seconds per stage, each without the stages inside it. It runs only inside the server's own calls."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self.stack: list[list[float]] = []
        self.overhead = 0.0

    def around(self, stage: str, function: Callable[..., Any], *, is_outermost: bool = False) -> Callable[..., Any]:
        """The function with a clock around it; clients run the same code, and only what runs inside ours counts."""
        clock, stack = time.thread_time, self.stack

        def timed(*args: Any, **kwargs: Any) -> Any:
            if not stack and not is_outermost:
                return function(*args, **kwargs)
            inner = [0.0]
            stack.append(inner)
            start = clock()
            try:
                return function(*args, **kwargs)
            finally:
                took = clock() - start
                stack.pop()
                self.spent[stage] += took - inner[0] - self.overhead
                if stack:
                    stack[-1][0] += took + self.overhead

        return timed

    def calibrate(self) -> None:
        """Find out what the clock itself adds."""
        nothing = self.around("nothing", lambda: None, is_outermost=True)
        runs = []
        for _ in range(20):
            self.spent["nothing"] = 0.0
            start = time.thread_time()
            for _ in range(1000):
                nothing()
            runs.append((time.thread_time() - start) / 1000)
        self.overhead = median(runs) / 2  # half of it lies inside the measured stretch, half in the caller's


def make_link(now: float, ticket: bytes) -> SecureClient:
    """A client's link to the server."""
    return SecureClient(address=SERVER, entropy=os.urandom, unix_epoch=time.time(), now=now, ticket=ticket)


class Room:
    """A server and n clients in one process."""

    def __init__(self, n: int) -> None:
        self.now = 0.0
        self.store = GameStateStore(GameState(players={}))
        link = SecureServer(
            addresses=[SERVER],
            keys=ServerKeys.generate(os.urandom),
            max_clients=n,
            entropy=os.urandom,
            unix_epoch=time.time(),
            now=0.0,
            policy=JoinPolicy(),
        )
        self.feed = StateFeed(self.store, lambda: self.now)
        self.server = ServerSession(link, self.feed, lambda ip: False)
        # What the clocks of the outermost stages stand around.
        self.receive, self.send = self.server.receive_datagram, self.server.datagrams_to_send
        self.commit = self.store.commit
        self.clients: dict[tuple[Any, ...], ClientSession] = {}
        self.states: dict[tuple[Any, ...], GameState] = {}
        for number in range(n):
            # A network of its own for each, since those have limits of their own on joining.
            address = (f"10.{number // 250}.{number % 250}.2", 50_000)
            client = ClientSession(0.0, os.urandom)
            client.start(make_link, 0.0)
            self.clients[address], self.states[address] = client, GameState()

    def connect(self) -> None:
        """Let everybody join."""
        while not all(client.is_connected for client in self.clients.values()):
            if self.now > 60.0:
                raise RuntimeError("not everybody got in")
            self.tick(moving=False)

    def tick(self, *, moving: bool) -> None:
        """One tick: everybody moves, the server handles it and tells everybody."""
        self.now += INTERVAL
        server, now = self.server, self.now
        for address, client in self.clients.items():
            timer = client.next_timer()
            if timer is not None and timer <= now:
                client.handle_timer(now)
            if moving:
                client.dispatch(encode_event("MOVE", (f"p{address[0]}", now * 7.3, now * 3.1), {}), 0, None)
            for data, _ in client.datagrams_to_send(now):
                self.receive(data, address, now)
        timer = server.next_timer()
        if timer is not None and timer <= now:
            server.handle_timer(now)
        draft = self.store.begin_tick()
        for signal in server.take_signals():
            if isinstance(signal, ClientJoined):
                signal.seat.owner = signal.seat
            elif isinstance(signal, EventFrom):
                self.handle(draft, signal.handler_args)
        self.commit(draft)
        self.publish(now)
        for data, address in self.send(now + 0.004):
            client = self.clients[address]
            client.receive_datagram(data, SERVER, now + 0.004)
            client.take_signals()
            apply_all(self.states[address], client.replica.take_pending())

    def publish(self, now: float) -> None:
        """Say that the state has moved on."""
        self.server.publish(now)

    def handle(self, draft: Any, args: list[Any]) -> None:
        """The game's handler, and the merge of what it returns."""
        name, x, y = args
        draft.merge({"players": {name: {"x": x, "y": y}}})


def put_clocks(room: Room, clock: Clock, *, outer: bool = False) -> Callable[[], None]:
    """Stand a clock around each stage of the server's work; returns what takes them away again."""
    spots: list[tuple[Any, str, str, bool]] = [
        (room, "receive", "rest in", True),
        (room, "send", "rest out", True),
        (room, "commit", "commit", True),
        (room, "handle", "handler", True),
        (room.server.link, "receive_datagram", "open", False),
        (room.feed, "encoded", "encode", False),
        (event_codec, "decode_event", "decode", False),
        (Traffic, "receive_packet", "packet in", False),
        (Traffic, "packets_to_send", "packet out", False),
        (Peer, "seal", "seal", False),
    ]
    if outer or is_compiled():
        spots = [spot for spot in spots if spot[0] is room]
    before = [(owner, name, vars(owner).get(name)) for owner, name, _, _ in spots]
    for owner, name, stage, is_outermost in spots:
        setattr(owner, name, clock.around(stage, getattr(owner, name), is_outermost=is_outermost))

    def take_away() -> None:
        for owner, name, was in before:
            if was is None:
                delattr(owner, name)
            else:
                setattr(owner, name, was)

    return take_away


def socket_costs(size: int, count: int = 20_000) -> tuple[float, float]:
    """Microseconds to receive and to send one datagram over the loopback interface."""
    sender, receiver = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    with sender, receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.setblocking(False)
        data, address = bytes(size), receiver.getsockname()
        sending = receiving = 0.0
        for _ in range(count // 50):
            start = time.thread_time()
            for _ in range(50):
                sender.sendto(data, address)
            middle = time.thread_time()
            for _ in range(50):
                receiver.recvfrom(2048)
            sending += middle - start
            receiving += time.thread_time() - middle
    return 1e6 * receiving / count, 1e6 * sending / count


def bare_costs(n: int, count: int = 2_000) -> dict[str, float]:
    """Microseconds of the calls into C without which the stages cannot be done, in a tight loop: the floor."""
    cipher, nonce = ChaCha20Poly1305(bytes(32)), bytes(12)
    event = msgpack.packb(["MOVE", ["p10.0.0.2", 1.5, 2.5]])
    sealed, update = cipher.encrypt(nonce, bytes(60), b""), {f"p{i}": [1.5 * i, 2.5 * i] for i in range(n)}
    calls: dict[str, tuple[Callable[[], Any], int]] = {
        "open": (lambda: cipher.decrypt(nonce, sealed, b""), 1),
        "decode": (lambda: msgpack.unpackb(event), 1),
        "encode": (lambda: msgpack.packb(update), n),
        "seal": (lambda: cipher.encrypt(nonce, bytes(150), b""), 1),
    }
    costs = {}
    for stage, (call, share) in calls.items():
        start = time.thread_time()
        for _ in range(count):
            call()
        costs[stage] = 1e6 * (time.thread_time() - start) / count / share
    return costs


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, nargs="*", default=[16, 64])
    parser.add_argument("--ticks", type=int, default=400)
    parser.add_argument("--outer", action="store_true", help="no clocks within the others")
    parser.add_argument("--repeat", type=int, default=5, help="runs, of which the least disturbed one is shown")
    given = parser.parse_args()
    print(machine())
    receiving, sending = min(socket_costs(150) for _ in range(given.repeat))
    columns = [
        min(
            (per_client(n, given.ticks // 5, outer=given.outer) for _ in range(given.repeat)),
            key=lambda costs: sum(costs.values()),
        )
        for n in given.n
    ]
    floor = {"recvfrom": receiving, "sendto": sending}
    for _ in range(given.repeat):
        for stage, cost in bare_costs(given.n[0]).items():
            floor[stage] = min(cost, floor.get(stage, cost))
    rows: list[list[Cell]] = []
    for stage, what in STAGES:
        costs: list[Cell] = [
            {"recvfrom": receiving, "sendto": sending}.get(stage, column.get(stage)) for column in columns
        ]
        rows.append([stage, what, *costs, floor.get(stage)])
    sums: list[Cell] = [sum(column.values()) + receiving + sending for column in columns]
    rows.append(["sum", "", *sums, sum(floor.values())])
    head = ["stage", "what it does", *(f"µs, {n} clients" for n in given.n), "bare calls, µs"]
    table("Server's work per client and tick: one event in, one packet out", head, rows)
    print("Not in it: waking up, handing events from the network's thread to the game's, and the interpreter's lock.")


def per_client(n: int, ticks: int, *, outer: bool) -> dict[str, float]:
    """Microseconds per stage, for each client and tick."""
    room, clock = Room(n), Clock()
    room.connect()
    for _ in range(20):
        room.tick(moving=True)
    assert all(len(state.players) == n for state in room.states.values())
    clock.calibrate()
    take_clocks_away = put_clocks(room, clock, outer=outer)
    clock.spent.clear()
    try:
        for _ in range(ticks):
            room.tick(moving=True)
    finally:
        take_clocks_away()
    return {stage: 1e6 * spent / (ticks * n) for stage, spent in clock.spent.items()}


if __name__ == "__main__":
    main()
