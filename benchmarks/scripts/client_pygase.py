"""Lean clients of pygase: its session core on a plain socket, many of them in one thread; and its public client."""

import os
import socket
import threading
import time

import pygase
from pygase.netcode import SecureClient
from pygase.session.client import ClientSession
from pygase.session.events import encode_event
from pygase.state import GameState, apply_all

PLAYERS_PER_ROOM = None  # set by the load, when the server has several rooms


class Client:
    """One player, driven by the load generator's loop."""

    def __init__(self, name, number, port):
        self.name, self.number = name, number
        self.address = ("127.0.0.1", port)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.connect(self.address)
        self.sock.setblocking(False)
        now = time.monotonic()
        self.session = ClientSession(now, os.urandom)
        self.session.start(self.make_link, now)
        self.state = GameState()
        self.own_x = 0.0
        self.visible = self.entities = self.tick = 0
        self.reset_counters()
        self.flush(now)

    def make_link(self, now, ticket):
        return SecureClient(
            address=self.address,
            entropy=os.urandom,
            unix_epoch=time.time() - time.monotonic(),
            now=now,
            ticket=ticket,
            room=str(int(self.name[1:]) // PLAYERS_PER_ROOM) if PLAYERS_PER_ROOM else "",
        )

    def fileno(self):
        return self.sock.fileno()

    def reset_counters(self):
        self.down_bytes = self.up_bytes = self.down_packets = self.up_packets = 0

    def move(self, x, now):
        if self.session.is_connected:
            self.session.dispatch(encode_event("MOVE", (self.name, x, float(self.number)), {}), 0, None)
            self.flush(now)

    def receive(self, now):
        session, receive = self.session, self.session.receive_datagram
        while True:
            try:
                data = self.sock.recv(2048)
            except (BlockingIOError, ConnectionRefusedError):
                break
            self.down_bytes += len(data)
            self.down_packets += 1
            receive(data, self.address, now)
        taken = session.replica.take_pending()
        if taken:
            apply_all(self.state, taken)
            state = self.state.__dict__
            players = state.get("players")
            if players:
                self.visible = len(players)
                own = players.get(self.name)
                if own is not None:
                    self.own_x = own["x"]
            self.entities = len(state.get("ents", ()))
            self.tick = state.get("tick", 0)
        session.take_signals()
        timer = session.next_timer()
        if timer is not None and timer <= now:
            session.handle_timer(now)
        self.flush(now)

    def leave(self):
        self.session.disconnect(time.monotonic(), wait=0.0)
        self.flush(time.monotonic())
        self.sock.close()

    def handle_timer(self, now):
        timer = self.session.next_timer()
        if timer is not None and timer <= now:
            self.session.handle_timer(now)
            self.flush(now)

    def flush(self, now):
        for data, _ in self.session.datagrams_to_send(now):
            self.up_bytes += len(data)
            self.up_packets += 1
            try:
                self.sock.send(data)
            except OSError:
                continue


class Echo:
    """The public client, as a game has it, with its handlers on its own thread."""

    def __init__(self, port):
        self.pong = threading.Event()
        self.client = pygase.Client()
        self.client.register_event_handler("PONG", lambda *_, **__: self.pong.set())
        self.client.connect_in_thread(port, "127.0.0.1")
        deadline = time.monotonic() + 10
        connected = getattr(pygase, "ConnectionStatus", None)
        while connected and self.client.connection.status != connected.CONNECTED:
            assert time.monotonic() < deadline, "no connection"
            time.sleep(0.01)
        time.sleep(0.5)

    def ping(self, number):
        """The round trip in seconds; None if there was no answer."""
        self.pong.clear()
        start = time.perf_counter()
        self.client.dispatch_event("PING", number)
        return time.perf_counter() - start if self.pong.wait(2.0) else None

    def count(self, number):
        """Send one event that must not get lost."""
        while True:
            try:
                self.client.dispatch_event("COUNT", number, retries=pygase.RELIABLE)
            except pygase.BacklogFull:
                time.sleep(0.002)
            else:
                return
