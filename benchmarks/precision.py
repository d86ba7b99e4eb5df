"""Bytes a second to a client, exact and with `precision`: ``python -m benchmarks.precision [--seconds 20]``.

What changes is new in every bit: entities of random floats, of which a tenth changes per tick, and bodies that walk
on circles. Everybody is on the simulated network, so the figures are the same on every machine. Counted is what is in
the datagrams, without the headers of UDP and IP.
"""

import argparse
import math
import random
from collections.abc import Callable
from typing import Any

from benchmarks.report import Cell, table
from pygase import Backend, GameState
from pygase.testing import SimulatedNetwork

INTERVAL = 0.05
"""Seconds between ticks, and between the moves of a player."""

SETTLE_SECONDS = 3.0
"""Until everybody has joined, and the round trip is known."""

Game = Callable[[SimulatedNetwork, "dict[str, float] | None"], None]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    given = parser.parse_args()
    cases: list[tuple[str, Game, dict[str, float]]] = [
        ("1,000 entities of 4 floats, a tenth new per tick", entities, {"entities": 0.001}),
        ("16 bodies on circles, moved by the game", bodies, {"players.*.position": 0.1}),
        ("16 bodies on circles, each moved by its client", players, {"players.*.position": 0.1}),
    ]
    rows: list[list[Cell]] = []
    for label, game, precision in cases:
        exact, rounded = (bytes_to_a_client(game, rules, given.seconds) for rules in (None, precision))
        rows.append([label, exact, *precision.values(), rounded, f"{rounded / exact:.2f}"])
    head = ["state", "exact, B/s", "precision", "with precision, B/s", "of exact"]
    table("To each client, 20 Hz", head, rows)


def bytes_to_a_client(game: Game, precision: dict[str, float] | None, seconds: float) -> float:
    """Bytes a second, the mean over the clients of a game."""
    network = SimulatedNetwork(1)
    received = 0

    def count(data: bytes, sender: tuple[str, int], receiver: tuple[str, int]) -> bool:
        nonlocal received
        received += len(data) if sender[1] == network.servers[0].port else 0
        return True

    game(network, precision)
    network.run(SETTLE_SECONDS)
    network.tap = count
    network.run(seconds)
    network.tap = None
    network.assert_converged() if precision is None else None
    clients = len(network.clients)
    network.close()
    return received / seconds / clients


def entities(network: SimulatedNetwork, precision: dict[str, float] | None) -> None:
    """One client, who sees many things change."""
    dice = random.Random(7)
    names = [f"e{number}" for number in range(1000)]

    def new(changed: list[str]) -> dict[str, list[float]]:
        return {name: [dice.random() for _ in range(4)] for name in changed}

    def time_step(game_state: GameState, dt: float) -> dict[str, Any]:
        return {"entities": new(dice.sample(names, len(names) // 10))}

    network.serve(Backend(GameState(entities=new(names)), time_step, precision=precision), interval=INTERVAL)
    network.connect()


def bodies(network: SimulatedNetwork, precision: dict[str, float] | None) -> None:
    """Sixteen clients, who see the game move sixteen bodies."""

    def time_step(game_state: GameState, dt: float) -> dict[str, Any]:
        return {"players": {f"p{number}": {"position": walked(number, network.now)} for number in range(16)}}

    network.serve(Backend(GameState(players={}), time_step, precision=precision), interval=INTERVAL)
    for _ in range(16):
        network.connect()


def players(network: SimulatedNetwork, precision: dict[str, float] | None) -> None:
    """Sixteen clients, each with a body that it moves."""

    def move(name: str, position: list[float]) -> dict[str, Any]:
        return {"players": {name: {"position": position}}}

    backend = Backend(GameState(players={}), lambda game_state, dt: {}, {"MOVE": move}, precision=precision)
    network.serve(backend, interval=INTERVAL)
    for number in range(16):
        keep_moving(network, number)


def keep_moving(network: SimulatedNetwork, number: int) -> None:
    """Move a body once a tick, each at a moment of its own, and the last ones first: a tick begins whenever it does."""
    client = network.connect()

    def move() -> None:
        client.dispatch_event("MOVE", f"p{number}", walked(number, network.now))

    network.after(INTERVAL * ((number + 8.5) % 16) / 16, lambda: network.every(INTERVAL, move))


def walked(number: int, now: float) -> list[float]:
    """Where a body is that walks 200 units a second, on a circle of its own."""
    radius = 50.0 + 10.0 * number
    angle = number + 200.0 * now / radius
    return [400 + radius * math.cos(angle), 300 + radius * math.sin(angle)]


if __name__ == "__main__":
    main()
