"""Lean clients of pygase on plain sockets, many of them in one thread; and its public client.

They are made of pygase's own session, link and traffic, so what they send and acknowledge is what a game's client
would. They skip what only a game needs: the state is not kept, and what a server sends to all clients of a room is read
once for all of them. Once connected, they call traffic and cipher directly.
"""

import os
import random
import socket
import struct
import threading
import time

import pygase
from pygase.errors import MalformedDatagram
from pygase.netcode import SecureClient
from pygase.session.client import ClientSession
from pygase.session.events import encode_event
from pygase.state import GameState, apply_all
from pygase.state.codec import Decoder

# Set by the load.
PLAYERS_PER_ROOM = None  # when the server has several rooms
WORLD_PLAYERS = None  # when each sees only what is near: how many there are
WATCH = 1  # and then only every so many-th reads what it gets

SPACING = 40.0  # units of the world's side for each root of a player
STEP = 5.0
STAMP_BYTES = 2  # in front of each update
PAYLOAD = 5  # the kind of a datagram, in its first byte's lower half
NEVER = float("inf")
PLACE = struct.Struct(">BdBdBd")  # three floats as MessagePack has them
FLOAT = 0xCB


class Reader:
    """Reads the updates that a server sends to one client."""

    def __init__(self):
        self.decoder = Decoder()

    def players(self, blob):
        """The players in an update."""
        try:
            return self.decoder.decode(blob[STAMP_BYTES:]).get("players") or {}
        except MalformedDatagram:
            return {}


class SharedReader(Reader):
    """Reads the updates of a room, each once, whichever client gets it first."""

    def __init__(self):
        super().__init__()
        self.names = self.decoder._names
        self.known = {}

    def players(self, blob):
        """The players in an update."""
        found = self.known.get(blob)
        if found is None:
            if len(self.known) >= 64:
                self.known.clear()
            found = self.known[blob] = super().players(blob)
            if len(self.decoder._names) < len(self.names):  # it came late, from before the table had grown
                self.decoder._names = self.names
            self.names = self.decoder._names
        return found


READERS = {}


