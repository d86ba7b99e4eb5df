"""Lean load for a room: many clients in one thread, each moving 20 times a second and looking for its own move.

The latency of a move is from its sending until the mover sees it in the state that comes back.
"""

import argparse
import importlib
import os
import select
import time

from common import emit, wait_for_go

INTERVAL = 0.05
READY_SECONDS = 60.0
LOST_SECONDS = 2.0  # a client whose own position stood still for so long counts as dropped


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--wire", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--n", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--first", type=int, default=0, help="number of the first player, if others were here before")
    parser.add_argument("--room", type=int, default=1_000_000, help="players per room, when the server has several")
    parser.add_argument("--without-cipher", action="store_true")
    given = parser.parse_args()
    if given.without_cipher:
        importlib.import_module("without_cipher")
    wire = importlib.import_module(f"client_{given.wire}")
    if given.room < given.first + given.n:
        wire.PLAYERS_PER_ROOM = given.room
    load = Load(wire.Client, given)
    load.until_all_see_all()
    wait_for_go()
    emit(load.measure())
    os._exit(0)


class Load:
    def __init__(self, make_client, given):
        self.given = given
        self.clock = time.monotonic
        self.players = [Player(make_client(f"p{given.first + i}", i, given.port)) for i in range(given.n)]
        self.poll = select.epoll()
        self.by_fd = {}
        start = self.clock()
        for number, player in enumerate(self.players):
            player.due = start + INTERVAL * number / given.n
            fd = player.client.fileno()
            self.by_fd[fd] = player
            self.poll.register(fd, select.EPOLLIN)
        self.sweep = start

    def until_all_see_all(self):
        wanted = max(1, min(self.given.n, self.given.room))
        deadline = self.clock() + READY_SECONDS
        while not all(p.seen and p.client.visible >= wanted for p in self.players):
            if self.clock() > deadline:
                blind = sum(1 for p in self.players if not p.seen or p.client.visible < wanted)
                emit({"error": f"{blind} of {self.given.n} do not see everybody"})
                os._exit(3)
            self.step(None)

    def measure(self):
        for player in self.players:
            player.client.reset_counters()
            player.latencies.clear()
        start = self.clock()
        while self.clock() - start < self.given.seconds:
            self.step(start)
        now = self.clock()
        share = self.given.n * (now - start)
        clients = [player.client for player in self.players]
        latencies = [ms for player in self.players for ms in player.latencies]
        # A move that never came back counts with its age.
        late = [1000 * (now - t) for p in self.players for t in p.sent.values() if t >= start and now - t > 0.5]
        return {
            "latencies_ms": [round(ms, 2) for ms in latencies + late],
            "dropped": sum(1 for player in self.players if now - player.seen_time > LOST_SECONDS),
            "down_bytes": sum(client.down_bytes for client in clients) / share,
            "up_bytes": sum(client.up_bytes for client in clients) / share,
            "down_packets": sum(client.down_packets for client in clients) / share,
            "up_packets": sum(client.up_packets for client in clients) / share,
        }

    def step(self, record_from):
        now = self.clock()
        due = now + INTERVAL
        for player in self.players:
            if now >= player.due:
                player.due = max(player.due + INTERVAL, now - 0.5)
                player.move(now)
            due = min(due, player.due)
        if now >= self.sweep:  # timers of clients to whom nothing comes
            self.sweep = now + 0.01
            for player in self.players:
                player.client.handle_timer(now)
        for fd, _ in self.poll.poll(max(0.0, min(due, self.sweep) - self.clock())):
            player = self.by_fd[fd]
            player.client.receive(self.clock())
            player.look(self.clock(), record_from)


class Player:
    def __init__(self, client):
        self.client = client
        self.sequence = self.seen = 0
        self.sent = {}
        self.latencies = []
        self.due = self.seen_time = time.monotonic()

    def move(self, now):
        self.sequence += 1
        self.sent[self.sequence] = now
        self.client.move(float(self.sequence), now)

    def look(self, now, record_from):
        x = int(self.client.own_x)
        if x > self.seen:
            for sequence in range(self.seen + 1, x + 1):
                sent_time = self.sent.pop(sequence, None)
                if record_from is not None and sent_time is not None and sent_time >= record_from:
                    self.latencies.append(1000 * (now - sent_time))
            self.seen, self.seen_time = x, now


if __name__ == "__main__":
    main()
