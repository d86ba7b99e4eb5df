"""A game's frame loop at 60 frames a second: what pygase takes of its thread, and what it does to its evenness.

Ways: none (no network at all), pumped (no thread), thread, both with adapter; `access` is the bare client, which is
what 0.3.1 has as well; `even` changes every half second or so between pumped frames and frames with no network.
"""

import argparse
import contextlib
import time

from common import emit, percentile

from pygase import Client

FRAME = 1 / 60
BLOCK = 0.6  # seconds; short, so that what else the machine does falls on all heaps alike
SETTLING = 8  # frames at the beginning of a block: what came in the meantime is taken in


def work(amount):
    total = 0
    for number in range(amount):
        total += number & 7
    return total


def frames(seconds, network, amount):
    """Run frames.

    Returns:
        What `network` took in each, by the clock and of the processor; likewise its own work; how late it ended.
    """
    clock, thread_clock = time.perf_counter, time.thread_time
    wall, cpu, working, work_cpu, late = [], [], [], [], []
    due = clock() + FRAME
    for _ in range(int(seconds / FRAME)):
        spent, start = thread_clock(), clock()
        network()
        middle = clock()
        wall.append(middle - start)
        worked = thread_clock()
        cpu.append(worked - spent)
        work(amount)
        working.append(clock() - middle)
        work_cpu.append(thread_clock() - worked)
        time.sleep(max(0.0, due - clock()))
        late.append(clock() - due)
        due = max(due + FRAME, clock())
    return wall, cpu, working, work_cpu, late


def even(seconds, network, amount):
    """Return lateness and work of the frames without network, in two heaps, and of the pumped ones between them.

    The two heaps without network differ by nothing but chance: so much is noise.
    """
    heaps = {"none": ([], [], []), "pumped": ([], [], []), "none again": ([], [], [])}
    for block in range(max(4, int(seconds / BLOCK))):
        heap = ("none", "pumped", "none again", "pumped")[block % 4]
        _, _, working, work_cpu, late = frames(BLOCK, network if heap == "pumped" else lambda: None, amount)
        for values, more in zip(heaps[heap], (late, working, work_cpu), strict=True):
            values.extend(more[SETTLING:])
    return {
        f"{heap} {name} p{share}_us": percentile(values, share) * 1e6
        for heap, kinds in heaps.items()
        for name, values in zip(("late", "work", "work CPU"), kinds, strict=True)
        for share in (50, 90, 99)
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--way", choices=("none", "pumped", "thread", "access", "even"), required=True)
    parser.add_argument("--smooth", action="store_true")
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--entities", type=int, default=200)
    given = parser.parse_args()
    amount, start = 20_000, time.perf_counter()
    work(amount)
    amount = int(amount * 0.003 / (time.perf_counter() - start))  # 3 ms of game in each frame

    if given.way == "none":
        emit(summary(*frames(given.seconds, lambda: None, amount), 0))
        return
    client = Client()
    if given.way in ("pumped", "even"):
        client.open(given.port, "127.0.0.1")
    else:
        client.connect_in_thread(given.port, "127.0.0.1")
    if given.way == "access":

        def network():
            with client.access_game_state():
                pass
            client.dispatch_event("MOVE", [1.0, 2.0])

        state = client.access_game_state
    else:
        from pygase.integrations.base import FrameAdapter

        net = FrameAdapter(client, interpolate=("players.*.position",) if given.smooth else ())

        def network():
            net.pump()
            with net.render_state():
                pass
            net.send("MOVE", [1.0, 2.0])

        state = net.render_state
    frames(2.0, network, amount)  # until the state is there and all is settled
    with state() as game_state:
        count = len(getattr(game_state, "players", {}))
    if given.way == "even":
        result = even(given.seconds, network, amount)
    else:
        result = summary(*frames(given.seconds, network, amount), count)
    emit(result)
    with contextlib.suppress(Exception):
        client.disconnect()


def summary(wall, cpu, working, _, late, entities):
    return {
        "entities": entities,
        "p50_us": percentile(wall, 50) * 1e6,
        "p99_us": percentile(wall, 99) * 1e6,
        "mean_us": sum(wall) / len(wall) * 1e6,
        "cpu_p50_us": percentile(cpu, 50) * 1e6,
        "cpu_p99_us": percentile(cpu, 99) * 1e6,
        "cpu_mean_us": sum(cpu) / len(cpu) * 1e6,
        "work_p50_us": percentile(working, 50) * 1e6,
        "work_p99_us": percentile(working, 99) * 1e6,
        "late_p50_us": percentile(late, 50) * 1e6,
        "late_p99_us": percentile(late, 99) * 1e6,
    }


if __name__ == "__main__":
    main()
