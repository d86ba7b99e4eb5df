"""Runs the Python of one page: ``python -m tests.docs.run_page docs/howto/events.md [ARGUMENTS]``."""

import re
import socket
import sys
from pathlib import Path

from tests.docs import play
from tests.docs.blocks import runnable

PORTS = re.compile(r"\b808\d\b")
"""The ports in the pages' code. Free ones take their place, so that two pages may run at a time."""


def main() -> None:
    """Run the page's blocks in order, in one namespace, with line numbers that point into the page."""
    page = Path(sys.argv[1]).resolve()
    sys.argv = [str(page), *sys.argv[2:]]
    play.give_up_after(60.0)
    namespace: dict[str, object] = {"__name__": "__main__"}
    blocks = runnable(page)
    source = "".join(block.code for block in blocks)
    play.prepare(play.Session(1.0, []), source)
    ports = {shown: str(free_port()) for shown in PORTS.findall(source)}
    for block in blocks:
        code = PORTS.sub(lambda match: ports[match[0]], block.code)
        exec(compile("\n" * (block.line - 1) + code, str(page), "exec"), namespace)


def free_port() -> int:
    """A UDP port that nobody uses."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
