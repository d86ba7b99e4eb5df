"""What all tests share: an audit of every nonce, no thread that stays behind, and waiting with a deadline."""

import signal
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from pygase import Backend, Server
from pygase.compiled import is_compiled

from .nonce_audit import audited

# A shell that starts the tests in the background has them, and the programs they start, ignore Ctrl-C.
if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says how busy the machine is.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

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


@pytest.fixture(autouse=True)
def no_thread_outlives_its_test(no_nonce_is_used_twice: None) -> Iterator[None]:
    """Wait for the network threads that a test has begun: the next may measure, or replace, what they use.

    A client says goodbye to the end in the background, so some are still at it when their test is over.
    """
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        if thread.name.startswith("pygase"):
            thread.join(15.0)
            assert not thread.is_alive(), f"the thread {thread.name!r} goes on after its test"


def peak_memory(call: Callable[[], Any]) -> int:
    """Return the most bytes that a call needs at any time: the least of three tries, as other threads count too."""

    def once() -> int:
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            tracemalloc.reset_peak()
            call()
            return tracemalloc.get_traced_memory()[1] - before
        finally:
            tracemalloc.stop()

    return min(once() for _ in range(3))


def wait_for(condition: Callable[[], Any], timeout: float = 15.0) -> None:
    """Wait until a condition holds; fail if it does not in time. Only for tests of real threads and sockets."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"the condition did not hold within {timeout} s")
        time.sleep(0.002)


def port_of(server: Server | Backend) -> int:
    """Return the port on which a server listens, or a backend's."""
    port = server.server.port if isinstance(server, Backend) else server.port
    assert port is not None
    return port
