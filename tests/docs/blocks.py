"""Finds the Python in README.md and in docs/, and says how each block is to be run.

A page is one program: its blocks run in order, in one namespace. Code that a reader need not see stands in a block
inside an HTML comment. A block after ``<!-- skip: REASON -->`` does not run, and one that includes a file is run by
the test of that file.
"""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FENCE = re.compile(r"^(?:<!-- skip: (?P<skip>[^\n]*?) -->\n)?^```python\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
INCLUDE = re.compile(r'^--8<-- "(?P<path>[^"]+)"$')


@dataclass(frozen=True)
class Block:
    """One fenced block of Python.

    Attributes:
        page: The file it stands in.
        line: Of its first line of code, counted from 1.
        code: What it says.
        skip: Why it is not run; None if it is.
        include: The file that it shows, relative to the repository's root, if it shows one.
    """

    page: Path
    line: int
    code: str
    skip: str | None
    include: str | None


def pages() -> list[Path]:
    """Every page that may hold code."""
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks_of(page: Path) -> list[Block]:
    """The Python blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in FENCE.finditer(text):
        code = match["code"]
        include = INCLUDE.match(code.strip())
        line = text.count("\n", 0, match.start("code")) + 1
        found.append(Block(page, line, code, match["skip"], include["path"] if include else None))
    return found


def runnable(page: Path) -> list[Block]:
    """The blocks of a page that are to be run as its program."""
    return [block for block in blocks_of(page) if block.skip is None and block.include is None]
