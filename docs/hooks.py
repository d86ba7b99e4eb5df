"""Pages that stand in the repository's root, where newcomers look for them, shown as pages of the documentation."""

from pathlib import Path
from typing import Any

FROM_ROOT = {"contributing.md": "CONTRIBUTING.md", "changelog.md": "CHANGELOG.md"}


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:  # called by mkdocs for every page
    """Returns the page's text: the root's file for the pages above, with its links as seen from here."""
    source = FROM_ROOT.get(page.file.src_uri)
    if source is None:
        return markdown
    return Path(source).read_text(encoding="utf-8").replace("](docs/", "](")
