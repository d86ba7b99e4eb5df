"""What a view of its own costs for each client and tick: ``python -m benchmarks.views [--n 250 1000] [--ticks 40]``.

One world in which everybody moves 20 times a second and sees the nearest 16, in one process and without sockets, as in
`benchmarks.stages`: a clock stands around each stage of the server's work. The last lines say what share of a core
that is at 20 Hz, with the sockets' cost measured beside it.
"""

import argparse
import os
import random
from collections.abc import Callable, Mapping
from typing import Any

import pygase.views
from benchmarks.report import Cell, machine, table
from benchmarks.stages import INTERVAL, STAGES, Clock, Room, make_link, put_clocks, socket_costs
from pygase.compiled import is_compiled
from pygase.session import ClientSession, ServerSession
from pygase.session.seat import Seat
from pygase.state import Near, StateFeed, View, ViewFeed, Views

RATE_HZ = 20
DENSITY = 40.0
"""Units of the world's side for each root of a client: with a radius of 200, some 78 clients are in reach."""

JOINS_PER_TICK = 10

VIEW_STAGES = (
    ("view", "the view function, `near(..., limit=16)`"),
    ("adopt", "find out whether the view is new, or somebody else's too"),
    ("show", "hand the views to the session, and group equal ones"),
    ("delta", "what leads from the views under way to the newest"),
    ("encode", "its bytes"),
)


class World(Room):
    """A server and n clients of which each sees its nearest 16."""

    def __init__(self, n: int, precision: Mapping[str, float] | None = None) -> None:
        super().__init__(n)
        self.dice = random.Random(1)
        self.side = DENSITY * n**0.5
        self.places: dict[str, list[float]] = {}
        self.views = Views()
        near = pygase.views.near(
            "players.*.position", radius=200.0, limit=16, of=lambda game_state, client_id: self.names.get(client_id)
        )
        assert isinstance(near, Near)
        self.see: Callable[..., Any] = near.look
        self.names: dict[int, str] = {}
        self.view_feed = ViewFeed(lambda: self.now, precision=precision)
        self.feed = StateFeed(self.store, lambda: self.now)
        self.server = ServerSession(self.server.link, self.feed, lambda ip: False, view_feed=self.view_feed)
        self.receive, self.send = self.server.receive_datagram, self.server.datagrams_to_send
        self.look_at = self.views.view

    def connect(self) -> None:
        """Let everybody join, no more at a time than a server lets in."""
        waiting, self.clients = list(self.clients), {}
        while waiting:
            for address in waiting[-JOINS_PER_TICK:]:
                self.clients[address] = client = ClientSession(self.now, os.urandom)
                client.start(make_link, self.now)
            del waiting[-JOINS_PER_TICK:]
            self.tick(moving=False)
        super().connect()

    def handle(self, draft: Any, args: list[Any]) -> None:
        """Everybody walks about; the arguments only say who."""
        name = args[0]
        place = self.places.get(name) or [self.dice.uniform(0, self.side), self.dice.uniform(0, self.side)]
        self.places[name] = place = [min(self.side, max(0.0, at + self.dice.uniform(-5.0, 5.0))) for at in place]
        draft.merge({"players": {name: {"position": place}}})

    def publish(self, now: float) -> None:
        """Have everybody look."""
        state = self.store.get_game_state()
        self.views.turn()
        if len(self.names) < len(self.clients):
            self.names = {seat.peer.client_id: f"p{address[0]}" for address, seat in self.server.seats.items()}
        seen: list[tuple[Seat, View | None]] = []
        for seat in self.server.viewers():
            seen.append((seat, self.look_at(self.see(state, seat.peer.client_id), state)))
        self.server.show(state.time_order, seen, now)


def put_more_clocks(world: World, clock: Clock) -> None:
    """Stand clocks around what views add."""
    for owner, name, stage, is_outermost in (
        (world, "see", "view", True),
        (world, "look_at", "adopt", True),
        (world.server, "show", "show", True),
        (world.view_feed, "update", "delta", False),
        (world.view_feed, "encoded", "encode", False),
    ):
        if owner is world or not is_compiled():
            setattr(owner, name, clock.around(stage, getattr(owner, name), is_outermost=is_outermost))


def per_client(n: int, ticks: int, precision: Mapping[str, float] | None) -> tuple[dict[str, float], float]:
    """Microseconds per stage, for each client and tick, and bytes per packet."""
    world, clock = World(n, precision), Clock()
    world.connect()
    for _ in range(10):
        world.tick(moving=True)
    assert all(len(state.players) == 17 for state in world.states.values())
    clock.calibrate()
    put_more_clocks(world, clock)
    take_clocks_away = put_clocks(world, clock)
    clock.spent.clear()
    before = sent_bytes(world)
    try:
        for _ in range(ticks):
            world.tick(moving=True)
    finally:
        take_clocks_away()
    return {stage: 1e6 * spent / (ticks * n) for stage, spent in clock.spent.items()}, (
        (sent_bytes(world) - before) / (ticks * n)
    )


def sent_bytes(world: World) -> int:
    """Payload bytes that the server has sent so far."""
    return sum(seat.traffic.stats.bytes_sent for seat in world.server.seats.values())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, nargs="*", default=[250, 1000])
    parser.add_argument("--ticks", type=int, default=40)
    parser.add_argument("--repeat", type=int, default=3, help="runs, of which the least disturbed one is shown")
    given = parser.parse_args()
    print(machine())
    receiving, sending = min(socket_costs(300) for _ in range(given.repeat))
    cases = [(n, precision) for n in given.n for precision in (None, {"players.*.position": 0.1})]
    measured = [
        min((per_client(n, given.ticks, step) for _ in range(given.repeat)), key=lambda run: sum(run[0].values()))
        for n, step in cases
    ]
    rows: list[list[Cell]] = []
    of_views = [name for name, _ in VIEW_STAGES]
    for stage, what in [*VIEW_STAGES, *((stage, what) for stage, what in STAGES if stage not in of_views)]:
        socket_cost = {"recvfrom": receiving, "sendto": sending}
        rows.append([stage, what, *(socket_cost.get(stage, costs.get(stage, 0.0)) for costs, _ in measured)])
    sums = [sum(costs.values()) + receiving + sending for costs, _ in measured]
    rows.append(["sum", "", *sums])
    rows.append(["core", f"share of a core at {RATE_HZ} Hz, %",
                 *(100 * 1e-6 * each * n * RATE_HZ for each, (n, _) in zip(sums, cases, strict=True))])  # fmt: skip
    rows.append(["bytes", "payload of a packet to a client", *(size for _, size in measured)])
    head = ["stage", "what it does", *(f"µs, {n}{', 0.1 steps' if step else ''}" for n, step in cases)]
    table("Server's work per client and tick, each with a view of its own", head, rows)
    print(f"{INTERVAL * 1000:.0f} ms ticks. Not in it: waking up, and handing events from thread to thread.")


if __name__ == "__main__":
    main()
