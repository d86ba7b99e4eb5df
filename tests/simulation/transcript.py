"""Prints a digest of all that is sent in some games on bad lines, and of what their clients see at the end.

`python -m tests.simulation.transcript`: the compiled build of pygase must print what the pure one prints.
"""

import hashlib
import random
from typing import Any

from pygase import RELIABLE, Backend, Client, GameState
from pygase.compiled import is_compiled
from pygase.testing import Conditions, SimulatedNetwork
from pygase.views import near

ROUGH = Conditions(latency=0.04, jitter=0.03, loss=0.08, duplication=0.03, reordering=0.1, reordering_delay=0.08)
PATH = "players.*.position"
KINDS: tuple[dict[str, Any], ...] = ({}, {"view": near(PATH, radius=30.0)}, {"precision": {PATH: 0.1}})


def drift(game_state: GameState, dt: float) -> dict[str, Any]:
    rows = list(game_state.players.items())[:3]
    return {
        "ticks": game_state.ticks + 1,
        "players": {key: {"position": [row["position"][0] + 0.7, row["position"][1] * 1.01]} for key, row in rows},
    }


def move(who: int, x: float, y: float, said: str) -> dict[str, Any]:
    return {"players": {who: {"position": [x, y], "said": said}}}


def play(seed: int, digest: Any) -> int:
    """Play some seconds; returns how many datagrams were sent."""
    dice = random.Random(seed)
    network = SimulatedNetwork(seed, ROUGH)
    count = 0

    def tap(data: bytes, source: Any, target: Any) -> bool:
        nonlocal count
        count += 1
        digest.update(f"{network.now!r} {source} {target} ".encode() + data)
        return True

    network.tap = tap
    players = {n: {"position": [n * 9.5, n * 4.25], "hp": 100, "name": f"p{n}"} for n in range(10)}
    backend = Backend(GameState(ticks=0, players=players), drift, {"MOVE": move}, **KINDS[seed % len(KINDS)])
    network.serve(backend)
    clients = [network.connect() for _ in range(4)]
    for _ in range(100):
        for number, client in enumerate(clients):
            if dice.random() < 0.5:
                said = "x" * dice.randrange(2_500 if dice.random() < 0.1 else 30)
                where = dice.uniform(-99, 99), dice.uniform(-99, 99)
                client.dispatch_event("MOVE", number, *where, said, retries=dice.choice((0, 2, RELIABLE)))
        if dice.random() < 0.1:
            backend.server.dispatch_event("NEWS", dice.random(), retries=dice.choice((0, 2, RELIABLE)))
        network.run(0.03)
    for client in clients:
        digest.update(repr(seen(client)).encode())
    network.close()
    return count


def seen(client: Client) -> dict[str, Any]:
    with client.access_game_state() as game_state:
        return game_state.to_dict()


def main() -> None:
    digest = hashlib.sha256()
    counts = [play(seed, digest) for seed in range(6)]
    print(f"{sum(counts)} datagrams {digest.hexdigest()}", "compiled" if is_compiled() else "pure")


if __name__ == "__main__":
    main()
