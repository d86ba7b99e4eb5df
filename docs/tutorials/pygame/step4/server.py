"""Coin rush, the server: it holds the state and knows the rules. It draws nothing and needs no pygame."""

import itertools
import math
import random
import sys

import pygase

WIDTH, HEIGHT = 640, 480
REACH = 30  # this near, a coin is yours
SPEED = 240  # pixels a second
SLACK = 1.2  # clocks differ and packets bunch up: this much faster is not yet cheating
PATIENCE = 0.5  # after a gap in the connection a player may catch up on this many seconds of running

player_ids = {}  # client address -> the id of its player
reach = {}  # the id of a player -> how many pixels it may have moved by now
new_ids = itertools.count(1)


def random_place():
    return [random.randint(40, WIDTH - 40), random.randint(40, HEIGHT - 40)]


def join(name, client_address):
    """A client wants to play: give it a player, unless it has one, and tell it which one."""
    if not isinstance(name, str):
        return None
    is_new = client_address not in player_ids
    player_id = player_ids.setdefault(client_address, next(new_ids))
    backend.server.dispatch_event("PLAYER_CREATED", player_id, target_client=client_address, retries=pygase.RELIABLE)
    if is_new:
        return {"players": {player_id: {"name": name[:12], "position": random_place(), "score": 0}}}
    return None


def move(position, client_address, game_state):
    """A client says where its player is now. It goes there, or as far in that direction as it can have run."""
    player_id = player_ids.get(client_address)
    if player_id is None or not is_place(position):
        return None
    old = game_state.players[player_id]["position"]
    distance = math.dist(old, position)
    allowed = reach.get(player_id, 0.0)
    if distance > allowed:
        share = allowed / distance
        position = [old[0] + share * (position[0] - old[0]), old[1] + share * (position[1] - old[1])]
    reach[player_id] = allowed - min(distance, allowed)
    return {"players": {player_id: {"position": position}}}


def is_place(value):
    """Whether what a client sent is a place in the field. A stranger's program may send anything."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(isinstance(number, int | float) for number in value)
        and 20 <= value[0] <= WIDTH - 20
        and 20 <= value[1] <= HEIGHT - 20
    )


def leave(client_address):
    """A client is gone, and so is its player."""
    if client_address in player_ids:
        player_id = player_ids.pop(client_address)
        reach.pop(player_id, None)
        return {"players": {player_id: pygase.TO_DELETE}}
    return None


def come_back(client_address, former_address=None):
    """A client that was cut off is back, from another address perhaps. It is still the same player."""
    if former_address in player_ids:
        player_ids[client_address] = player_ids.pop(former_address)


def time_step(game_state, dt):
    """Fifty times a second: who is near a coin gets it, and the coin lies somewhere else."""
    for player_id in game_state.players:
        reach[player_id] = min(reach.get(player_id, 0.0) + SPEED * SLACK * dt, SPEED * SLACK * PATIENCE)
    players, coins = {}, {}
    for number, place in game_state.coins.items():
        for player_id, player in game_state.players.items():
            if math.dist(place, player["position"]) < REACH:
                players[player_id] = {"score": player["score"] + 1}
                coins[number] = random_place()
                break
    return {"players": players, "coins": coins}


backend = pygase.Backend(
    initial_game_state=pygase.GameState(players={}, coins={number: random_place() for number in range(5)}),
    time_step_function=time_step,
    event_handlers={"JOIN": join, "MOVE": move, "CLIENT_RECONNECTED": come_back, "CLIENT_DISCONNECTED": leave},
)

if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
    print(f"Coin rush on port {port}; Ctrl-C ends it.", flush=True)
    backend.run("localhost", port)
