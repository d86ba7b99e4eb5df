import asyncio
import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from pygase.errors import AdapterMisuse, NotConnected, WrongThread
from pygase.integrations.base import FrameAdapter


def in_thread(function: Callable[[], Any]) -> Any:
    """Run a function on another thread and return what it raised."""
    raised = []

    def run() -> Any:
        try:
            function()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(5.0)
    assert not thread.is_alive()
    return raised[0] if raised else None


def test_importing_the_base_imports_no_engine() -> None:
    code = (
        "import sys, pygase, pygase.integrations, pygase.integrations.base; "
        "print([name for name in ('pygame', 'arcade', 'pyglet') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_adapter_claims_delivery_and_close_gives_it_back(client: Any) -> None:
    net = FrameAdapter(client)
    assert client.claimed_by is net
    net.close()
    assert client.claimed_by is None


def test_pump_takes_in_the_network_then_delivers(client: Any) -> None:
    seen: list[Any] = []
    client.register_event_handler("CHAT", lambda text: seen.append(("client", text)))
    net = FrameAdapter(client)

    @net.on("CHAT")
    def first(text: str) -> Any:
        seen.append(("first", text))

    @net.on("CHAT")
    def second(text: str) -> Any:
        seen.append(("second", text))

    client.arrive("CHAT", "hello")
    assert seen == []
    net.pump(0.016)
    assert seen == [("client", "hello"), ("first", "hello"), ("second", "hello")]
    assert client.calls == ["pump", "deliver"]


def test_on_returns_the_handler(client: Any) -> None:
    def handler() -> Any:
        pass

    assert FrameAdapter(client).on("X")(handler) is handler


def test_lifecycle_handler_may_leave_out_what_pygase_tells(client: Any) -> None:
    net = FrameAdapter(client)
    seen: list[Any] = []
    net.on("DISCONNECTED")(lambda: seen.append("gone"))
    net.on("DISCONNECTED")(lambda reason: seen.append(reason))  # noqa: PLW0108  (its parameter's name counts)
    client.arrive("DISCONNECTED", reason="timed out", more=1)
    net.pump()
    assert seen == ["gone", "timed out"]


def test_pump_delivers_at_most_max_events_and_the_rest_waits(client: Any) -> None:
    net = FrameAdapter(client, max_events=10)
    seen: list[Any] = []
    net.on("N")(seen.append)
    for number in range(25):
        client.arrive("N", number)
    lengths = []
    for _ in range(4):
        net.pump()
        lengths.append(len(seen))
    assert lengths == [10, 20, 25, 25]
    assert seen == list(range(25))


def test_max_events_below_one_is_refused(client: Any) -> None:
    with pytest.raises(ValueError, match="max_events"):
        FrameAdapter(client, max_events=0)


def test_failing_handler_is_logged_and_harms_nothing_else(client: Any, caplog: pytest.LogCaptureFixture) -> None:
    net = FrameAdapter(client)
    seen: list[Any] = []
    net.on("X")(lambda: 1 / 0)
    net.on("X")(lambda: seen.append("after"))
    client.arrive("X")
    client.arrive("Y")
    with caplog.at_level(logging.ERROR, "pygase"):
        net.pump()
    assert seen == ["after"]
    assert net.errors == 1
    assert "ZeroDivisionError" in caplog.text


def test_coroutine_handler_runs_inside_pump(client: Any) -> None:
    net = FrameAdapter(client)
    seen: list[Any] = []

    @net.on("X")
    async def handler(value: int) -> Any:
        seen.append(threading.get_ident())
        await asyncio.sleep(0)
        seen.append(value)

    client.arrive("X", 7)
    for _ in range(5):
        net.pump()
    assert seen == [threading.get_ident(), 7]
    net.close()


def test_pump_on_another_thread_says_whose_it_is(client: Any) -> None:
    net = FrameAdapter(client)
    error = in_thread(net.pump)
    assert isinstance(error, WrongThread)
    assert "MainThread" in str(error)
    assert client.calls == []


def test_render_and_send_on_another_thread_raise(client: Any) -> None:
    net = FrameAdapter(client)

    def render() -> Any:
        with net.render_state():
            pass

    assert isinstance(in_thread(render), WrongThread)
    assert isinstance(in_thread(lambda: net.send("X")), WrongThread)


def test_pump_inside_render_state_raises_and_says_why(client: Any) -> None:
    net = FrameAdapter(client)
    with net.render_state(), pytest.raises(AdapterMisuse, match="being drawn"):
        net.pump()
    net.pump()


def test_pump_from_a_handler_raises(client: Any) -> None:
    net = FrameAdapter(client)
    raised = []

    @net.on("X")
    def handler() -> Any:
        with pytest.raises(AdapterMisuse) as caught:
            net.pump()
        raised.append(caught.value)

    client.arrive("X")
    net.pump()
    assert len(raised) == 1
    net.pump()


def test_render_state_holds_the_lock_and_nests(client: Any) -> None:
    net = FrameAdapter(client)
    with net.render_state() as outer:
        assert outer is client.state
        assert client.depth == 1
        with net.render_state() as inner:
            assert inner is outer
        assert client.depth == 1
        with pytest.raises(AdapterMisuse):
            net.pump()
    assert client.depth == 0


def test_render_state_is_left_when_drawing_fails(client: Any) -> None:
    net = FrameAdapter(client)
    with pytest.raises(ZeroDivisionError), net.render_state():
        _ = 1 / 0
    assert client.depth == 0
    net.pump()


def test_send_without_rate_dispatches_each(client: Any) -> None:
    net = FrameAdapter(client)
    net.send("MOVE", 1, x=2)
    net.send("MOVE", 2)
    assert client.dispatched == [("MOVE", (1,), {"x": 2}), ("MOVE", (2,), {})]


def test_send_with_rate_keeps_the_newest_for_the_pump(client: Any) -> None:
    net = FrameAdapter(client)
    for value in range(4):
        net.send("MOVE", value, rate=10)
        client.now += 0.01
    net.pump()
    assert client.dispatched == [("MOVE", (0,), {})]
    client.now = 100.1
    net.pump()
    assert client.dispatched[1:] == [("MOVE", (3,), {})]
    client.now += 1.0
    net.pump()
    assert len(client.dispatched) == 2


def test_send_refuses_a_rate_of_nothing(client: Any) -> None:
    with pytest.raises(ValueError, match="rate"):
        FrameAdapter(client).send("MOVE", rate=0)


def test_send_without_connection_raises_but_pump_does_not(client: Any) -> None:
    net = FrameAdapter(client)
    net.send("MOVE", 1, rate=10)
    net.send("MOVE", 2, rate=10)
    client.connection = None
    with pytest.raises(NotConnected):
        net.send("OTHER")
    client.now += 1.0
    net.pump()


def test_a_connection_that_ends_in_the_middle_of_a_frame_does_not_end_the_game(client: Any) -> None:
    net = FrameAdapter(client)
    client.arrive("CONNECTED")
    net.pump()
    client.connection = None  # ended in the network's thread, and the game has not been told yet
    net.send("MOVE", 1)
    client.arrive("DISCONNECTED", reason="server shut down")
    net.pump()
    net.send("MOVE", 2)  # in the frame in which it hears of it
    net.pump()
    with pytest.raises(NotConnected):
        net.send("MOVE", 3)
    assert client.dispatched == []


def test_close_sends_what_is_held_back_disconnects_and_delivers_the_end(client: Any) -> None:
    seen: list[Any] = []
    with FrameAdapter(client) as net:
        net.on("DISCONNECTED")(lambda reason: seen.append(str(reason)))
        net.send("MOVE", 1, rate=1)
        net.send("MOVE", 2, rate=1)
    assert client.dispatched == [("MOVE", (1,), {}), ("MOVE", (2,), {})]
    assert client.disconnected == 1
    assert seen == ["client left"]
    assert net.is_closed


def test_close_twice_and_pump_after_close_do_nothing(client: Any) -> None:
    net = FrameAdapter(client)
    net.close()
    net.close()
    calls = list(client.calls)
    net.pump()
    assert client.calls == calls
    assert client.disconnected == 1


def test_close_without_connection_only_lets_go(client: Any) -> None:
    client.connection = None
    FrameAdapter(client).close()
    assert client.disconnected == 0
    assert client.claimed_by is None


def test_close_from_a_handler(client: Any) -> None:
    net = FrameAdapter(client)
    seen: list[Any] = []
    net.on("BYE")(net.close)
    net.on("DISCONNECTED")(lambda: seen.append("end"))
    client.arrive("BYE")
    net.pump()
    assert net.is_closed
    assert client.claimed_by is None
    assert seen == ["end"]


def test_close_inside_render_state(client: Any) -> None:
    net = FrameAdapter(client)
    with net.render_state():
        net.close()
    assert client.depth == 0
    assert client.claimed_by is None


def test_async_close_waits_for_the_goodbye(client: Any) -> None:
    done = []

    async def farewell() -> None:
        await asyncio.sleep(0)
        done.append("goodbye")
        client.arrive("DISCONNECTED", reason="client left")

    client.disconnect = farewell

    async def game() -> Any:
        async with FrameAdapter(client) as net:
            net.on("DISCONNECTED")(lambda: done.append("told"))
            net.pump()
            net.close()
            assert client.claimed_by is net
        assert client.claimed_by is None
        return list(done)

    assert asyncio.run(game()) == ["goodbye", "told"]


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer in place of waiting for it."""

    _ready: Any
    _scheduled: Any

    def __init__(self) -> None:
        super().__init__()
        self.now = 50.0

    def time(self) -> Any:
        return self.now

    def _run_once(self) -> Any:
        if not self._ready and self._scheduled:
            self.now = max(self.now, self._scheduled[0]._when)
        super()._run_once()  # type: ignore[misc]


def run_virtual(main: Callable[[Any], Any]) -> Any:
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(main(loop))
    finally:
        loop.close()


def test_frame_waits_for_a_deadline_whatever_the_work_takes(client: Any) -> None:
    async def game(loop: Any) -> Any:
        net = FrameAdapter(client)
        starts = []
        for work in (0.002, 0.012, 0.0, 0.015, 0.001):
            loop.now += work
            await net.frame(50)
            starts.append(loop.now)
        return [b - a for a, b in pairwise(starts)]

    assert run_virtual(game) == pytest.approx([0.02] * 4)


def test_late_frame_does_not_hurry_the_next_ones(client: Any) -> None:
    async def game(loop: Any) -> Any:
        net = FrameAdapter(client)
        await net.frame(50)
        loop.now += 0.1
        return [await net.frame(50) for _ in range(3)]

    assert run_virtual(game) == pytest.approx([0.1, 0.02, 0.02])


def test_frame_lets_other_tasks_run_even_when_it_is_late(client: Any) -> None:
    async def game(loop: Any) -> Any:
        net = FrameAdapter(client)
        ran = []

        async def other() -> Any:
            while True:
                ran.append(loop.now)
                loop.now += 0.001
                await asyncio.sleep(0)

        task = asyncio.ensure_future(other())
        for _ in range(10):
            loop.now += 1.0
            await net.frame(60)
        task.cancel()
        return len(ran)

    assert run_virtual(game) >= 10
