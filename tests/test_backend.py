"""A whole game server in one object."""

import asyncio
import threading
from typing import Any

import pytest

from pygase import RELIABLE, Backend, Client, GameState
from pygase.errors import AlreadyRunning
from pygase.testing import SimulatedNetwork

from .conftest import wait_for


def counting(**handlers: Any) -> Backend:
    return Backend(GameState(n=0), lambda game_state, dt: {"n": game_state.n + 1}, handlers)


def test_initial_state_is_what_clients_see_first() -> None:
    network = SimulatedNetwork()
    network.serve(Backend(GameState(hp=100, players={}), lambda game_state, dt: None))
    client = network.connect()
    network.run(1.0)
    with client.access_game_state() as game_state:
        assert (game_state.hp, game_state.players) == (100, {})
    network.close()


def test_initial_state_may_be_changed_by_its_maker_afterwards() -> None:
    initial = GameState(players={})
    backend = Backend(initial, lambda game_state, dt: None)
    initial.players["late"] = 1
    assert backend.game_state_store.get_game_state().players == {}


@pytest.mark.parametrize("wrong", [None, 5, "step"])
def test_time_step_that_is_not_callable_raises(wrong: Any) -> None:
    with pytest.raises(TypeError, match="time_step_function"):
        Backend(GameState(), wrong)


def test_initial_state_that_is_no_game_state_raises() -> None:
    with pytest.raises(TypeError, match="GameState"):
        Backend({"hp": 100}, lambda game_state, dt: None)  # type: ignore[arg-type]


def test_handler_that_is_not_callable_raises_and_names_the_event() -> None:
    with pytest.raises(TypeError, match="'JOIN'"):
        Backend(GameState(), lambda game_state, dt: None, {"JOIN": None})  # type: ignore[dict-item]


@pytest.mark.parametrize("wrong", [["A"], "A", 5, {"A"}])
def test_handlers_that_are_no_dict_raise_and_say_what_is_expected(wrong: Any) -> None:
    with pytest.raises(TypeError, match="event_handlers is a dict of functions by event type, not"):
        Backend(GameState(), lambda game_state, dt: None, wrong)


def test_initial_status_that_there_is_not_raises() -> None:
    with pytest.raises(ValueError, match="game_status"):
        Backend(GameState(game_status=7), lambda game_state, dt: None)


def test_time_step_gets_state_and_dt_by_keyword_or_position() -> None:
    network = SimulatedNetwork()
    got: list[Any] = []

    def time_step(game_state: GameState, dt: float) -> None:
        got.append((type(game_state), dt))

    network.serve(Backend(GameState(), time_step))
    network.run(0.1)
    assert got[0] == (GameState, pytest.approx(0.02))
    network.close()


def test_interval_sets_the_rate() -> None:
    network = SimulatedNetwork()
    backend = counting()
    network.serve(backend, interval=0.1)
    network.run(10.0)
    assert backend.game_state_store.get_game_state().n == pytest.approx(100, abs=1)
    network.close()


def test_run_in_thread_returns_when_the_server_listens_and_shutdown_ends_everything() -> None:
    backend = counting()
    thread = backend.run_in_thread("localhost", 0)
    assert backend.server.port is not None
    wait_for(lambda: backend.game_state_store.get_game_state().n > 5)
    backend.shutdown()
    thread.join(10.0)
    assert not thread.is_alive()
    assert backend.game_state_store.get_game_state().is_paused()
    assert backend.server.port is None


def test_backend_runs_again_where_it_stopped() -> None:
    backend = counting()
    backend.run_in_thread("localhost", 0, 0.002)
    wait_for(lambda: backend.game_state_store.get_game_state().n > 5)
    backend.shutdown()
    stood = backend.game_state_store.get_game_state().n
    backend.run_in_thread("localhost", 0, 0.002)
    assert backend.game_state_store.get_game_state().n >= stood
    wait_for(lambda: backend.game_state_store.get_game_state().n > stood + 5)
    backend.shutdown()


def test_running_twice_raises_and_the_first_run_goes_on() -> None:
    backend = counting()
    backend.run_in_thread("localhost", 0, 0.002)
    for run in (backend.run_in_thread, backend.run):
        with pytest.raises(AlreadyRunning):
            run("localhost", 0)
    stood = backend.game_state_store.get_game_state().n
    wait_for(lambda: backend.game_state_store.get_game_state().n > stood + 5)
    backend.shutdown()


def test_backend_whose_game_loop_runs_already_starts_no_server_that_nobody_stops() -> None:
    backend = counting()
    backend.game_state_machine.run_game_loop_in_thread(0.002)
    with pytest.raises(AlreadyRunning):
        backend.run_in_thread("localhost", 0)
    wait_for(lambda: backend.server.port is None)
    assert backend.game_state_machine.stop(10.0) is True


