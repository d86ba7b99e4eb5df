"""A long run: a simulated day of players on bad lines who come and go, or many real connects and disconnects.

    python -m benchmarks.soak --hours 24 --clients 16
    python -m benchmarks.soak --cycles 200

Fails if memory or any table grows, an event is lost or handled twice, or somebody has not the server's state at the
end. The same seed gives the same day again.
"""

import argparse
import contextlib
import gc
import random
import time
from collections.abc import Callable
from typing import Any, Final

from benchmarks.census import Census, census, grown, rss_bytes
from benchmarks.cycles import cycles
from benchmarks.report import Cell, machine, table
from pygase import RELIABLE, TO_DELETE, Backend, BacklogFull, Client, GameState, NotConnected
from pygase.config import MAX_DEPARTED
from pygase.testing import PROFILES, SimulatedNetwork

LINES: Final = ("wifi", "mobile_4g", "hotel", "satellite", ("hotel", "mobile_4g"))
MEAN_STAY: Final = 600.0
"""Seconds that a player stays, on average: each of 16 comes back 144 times in a day."""

Row = dict[str, float]


class Player:
    """Somebody who moves, talks, falls into holes, leaves, and comes back as somebody else."""

    def __init__(self, soak: "Soak", number: int) -> None:
        self.soak = soak
        self.number = number
        self.client: Client | None = None
        self.said = 0
        self.x = 0.0

    def act(self) -> None:
        """Do what a player does in a second."""
        soak, dice, network = self.soak, self.soak.dice, self.soak.network
        client = self.client
        if client is None:
            if dice.random() < 0.1:
                self.join()
            return
        with client.access_game_state() as state:
            self.x += 1.0 if len(state.to_dict()) else 0.0
        with contextlib.suppress(NotConnected, BacklogFull):
            client.dispatch_event("MOVE", self.x)
            if dice.random() < 0.05:
                client.dispatch_event("SAY", self.said, "x" * dice.randrange(3_000), retries=RELIABLE)
                self.said += 1
        chance = dice.random()
        if chance < 1 / MEAN_STAY:
            self.leave()
        elif chance < 4 / MEAN_STAY and soak.is_rough:
            trouble: Callable[[], Any] = dice.choice(
                [
                    lambda: network.cut_off(client, dice.choice([2.0, 10.0, 40.0, 200.0])),
                    lambda: network.freeze(client, dice.choice([2.0, 10.0, 100.0])),
                    lambda: network.move(client),
                    lambda: network.set_conditions(client, dice.choice(LINES)),
                ]
            )
            trouble()
            soak.troubles += 1

    def join(self) -> None:
        """Come in as somebody new, from another machine."""
        self.client = client = self.soak.network.client(self.soak.dice.choice(LINES))
        self.said = 0
        heard: list[int] = []
        client.register_event_handler("SAID", lambda n: self.soak.hear(heard, n))
        client.register_event_handler("CONNECTED", heard.clear)  # also when it was away too long for its seat
        for ending in ("DISCONNECTED", "CONNECTION_FAILED"):
            client.register_event_handler(ending, lambda: self.soak.network.after(0.0, lambda: self.look(client)))
        client.open(8080)
        self.soak.joins += 1

    def look(self, client: Client) -> None:
        """Forget a connection that has ended for good."""
        if self.client is client and client.connection is not None and client.connection.status == 0:
            self.leave()

    def leave(self) -> None:
        """Go, with or without a goodbye that arrives."""
        if self.client is not None:
            self.soak.network.remove(self.client)
            self.client = None


FULL = {
    "Places._departed": MAX_DEPARTED,
}
"""What remembers until it is full, on purpose (clients that have left): only more than that is a leak."""


