"""What all tests share: an audit of every nonce, and waiting for a condition with a deadline."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pygase.compiled import is_compiled

from .nonce_audit import audited

# A shell that starts the tests in the background has them, and the programs they start, ignore Ctrl-C.
if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

interpreted_only = pytest.mark.skipif(
    is_compiled(), reason="compiled code knows its own classes and methods only, not what a test puts in their place"
)


def pytest_report_header() -> str:
    """Say which build of pygase is tested."""
    return f"pygase: {'compiled' if is_compiled() else 'pure Python'}"


@pytest.fixture(autouse=True)
def no_nonce_is_used_twice(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail any test in which one key seals two different things under one nonce.

    Not in the soak tests: what the audit has to remember would be the growth that they look for.
    """
    if "tests/soak" in request.node.nodeid:
        yield
        return
    with audited():
        yield


def wait_for(condition: Callable[[], Any], timeout: float = 15.0) -> None:
    """Wait until a condition holds; fail if it does not in time. Only for tests of real threads and sockets."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"the condition did not hold within {timeout} s")
        time.sleep(0.002)
