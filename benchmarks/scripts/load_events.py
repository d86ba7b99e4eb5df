"""Round trips of single events, then as many events one way as the line takes, none of which may get lost.

The one-way rate counts from the first dispatch until the server has handled the last event, so a sender that merely
queues gains nothing. What 0.3.1 and bare UDP lose stands beside their rates: they have no way of sending reliably.
"""

import argparse
import importlib
import os
import sys
import time

from common import emit, percentile, say


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--wire", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pings", type=int, default=300)
    parser.add_argument("--events", type=int, default=0, help="send so many, as fast as they are taken")
    parser.add_argument("--rate", type=float, default=0.0, help="at most so many a second")
    parser.add_argument("--threads", action="store_true", help="a thread waits for the socket, as pygase's does")
    given = parser.parse_args()
    wire = importlib.import_module(f"client_{given.wire}")
    echo = (wire.ThreadedEcho if given.threads else wire.Echo)(given.port)
    if not given.events:
        emit(round_trips(echo, given.pings))
    else:
        send_all(echo, given.events, given.rate)
    os._exit(0)


def round_trips(echo, pings):
    times = []
    for number in range(pings):
        took = echo.ping(number)
        if took is not None:
            times.append(1000 * took)
        time.sleep(0.003 + 0.001 * (number % 7))  # so that it is in step with nobody's timer
    return {"p50_ms": percentile(times, 50), "p99_ms": percentile(times, 99), "lost": pings - len(times)}


def send_all(echo, events, rate):
    say("READY")
    sys.stdin.readline()
    start = time.monotonic()
    for number in range(events):
        if rate and number % 16 == 0:
            time.sleep(max(0.0, start + number / rate - time.monotonic()))
        echo.count(number)
    emit({"sent": events, "seconds": time.monotonic() - start})
    flush = getattr(echo, "flush", lambda: None)
    end = time.monotonic() + 20
    while time.monotonic() < end:  # stay, so that what is queued gets out; the benchmark ends this process
        flush()
        time.sleep(0.005)


if __name__ == "__main__":
    main()
