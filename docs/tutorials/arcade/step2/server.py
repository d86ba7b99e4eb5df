"""Coin rush, the server: it holds the state and knows the rules. It draws nothing and needs no Arcade."""

import itertools
import math
import random
import sys

import pygase

WIDTH, HEIGHT = 640, 480
REACH = 30  # this near, a coin is yours

player_ids = {}  # client address -> the id of its player
new_ids = itertools.count(1)


def random_place():
    return [random.randint(40, WIDTH - 40), random.randint(40, HEIGHT - 40)]


def join(name, client_address):
    """A client wants to play: give it a player, and tell it which one."""
    player_id = next(new_ids)
    player_ids[client_address] = player_id
    backend.server.dispatch_event("PLAYER_CREATED", player_id, target_client=client_address, retries=pygase.RELIABLE)
    return {"players": {player_id: {"name": name, "position": random_place(), "score": 0}}}


def move(position, client_address):
    """A client says where its player is now."""
    if client_address in player_ids:
        return {"players": {player_ids[client_address]: {"position": position}}}
    return None


def leave(client_address):
    """A client is gone, and so is its player."""
    if client_address in player_ids:
        return {"players": {player_ids.pop(client_address): pygase.TO_DELETE}}
    return None


def time_step(game_state, dt):
    """Fifty times a second: who is near a coin gets it, and the coin lies somewhere else."""
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
    event_handlers={"JOIN": join, "MOVE": move, "CLIENT_DISCONNECTED": leave},
)

if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
    print(f"Coin rush on port {port}; Ctrl-C ends it.", flush=True)
    backend.run("localhost", port)
