"""What a packet and an event cost in the traffic layer alone: `python -m benchmarks.traffic`.

No sockets, no encryption: two `Traffic`s in one thread hand each other their packets. Best of several runs.
"""

import argparse
from collections.abc import Callable
from time import perf_counter

from pygase.config import RELIABLE
from pygase.protocol import Traffic

EVENT = bytes(40)
BLOB = bytes(100)


def tick_packets(turns: int) -> dict[str, float]:
    """A server's and a client's turn: one reliable event and one snapshot down, one unreliable event up, 20 Hz."""
    server, client = Traffic(0.0), Traffic(0.0)
    now = 1.0
    sending = receiving = client_time = 0.0
    for turn in range(turns):
        now += 0.05
        begin = perf_counter()
        server.send(EVENT, RELIABLE)
        server.offer_snapshot(server.acked_version, turn + 1, BLOB)
        packets = server.packets_to_send(now)
        sent = perf_counter()
        for packet in packets:
            client.receive_packet(packet, now)
        client.messages.clear()
        client.snapshots.clear()
        client.send(EVENT)
        replies = client.packets_to_send(now)
        done = perf_counter()
        for packet in replies:
            server.receive_packet(packet, now)
        server.messages.clear()
        server.next_timer()
        end = perf_counter()
        assert len(packets) == len(replies) == 1
        sending += sent - begin
        receiving += end - done
        client_time += done - sent
    return {
        "server: send, offer, pack": sending / turns * 1e6,
        "server: receive, timer": receiving / turns * 1e6,
        "client: receive, send, pack": client_time / turns * 1e6,
    }


def stream(turns: int) -> dict[str, float]:
    """60,000 reliable events a second, in batches of 90 each 1.5 ms."""
    sender, receiver = Traffic(0.0), Traffic(0.0)
    now = 1.0
    up = down = 0.0
    per_turn = 90
    handled = 0
    for _ in range(turns):
        now += 0.0015
        begin = perf_counter()
        for _ in range(per_turn):
            sender.send(EVENT, RELIABLE)
        packets = sender.packets_to_send(now)
        sender.next_timer()
        middle = perf_counter()
        for packet in packets:
            receiver.receive_packet(packet, now)
        handled += len(receiver.messages)
        receiver.messages.clear()
        replies = receiver.packets_to_send(now)
        receiver.next_timer()
        end = perf_counter()
        for packet in replies:
            sender.receive_packet(packet, now + 0.0005)
        last = perf_counter()
        up += middle - begin + last - end
        down += end - middle
    events = turns * per_turn
    assert handled > 0.9 * events, handled
    return {"stream: sender, per event": up / events * 1e6, "stream: receiver, per event": down / events * 1e6}


def idle(turns: int) -> dict[str, float]:
    """A connection with nothing to say: what asking it costs."""
    traffic = Traffic(0.0)
    begin = perf_counter()
    for _ in range(turns):
        traffic.packets_to_send(1.0)
        traffic.next_timer()
    return {"idle: packets_to_send, next_timer": (perf_counter() - begin) / turns * 1e6}


def main() -> None:
    """Print microseconds per step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--turns", type=int, default=10_000)
    arguments = parser.parse_args()
    workloads: list[tuple[Callable[[int], dict[str, float]], int]] = [
        (tick_packets, arguments.turns),
        (stream, arguments.turns // 10),
        (idle, arguments.turns),
    ]
    for workload, turns in workloads:
        results = [workload(turns) for _ in range(arguments.repeat)]
        for name in results[0]:
            print(f"{name:36} {min(result[name] for result in results):7.2f} µs")


if __name__ == "__main__":
    main()
