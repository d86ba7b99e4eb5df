"""Calls that block outside an event loop and can be awaited inside one."""

import asyncio
import gc
import warnings

from pygase.drivers import Begun, inside_event_loop


async def result() -> int:
    await asyncio.sleep(0)
    return 7


def test_inside_event_loop_knows() -> None:
    async def inside() -> bool:
        return inside_event_loop()

    assert not inside_event_loop()
    assert asyncio.run(inside())


def test_begun_can_be_awaited_made_a_task_gathered_or_run() -> None:
    async def main() -> list[int]:
        return [
            await Begun(result),
            await asyncio.create_task(Begun(result)),
            *(await asyncio.gather(Begun(result), Begun(result))),
            await asyncio.wait_for(Begun(result), 10.0),
        ]

    assert asyncio.run(main()) == [7] * 5
    assert asyncio.run(Begun(result)) == 7


def test_begun_that_nobody_awaits_warns_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Begun(result)
        gc.collect()


def test_task_of_begun_can_be_cancelled() -> None:
    async def main() -> bool:
        task = asyncio.create_task(Begun(lambda: asyncio.sleep(3_600.0, 1)))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert asyncio.run(main())
