"""The reference has everything that is public. That all it names exists is seen when the documentation is built."""

import importlib
import re

import pytest

from tests.docs.blocks import ROOT

LISTED = re.findall(
    r"^::: (\S+)",
    "\n".join(page.read_text("utf-8") for page in (ROOT / "docs" / "reference").glob("*.md")),
    re.MULTILINE,
)


def public_names() -> list[str]:
    modules = ("pygase", "pygase.event", "pygase.views", "pygase.tokens", "pygase.testing")
    return [
        f"{module}.{name}"
        for module in modules
        for name in importlib.import_module(module).__all__
        if not hasattr(importlib.import_module("pygase.errors"), name) and name != "tokens"
    ]


@pytest.mark.parametrize("name", public_names())
def test_reference_shows(name: str) -> None:
    assert name in LISTED
