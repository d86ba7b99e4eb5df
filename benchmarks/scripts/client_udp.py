"""Lean clients of the bare UDP server."""

import selectors
import socket
import threading
import time

import msgspec
from server_udp import Cipher

ENCODE, DECODE = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder().decode


class Client:
    """One player, driven by the load generator's loop."""

    def __init__(self, name, number, port):
        self.name, self.number = name, number
        self.cipher = Cipher()
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.connect(("127.0.0.1", port))
        self.sock.setblocking(False)
        self.seen_names = set()
        self.own_x = 0.0
        self.reset_counters()

    def fileno(self):
        return self.sock.fileno()

    @property
    def visible(self):
        return len(self.seen_names)

    def reset_counters(self):
        self.down_bytes = self.up_bytes = self.down_packets = self.up_packets = 0

    def move(self, x, now):
        data = self.cipher.seal(ENCODE(["MOVE", self.name, x, float(self.number)]))
        try:
            self.sock.send(data)
        except OSError:
            return
        self.up_bytes += len(data)
        self.up_packets += 1

    def handle_timer(self, now):
        pass

    def receive(self, now):
        while True:
            try:
                data = self.sock.recv(65535)
            except (BlockingIOError, ConnectionRefusedError):
                return
            self.down_bytes += len(data)
            self.down_packets += 1
            _, moved = DECODE(self.cipher.open(data))
            if len(self.seen_names) < 2048:
                self.seen_names.update(moved)
            own = moved.get(self.name)
            if own is not None:
                self.own_x = max(self.own_x, own[0])


class Echo:
    """A blocking socket."""

    def __init__(self, port):
        self.cipher = Cipher()
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.connect(("127.0.0.1", port))
        self.sock.settimeout(2.0)

    def ping(self, number):
        """The round trip in seconds; None if there was no answer."""
        start = time.perf_counter()
        self.sock.send(self.cipher.seal(ENCODE(["PING", number])))
        try:
            DECODE(self.cipher.open(self.sock.recv(2048)))
        except TimeoutError:
            return None
        return time.perf_counter() - start

    def count(self, number):
        """Send one event, of which nobody will know whether it arrived."""
        self.sock.send(self.cipher.seal(ENCODE(["COUNT", number])))


class ThreadedEcho(Echo):
    """The same as a game has it: a thread waits for the socket and runs the handler, which tells the game's thread."""

    def __init__(self, port):
        super().__init__(port)
        self.sock.setblocking(False)
        self.pong = threading.Event()
        threading.Thread(target=self._receive, daemon=True).start()

    def _receive(self):
        selector = selectors.DefaultSelector()
        selector.register(self.sock, selectors.EVENT_READ)
        while True:
            selector.select()
            try:
                DECODE(self.cipher.open(self.sock.recv(2048)))
            except BlockingIOError:
                continue
            self.pong.set()

    def ping(self, number):
        """The round trip in seconds; None if there was no answer."""
        self.pong.clear()
        start = time.perf_counter()
        self.sock.send(self.cipher.seal(ENCODE(["PING", number])))
        return time.perf_counter() - start if self.pong.wait(2.0) else None
