"""Floods a server on this machine with hellos and junk from many addresses, at a bounded rate, for a bounded time."""

import argparse
import os
import random
import socket
import time

from common import emit

from pygase.netcode import SecureClient

SOCKETS = 64
BURST = 20


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--wire", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--rate", type=float, default=5_000.0, help="datagrams a second")
    parser.add_argument("--seconds", type=float, default=5.0)
    given = parser.parse_args()
    target = ("127.0.0.1", given.port)
    socks = []
    for number in range(SOCKETS):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((f"127.0.{1 + number // 250}.{1 + number % 250}", 0))
        sock.setblocking(False)
        socks.append(sock)
    dice = random.Random(1)
    hellos = [
        SecureClient(address=target, entropy=os.urandom, unix_epoch=time.time(), now=0.0).datagrams_to_send()[0][0]
        for _ in range(SOCKETS)
    ]
    sent = sent_bytes = 0
    start = time.monotonic()
    while time.monotonic() - start < given.seconds:
        for _ in range(BURST):
            data = dice.choice(hellos) if sent % 2 else dice.randbytes(dice.choice((20, 100, 1_200)))
            sock = socks[sent % SOCKETS]
            try:
                sock.sendto(data, target)
            except OSError:
                continue
            sent += 1
            sent_bytes += len(data)
        time.sleep(max(0.0, start + sent / given.rate - time.monotonic()))
    received = received_bytes = 0
    for sock in socks:
        while True:
            try:
                received_bytes += len(sock.recv(2048))
                received += 1
            except OSError:
                break
    emit({"sent": sent, "sent_bytes": sent_bytes, "received": received, "received_bytes": received_bytes})


if __name__ == "__main__":
    main()
