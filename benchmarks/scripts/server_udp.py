"""The floor: a plain UDP room server with an encrypted datagram per client and tick, and no other feature.

No acknowledgements, no deltas against what each client has, no handshake, no resending: per tick one encoding of who
moved, sealed for each client. What pygase costs above this is the price of its features.
"""

import argparse
import os
import select
import socket
import time

import msgspec
from common import answer_stats, say
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

KEY = b"k" * 32
INTERVAL = 0.05


class Cipher:
    """Seals and opens datagrams with one key for all; the nonce goes in front."""

    def __init__(self):
        self.cipher = ChaCha20Poly1305(KEY)
        self.counter = int.from_bytes(os.urandom(4), "big") << 32

    def seal(self, data):
        self.counter += 1
        nonce = self.counter.to_bytes(12, "big")
        return nonce + self.cipher.encrypt(nonce, data, None)

    def open(self, data):
        return self.cipher.decrypt(data[:12], data[12:], None)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=("room", "echo"))
    parser.add_argument("--room", type=int, default=1_000_000, help="players per room")
    parser.add_argument("--max-seconds", type=float, default=180.0)
    given = parser.parse_args()
    encode, decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder().decode
    cipher = Cipher()
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    sock.bind(("127.0.0.1", 0))
    sock.setblocking(False)
    say(f"PORT {sock.getsockname()[1]}")
    rooms = {}  # room number -> (addresses, who moved since the last tick)
    received = [0]
    answer_stats(lambda: {"received": received[0]}, given.max_seconds)
    poll = select.epoll()
    poll.register(sock.fileno(), select.EPOLLIN)
    tick, due = 0, time.monotonic() + INTERVAL
    while True:
        poll.poll(max(0.0, due - time.monotonic()))
        try:
            while True:
                data, address = sock.recvfrom(2048)
                kind, *rest = decode(cipher.open(data))
                if kind == "MOVE":
                    addresses, moved = rooms.setdefault(int(rest[0][1:]) // given.room, (set(), {}))
                    addresses.add(address)
                    moved[rest[0]] = rest[1:]
                elif kind == "PING":
                    sock.sendto(cipher.seal(encode(["PONG", rest[0]])), address)
                else:
                    received[0] += 1
        except BlockingIOError:
            pass
        if time.monotonic() >= due:
            due += INTERVAL
            tick += 1
            for addresses, moved in rooms.values():
                if moved:
                    body = encode([tick, moved])
                    moved.clear()
                    for address in addresses:
                        try:
                            sock.sendto(cipher.seal(body), address)
                        except OSError:
                            continue


if __name__ == "__main__":
    main()
