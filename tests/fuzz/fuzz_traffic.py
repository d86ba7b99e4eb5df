"""Invariant: no bytes from an admitted peer raise anything but `MalformedDatagram` out of a `Traffic`, keep its timers
from ending, or make it hold more than its limits; and a packet that is malformed changes nothing.

Its bytes are packets one after another, of one peer; see `one_input`.
"""

import random

from pygase.config import LARGE_WINDOW_BYTES, MAX_PAYLOAD_BYTES, MAX_SNAPSHOT_BYTES, RELIABLE, RELIABLE_WINDOW_BYTES
from pygase.errors import MalformedDatagram
from pygase.protocol import Traffic

HELD_AT_MOST = 2 * LARGE_WINDOW_BYTES + 2 * RELIABLE_WINDOW_BYTES + MAX_SNAPSHOT_BYTES + 8 * MAX_PAYLOAD_BYTES


def one_input(data: bytes) -> None:
    """Feed a `Traffic` packets cut from the data: each a length of two bytes, then so many bytes.

    The length's top bit asks for the next packet number to be put in front, or hardly any packet would get past the
    check for duplicates.
    """
    now = 10.0
    traffic = Traffic(now)
    for number in range(3):
        traffic.send(bytes(300), (0, 2, RELIABLE)[number], number)
        traffic.send(bytes(3_000), (0, 2, RELIABLE)[number])
    traffic.offer_snapshot(None, 7, bytes(2_000))
    traffic.packets_to_send(now)
    position = 0
    count = 0
    while position + 1 < len(data):
        length = data[position] | data[position + 1] << 8
        end = position + 2 + (length & 0x7FF)
        packet = data[position + 2 : end]
        position = end
        if length & 0x8000:
            packet = (count & 0xFFFF).to_bytes(2, "little") + packet
        count += 1
        now += 0.01
        before = _fingerprint(traffic)
        try:
            traffic.receive_packet(packet[:MAX_PAYLOAD_BYTES], now)
        except MalformedDatagram:
            assert _fingerprint(traffic) == before
            continue
        traffic.messages.clear()
        traffic.snapshots.clear()
        traffic.packets_to_send(now)
    for _ in range(200):
        timer = traffic.next_timer()
        if timer is None:
            break
        now = max(now + 1e-6, timer)
        traffic.handle_timer(now)
        assert all(len(packet) <= MAX_PAYLOAD_BYTES for packet in traffic.packets_to_send(now))
    assert traffic.rare.held_bytes <= HELD_AT_MOST
    assert 0.0 <= traffic.quality <= 1.0


def _fingerprint(traffic: Traffic) -> object:
    return (
        traffic.stats.as_dict(),
        traffic.next_timer(),
        traffic.latency,
        traffic.acked_version,
        traffic.reliable_pending,
        len(traffic.messages),
        len(traffic.acked),
        traffic._received.top,
        traffic.rare.held_bytes,
    )


def _packets(*packets: bytes) -> bytes:
    """Packets without their numbers, as `one_input` reads them."""
    return b"".join((0x8000 | len(packet)).to_bytes(2, "little") + packet for packet in packets)


def _fragments(kind: int, head: bytes, indexes: tuple[int, ...], last: int) -> bytes:
    begin, rest = b"\x02" + bytes((kind,)) + head, b"\xb8\x08" + bytes(1_080)
    return _packets(*(begin + bytes((index, last)) + rest for index in indexes))


SEEDS = (
    b"",
    bytes(64),
    bytes(range(256)),
    b"\xff" * 600,
    _packets(b"\x00\x01\x05hello"),
    _packets(b"\x02\x02\x00\x00\x02\x01a\x01b", b"\x02\x02\x00\x00\x02\x01a\x01b", b"\x02\x02\x05\x00\x01\x01c"),
    _packets(b"\x04\x00\x00\x00\x00\x00", b"\x04\x02\x00\x00\x00\x02", b"\x0c\x02\x00\x10\x00\x00\x00\x00"),
    _packets(b"\x01\x03\x05\x00\x03abc", b"\x01\x03\x06\x01\x03abc", b"\x01\x03\x04\x00\x03abc"),
    _packets(b"\x02\x04\x00\x00\x03abc", b"\x02\x04\x00\x00\x03abc", b"\x02\x04\xff\xff\x03abc"),
    _fragments(5, b"\x00\x00", (0, 1), 1),
    _fragments(6, b"\x00\x00", (1, 0, 0), 1),
    _fragments(7, b"\x00\x00", (0, 1), 1) + _fragments(7, b"\x05\x00", (0,), 200),
    _fragments(8, b"\x09\x00", (0, 1, 2, 3), 3),
)


def test_seed_corpus_keeps_the_invariant() -> None:
    for seed in SEEDS:
        one_input(seed)
        for cut in range(0, len(seed), max(len(seed) // 20, 1)):
            one_input(seed[:cut])
            one_input(seed[:cut] + bytes((seed[cut] ^ 0x41,)) + seed[cut + 1 :])


def test_random_bytes_keep_the_invariant() -> None:
    rng = random.Random(1)
    for _ in range(150):
        packets = (rng.choice((b"\x00", b"\x02", b"\x06")) + rng.randbytes(rng.choice((2, 9, 40))) for _ in range(8))
        one_input(_packets(*packets))


if __name__ == "__main__":
    import runner  # type: ignore[import-not-found, unused-ignore]

    runner.fuzz(one_input, SEEDS)
