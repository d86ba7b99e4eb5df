"""Goodput and delay on bad lines: `python -m benchmarks.links`.

Two `Traffic`s on a simulated line with a deep queue, one direction kept full. Beside the load go 20 small unreliable
messages a second, as a game's own: their one-way delay shows what the load does to a player. `base` is the line's own
round trip, `rtt` the one measured under load, `share` the part of what the line could carry without its losses that
arrived as new message bytes.
"""

import argparse
from dataclasses import dataclass

from benchmarks.report import table
from pygase.config import FRAGMENT_BYTES, RELIABLE
from pygase.protocol import MODE_UNRELIABLE, Traffic
from tests.protocol.link import Line, Link

ROWS = (
    # bytes per second, loss, one-way seconds, reordered, by seconds
    (64e3, 0.20, 0.100, 0.04, 0.050),
    (128e3, 0.10, 0.050, 0.02, 0.050),
    (1e6, 0.05, 0.010, 0.01, 0.010),
    (1e6, 0.20, 0.100, 0.04, 0.010),
    (1e6, 0.02, 0.005, 0.02, 0.001),
    (2e6, 0.00, 0.050, 0.30, 0.040),
    (128e3, 0.00, 0.050, 0.00, 0.0),
    (128e3, 0.00, 0.100, 0.00, 0.0),
)
"""The six lines of the requirements, and two that lose nothing, where the queue is the only question."""

PROBE = b"probe"


@dataclass
class Result:
    goodput: float
    share: float
    base: float
    rtt_mean: float
    rtt_p95: float
    probe_p50: float
    probe_p99: float
    probes_lost: float
    resent: float


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)] if values else 0.0


def measure(
    rate: float,
    loss: float,
    latency: float,
    reordered: float,
    reordered_by: float,
    *,
    retries: int,
    size: int,
    seconds: float,
    seed: int,
) -> Result:
    """Fill the line for some seconds of virtual time."""
    line = Line(latency, 0.0, loss, 0.0, reordered, reordered_by, rate, int(rate * 2))
    link = Link(line, line, seed)
    start, warm = link.now, link.now + 3.0
    end = start + seconds
    sent_probes: dict[int, float] = {}
    delays: list[float] = []
    rtts: list[float] = []
    carried = [0]

    def fill() -> None:
        # Keep the line busy as a program would that waits for room. What is unreliable queues before the probes: 30 ms.
        most = rate * 0.03 + 2_000 if retries == 0 and size <= FRAGMENT_BYTES else rate * 6 * latency + 64_000
        while link.a.backlog_bytes < most:
            link.a.send(bytes(size), retries)
        link.flush(link.a)
        if link.now < end:
            link.at(link.now + 0.005, fill)

    def probe() -> None:
        number = len(sent_probes)
        sent_probes[number] = link.now
        link.a.send(PROBE + number.to_bytes(4, "little"))
        link.flush(link.a)
        rtts.append(link.a.latency)
        if link.now < end:
            link.at(link.now + 0.05, probe)

    def after(side: Traffic) -> None:
        while side.messages:
            mode, message = side.messages.pop(0)
            if mode == MODE_UNRELIABLE and message.startswith(PROBE):
                number = int.from_bytes(message[5:], "little")
                if sent_probes[number] >= warm:
                    delays.append(link.now - sent_probes[number])
            elif link.now >= warm:
                carried[0] += len(message)
        side.acked.clear()

    link.after_turn = after
    link.at(start, fill)
    link.at(start, probe)
    link.run(end)
    goodput = carried[0] / (end - warm)
    late = rtts[60:]
    due = sum(1 for at in sent_probes.values() if warm <= at < end - 1.0)
    stats = link.a.stats
    return Result(
        goodput,
        goodput / (rate * (1 - loss) * 1200 / 1253),
        2 * latency,
        sum(late) / len(late),
        percentile(late, 0.95),
        percentile(delays, 0.5),
        percentile(delays, 0.99),
        1 - min(len(delays) / due, 1.0),
        (stats.messages_resent + stats.fragments_resent) / max(stats.messages_sent, 1),
    )


def main() -> None:
    """Print the matrix."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--size", type=int, nargs="+", default=[100])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    arguments = parser.parse_args()
    rows = [
        row_of(
            *row,
            mode,
            size,
            median(
                [
                    measure(*row, retries=retries, size=size, seconds=arguments.seconds, seed=seed)
                    for seed in arguments.seeds
                ]
            ),
        )
        for size in arguments.size
        for row in ROWS
        for retries, mode in ((RELIABLE, "reliable"), (0, "unreliable"))
    ]
    head = "kB/s, loss, one way, reordered, mode, bytes, goodput, share, base, rtt, p95, probe p50, p99, lost, resent"
    table("Lines kept full; times in ms, goodput in kB/s", head.split(", "), rows)


def median(results: list[Result]) -> Result:
    return sorted(results, key=lambda result: result.goodput)[len(results) // 2]


def row_of(
    rate: float, loss: float, latency: float, reordered: float, by: float, mode: str, size: int, r: Result
) -> list[str]:
    times = (r.base, r.rtt_mean, r.rtt_p95, r.probe_p50, r.probe_p99)
    return [
        f"{rate / 1e3:.0f}",
        f"{loss:.0%}",
        f"{latency * 1e3:.0f}",
        f"{reordered:.0%} by {by * 1e3:.0f}",
        mode,
        str(size),
        f"{r.goodput / 1e3:.0f}",
        f"{r.share:.0%}",
        *(f"{seconds * 1e3:.0f}" for seconds in times),
        f"{r.probes_lost:.0%}",
        f"{r.resent:.0%}",
    ]


if __name__ == "__main__":
    main()
