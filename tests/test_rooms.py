"""RoomServer on real sockets: its threads, an asyncio loop, and ticks that share a thread."""

import asyncio
import functools
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pygase import RELIABLE, Backend, Client, ConnectionFailed, DisconnectReason, GameState, RoomServer
from pygase.errors import AlreadyRunning

from .conftest import wait_for


def game(name: str, time_step: Callable[..., Any] | None = None, **handlers: Callable[..., Any]) -> Backend:
    def count(game_state: GameState, dt: float) -> dict[str, Any]:
        return {"count": game_state.count + 1}

    return Backend(GameState(name=name, count=0), time_step or count, handlers)


def enter(server: RoomServer, room: str) -> Client:
    client = Client()
    assert server.port is not None
    client.connect_in_thread(server.port, "127.0.0.1", room=room)
    client.try_to(lambda state: state.count, timeout=10)
    return client


def until_gone(client: Client) -> None:
    connection = client.connection
    assert connection is not None
    wait_for(lambda: connection.status == 0)


@pytest.fixture
def server() -> Iterator[RoomServer]:
    server = RoomServer()
    yield server
    server.shutdown()


def test_rooms_play_side_by_side_in_threads(server: RoomServer) -> None:
    heard: list[tuple[str, str]] = []
    server.open("red", game("red", SAY=lambda text: heard.append(("red", text))))
    server.run_in_thread("127.0.0.1", 0)
    server.open("blue", game("blue", SAY=lambda text: heard.append(("blue", text))), interval=0.01)
    clients = {name: enter(server, name) for name in ("red", "blue")}
    for name, client in clients.items():
        wait_for(functools.partial(_counts, client, name))
        client.dispatch_event("SAY", f"in {name}", retries=RELIABLE)
    wait_for(lambda: len(heard) == 2)
    assert sorted(heard) == [("blue", "in blue"), ("red", "in red")]
    server.close("red")
    until_gone(clients["red"])
    before = server.rooms["blue"].game_state_store.get_game_state().count
    clients["blue"].wait_until(lambda state: state.count > before, timeout=10)
    with pytest.raises(ConnectionFailed) as refused:
        Client().connect(server.port or 0, "127.0.0.1", room="red")
    assert refused.value.reason is DisconnectReason.NO_SUCH_ROOM
    clients["blue"].disconnect()


def test_server_runs_again_after_its_shutdown(server: RoomServer) -> None:
    server.open("red", game("red"))
    for _ in range(2):
        thread = server.run_in_thread("127.0.0.1", 0)
        with pytest.raises(AlreadyRunning):
            server.run_in_thread("127.0.0.1", 0)
        client = enter(server, "red")
        server.shutdown()
        assert server.port is None
        thread.join(5)
        assert not thread.is_alive()
        until_gone(client)
        assert not server.rooms["red"].game_state_machine._is_running


def test_threads_end_with_the_server(server: RoomServer) -> None:
    for number in range(8):
        server.open(str(number), game(str(number)))
    before = threading.active_count()
    server.run_in_thread("127.0.0.1", 0)
    client = enter(server, "5")
    assert threading.active_count() <= before + 3 + 2  # handlers, network, ticks; and the client's two
    server.shutdown()
    wait_for(lambda: threading.active_count() <= before)
    assert client.connection is not None


def test_handlers_of_rooms_servers_run_where_run_was_called(server: RoomServer) -> None:
    where: dict[str, str] = {}
    for name in ("red", "blue"):
        server.open(name, game(name))
        server.rooms[name].server.register_event_handler(
            "WHERE", lambda name=name: where.update({name: threading.current_thread().name})
        )
    thread = server.run_in_thread("127.0.0.1", 0)
    clients = [enter(server, name) for name in ("red", "blue")]
    for client in clients:
        client.dispatch_event("WHERE", retries=RELIABLE)
    wait_for(lambda: len(where) == 2)
    assert set(where.values()) == {thread.name}
    for client in clients:
        client.disconnect()


