"""Coin rush, for everyone on the server: run with the arrow keys and collect the coins."""

import sys

import arcade

import pygase
from pygase.integrations.arcade import NetworkWindow

WIDTH, HEIGHT = 640, 480
SPEED = 240  # pixels a second


def walked(position, held, dt):
    x = position[0] + ((arcade.key.RIGHT in held) - (arcade.key.LEFT in held)) * SPEED * dt
    y = position[1] + ((arcade.key.UP in held) - (arcade.key.DOWN in held)) * SPEED * dt
    return [min(max(x, 20), WIDTH - 20), min(max(y, 20), HEIGHT - 20)]


class CoinRush(NetworkWindow):
    def __init__(self, hostname="localhost", port=8080, name="Player"):
        super().__init__(WIDTH, HEIGHT, "Coin rush", interpolate=("players.*.position",))
        self.background_color = (18, 48, 56)
        self.name = name
        self.held = set()  # the keys that are down
        self.own_id = self.own_position = None
        self.score = arcade.Text("", 12, 0, font_size=14)
        self.words = arcade.Text(f"connecting to {hostname}:{port}", 12, 12, font_size=12)
        self.connect(int(port), hostname)

    def on_net_player_created(self, player_id):
        self.own_id = player_id
        with self.client.access_game_state() as state:
            self.own_position = state.players[player_id]["position"]

    def on_net_connection_failed(self, reason):
        self.on_net_disconnected(reason)

    def on_net_disconnected(self, reason):
        self.own_id = None
        self.words.text = f"no connection: {reason}"

    def on_net_connected(self):
        self.client.dispatch_event("JOIN", self.name, retries=pygase.RELIABLE)

    def on_net_reconnected(self):
        self.on_net_connected()

    def on_key_press(self, key, modifiers):
        self.held.add(key)

    def on_key_release(self, key, modifiers):
        self.held.discard(key)

    def on_update(self, delta_time):
        if self.own_id is not None:
            self.own_position = walked(self.own_position, self.held, delta_time)
            self.net.send("MOVE", self.own_position, rate=20)
            self.words.text = f"ping {self.client.connection.latency * 1000:.0f} ms"

    def on_draw(self):
        self.clear()
        self.words.draw()
        if self.own_id is None:
            return
        for x, y in self.state.coins.values():
            arcade.draw_circle_filled(x, y, 10, (242, 193, 78))
        for line, (player_id, player) in enumerate(self.state.players.items()):
            mine = player_id == self.own_id
            x, y = self.own_position if mine else player["position"]
            arcade.draw_circle_filled(x, y, 20, (79, 179, 191) if mine else (209, 73, 91))
            self.score.text = f"{player['name']}: {player['score']}"
            self.score.y = HEIGHT - 30 - 24 * line
            self.score.draw()


if __name__ == "__main__":
    CoinRush(*sys.argv[1:])
    arcade.run()
