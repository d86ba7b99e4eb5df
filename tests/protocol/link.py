"""Two `Traffic`s on a simulated line: latency, jitter, loss, duplicates, reordering, a line rate with a queue."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from pygase.protocol import Traffic


@dataclass(frozen=True)
class Line:
    """One direction. Times in seconds, shares from 0 to 1."""

    latency: float = 0.03
    jitter: float = 0.0
    loss: float = 0.0
    duplicated: float = 0.0
    reordered: float = 0.0
    reordered_by: float = 0.02
    bytes_per_second: float = 0.0
    queue_bytes: int = 1 << 30
    overhead: int = 53  # UDP, IPv4, and what the secure session adds


@dataclass
class Link:
    """Two sides, `a` and `b`, and the packets between them."""

    ab: Line = field(default_factory=Line)
    ba: Line = field(default_factory=Line)
    seed: int = 1
    now: float = 1000.0

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.a = Traffic(self.now)
        self.b = Traffic(self.now)
        self.events: list[tuple[float, int, Callable[[], None]]] = []
        self.count = 0
        self.free_at = {id(self.a): 0.0, id(self.b): 0.0}
        self.cut = False
        self.dropped = 0
        self.turns = 0
        self.after_turn: Callable[[Traffic], None] = lambda side: None

    def at(self, when: float, what: Callable[[], None]) -> None:
        self.count += 1
        heapq.heappush(self.events, (when, self.count, what))

    def transmit(self, sender: Traffic, packet: bytes) -> None:
        line, receiver = (self.ab, self.b) if sender is self.a else (self.ba, self.a)
        random = self.random
        assert len(packet) <= 1200
        out = self.now
        if line.bytes_per_second:
            size = len(packet) + line.overhead
            begin = max(self.now, self.free_at[id(sender)])
            if (begin - self.now) * line.bytes_per_second > line.queue_bytes:
                self.dropped += 1
                return
            out = begin + size / line.bytes_per_second
            self.free_at[id(sender)] = out
        if self.cut or random.random() < line.loss:
            return
        for _ in range(2 if random.random() < line.duplicated else 1):
            delay = line.latency + (2 * random.random() - 1) * line.jitter
            if random.random() < line.reordered:
                delay += line.reordered_by
            self.at(out + delay, lambda: self.deliver(receiver, packet))

    def deliver(self, receiver: Traffic, packet: bytes) -> None:
        receiver.receive_packet(packet, self.now)
        self.after_turn(receiver)
        self.flush(receiver)

    def flush(self, side: Traffic) -> None:
        for packet in side.packets_to_send(self.now):
            self.transmit(side, packet)

    def run(self, until: float) -> None:
        """Let time pass, from one thing that happens to the next."""
        idle_turns = 0
        while True:
            self.turns += 1
            timers = [t for t in (self.a.next_timer(), self.b.next_timer()) if t is not None]
            if self.events:
                timers.append(self.events[0][0])
            when = min(timers, default=until)
            if when >= until:
                break
            idle_turns = idle_turns + 1 if when <= self.now else 0
            assert idle_turns < 20_000, "timers that fire without effect"
            self.now = max(self.now, when)
            while self.events and self.events[0][0] <= self.now:
                heapq.heappop(self.events)[2]()
            for side in (self.a, self.b):
                timer = side.next_timer()
                if timer is not None and timer <= self.now:
                    side.handle_timer(self.now)
                    self.after_turn(side)
                    self.flush(side)
        self.now = until
