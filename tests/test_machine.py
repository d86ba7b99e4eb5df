"""The game loop: its rate, what happens when ticks are slow, how it stops, and what user code may do in it."""

import asyncio
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from pygase import TO_DELETE, GameState, GameStateMachine, GameStateStore, GameStatus, Server
from pygase.config import MAX_CATCH_UP, MAX_INBOX_EVENTS, MAX_TICK_DT
from pygase.errors import AlreadyRunning, ReservedEventType
from pygase.event import Event
from pygase.testing import SimulatedNetwork

from .conftest import wait_for

INTERVAL = 0.02


@pytest.fixture
def network() -> Iterator[SimulatedNetwork]:
    network = SimulatedNetwork()
    yield network
    network.close()


class Recorder(GameStateMachine):
    """Notes when it ticks; a tick can be made to take time."""

    def __init__(self, network: SimulatedNetwork | None = None, **state: Any) -> None:
        self.store = GameStateStore(GameState(**state))
        super().__init__(self.store)
        self.network = network
        self.ticks: list[tuple[float, float]] = []  # when, dt
        self.costs: dict[int, float] = {}  # seconds that the nth tick takes

    def time_step(self, game_state: GameState, dt: float) -> dict[str, Any] | None:
        self.ticks.append((self.network.now if self.network else 0.0, dt))
        if self.network is not None:
            self.network.schedule.now += self.costs.get(len(self.ticks), 0.0)
        return None

    @property
    def state(self) -> GameState:
        return self.store.get_game_state()


# --- rate -----------------------------------------------------------------------------------------------------------


def test_50_ticks_a_second_whose_dt_sum_up_to_the_time(network: SimulatedNetwork) -> None:
    machine = Recorder(network)
    network.run_game_loop(machine)
    network.run(20.0)
    assert len(machine.ticks) == pytest.approx(1_000, abs=1)
    assert sum(dt for _, dt in machine.ticks) == pytest.approx(20.0, abs=INTERVAL)
    assert machine.game_time == pytest.approx(20.0, abs=INTERVAL)
    assert all(dt == pytest.approx(INTERVAL) for _, dt in machine.ticks)


def test_what_a_tick_costs_does_not_slow_the_rate(network: SimulatedNetwork) -> None:
    machine = Recorder(network)
    machine.costs = dict.fromkeys(range(1, 2_000), 0.015)
    network.run_game_loop(machine)
    network.run(20.0)
    assert len(machine.ticks) == pytest.approx(1_000, abs=2)
    assert machine.game_time == pytest.approx(20.0, abs=2 * INTERVAL)


def test_other_intervals(network: SimulatedNetwork) -> None:
    machine = Recorder(network)
    network.run_game_loop(machine, 0.1)
    network.run(10.0)
    assert len(machine.ticks) == pytest.approx(100, abs=1)


def test_slow_tick_is_made_up_for(network: SimulatedNetwork) -> None:
    machine = Recorder(network)
    machine.costs = dict.fromkeys(range(50, 1_000, 50), MAX_CATCH_UP - 0.01)
    network.run_game_loop(machine)
    network.run(20.0)
    assert len(machine.ticks) == pytest.approx(1_000, rel=0.02), "the rate holds on a noisy machine"
    assert machine.game_time == pytest.approx(20.0, abs=0.1)


@pytest.mark.parametrize("cost", [MAX_CATCH_UP + 0.03, 0.5, 3.0])
def test_what_is_beyond_catching_up_is_skipped_never_made_up_in_a_burst(network: SimulatedNetwork, cost: float) -> None:
    machine = Recorder(network)
    machine.costs = {50: cost}
    network.run_game_loop(machine)
    network.run(10.0)
    missed = int((cost - INTERVAL) / INTERVAL)
    assert len(machine.ticks) < 500 - missed + MAX_CATCH_UP / INTERVAL + 2
    times = [when for when, _ in machine.ticks]
    most = max(sum(1 for t in times if start <= t < start + INTERVAL) for start in times)
    assert most <= MAX_CATCH_UP / INTERVAL + 1
    assert machine.ticks[-1][1] == pytest.approx(INTERVAL)


def test_pause_clamps_dt_and_says_so_once(network: SimulatedNetwork, caplog: pytest.LogCaptureFixture) -> None:
    machine = Recorder(network)
    machine.costs = {10: 4.0, 30: 2.0}
    network.run_game_loop(machine)
    network.run(10.0)
    assert sorted(dt for _, dt in machine.ticks)[-2:] == [MAX_TICK_DT, MAX_TICK_DT]
    lines = [record for record in caplog.records if "stood still" in record.getMessage()]
    assert len(lines) == 1
    assert lines[0].levelno == logging.WARNING


