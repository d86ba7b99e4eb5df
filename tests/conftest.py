"""What all tests share: waiting for a condition, with a deadline."""

import time
from collections.abc import Callable
from typing import Any

import pytest


def wait_for(condition: Callable[[], Any], timeout: float = 15.0) -> None:
    """Wait until a condition holds; fail if it does not in time. Only for tests of real threads and sockets."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"the condition did not hold within {timeout} s")
        time.sleep(0.002)
