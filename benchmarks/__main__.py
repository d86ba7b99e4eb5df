"""All benchmarks, one after the other: ``python -m benchmarks [NAME ...] [--quick]``."""

import argparse
import importlib
import sys
import time

NAMES = (
    "events",
    "room",
    "rooms",
    "world",
    "state",
    "precision",
    "cipher",
    "datagrams",
    "flood",
    "frame",
    "smoothing",
    "links",
    "traffic",
    "stages",
    "counts",
    "views",
    "ticks",
)
"""In the order in which docs/performance.md shows them."""

QUICK = {
    "events": ["--repeat", "1"],
    "room": ["--repeat", "1", "--seconds", "3"],
    "rooms": ["--repeat", "1", "--seconds", "3", "--rooms", "4"],
    "world": ["--repeat", "1", "--seconds", "3", "--n", "100"],
    "state": ["--repeat", "1", "--seconds", "2"],
    "precision": ["--seconds", "5"],
    "cipher": ["--repeat", "1", "--seconds", "3"],
    "datagrams": ["--repeat", "1"],
    "flood": ["--repeat", "1"],
    "frame": ["--repeat", "1", "--seconds", "2"],
    "smoothing": ["--repeat", "1", "--seconds", "2"],
    "links": ["--seconds", "5"],
    "traffic": ["--repeat", "1", "--turns", "2000"],
    "stages": ["--repeat", "1", "--ticks", "50"],
    "counts": ["--n", "16", "--ticks", "5"],
    "ticks": ["--repeat", "1", "--seconds", "2"],
    "views": ["--n", "250", "--ticks", "10", "--repeat", "1"],
}
"""Options that show in a few minutes whether everything still works; not for figures."""


def main() -> int:
    """Run what is asked for; a benchmark that fails is said, and the others run all the same."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("names", nargs="*", default=NAMES, metavar="NAME", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--quick", action="store_true", help="once and briefly")
    given = parser.parse_args()
    failed = []
    for name in given.names:
        print(f"\n## {name} ({time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC)\n", flush=True)
        sys.argv = [f"benchmarks.{name}", *(QUICK.get(name, []) if given.quick else [])]
        try:
            importlib.import_module(f"benchmarks.{name}").main()
        except (Exception, SystemExit) as problem:  # one that fails must not take the others along
            if not isinstance(problem, SystemExit) or problem.code:
                print(f"{name} failed: {problem!r}", file=sys.stderr)
                failed.append(name)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