def test_slow_room_does_not_hold_the_others(server: RoomServer) -> None:
    ticks: list[str] = []

    def slow(game_state: GameState, dt: float) -> None:
        time.sleep(0.04)
        ticks.append("slow")

    def quick(game_state: GameState, dt: float) -> None:
        ticks.append("quick")

    server.open("slow", game("slow", slow), interval=0.01)
    server.open("quick", game("quick", quick), interval=0.05)
    server.run_in_thread("127.0.0.1", 0)
    wait_for(lambda: ticks.count("quick") >= 20)
    server.shutdown()
    # The slow room alone would take more time than there is; of its ticks two at most begin between two of the other's.
    assert ticks.count("slow") <= 2 * ticks.count("quick") + 2


def test_coroutine_in_a_tick_does_not_hold_the_others(server: RoomServer) -> None:
    done: list[str] = []

    async def wait(game_state: GameState) -> dict[str, Any]:
        await asyncio.sleep(0.3)
        done.append("waited")
        return {"waited": True}

    server.open("red", game("red", WAIT=wait))
    server.open("blue", game("blue"), interval=0.01)
    server.run_in_thread("127.0.0.1", 0)
    client = enter(server, "red")
    client.dispatch_event("WAIT", retries=RELIABLE)
    store = server.rooms["blue"].game_state_store
    before = store.get_game_state().count
    wait_for(lambda: store.get_game_state().count > before + 15)
    assert client.try_to(lambda state: state.waited, timeout=10)
    assert done == ["waited"]
    client.disconnect()


def test_a_tick_may_close_other_rooms_and_its_own(server: RoomServer, monkeypatch: pytest.MonkeyPatch) -> None:
    results: list[bool] = []

    def end() -> None:
        server.close("blue")
        results.append(server.rooms["green"].game_state_machine.stop())
        server.close("red")

    server.open("red", game("red", END=end))
    server.open("blue", game("blue"))
    server.open("green", game("green"))
    machines = {name: backend.game_state_machine for name, backend in server.rooms.items()}
    server.run_in_thread("127.0.0.1", 0)
    red, blue = enter(server, "red"), enter(server, "blue")
    monkeypatch.setattr("pygase.rooms.CLOSE_TIMEOUT", 3_600.0)  # whoever waits, waits too long
    red.dispatch_event("END", retries=RELIABLE)
    wait_for(lambda: results and not any(machine._is_running for machine in machines.values()))
    assert results == [True]
    for client in (red, blue):
        until_gone(client)
    assert list(server.rooms) == ["green"]


def test_rooms_run_on_an_asyncio_loop() -> None:
    async def play() -> None:
        server = RoomServer()
        ticked_on: set[str] = set()

        def step(game_state: GameState, dt: float) -> dict[str, Any]:
            ticked_on.add(threading.current_thread().name)
            return {"count": game_state.count + 1}

        server.open("red", game("red", step))
        running = asyncio.ensure_future(server.run("127.0.0.1", 0))  # type: ignore[arg-type]
        while server.port is None:
            await asyncio.sleep(0.005)
        server.open("blue", game("blue", step))
        clients = {name: Client() for name in ("red", "blue")}
        tasks = []
        for name, client in clients.items():
            connecting = client.connect(server.port, "127.0.0.1", room=name)
            tasks.append(asyncio.ensure_future(connecting))  # type: ignore[arg-type]
        for name, client in clients.items():
            async with asyncio.timeout(10):
                while not _counts(client, name):
                    await asyncio.sleep(0.005)
        await server.close("red")  # type: ignore[misc]
        await asyncio.wait_for(tasks[0], 5)
        assert list(server.rooms) == ["blue"]
        assert not tasks[1].done()
        await server.shutdown()  # type: ignore[misc]
        await asyncio.wait_for(tasks[1], 5)
        await asyncio.wait_for(running, 5)
        assert ticked_on == {threading.main_thread().name}

    asyncio.run(play())


def _counts(client: Client, name: str) -> bool:
    with client.access_game_state() as state:
        return getattr(state, "name", None) == name and state.count > 2
