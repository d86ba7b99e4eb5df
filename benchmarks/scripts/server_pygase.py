"""Servers of pygase, of this version and of 0.3.1: only what both have is used.

room: clients MOVE, everybody sees all.
rooms: many such rooms, and world: all in one, each sees the nearest; which 0.3.1 has not.
echo: PING and COUNT. entities: a large state of which a part changes. frame: one of which everything moves.
"""

import argparse
import gc
import importlib
import math
import random
import threading
import time

from common import answer_stats, say

from pygase import Backend, GameState


def paced(time_step, hz):
    """0.3.1's game loop never sleeps, so there the time step has to."""
    due = [time.monotonic()]

    def wait_then_step(game_state, dt):
        due[0] = max(due[0] + 1 / hz, time.monotonic() - 1)
        time.sleep(max(0.0, due[0] - time.monotonic()))
        return time_step(game_state, 1 / hz)

    return wait_then_step


def room(given):
    moved = {}

    def time_step(game_state, dt):
        moved.clear()
        return {}

    def move(name, x, y, game_state=None, dt=0.0, client_address=None, **_):
        # All of this tick's, since 0.3.1 merges the handlers' results of a tick on the top level only.
        moved[name] = {"x": x, "y": y}
        return {"players": dict(moved) if given.pace_in_time_step else {name: moved[name]}}

    return GameState(players={}), time_step, {"MOVE": move}


def entities(given):
    dice = random.Random(7)
    count = max(1, int(given.entities * given.change))
    tick = [0]

    def values():
        return [dice.random() for _ in range(given.fields)]

    def time_step(game_state, dt):
        tick[0] += 1
        changed = {f"e{dice.randrange(given.entities)}": values() for _ in range(count)}
        return {"ents": changed, "tick": tick[0]}

    def move(name, x, y, game_state=None, dt=0.0, client_address=None, **_):
        return {"players": {name: {"x": x, "y": y}}}

    state = GameState(ents={f"e{i}": values() for i in range(given.entities)}, tick=0, players={})
    return state, time_step, {"MOVE": move, "INPUT": lambda *_, **__: {}}


def frame(given):
    began = time.monotonic()

    def positions():
        angle = time.monotonic() - began
        return {
            f"e{i}": {"position": [400 + i * math.cos(angle + i), 300 + i * math.sin(angle + i)]}
            for i in range(given.entities)
        }

    return (
        GameState(players=positions()),
        lambda game_state, dt: {"players": positions()},
        {"MOVE": lambda *_, **__: {}},
    )


def echo(given):
    return GameState(n=0), lambda game_state, dt: {}, {}


def rooms(given):
    """Many rooms in one process: this version only."""
    from pygase import RoomServer

    server = RoomServer()
    for number in range(given.rooms):
        server.open(str(number), Backend(*room(given)), interval=1 / given.hz)
    answer_stats(dict, given.max_seconds)
    server.run_in_thread("127.0.0.1", 0)
    say(f"PORT {server.port}")
    threading.Event().wait()


def world(given):
    """Everybody walks about and sees the nearest: this version only."""
    import pygase.views

    names, ids = {}, {}  # of players by client id, and client ids by address

    def note(client_address, client_id, **_):
        ids[client_address] = client_id

    def move(name, sequence, x, y, client_address, **_):
        names[ids[client_address]] = name
        return {"players": {name: {"x": sequence, "position": [x, y]}}}

    near = pygase.views.near(
        "players.*.position", radius=200.0, limit=given.nearest, of=lambda game_state, client_id: names.get(client_id)
    )
    handlers = {"MOVE": move, "CLIENT_CONNECTED": note}
    backend = Backend(GameState(players={}), lambda game_state, dt: {}, handlers, view=near)
    answer_stats(dict, given.max_seconds)
    backend.run_in_thread("127.0.0.1", 0, interval=1 / given.hz)
    say(f"PORT {backend.server.port}")
    threading.Event().wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=("room", "rooms", "world", "echo", "entities", "frame"))
    parser.add_argument("--hz", type=float, default=20.0)
    parser.add_argument("--rooms", type=int, default=32)
    parser.add_argument("--nearest", type=int, default=16)
    parser.add_argument("--entities", type=int, default=200)
    parser.add_argument("--fields", type=int, default=4)
    parser.add_argument("--change", type=float, default=0.1)
    parser.add_argument("--pace-in-time-step", action="store_true")
    parser.add_argument("--max-seconds", type=float, default=180.0)
    parser.add_argument("--without-cipher", action="store_true")
    given = parser.parse_args()
    if given.without_cipher:
        importlib.import_module("without_cipher")
    if given.mode in ("rooms", "world"):
        gc.set_threshold(100_000)  # as the how-to about rooms says for hundreds of players
    if given.mode == "rooms":
        rooms(given)
    if given.mode == "world":
        world(given)
    state, time_step, handlers = {"room": room, "echo": echo, "entities": entities, "frame": frame}[given.mode](given)
    if given.pace_in_time_step:
        time_step = paced(time_step, given.hz)
    backend = Backend(state, time_step, handlers)
    received = [0]

    def ping(number, client_address=None, **_):
        backend.server.dispatch_event("PONG", number, target_client=client_address)

    def count(*_, **__):
        received[0] += 1

    wire = backend.game_state_machine
    if given.mode == "echo":
        backend.server.register_event_handler("PING", ping)
        backend.server.register_event_handler("COUNT", count)
        wire = None  # 0.3.1's state machine fails on events that it has no handler for
    answer_stats(lambda: {"received": received[0]}, given.max_seconds)

    def announce():
        while not backend.server.port:
            time.sleep(0.01)
        say(f"PORT {backend.server.port}")

    threading.Thread(target=announce, daemon=True).start()
    # Paced in the time step, the library's own interval must not cut the handling of events short.
    backend.game_state_machine.run_game_loop_in_thread(10.0 if given.pace_in_time_step else 1 / given.hz)
    backend.server.run(0, "127.0.0.1", wire)


if __name__ == "__main__":
    main()
