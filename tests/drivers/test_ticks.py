"""Many game loops on one thread."""

import asyncio
import threading
import time
from collections.abc import Generator
from typing import Any

import pytest

from pygase.drivers import TickThread
from tests.conftest import wait_for


def test_loops_of_one_interval_are_due_together_and_what_follows_is_called_once() -> None:
    now = [0.05]
    ticks = TickThread(lambda: now[0])  # a clock that stands still, so that nothing is late
    done = threading.Event()
    log: list[str] = []

    def after() -> None:
        log.append("after")
        done.set()

    def loop(name: str) -> Generator[float, None, None]:
        log.append(name)
        assert ticks.call_after(after)
        yield 0.0

    ticks.begin(loop("a"), 0.1)
    ticks.begin(loop("b"), 0.1)
    now[0] = 0.1
    assert done.wait(10)
    wait_for(lambda: ticks._thread is None)
    assert log == ["a", "b", "after"]
    assert not ticks.call_after(lambda: None)


def test_thread_ends_with_the_last_loop_and_begins_anew() -> None:
    ticks = TickThread(time.monotonic)
    names: list[str] = []

    def loop() -> Generator[float, None, None]:
        names.append(threading.current_thread().name)
        yield 0.001

    for count in (1, 2):
        ticks.begin(loop(), 0.001)
        wait_for(lambda count=count: len(names) == count and ticks._thread is None)  # type: ignore[misc]
    assert names == ["pygase-game-loops"] * 2


def test_loop_that_fails_takes_no_other_along(caplog: pytest.LogCaptureFixture) -> None:
    ticks = TickThread(time.monotonic)
    steps: list[int] = []

    def fails() -> Generator[float, None, None]:
        yield 0.001
        raise RuntimeError("no more")

    def counts() -> Generator[float, None, None]:
        for number in range(20):
            steps.append(number)
            yield 0.001

    loop = ticks.begin(fails(), 0.001)
    ticks.begin(counts(), 0.001)
    wait_for(lambda: len(steps) == 20)
    assert loop.is_over
    assert "no more" in caplog.text


def test_what_a_loop_awaits_is_given_to_it_or_raised_in_it() -> None:
    ticks = TickThread(time.monotonic)
    got: list[Any] = []

    async def gives() -> str:
        await asyncio.sleep(0.01)
        return "given"

    async def fails() -> None:
        raise ValueError("refused")

    def loop() -> Generator[Any, Any, None]:
        got.append((yield gives()))
        try:
            yield fails()
        except ValueError as error:
            got.append(str(error))

    ticks.begin(loop(), 0.001)
    wait_for(lambda: len(got) == 2)
    assert got == ["given", "refused"]


def test_hurry_ends_a_stopped_loop_before_its_time() -> None:
    ticks = TickThread(time.monotonic)
    stopping, begun = threading.Event(), threading.Event()
    seen: list[bool] = []

    def sleeps() -> Generator[float, None, None]:
        while not stopping.is_set():
            begun.set()
            yield 3600.0

    sleeper = ticks.begin(sleeps(), 3600.0)
    assert begun.wait(10)

    def ends_it() -> Generator[float, None, None]:
        stopping.set()
        sleeper.hurry()
        seen.append(sleeper.is_over)
        yield 0.0

    ticks.begin(ends_it(), 0.001)
    wait_for(lambda: seen)
    assert seen == [True]
    wait_for(lambda: ticks._thread is None)
