"""Coin rush, for one player: run with the arrow keys and collect the coins."""

import math
import random

import pygame

WIDTH, HEIGHT = 640, 480
SPEED = 240  # pixels a second
REACH = 30  # this near, a coin is yours


def random_place():
    return [random.randint(40, WIDTH - 40), random.randint(40, HEIGHT - 40)]


def walked(position, keys, dt):
    x = position[0] + (keys[pygame.K_RIGHT] - keys[pygame.K_LEFT]) * SPEED * dt
    y = position[1] + (keys[pygame.K_DOWN] - keys[pygame.K_UP]) * SPEED * dt
    return [min(max(x, 20), WIDTH - 20), min(max(y, 20), HEIGHT - 20)]


def draw(screen, font, player, coins):
    screen.fill("#123038")
    for place in coins.values():
        pygame.draw.circle(screen, "#f2c14e", place, 10)
    pygame.draw.circle(screen, "#4fb3bf", player["position"], 20)
    screen.blit(font.render(f"Coins: {player['score']}", True, "white"), (12, 10))
    pygame.display.flip()


def main():
    pygame.init()
    screen = pygame.display.set_mode((WIDTH, HEIGHT))
    pygame.display.set_caption("Coin rush")
    font = pygame.font.Font(None, 32)
    clock = pygame.time.Clock()

    player = {"position": [WIDTH / 2, HEIGHT / 2], "score": 0}
    coins = {number: random_place() for number in range(5)}
    dt = 0.0
    running = True
    while running:
        for event in pygame.event.get():
            if event.type == pygame.QUIT:
                running = False

        player["position"] = walked(player["position"], pygame.key.get_pressed(), dt)
        for number, place in coins.items():
            if math.dist(place, player["position"]) < REACH:
                player["score"] += 1
                coins[number] = random_place()

        draw(screen, font, player, coins)
        dt = clock.tick(60) / 1000
    pygame.quit()


if __name__ == "__main__":
    main()
