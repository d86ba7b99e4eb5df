"""User code: run where it belongs, its exceptions counted, its coroutines stepped."""

import asyncio
import logging
import threading
from collections.abc import Iterator

import pytest

from pygase.drivers import UserCode
from tests.conftest import wait_for


@pytest.fixture
def user_code() -> Iterator[UserCode]:
    user_code = UserCode("pygase.client")
    yield user_code
    user_code.close()


def boom() -> None:
    raise RuntimeError("boom")


def test_exception_is_logged_with_its_traceback_under_pygase_and_counted(
    user_code: UserCode, caplog: pytest.LogCaptureFixture
) -> None:
    user_code.run("the handler of 'E'", boom)
    assert user_code.errors == 1
    (record,) = caplog.records
    assert record.name == "pygase.client"
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
    assert "the handler of 'E'" in record.getMessage()


def test_at_most_one_line_a_second_for_each_thing_and_the_next_says_how_many_were_left_out(
    user_code: UserCode, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    for _ in range(500):
        user_code.run("a", boom)
    user_code.run("b", boom)
    assert [record.getMessage()[0] for record in caplog.records] == ["a", "b"]
    now[0] += 1.5
    user_code.run("a", boom)
    assert "499 more like it" in caplog.records[-1].getMessage()
    assert user_code.errors == 502


def test_memory_of_what_was_logged_is_bounded(user_code: UserCode) -> None:
    for n in range(2_000):
        user_code.run(f"the handler of {n}", boom)
    assert len(user_code._logged_at) < 1_000


def test_then_runs_after_the_code_whether_it_fails_or_not(user_code: UserCode) -> None:
    order: list[str] = []

    async def later() -> None:
        await asyncio.sleep(0)
        order.append("coroutine")

    async def later_boom() -> None:
        raise RuntimeError("boom")

    user_code.run("f", lambda: order.append("function"), then=lambda: order.append("then 1"))
    user_code.run("f", boom, then=lambda: order.append("then 2"))
    user_code.run("f", later, then=lambda: order.append("then 3"))
    user_code.run("f", later_boom, then=lambda: order.append("then 4"))
    while user_code.has_tasks:
        user_code.step()
    assert sorted(order[:3]) == ["function", "then 1", "then 2"]
    assert order.index("coroutine") < order.index("then 3")
    assert "then 4" in order


def test_coroutine_starts_at_once_and_goes_on_with_each_step_on_the_same_thread(user_code: UserCode) -> None:
    where: list[int] = []

    async def handler() -> None:
        for _ in range(3):
            where.append(threading.get_ident())
            await asyncio.sleep(0)

    user_code.run("c", handler)
    assert len(where) >= 1
    while user_code.has_tasks:
        user_code.step()
    assert where == [threading.get_ident()] * 3


def test_coroutine_in_a_running_loop_becomes_its_task(user_code: UserCode) -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    async def handler() -> None:
        loops.append(asyncio.get_running_loop())

    async def main() -> asyncio.AbstractEventLoop:
        user_code.run("c", handler)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return asyncio.get_running_loop()

    assert [asyncio.run(main())] == loops


def test_close_cancels_what_is_under_way_and_leaves_nothing_open(user_code: UserCode) -> None:
    ended: list[str] = []

    async def handler() -> None:
        try:
            await asyncio.sleep(3_600.0)
        finally:
            ended.append("cancelled")

    user_code.run("c", handler)
    assert user_code.has_tasks
    user_code.close()
    assert ended == ["cancelled"]
    assert not user_code.has_tasks
    user_code.close()


def test_sleeping_coroutine_goes_on_when_its_time_has_come(user_code: UserCode) -> None:
    done: list[int] = []

    async def handler() -> None:
        await asyncio.sleep(0.01)
        done.append(1)

    user_code.run("c", handler)

    def stepped() -> bool:
        user_code.step()
        return bool(done)

    wait_for(stepped)
