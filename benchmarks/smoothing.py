"""What smoothing adds to drawing a frame: ``python -m benchmarks.smoothing [--entities 200] [--repeat 5]``.

A server and two adapters on the simulated network, 20 updates and 60 frames a second: one adapter smooths every
position, the other none. Processor time of `render_state` with nothing drawn in it; nobody sleeps, for the time is
virtual. What the same takes in a frame loop, whose caches are cold after each sleep, is in `benchmarks.frame`.
"""

import argparse
import math
import time

from benchmarks.report import machine, median, table
from pygase import Backend, GameState
from pygase.integrations.base import FrameAdapter
from pygase.testing import SimulatedNetwork


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entities", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--repeat", type=int, default=5)
    given = parser.parse_args()
    print(machine())
    runs = [one_run(given.entities, given.seconds) for _ in range(given.repeat)]
    plain, smooth = (median([run[way] for run in runs]) for way in range(2))
    added = median([run[1] - run[0] for run in runs])
    head = ["entities", "plain, \u00b5s a frame", "smooth, \u00b5s a frame", "smoothing adds, \u00b5s a frame"]
    table("render_state, mean over all frames", head, [[given.entities, plain, smooth, added]])


def one_run(entities: int, seconds: float) -> tuple[float, float]:
    """Mean microseconds of `render_state` per frame, plain and smooth."""

    def positions(at: float) -> dict[str, dict[str, list[float]]]:
        return {
            f"e{i}": {"position": [400 + i * math.cos(at + i), 300 + i * math.sin(at + i)]} for i in range(entities)
        }

    network = SimulatedNetwork(1)
    backend = Backend(GameState(players=positions(0.0)), lambda game_state, dt: {"players": positions(network.now)})
    network.serve(backend, interval=0.05)
    adapters = [FrameAdapter(network.connect()), FrameAdapter(network.connect(), interpolate="players.*.position")]
    spent = [0.0, 0.0]
    frames = 0

    def frame() -> None:
        nonlocal frames
        frames += 1
        for way, net in enumerate(adapters):
            net.pump()
            start = time.thread_time()
            with net.render_state():
                pass
            spent[way] += time.thread_time() - start

    network.every(1 / 60, frame)
    network.run(2.0)
    spent[:], frames = [0.0, 0.0], 0
    network.run(seconds)
    for net in adapters:
        net.close()
    network.close()
    return 1e6 * spent[0] / frames, 1e6 * spent[1] / frames


if __name__ == "__main__":
    main()
