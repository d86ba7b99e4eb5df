"""Runs the Python of one page: ``python -m tests.docs.run_page docs/howto/events.md [ARGUMENTS]``."""

import sys
from pathlib import Path

from tests.docs import play
from tests.docs.blocks import runnable


def main() -> None:
    """Run the page's blocks in order, in one namespace, with line numbers that point into the page."""
    page = Path(sys.argv[1]).resolve()
    sys.argv = [str(page), *sys.argv[2:]]
    play.give_up_after(60.0)
    namespace: dict[str, object] = {"__name__": "__main__"}
    blocks = runnable(page)
    source = "".join(block.code for block in blocks)
    play.prepare(play.Session(1.0, []), source)
    for block in blocks:
        exec(compile("\n" * (block.line - 1) + block.code, str(page), "exec"), namespace)


if __name__ == "__main__":
    main()
