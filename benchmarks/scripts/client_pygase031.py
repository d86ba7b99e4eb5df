"""Lean clients that speak the wire format of pygase 0.3.1; and its public client.

A datagram is: ffd0fab9 | sequence u16 | ack u16 | ack bits u32 | time order u16 or, from the server, an update |
(length u16, event)*. Four bytes of magic, then numbers with the high byte first.
"""

import socket
import struct
import threading
import time

import umsgpack

import pygase

HEAD = struct.Struct(">4sHHIH")
PROTOCOL = bytes.fromhex("ffd0fab9")
SEND_INTERVAL = 1 / 40  # the library sends a datagram every 25 ms whether or not there is anything to say


class Client:
    """One player, driven by the load generator's loop."""

    def __init__(self, name, number, port):
        self.name, self.number = name, number
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.connect(("127.0.0.1", port))
        self.sock.setblocking(False)
        self.local = self.remote = self.bits = self.time_order = 0
        self.event = b""
        self.next_send = time.monotonic() + SEND_INTERVAL * (number % 25) / 25
        self.own_x = 0.0
        self.visible = self.tick = 0
        self.seen_entities = set()
        self.reset_counters()

    def fileno(self):
        return self.sock.fileno()

    def reset_counters(self):
        self.down_bytes = self.up_bytes = self.down_packets = self.up_packets = 0

    def move(self, x, now):
        event = umsgpack.packb(
            {"type": "MOVE", "handler_args": [self.name, x, float(self.number)], "handler_kwargs": {}},
            force_float_precision="single",
        )
        self.event = len(event).to_bytes(2, "big") + event
        self.handle_timer(now)

    def handle_timer(self, now):
        if now < self.next_send:
            return
        self.next_send = max(self.next_send + SEND_INTERVAL, now - 0.5)
        self.local = self.local % 65535 + 1
        data = HEAD.pack(PROTOCOL, self.local, self.remote, self.bits, self.time_order) + self.event
        self.event = b""
        try:
            self.sock.send(data)
        except OSError:
            return
        self.up_bytes += len(data)
        self.up_packets += 1

    def receive(self, now):
        while True:
            try:
                data = self.sock.recv(65535)
            except (BlockingIOError, ConnectionRefusedError):
                break
            self.down_bytes += len(data)
            self.down_packets += 1
            self.note(int.from_bytes(data[4:6], "big"))
            size = int.from_bytes(data[12:14], "big")
            update = umsgpack.unpackb(data[14 : 14 + size])
            self.time_order = update["time_order"]
            self.seen_entities.update(update.get("ents", ()))
            self.tick = max(self.tick, update.get("tick", 0))
            players = update.get("players")
            if players:
                self.visible = max(self.visible, len(players))
                if self.name in players:
                    self.own_x = max(self.own_x, players[self.name]["x"])
        self.handle_timer(now)

    @property
    def entities(self):
        return len(self.seen_entities)

    def leave(self):
        self.sock.close()

    def note(self, sequence):
        """Keep what the next datagram acknowledges."""
        ahead = sequence - self.remote
        if self.remote == 0 or 0 < ahead < 32768 or ahead < -32768:
            if self.remote:
                ahead = ahead if ahead > 0 else ahead + 65535
                self.bits = ((self.bits << ahead) | (1 << (ahead - 1))) & 0xFFFFFFFF if ahead < 33 else 0
            self.remote = sequence


class Echo:
    """The public client, as a game has it."""

    def __init__(self, port):
        self.pong = threading.Event()
        self.client = pygase.Client()
        self.client.register_event_handler("PONG", lambda *_, **__: self.pong.set())
        self.client.connect_in_thread(port=port, hostname="127.0.0.1")
        time.sleep(1.0)

    def ping(self, number):
        """The round trip in seconds; None if there was no answer."""
        self.pong.clear()
        start = time.perf_counter()
        self.client.dispatch_event("PING", number)
        return time.perf_counter() - start if self.pong.wait(2.0) else None

    def count(self, number):
        """Send one event."""
        self.client.dispatch_event("COUNT", number)
