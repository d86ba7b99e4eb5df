"""Coin rush, for everyone on the server: run with the arrow keys and collect the coins."""

import sys

import pygame

import pygase
from pygase.integrations.pygame import PygameAdapter

WIDTH, HEIGHT = 640, 480
SPEED = 240  # pixels a second


def walked(position, keys, dt):
    x = position[0] + (keys[pygame.K_RIGHT] - keys[pygame.K_LEFT]) * SPEED * dt
    y = position[1] + (keys[pygame.K_DOWN] - keys[pygame.K_UP]) * SPEED * dt
    return [min(max(x, 20), WIDTH - 20), min(max(y, 20), HEIGHT - 20)]


def draw(screen, font, state, own_id, own_position):
    for place in state.coins.values():
        pygame.draw.circle(screen, "#f2c14e", place, 10)
    for line, (player_id, player) in enumerate(state.players.items()):
        mine = player_id == own_id
        place = own_position if mine else player["position"]
        pygame.draw.circle(screen, "#4fb3bf" if mine else "#d1495b", place, 20)
        score = f"{player['name']}: {player['score']}"
        screen.blit(font.render(score, True, "white"), (12, 10 + 26 * line))


def main(hostname="localhost", port=8080, name="Player"):
    pygame.init()
    screen = pygame.display.set_mode((WIDTH, HEIGHT))
    pygame.display.set_caption("Coin rush")
    font = pygame.font.Font(None, 32)
    clock = pygame.time.Clock()

    client = pygase.Client()
    with PygameAdapter(client, interpolate=("players.*.position",)) as net:
        own_id = own_position = None
        words = f"connecting to {hostname}:{port}"

        @net.on("PLAYER_CREATED")
        def player_created(player_id):
            nonlocal own_id, own_position
            own_id = player_id
            with client.access_game_state() as state:
                own_position = state.players[player_id]["position"]

        @net.on("CONNECTION_FAILED")
        @net.on("DISCONNECTED")
        def gone(reason):
            nonlocal own_id, words
            own_id, words = None, f"no connection: {reason}"

        @net.on("CONNECTED")
        @net.on("RECONNECTED")
        def come_in():
            client.dispatch_event("JOIN", name, retries=pygase.RELIABLE)

        client.connect_in_thread(int(port), hostname)
        dt = 0.0
        running = True
        while running:
            for event in net.events():
                if event.type == pygame.QUIT:
                    running = False

            if own_id is not None:
                own_position = walked(own_position, pygame.key.get_pressed(), dt)
                net.send("MOVE", own_position, rate=20)
                words = f"ping {client.connection.latency * 1000:.0f} ms"

            screen.fill("#123038")
            if own_id is not None:
                with net.render_state() as state:
                    draw(screen, font, state, own_id, own_position)
            screen.blit(font.render(words, True, "#8fa9ad"), (12, HEIGHT - 32))
            pygame.display.flip()
            dt = clock.tick(60) / 1000
    pygame.quit()


if __name__ == "__main__":
    main(*sys.argv[1:])
