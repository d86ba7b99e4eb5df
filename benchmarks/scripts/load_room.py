"""Lean load for a room: many clients in one thread, each moving so many times a second and looking for its own move.

The latency of a move is from its sending until the mover sees it in the state that comes back.
"""

import argparse
import gc
import importlib
import os
import select
import time
from collections import deque

from common import emit, wait_for_go

READY_SECONDS = 60.0
LOST_SECONDS = 2.0  # a client whose own position stood still for so long counts as dropped
MOST_BEHIND = 0.5  # what a load that cannot keep up leaves out
JOIN_BATCH = 16  # more at once would queue at the server, and try again, and queue
CROWD = 64  # from so many clients on, what comes within half a millisecond is handled in one go; of 256, within two
GATHER = 0.0005
LONGEST_GATHER = 0.002


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--wire", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--n", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--hz", type=float, default=20.0, help="how many times a second each moves")
    parser.add_argument("--first", type=int, default=0, help="number of the first player, if others were here before")
    parser.add_argument("--room", type=int, default=1_000_000, help="players per room, when the server has several")
    parser.add_argument("--world", action="store_true", help="everybody walks about in one world")
    parser.add_argument("--watch", type=int, default=1, help="only every so many-th client reads what it gets")
    parser.add_argument("--visible", type=int, help="how many each has to see before it begins; all, unless given")
    parser.add_argument("--without-cipher", action="store_true")
    given = parser.parse_args()
    if given.without_cipher:
        importlib.import_module("without_cipher")
    wire = importlib.import_module(f"client_{given.wire}")
    if given.room < given.first + given.n:
        wire.PLAYERS_PER_ROOM = given.room
    if given.world:
        wire.WORLD_PLAYERS, wire.WATCH = given.n, given.watch
    load = Load(wire.Client, given)
    load.join()
    load.until_all_see_all()
    gc.collect()
    gc.freeze()  # what the clients are made of stays: nobody need look through it again and again
    wait_for_go()
    emit(load.measure())
    os._exit(0)


class Load:
    def __init__(self, make_client, given):
        self.make_client = make_client
        self.given = given
        self.clock = time.monotonic
        self.interval = 1.0 / given.hz
        self.start = self.sweep = self.clock()
        self.sweep_interval = getattr(make_client, "SWEEP_INTERVAL", 0.01)
        self.gather = min(LONGEST_GATHER, GATHER * given.n / CROWD) if given.n >= CROWD else 0.0
        self.players = []
        self.movers = deque()  # in the order in which they are due
        self.poll = select.epoll()
        self.by_fd = {}

    def join(self):
        """Let everybody in, a batch at a time."""
        deadline = self.clock() + READY_SECONDS
        while len(self.players) < self.given.n:
            batch = [self.add() for _ in range(min(JOIN_BATCH, self.given.n - len(self.players)))]
            self.movers = deque(sorted(self.movers, key=lambda player: player.due))
            while not all(player.seen for player in batch) and self.clock() < deadline:
                self.step(None)

    def add(self):
        number = len(self.players)
        client = self.make_client(f"p{self.given.first + number}", number, self.given.port)
        # Each has its own moment in the interval, so that moves come evenly.
        interval = self.interval
        first = self.start + interval * number / self.given.n
        player = Player(client, first + interval * ((self.clock() - first) // interval + 1))
        self.players.append(player)
        self.movers.append(player)
        self.by_fd[client.fileno()] = player
        self.poll.register(client.fileno(), select.EPOLLIN)
        return player

    def until_all_see_all(self):
        wanted = self.given.visible or max(1, min(self.given.n, self.given.room))
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
        movers = self.movers
        if now - movers[0].due > MOST_BEHIND:
            for player in movers:
                player.due += MOST_BEHIND
        while movers[0].due <= now:
            player = movers[0]
            movers.rotate(-1)
            player.due += self.interval
            player.move(now)
        if now >= self.sweep:  # timers of clients to whom nothing comes
            self.sweep = now + self.sweep_interval
            for player in self.players:
                player.client.handle_timer(now)
        wait = max(0.0, min(movers[0].due, self.sweep) - self.clock())
        if self.gather:
            time.sleep(self.gather)
        for fd, _ in self.poll.poll(max(0.0, wait - self.gather)):
            player = self.by_fd[fd]
            now = self.clock()
            player.client.receive(now)
            player.look(now, record_from)


class Player:
    def __init__(self, client, due):
        self.client = client
        self.is_watched = getattr(client, "is_watched", True)
        self.sequence = self.seen = 0
        self.sent = {}
        self.latencies = []
        self.due = due
        self.seen_time = time.monotonic()

    def move(self, now):
        self.sequence += 1
        if self.is_watched:
            self.sent[self.sequence] = now
        self.client.move(float(self.sequence), now)

    def look(self, now, record_from):
        x = int(self.client.own_x)
        if x > self.seen:
            if self.is_watched:
                for sequence in range(self.seen + 1, x + 1):
                    sent_time = self.sent.pop(sequence, None)
                    if record_from is not None and sent_time is not None and sent_time >= record_from:
                        self.latencies.append(1000 * (now - sent_time))
            self.seen, self.seen_time = x, now


if __name__ == "__main__":
    main()
