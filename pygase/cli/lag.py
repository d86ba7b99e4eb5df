"""`pygase lag`: a bad line in front of a real server, for trying a game by hand."""

import argparse
import sys
import time
from typing import Any, Final

from pygase.cli.relay import Relay
from pygase.testing.conditions import PROFILES, Conditions

__all__ = ["add_lag"]

_REPORT_INTERVAL: Final = 5.0

_COUNTED: Final = {"lost": "lost", "doubled": "twice", "held_back": "overtaken", "overflowed": "no room"}
"""What the report says of a `Line`'s counters."""

_DESCRIPTION: Final = """\
Stand between a game's clients and its server and make the line between them a bad one: clients connect to LISTEN, and
what they send goes on to TARGET, and back, late, twice or never. Each number is for one direction: with --latency 60
a round trip takes 120 ms longer. Ctrl-C ends it."""

_EXAMPLE: Final = """\
example: a server runs on port 8080 of this machine; play on port 9000
    pygase lag --loss 5% --latency 60 --jitter 10 9000 localhost:8080"""


def add_lag(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the others."""
    parser = commands.add_parser(
        "lag",
        help="put a bad line in front of a server",
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("listen", metavar="LISTEN", type=_listen, help="PORT or HOST:PORT where clients connect")
    parser.add_argument("target", metavar="TARGET", type=_target, help="HOST:PORT of the server")
    parser.add_argument("--profile", choices=PROFILES, help="begin with a line as players have it; the rest changes it")
    parser.add_argument("--loss", type=_percent, metavar="PERCENT", help="how many datagrams are lost, such as 5%%")
    parser.add_argument("--latency", type=_milliseconds, metavar="MS", help="how late they come, in milliseconds")
    parser.add_argument("--jitter", type=_milliseconds, metavar="MS", help="how much more or less than that it may be")
    parser.add_argument("--dup", type=_percent, metavar="PERCENT", help="how many come twice")
    parser.add_argument("--reorder", type=_percent, metavar="PERCENT", help="how many are held back 50 ms longer")
    parser.add_argument("--rate", type=_bytes, metavar="BYTES", help="how many bytes a second go through, per client")
    parser.add_argument("--seed", type=int, help="repeat the luck of an earlier run")
    parser.add_argument("--seconds", type=float, help="end by itself after so long")
    parser.set_defaults(run=_lag)


def _lag(options: argparse.Namespace) -> int:
    try:
        conditions = _conditions(options)
        relay = Relay(options.listen, options.target, conditions, conditions, options.seed)
    except (OSError, OverflowError, ValueError) as error:
        print(f"pygase lag: {getattr(error, 'strerror', None) or error}", file=sys.stderr)
        return 1
    started = time.monotonic()
    try:
        _introduce(relay, options.target, conditions)
        relay.run(_Reporter(relay, started, options.seconds))
    except KeyboardInterrupt:
        _say("")
    finally:
        relay.close()
    _say(f"In all: {_report(relay, time.monotonic() - started)}")
    return 0


class _Reporter:
    """Says every few seconds how things are, and whether it is time to end."""

    def __init__(self, relay: Relay, started: float, seconds: float | None) -> None:
        self._relay = relay
        self._started = self._reported = started
        self._seconds = seconds

    def __call__(self) -> bool:
        now = time.monotonic()
        if now - self._reported >= _REPORT_INTERVAL:
            self._reported = now
            _say(_report(self._relay, now - self._started))
        return self._seconds is not None and now - self._started >= self._seconds


def _introduce(relay: Relay, target: tuple[str, int], conditions: Conditions) -> None:
    here, there = f"{relay.address[0]}, port {relay.address[1]}", f"{target[0]}, port {target[1]}"
    _say(f"Connect clients to {here}; they reach the server at {there}.")
    _say(f"Each way: {describe(conditions)}. Ctrl-C ends it.")


def describe(conditions: Conditions) -> str:
    """Return in plain words what a line does."""
    c, told = conditions, []
    if c.latency or c.jitter:
        told.append(f"{c.latency * 1000:g} ms late" + (f", {c.jitter * 1000:g} ms more or less" if c.jitter else ""))
    for share, what in ((c.loss, "lost"), (c.duplication, "twice"), (c.reordering, "overtaken")):
        if share:
            told.append(f"{share * 100:g} % {what}")
    if c.burst_start:
        told.append(
            f"bursts of losses, {1 / c.burst_end:g} datagrams long" if c.burst_end else "one long burst of losses"
        )
    if c.bytes_per_second is not None:
        told.append(f"at most {c.bytes_per_second / 1000:g} kB/s, with {c.queue_bytes / 1000:g} kB waiting")
    return ", ".join(told) or "nothing is changed"


def _report(relay: Relay, seconds: float) -> str:
    parts = [f"{seconds:.0f} s, {relay.client_count} client{'' if relay.client_count == 1 else 's'}"]
    for name, up in (("to the server", True), ("to clients", False)):
        counts = relay.counts(up=up)
        told = f"{name} {counts['sent']} datagrams"
        for key, what in _COUNTED.items():
            if counts[key]:
                told += f", {counts[key]} {what}"
        parts.append(told)
    if relay.thrown_away:
        parts.append(f"{relay.thrown_away} thrown away")
    return "; ".join(parts)


def _say(text: str) -> None:
    print(text, flush=True)


def _conditions(options: argparse.Namespace) -> Conditions:
    """Return the profile's conditions, changed by what else was given."""
    changes: dict[str, Any] = {
        "loss": options.loss,
        "latency": options.latency,
        "jitter": options.jitter,
        "duplication": options.dup,
        "reordering": options.reorder,
        "bytes_per_second": options.rate,
    }
    changes = {name: value for name, value in changes.items() if value is not None}
    return PROFILES[options.profile or "perfect"].but(**changes)


def _percent(text: str) -> float:
    value = float(text.removesuffix("%")) / 100.0
    if not 0.0 <= value <= 1.0:
        raise ValueError(text)
    return value


def _milliseconds(text: str) -> float:
    value = float(text.removesuffix("ms")) / 1000.0
    if not 0.0 <= value < 3600.0:
        raise ValueError(text)
    return value


def _bytes(text: str) -> float:
    factor = {"k": 1e3, "M": 1e6}.get(text[-1:], 1.0)
    value = float(text.rstrip("kM")) * factor
    if not value > 0.0:
        raise ValueError(text)
    return value


def _listen(text: str) -> tuple[str, int]:
    return _address(text, "127.0.0.1")


def _target(text: str) -> tuple[str, int]:
    return _address(text, "localhost")


def _address(text: str, default_host: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    number = int(port)
    if not 0 <= number < 65_536:
        raise ValueError(text)
    return host.strip("[]") or default_host, number


_percent.__name__, _milliseconds.__name__, _bytes.__name__ = "percentage", "number of milliseconds", "number of bytes"
_listen.__name__ = _target.__name__ = "address"  # what argparse calls them in its messages