@pytest.mark.parametrize("interval", [0, -1, 0.0, float("nan"), float("inf"), "fast", None, True])
def test_bad_interval_raises_at_the_call(interval: Any) -> None:
    machine = Recorder()
    for way in (machine.run_game_loop, machine.run_game_loop_in_thread):
        with pytest.raises(ValueError, match="interval"):
            way(interval)


# --- stopping --------------------------------------------------------------------------------------------------------


def test_game_is_active_while_the_loop_runs_and_paused_before_and_after(network: SimulatedNetwork) -> None:
    machine = Recorder(network)
    assert machine.state.is_paused()
    network.run_game_loop(machine)
    network.run(0.1)
    assert machine.state.game_status == GameStatus.ACTIVE
    assert machine.stop() is True
    assert machine.state.is_paused()


def test_stop_from_outside_ends_the_loop_and_running_again_resumes_it(network: SimulatedNetwork) -> None:
    machine = Recorder(network)
    network.run_game_loop(machine)
    network.run(1.0)
    assert machine.stop() is True
    ticks, game_time = len(machine.ticks), machine.game_time
    network.run(5.0)
    assert len(machine.ticks) == ticks
    network.run_game_loop(machine)
    network.run(1.0)
    assert len(machine.ticks) == pytest.approx(ticks + 50, abs=1)
    assert machine.game_time == pytest.approx(game_time + 1.0, abs=INTERVAL), "the pause is no game time"
    assert max(dt for _, dt in machine.ticks) == pytest.approx(INTERVAL)


@pytest.mark.parametrize("where", ["handler", "time_step", "coroutine"])
def test_stop_inside_a_tick_returns_true_and_that_ticks_update_counts(network: SimulatedNetwork, where: str) -> None:
    machine = Recorder(network, before=0)
    returned: list[Any] = []

    def stop() -> dict[str, Any]:
        returned.append(machine.stop())
        return {"last": "words"}

    async def stop_later() -> dict[str, Any]:
        returned.append(await machine.stop())
        return {"last": "words"}

    if where == "time_step":
        machine.time_step = lambda game_state, dt: stop()  # type: ignore[method-assign]
    machine.register_event_handler("STOP", stop if where == "handler" else stop_later)
    machine._push_event(Event("STOP"))
    network.run_game_loop(machine)
    network.run(0.5)
    assert returned[0] is True
    assert machine.state.last == "words"
    assert machine.state.is_paused()
    assert machine.game_time == pytest.approx(INTERVAL)


def test_stopping_what_does_not_run_is_true() -> None:
    assert Recorder().stop() is True


def test_running_twice_raises(network: SimulatedNetwork) -> None:
    machine = Recorder(network)
    network.run_game_loop(machine)
    with pytest.raises(AlreadyRunning):
        network.run_game_loop(machine)
    with pytest.raises(AlreadyRunning):
        machine.run_game_loop()
    with pytest.raises(AlreadyRunning):
        machine.run_game_loop_in_thread()
    network.run(0.1)
    assert len(machine.ticks) > 3, "and the first goes on"


def test_update_that_pauses_the_game_ends_the_loop(network: SimulatedNetwork) -> None:
    machine = Recorder(network)
    machine.register_event_handler("PAUSE", lambda: {"game_status": GameStatus.PAUSED})
    network.run_game_loop(machine)
    network.run(0.1)
    machine._push_event(Event("PAUSE"))
    network.run(0.5)
    ticks = len(machine.ticks)
    assert machine.state.is_paused()
    network.run(0.5)
    assert len(machine.ticks) == ticks


def test_events_that_wait_while_the_game_stands_are_bounded_and_goodbyes_are_not_lost(
    network: SimulatedNetwork,
) -> None:
    machine = Recorder(network)
    handled: list[Any] = []

    def gone(client_id: int) -> None:
        handled.append(client_id)

    machine.register_event_handler("FLOOD", lambda: None)
    machine.register_event_handler("CLIENT_DISCONNECTED", gone)
    for _ in range(MAX_INBOX_EVENTS + 1_000):
        machine._push_event(Event("FLOOD"))
    machine._push_event(Event("CLIENT_DISCONNECTED"), {"client_id": 7})
    assert len(machine._events) <= MAX_INBOX_EVENTS + 1
    network.run_game_loop(machine)
    network.run(0.1)
    assert handled == [7], "or the departed client's player would stand about for ever"


# --- user code -------------------------------------------------------------------------------------------------------


def test_a_tick_is_events_in_order_then_time_step_then_one_update(network: SimulatedNetwork) -> None:
    machine = Recorder(network, order="")
    machine.register_event_handler("A", lambda game_state: {"order": game_state.order + "a"})
    machine.register_event_handler("B", lambda game_state: {"order": game_state.order + "b"})
    seen: list[str] = []
    orders: list[int] = []
    machine.store.subscribe(lambda: orders.append(machine.state.time_order))

    def time_step(game_state: GameState, dt: float) -> dict[str, Any]:
        seen.append(game_state.order)
        return {"order": game_state.order + "|"}

    machine.time_step = time_step  # type: ignore[method-assign]
    for event_type in "ABBA":
        machine._push_event(Event(event_type))
    network.run_game_loop(machine)
    network.run(INTERVAL / 2)
    assert seen == ["abba"]
    assert machine.state.order == "abba|"
    assert len(orders) == 2, "one for the start of the game, one for the tick"


