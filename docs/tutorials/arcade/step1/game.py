"""Coin rush, for one player: run with the arrow keys and collect the coins."""

import math
import random

import arcade

WIDTH, HEIGHT = 640, 480
SPEED = 240  # pixels a second
REACH = 30  # this near, a coin is yours


def random_place():
    return [random.randint(40, WIDTH - 40), random.randint(40, HEIGHT - 40)]


def walked(position, held, dt):
    x = position[0] + ((arcade.key.RIGHT in held) - (arcade.key.LEFT in held)) * SPEED * dt
    y = position[1] + ((arcade.key.UP in held) - (arcade.key.DOWN in held)) * SPEED * dt
    return [min(max(x, 20), WIDTH - 20), min(max(y, 20), HEIGHT - 20)]


class CoinRush(arcade.Window):
    def __init__(self):
        super().__init__(WIDTH, HEIGHT, "Coin rush")
        self.background_color = (18, 48, 56)
        self.held = set()  # the keys that are down
        self.player = {"position": [WIDTH / 2, HEIGHT / 2], "score": 0}
        self.coins = {number: random_place() for number in range(5)}
        self.score = arcade.Text("", 12, HEIGHT - 30, font_size=16)

    def on_key_press(self, key, modifiers):
        self.held.add(key)

    def on_key_release(self, key, modifiers):
        self.held.discard(key)

    def on_update(self, delta_time):
        self.player["position"] = walked(self.player["position"], self.held, delta_time)
        for number, place in self.coins.items():
            if math.dist(place, self.player["position"]) < REACH:
                self.player["score"] += 1
                self.coins[number] = random_place()

    def on_draw(self):
        self.clear()
        for x, y in self.coins.values():
            arcade.draw_circle_filled(x, y, 10, (242, 193, 78))
        arcade.draw_circle_filled(*self.player["position"], 20, (79, 179, 191))
        self.score.text = f"Coins: {self.player['score']}"
        self.score.draw()


if __name__ == "__main__":
    CoinRush()
    arcade.run()
