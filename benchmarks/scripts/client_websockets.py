"""Lean clients of the websockets server: the library's protocol core on a plain TCP socket."""

import json
import socket
import time

from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Frame
from websockets.uri import parse_uri


class Line:
    """One connection, whose handshake is over."""

    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        deflate = ClientPerMessageDeflateFactory(compress_settings={"memLevel": 5})
        self.protocol = ClientProtocol(parse_uri(f"ws://127.0.0.1:{port}"), extensions=[deflate])
        self.protocol.send_request(self.protocol.connect())
        self.push()
        while self.protocol.state.name != "OPEN":
            self.protocol.receive_data(self.sock.recv(65536))
            self.protocol.events_received()

    def push(self):
        """Send what the protocol has to say; returns how many bytes."""
        data = b"".join(self.protocol.data_to_send())
        if data:
            self.sock.sendall(data)
        return len(data)

    def messages(self, data):
        """The messages that some received bytes complete."""
        self.protocol.receive_data(data)
        return [json.loads(event.data) for event in self.protocol.events_received() if isinstance(event, Frame)]

    def send(self, message):
        self.protocol.send_text(json.dumps(message).encode())
        return self.push()


class Client:
    """One player, driven by the load generator's loop."""

    def __init__(self, name, number, port):
        self.name, self.number = name, number
        self.line = Line(port)
        self.line.sock.setblocking(False)
        self.own_x = 0.0
        self.visible = 0
        self.reset_counters()

    def fileno(self):
        return self.line.sock.fileno()

    def reset_counters(self):
        self.down_bytes = self.up_bytes = self.down_packets = self.up_packets = 0

    def move(self, x, now):
        self.up_bytes += self.line.send({"type": "MOVE", "name": self.name, "x": x, "y": float(self.number)})
        self.up_packets += 1

    def handle_timer(self, now):
        pass

    def receive(self, now):
        try:
            data = self.line.sock.recv(1 << 20)
        except BlockingIOError:
            return
        self.down_bytes += len(data)
        for message in self.line.messages(data):
            self.down_packets += 1
            self.visible = len(message["players"])
            self.own_x = message["players"].get(self.name, {"x": self.own_x})["x"]


class Echo:
    """One client that waits for each answer."""

    def __init__(self, port):
        self.line = Line(port)

    def ping(self, number):
        """The round trip in seconds."""
        start = time.perf_counter()
        self.line.send({"type": "PING", "number": number})
        while not self.line.messages(self.line.sock.recv(1 << 20)):
            pass
        return time.perf_counter() - start

    def count(self, number):
        """Send one event; TCP makes it reliable."""
        self.line.send({"type": "COUNT", "number": number})