def test_coroutine_handlers_and_time_step_keep_their_place_in_the_tick(network: SimulatedNetwork) -> None:
    machine = Recorder(network, log=[])

    async def slow(n: int, game_state: GameState) -> dict[str, Any]:
        before = game_state.log
        for _ in range(3):
            await asyncio.sleep(0)
        return {"log": [*before, n]}

    async def time_step(game_state: GameState, dt: float) -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"steps": [*game_state.log]}

    machine.register_event_handler("SLOW", slow)
    machine.register_event_handler("FAST", lambda n, game_state: {"log": [*game_state.log, n]})
    machine.time_step = time_step  # type: ignore[method-assign, assignment]
    for n, event_type in enumerate(["SLOW", "FAST", "SLOW"]):
        machine._push_event(Event(event_type, n))
    network.run_game_loop(machine)
    network.run(0.3)
    assert machine.state.log == [0, 1, 2]
    assert machine.state.steps == [0, 1, 2]


@pytest.mark.parametrize(
    "result", [5, "text", [("a", 1)], {"good": 1, "bad": object()}, {"deep": {"x": {1, 2}}}, {"is_paused": 1}]
)
def test_result_that_is_no_update_is_logged_and_changes_nothing(
    network: SimulatedNetwork, caplog: pytest.LogCaptureFixture, result: Any
) -> None:
    machine = Recorder(network, good=0, deep={})
    machine.register_event_handler("BAD", lambda: result)
    machine._push_event(Event("BAD"))
    network.run_game_loop(machine)
    network.run(0.1)
    assert (machine.state.good, machine.state.deep) == (0, {})
    assert machine.errors == 1
    assert "the handler of 'BAD'" in caplog.text