class Soak:
    """The game, its players, and what is measured.

    Args:
        clients: How many players.
        interval: Seconds between ticks.
        seed: Decides everything.
    """

    def __init__(self, clients: int = 16, interval: float = 1.0, seed: int = 1) -> None:
        self.dice = random.Random(f"soak {seed}")
        self.network = SimulatedNetwork(seed)
        self.backend = Backend(
            GameState(players={}, clock=0.0),
            lambda game_state, dt: {"clock": game_state.clock + dt},
            {
                "CLIENT_CONNECTED": self.came,
                "CLIENT_RECONNECTED": self.returned,
                "CLIENT_DISCONNECTED": self.went,
                "MOVE": self.moved,
                "SAY": self.talked,
            },
        )
        self.ids: dict[Any, int] = {}
        self.next_said: dict[int, int | None] = {}  # by seat; a client that lost its seat goes on counting in the next
        self.joins = self.returns = self.troubles = self.messages = self.events = 0
        self.wrong: list[str] = []
        self.is_rough = True
        self.network.serve(self.backend, interval=interval, seat_hold=30.0)
        self.players = [Player(self, number) for number in range(clients)]
        for player in self.players:
            player.join()
            self.network.every(1.0, player.act)
        self.samples: list[Row] = []
        self.censuses: list[Census] = []

    # --- the game ---------------------------------------------------------------------------------------------------

    def came(self, client_id: int, client_address: Any) -> dict[str, Any]:
        """Somebody has a seat."""
        self.ids[client_address] = client_id
        self.next_said[client_id] = None
        return {"players": {client_id: {"x": 0.0, "said": 0}}}

    def returned(self, client_id: int, client_address: Any) -> None:
        """Somebody is back on the same seat, perhaps from another address."""
        self.ids = {address: known for address, known in self.ids.items() if known != client_id}
        self.ids[client_address] = client_id
        self.returns += 1

    def went(self, client_id: int) -> dict[str, Any]:
        """The seat is free again."""
        self.ids = {address: known for address, known in self.ids.items() if known != client_id}
        del self.next_said[client_id]
        return {"players": {client_id: TO_DELETE}}

    def moved(self, x: float, client_address: Any) -> dict[str, Any] | None:
        """Somebody moves."""
        client_id = self.ids.get(client_address)
        return None if client_id is None else {"players": {client_id: {"x": x}}}

    def talked(self, n: int, text: str, client_address: Any) -> dict[str, Any] | None:
        """Each client's own numbers must come in order, once."""
        client_id = self.ids.get(client_address)
        if client_id is None:
            self.wrong.append(f"{client_address} said {n}, and has no seat")
            return None
        if self.next_said[client_id] not in (None, n):
            self.wrong.append(f"client {client_id} said {n}, and should have said {self.next_said[client_id]}")
        self.next_said[client_id] = n + 1
        self.messages += 1
        self.backend.server.dispatch_event("SAID", self.messages, retries=RELIABLE)
        return {"players": {client_id: {"said": n + 1}}}

    def hear(self, heard: list[int], n: int) -> None:
        """Each client hears the server's numbers in order, without a gap since its first."""
        if heard and n != heard[0] + 1:
            self.wrong.append(f"a client heard {n} after {heard[0]}")
        heard[:] = [n]
        self.events += 1

    # --- the run ----------------------------------------------------------------------------------------------------

    def run(self, seconds: float, samples: int, report: Callable[[Row], None] | None = None) -> None:
        """Let time pass, and count what there is at regular moments."""
        for _ in range(samples):
            began = time.perf_counter()
            self.network.run(seconds / samples)
            gc.collect()
            row = {
                "simulated h": self.network.now / 3600.0,
                "times real time": seconds / samples / (time.perf_counter() - began),
                "RSS MB": rss_bytes() / 1e6,
                "objects": float(len(gc.get_objects())),
                "clients": float(len(self.backend.server.connections)),
                "joins": float(self.joins),
            }
            self.samples.append(row)
            self.censuses.append(census(self.network, self.backend, self.backend.server, *self.network.clients))
            if report is not None:
                report(row)

    def calm_down(self) -> None:
        """Mend all lines, and fail unless everybody gets the state that the server has."""
        self.is_rough = False
        for player in self.players:
            if player.client is not None:
                self.network.set_conditions(player.client, PROFILES["wifi"])
                self.network.mend(player.client)
        self.network.run(300.0)  # longer than anybody is frozen, and long enough to come back
        self.network.assert_converged()
        assert not self.wrong, self.wrong[:5]
        assert self.backend.game_state_machine._user_code.errors == 0
        assert len(self.backend.server.connections) >= len(self.players) // 2

    def assert_flat(self) -> None:
        """Fail if memory or a table has grown: the last third against the first, the first sample left out."""
        rows, counts = self.samples[1:], self.censuses[1:]
        third = max(1, len(rows) // 3)
        leaks = grown(counts[:third], counts[-third:], slack=8 * len(self.players))
        leaks = {name: counts for name, counts in leaks.items() if counts[1] > FULL.get(name, 0)}
        assert not leaks, f"these hold more and more: {leaks}"
        for name, slack in (("objects", 20_000.0), ("RSS MB", 10.0)):
            early, late = max(row[name] for row in rows[:third]), min(row[name] for row in rows[-third:])
            assert late < early * 1.1 + slack, f"{name} grew from {early:,.0f} to {late:,.0f}"


# --- the command --------------------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=24.0, help="simulated hours")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--interval", type=float, default=1.0, help="seconds between ticks")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cycles", type=int, help="real connects and disconnects, in place of a simulated day")
    options = parser.parse_args()
    print(machine())
    if options.cycles:
        began = time.perf_counter()
        rows = cycles(options.cycles)
        head = ["", "open files", "threads", "objects", "RSS MB"]
        names = ("after 20", f"after {options.cycles}")
        texts: list[list[Cell]] = [[name, *row] for name, row in zip(names, rows, strict=True)]
        table(f"{options.cycles} connects in {time.perf_counter() - began:.1f} s", head, texts)
        return
    soak = Soak(options.clients, options.interval, options.seed)
    began = time.perf_counter()

    def report(row: Row) -> None:
        print(", ".join(f"{name} {value:,.1f}" for name, value in row.items()), flush=True)

    soak.run(options.hours * 3600.0, samples=24, report=report)
    soak.calm_down()
    soak.assert_flat()
    took = time.perf_counter() - began
    rows = [[*row.values()] for row in (*soak.samples[1:2], soak.samples[-1])]
    table(f"{options.hours:g} h with {options.clients} clients in {took / 60:.1f} minutes", list(soak.samples[0]), rows)
    print(
        f"{soak.network.datagrams:,} datagrams, {soak.joins:,} joins, {soak.returns:,} returns, {soak.troubles:,} "
        f"troubles, {soak.messages:,} reliable messages handled in order, heard {soak.events:,} times in order; all "
        "have converged, nothing grew"
    )


if __name__ == "__main__":
    main()