class Client:
    """One player, driven by the load generator's loop."""

    SWEEP_INTERVAL = 0.1

    def __init__(self, name, number, port):
        self.name, self.number = name, number
        self.address = ("127.0.0.1", port)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.connect(self.address)
        self.sock.setblocking(False)
        self.room = str(int(name[1:]) // PLAYERS_PER_ROOM) if PLAYERS_PER_ROOM else ""
        self.is_watched = not WORLD_PLAYERS or number % WATCH == 0
        self.reader = Reader() if WORLD_PLAYERS else READERS.setdefault(self.room, SharedReader())
        self.dice = random.Random(number)
        self.side = SPACING * (WORLD_PLAYERS or 0) ** 0.5
        self.place = self.dice.uniform(0, self.side), self.dice.uniform(0, self.side)
        self.names = set()
        self.own_x = 0.0
        self.head = encode_event("MOVE", (name, 0.0, 0.0, 0.0), {})[: -PLACE.size]
        self.channel = None  # the link's, once connected
        self.deadline = 0.0  # when a timer may be due
        now = time.monotonic()
        self.session = ClientSession(now, os.urandom)
        self.session.start(self.make_link, now)
        self.reset_counters()
        self.flush(now)

    def make_link(self, now, ticket):
        return SecureClient(
            address=self.address,
            entropy=os.urandom,
            unix_epoch=time.time() - time.monotonic(),
            now=now,
            ticket=ticket,
            room=self.room,
        )

    @property
    def visible(self):
        """How many it sees; one that does not look is taken at its neighbours' word."""
        return len(self.names) if self.is_watched else 1_000_000

    def fileno(self):
        return self.sock.fileno()

    def reset_counters(self):
        self.down_bytes = self.up_bytes = self.down_packets = self.up_packets = 0

    def move(self, x, now):
        if self.channel is None:
            return
        traffic = self.session.traffic
        if WORLD_PLAYERS:
            traffic.send(self.head + self.walk(x), 0)
        else:
            traffic.send(encode_event("MOVE", (self.name, x, float(self.number)), {}), 0)
        self.send(traffic, now)

    def walk(self, x):
        """Go a step further, and return the move's data as `encode_event` would."""
        random_step, side = self.dice.random, self.side
        across, down = self.place
        across += 2.0 * STEP * random_step() - STEP
        down += 2.0 * STEP * random_step() - STEP
        across = 0.0 if across < 0.0 else side if across > side else across
        down = 0.0 if down < 0.0 else side if down > side else down
        self.place = across, down
        return PLACE.pack(FLOAT, x, FLOAT, across, FLOAT, down)

    def receive(self, now):
        try:
            data = self.sock.recv(2048)
        except (BlockingIOError, ConnectionRefusedError):
            return
        self.down_bytes += len(data)
        self.down_packets += 1
        session = self.session
        if self.channel is None or data[0] & 0x0F != PAYLOAD:
            session.receive_datagram(data, self.address, now)
            session.take_signals()
            self.channel = session.link._client._channel if session.is_connected else None
            self.deadline = 0.0
            self.flush(now)
            return
        try:
            payload = self.channel.open_payload(data, now)
        except MalformedDatagram:
            return
        session._active_at = now
        traffic = session.traffic
        traffic.receive_packet(payload, now)
        if traffic.snapshots:
            self.read(traffic.snapshots)
        if traffic.messages:
            traffic.messages.clear()  # reconnect tickets
        timer = traffic.next_timer() or NEVER
        if timer <= now:
            traffic.handle_timer(now)
            self.send(traffic, now)
        elif timer < self.deadline:
            self.deadline = timer

    def read(self, snapshots):
        if not self.is_watched:
            self.own_x = snapshots[-1][1]
            snapshots.clear()
            return
        while snapshots:
            players = self.reader.players(snapshots.pop(0)[2])
            own = players.get(self.name)
            if type(own) is dict and "x" in own:
                self.own_x = max(self.own_x, own["x"])
            if len(self.names) < 1024 and not players.keys() <= self.names:
                self.names.update(players)

    def handle_timer(self, now):
        if now < self.deadline:
            return
        session = self.session
        timer = session.next_timer()
        if timer is not None and timer <= now:
            session.handle_timer(now)
            session.take_signals()
            if not session.is_connected:
                self.channel = None
            self.flush(now)
            timer = session.next_timer()
        self.deadline = NEVER if timer is None else timer

    def flush(self, now):
        """Send whatever there is."""
        self.send_all([data for data, _ in self.session.datagrams_to_send(now)])

    def send(self, traffic, now):
        """Send what the traffic has to say."""
        seal = self.channel.seal
        self.send_all([seal(payload, now) for payload in traffic.packets_to_send(now)])
        if traffic.awaits_ack:
            self.deadline = 0.0

    def send_all(self, datagrams):
        send = self.sock.send
        for data in datagrams:
            self.up_bytes += len(data)
            self.up_packets += 1
            try:
                send(data)
            except OSError:
                continue


class StateClient(Client):
    """A client that keeps the whole state, as a game's does."""

    def __init__(self, name, number, port):
        self.state = GameState()
        self.entities = self.tick = 0
        super().__init__(name, number, port)

    def receive(self, now):
        session = self.session
        while True:
            try:
                data = self.sock.recv(2048)
            except (BlockingIOError, ConnectionRefusedError):
                break
            self.down_bytes += len(data)
            self.down_packets += 1
            session.receive_datagram(data, self.address, now)
        taken = session.replica.take_pending()
        if taken:
            apply_all(self.state, taken)
            state = self.state.__dict__
            self.entities = len(state.get("ents", ()))
            self.tick = state.get("tick", 0)
        session.take_signals()
        self.deadline = now
        self.handle_timer(now)
        self.flush(now)

    def leave(self):
        self.session.disconnect(time.monotonic(), wait=0.0)
        self.flush(time.monotonic())
        self.sock.close()


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