@pytest.mark.parametrize("kind", ["function", "coroutine"])
def test_exceptions_are_counted_logged_with_traceback_and_the_loop_goes_on(
    network: SimulatedNetwork, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    machine = Recorder(network, n=0)

    def broken() -> None:
        raise ZeroDivisionError("a bug in the game")

    async def broken_later() -> None:
        await asyncio.sleep(0)
        raise ZeroDivisionError("a bug in the game")

    machine.register_event_handler("BAD", broken if kind == "function" else broken_later)
    machine.register_event_handler("GOOD", lambda game_state: {"n": game_state.n + 1})
    for event_type in ("GOOD", "BAD", "GOOD", "BAD"):
        machine._push_event(Event(event_type))
    network.run_game_loop(machine)
    network.run(0.5)
    assert machine.state.n == 2
    assert machine.errors == 2
    assert len(machine.ticks) > 20
    assert "Traceback" in caplog.text
    assert "a bug in the game" in caplog.text


@pytest.mark.parametrize("nonsense", ["Paused", 2, -1, None, [1], TO_DELETE])
def test_status_that_there_is_not_is_logged_and_the_loop_goes_on(
    network: SimulatedNetwork, caplog: pytest.LogCaptureFixture, nonsense: Any
) -> None:
    machine = Recorder(network, n=1)
    machine.register_event_handler("BAD", lambda: {"game_status": nonsense, "n": 2})
    network.run_game_loop(machine)
    network.run(0.1)
    machine._push_event(Event("BAD"))
    network.run(1.0)
    assert (machine.errors, machine.state.n, machine.state.game_status) == (1, 1, GameStatus.ACTIVE)
    assert len(machine.ticks) > 50
    assert "GameStatus.PAUSED or GameStatus.ACTIVE, not" in caplog.text


@pytest.mark.parametrize("event_type", ["CONNECTED", "DISCONNECTED", "CONNECTION_FAILED", "RECONNECTED"])
def test_handler_of_what_happens_at_clients_only_raises_and_says_what_to_wait_for(event_type: str) -> None:
    machine = Recorder()
    for place in (machine, Server(machine.store)):
        with pytest.raises(ReservedEventType, match=f"'{event_type}'.*'CLIENT_DISCONNECTED'"):
            place.register_event_handler(event_type, print)


def test_machine_without_time_step_says_what_to_do(network: SimulatedNetwork, caplog: pytest.LogCaptureFixture) -> None:
    network.run_game_loop(GameStateMachine(GameStateStore()))
    network.run(0.1)
    assert "implement time_step" in caplog.text


def test_handlers_see_a_read_only_state(network: SimulatedNetwork) -> None:
    machine = Recorder(network, players={1: {"x": 0}})

    def cheat(game_state: GameState) -> None:
        game_state.players[1]["x"] = 5

    machine.register_event_handler("CHEAT", cheat)
    machine._push_event(Event("CHEAT"))
    network.run_game_loop(machine)
    network.run(0.1)
    assert machine.state.players == {1: {"x": 0}}
    assert machine.errors == 1


def test_state_pushed_by_others_and_the_ticks_both_count(network: SimulatedNetwork) -> None:
    from pygase import GameStateUpdate

    machine = Recorder(network, n=0)

    def time_step(game_state: GameState, dt: float) -> dict[str, Any]:
        if game_state.n == 3:  # somebody else changes the state while the tick runs
            machine.store.push_update(GameStateUpdate(game_state.time_order + 5, outside=True))
        return {"n": game_state.n + 1}

    machine.time_step = time_step  # type: ignore[method-assign]
    network.run_game_loop(machine)
    network.run(0.5)
    assert machine.state.outside is True
    assert machine.state.n == pytest.approx(25, abs=1)


# --- on real threads and loops ---------------------------------------------------------------------------------------


def test_thread_ticks_until_stopped_from_outside() -> None:
    machine = Recorder()
    thread = machine.run_game_loop_in_thread(0.002)
    assert thread.daemon
    wait_for(lambda: len(machine.ticks) > 20)
    assert machine.stop(timeout=10.0) is True
    thread.join(10.0)
    assert not thread.is_alive()
    assert machine.state.is_paused()


def test_loop_blocks_the_calling_thread_until_stopped() -> None:
    machine = Recorder()

    def stop_later() -> None:
        wait_for(lambda: len(machine.ticks) > 5)
        machine.stop()

    threading.Thread(target=stop_later, daemon=True).start()
    machine.run_game_loop(0.002)
    assert len(machine.ticks) > 5


def test_stop_gives_up_after_its_timeout_and_says_so() -> None:
    machine = Recorder()
    inside, go_on = threading.Event(), threading.Event()

    def time_step(game_state: GameState, dt: float) -> None:
        inside.set()
        go_on.wait(30.0)

    machine.time_step = time_step  # type: ignore[method-assign]
    thread = machine.run_game_loop_in_thread(0.002)
    assert inside.wait(15.0)
    assert machine.stop(timeout=0.05) is False
    go_on.set()
    assert machine.stop(timeout=15.0) is True
    thread.join(15.0)


def test_real_time_is_what_the_steps_sum_up_to() -> None:
    machine = Recorder()
    clock = machine._system.clock
    began = clock()
    thread = machine.run_game_loop_in_thread(0.005)
    wait_for(lambda: machine.game_time > 0.5)
    machine.stop(timeout=10.0)
    thread.join(10.0)
    assert machine.game_time <= clock() - began + 0.005
    assert sum(dt for _, dt in machine.ticks) == pytest.approx(machine.game_time)


def test_coroutines_in_the_threads_loop_leave_nothing_open() -> None:
    machine = Recorder()
    done: list[int] = []

    async def time_step(game_state: GameState, dt: float) -> None:
        await asyncio.sleep(0.001)
        done.append(1)

    machine.time_step = time_step  # type: ignore[method-assign, assignment]
    thread = machine.run_game_loop_in_thread(0.002)
    wait_for(lambda: len(done) > 3)
    assert machine.stop(timeout=10.0) is True
    thread.join(10.0)


def test_loop_is_a_task_of_a_running_event_loop_and_stop_can_be_awaited() -> None:
    machine = Recorder()

    async def main() -> None:
        async with asyncio.timeout(20):
            task = asyncio.ensure_future(machine.run_game_loop(0.002))  # type: ignore[arg-type]
            while len(machine.ticks) < 10:
                await asyncio.sleep(0.001)
            assert await machine.stop() is True
            await task

    asyncio.run(main())
    assert machine.state.is_paused()


def test_cancelled_task_leaves_the_game_paused_and_able_to_run_again() -> None:
    machine = Recorder()

    async def once() -> None:
        task = asyncio.ensure_future(machine.run_game_loop(0.002))  # type: ignore[arg-type]
        before = len(machine.ticks)
        while len(machine.ticks) < before + 5:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert machine.state.is_paused()

    async def main() -> None:
        async with asyncio.timeout(20):
            await once()
            await once()

    asyncio.run(main())


def test_stop_that_nobody_awaits_has_begun_and_warns_of_nothing() -> None:
    machine = Recorder()

    async def main() -> None:
        async with asyncio.timeout(20):
            task = asyncio.ensure_future(machine.run_game_loop(0.002))  # type: ignore[arg-type]
            while not machine.ticks:
                await asyncio.sleep(0.001)
            machine.stop()
            await task

    asyncio.run(main())
