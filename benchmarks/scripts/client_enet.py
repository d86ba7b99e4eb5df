"""Lean clients of the ENet server."""

import time

import enet
import msgspec

ENCODE, DECODE = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder().decode


class Client:
    """One player, driven by the load generator's loop."""

    def __init__(self, name, number, port):
        self.name, self.number = name, number
        self.host = enet.Host(None, 1, 2, 0, 0)
        self.peer = self.host.connect(enet.Address(b"127.0.0.1", port), 2)
        self.connected = False
        self.seen_names = set()
        self.own_x = 0.0
        self.start = (0, 0, 0, 0)
        self.receive(0.0)

    def fileno(self):
        return self.host.socket.fileno()

    @property
    def visible(self):
        return len(self.seen_names)

    def reset_counters(self):
        self.start = self.totals()

    def totals(self):
        host = self.host
        return (host.totalReceivedData, host.totalSentData, host.totalReceivedPackets, host.totalSentPackets)

    def counted(self, which):
        return self.totals()[which] - self.start[which]

    down_bytes = property(lambda self: self.counted(0))
    up_bytes = property(lambda self: self.counted(1))
    down_packets = property(lambda self: self.counted(2))
    up_packets = property(lambda self: self.counted(3))

    def move(self, x, now):
        if self.connected:
            self.peer.send(0, enet.Packet(ENCODE(["MOVE", self.name, x, float(self.number)]), 0))
            self.receive(now)

    def handle_timer(self, now):
        self.receive(now)

    def receive(self, now):
        event = self.host.service(0)
        while event is not None and event.type:
            if event.type == enet.EVENT_TYPE_CONNECT:
                self.connected = True
            elif event.type == enet.EVENT_TYPE_RECEIVE:
                _, moved = DECODE(event.packet.data)
                self.seen_names.update(moved)
                own = moved.get(self.name)
                if own is not None:
                    self.own_x = max(self.own_x, own[0])
            event = self.host.check_events()


class Echo:
    """One client that waits for each answer."""

    def __init__(self, port):
        self.host = enet.Host(None, 1, 2, 0, 0)
        self.peer = self.host.connect(enet.Address(b"127.0.0.1", port), 2)
        self.wait(enet.EVENT_TYPE_CONNECT)

    def wait(self, kind):
        deadline = time.monotonic() + 2.0
        while time.monotonic() < deadline:
            event = self.host.service(50)
            if event.type == kind:
                return True
        return False

    def ping(self, number):
        """The round trip in seconds; None if there was no answer."""
        start = time.perf_counter()
        self.peer.send(1, enet.Packet(ENCODE(["PING", number]), enet.PACKET_FLAG_RELIABLE))
        self.host.flush()
        return time.perf_counter() - start if self.wait(enet.EVENT_TYPE_RECEIVE) else None

    def count(self, number):
        """Send one event reliably."""
        self.peer.send(1, enet.Packet(ENCODE(["COUNT", number]), enet.PACKET_FLAG_RELIABLE))
        if number % 64 == 0:
            self.flush()

    def flush(self):
        """Let ENet send, and take in its acknowledgements."""
        self.host.service(0)
