"""A server of pygase, of this version or of 0.3.1, on which everything moves, twenty times a second."""

import argparse
import math
import threading
import time

from common import answer_stats, say

from pygase import Backend, GameState


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--entities", type=int, default=200)
    parser.add_argument("--hz", type=float, default=20.0)
    parser.add_argument("--pace-in-time-step", action="store_true")
    parser.add_argument("--max-seconds", type=float, default=120.0)
    given = parser.parse_args()
    began = time.monotonic()
    due = [began]

    def positions():
        angle = time.monotonic() - began
        return {
            f"e{i}": {"position": [400 + i * math.cos(angle + i), 300 + i * math.sin(angle + i)]}
            for i in range(given.entities)
        }

    def time_step(game_state, dt):
        if given.pace_in_time_step:  # 0.3.1's game loop never sleeps
            due[0] = max(due[0] + 1 / given.hz, time.monotonic() - 1)
            time.sleep(max(0.0, due[0] - time.monotonic()))
        return {"players": positions()}

    def move(position, **_):
        return {}

    backend = Backend(GameState(players=positions()), time_step, {"MOVE": move})
    answer_stats(dict, given.max_seconds)

    def announce():
        while not backend.server.port:
            time.sleep(0.01)
        say(f"PORT {backend.server.port}")

    threading.Thread(target=announce, daemon=True).start()
    backend.game_state_machine.run_game_loop_in_thread(10.0 if given.pace_in_time_step else 1 / given.hz)
    backend.server.run(0, "127.0.0.1", backend.game_state_machine)


if __name__ == "__main__":
    main()