@pytest.mark.parametrize("interval", [0, -1.0, "fast"])
def test_bad_interval_raises_and_leaves_nothing_running(interval: Any) -> None:
    backend = counting()
    for run in (backend.run_in_thread, backend.run):
        with pytest.raises(ValueError, match="interval"):
            run("localhost", 0, interval)
    assert backend.server.port is None


def test_bad_interval_raises_inside_an_event_loop_too() -> None:
    async def main() -> None:
        backend = counting()
        with pytest.raises(ValueError, match="interval"):
            await backend.run("localhost", 0, -1.0)  # type: ignore[misc]
        assert backend.server.port is None

    asyncio.run(asyncio.wait_for(main(), 10.0))


def test_shutting_down_what_does_not_run_is_harmless() -> None:
    backend = counting()
    backend.shutdown()
    assert backend.server.port is None


def test_shutdown_waits_for_the_tick_under_way_longer_than_a_stop_does() -> None:
    in_tick, release, done = threading.Event(), threading.Event(), threading.Event()

    def time_step(game_state: GameState, dt: float) -> None:
        in_tick.set()
        release.wait(15.0)
        done.set()

    backend = Backend(GameState(), time_step)
    backend.run_in_thread("localhost", 0)
    assert in_tick.wait(15.0)
    threading.Timer(1.2, release.set).start()
    backend.shutdown()
    assert done.is_set()
    assert backend.game_state_store.get_game_state().is_paused()


def test_shutdown_does_not_wait_for_ever_for_a_tick_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pygase.backend.TICK_WAIT", 0.05)
    in_tick, release = threading.Event(), threading.Event()

    def time_step(game_state: GameState, dt: float) -> None:
        in_tick.set()
        release.wait(15.0)

    backend = Backend(GameState(), time_step)
    backend.run_in_thread("localhost", 0)
    assert in_tick.wait(15.0)
    backend.shutdown()
    assert backend.server.port is None
    release.set()
    assert backend.game_state_machine.stop(15.0)


def test_awaited_shutdown_waits_for_the_tick_under_way() -> None:
    async def main() -> None:
        in_tick, release = asyncio.Event(), asyncio.Event()

        async def time_step(game_state: GameState, dt: float) -> dict[str, Any]:
            in_tick.set()
            await release.wait()
            return {"saved": True}

        backend = Backend(GameState(saved=False), time_step)
        running = asyncio.ensure_future(backend.run("localhost", 0))  # type: ignore[arg-type]
        await in_tick.wait()
        ending = asyncio.ensure_future(backend.shutdown())  # type: ignore[arg-type]
        while backend.server.port is not None:
            await asyncio.sleep(0.002)
        assert not ending.done()
        release.set()
        await ending
        assert backend.game_state_store.get_game_state().saved
        await running

    asyncio.run(asyncio.wait_for(main(), 30.0))


def test_options_reach_the_server() -> None:
    backend = counting()
    backend.run_in_thread("localhost", 0, password="sesame")
    client = Client()
    client.connect_in_thread(backend.server.port or 0, password="sesame")
    client.wait_until(lambda game_state: game_state.n > 0, timeout=10.0)
    client.disconnect()
    refused: list[str] = []
    stranger = Client()
    stranger.register_event_handler("CONNECTION_FAILED", lambda reason: refused.append(str(reason)))
    stranger.connect_in_thread(backend.server.port or 0, password="mellon")
    wait_for(lambda: refused == ["wrong password"])
    backend.shutdown()


def test_last_events_before_a_shutdown_reach_the_clients() -> None:
    network = SimulatedNetwork(4, "lan")
    backend = counting()
    network.serve(backend)
    client = network.connect()
    network.run(1.0)
    got: list[str] = []
    client.register_event_handler("GAME_OVER", got.append)
    client.register_event_handler("DISCONNECTED", lambda reason: got.append(str(reason)))
    backend.server.dispatch_event("GAME_OVER", "red won", retries=RELIABLE)
    network.run(0.1)
    backend.shutdown()
    network.run(0.5)
    assert got == ["red won", "server shut down"]
    network.close()


def test_tick_begins_with_reading_what_has_arrived(netsim: SimulatedNetwork) -> None:
    backend = Backend(GameState(), lambda game_state, dt: None)
    netsim.serve(backend, interval=0.05)
    netsim.run(1.02)
    assert backend.server._run is not None
    endpoint = backend.server._run.endpoint
    assert endpoint is not None
    assert 0.0 < endpoint.drained_until - netsim.now <= 0.05, "nobody else need look into the socket until the next one"
