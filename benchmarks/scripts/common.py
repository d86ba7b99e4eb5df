"""What the scripts share. They run in the peers' interpreters, so this needs the standard library only."""

import json
import os
import sys
import threading
import time


def say(line):
    print(line, flush=True)


def emit(result):
    say(json.dumps(result))


def wait_for_go():
    """Tell the benchmark that everything stands, and wait until it has looked at the clocks."""
    say("READY")
    sys.stdin.readline()


def answer_stats(stats, max_seconds):
    """Answer each line of standard input with `stats()`; end the process when it closes or after a while."""

    def answer():
        for _ in sys.stdin:
            emit(stats())
        os._exit(0)

    def give_up():
        time.sleep(max_seconds)
        os._exit(4)

    for work in (answer, give_up):
        threading.Thread(target=work, daemon=True).start()


def percentile(values, percent):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(percent / 100 * len(ordered)))] if ordered else float("nan")
