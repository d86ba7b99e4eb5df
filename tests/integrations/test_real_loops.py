"""Adapters on real sockets: a thread of the client's own, an asyncio loop, and the caller's pump."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pygase import RELIABLE, Backend, Client, GameState
from pygase.integrations.base import FrameAdapter
from tests.conftest import wait_for


@pytest.fixture
def backend() -> Iterator[Backend]:
    def join(name: str, client_address: Any) -> dict[str, Any]:
        made.server.dispatch_event("JOINED", name, target_client=client_address, retries=RELIABLE)
        return {"players": {name: {"position": [1.0, 2.0]}}}

    made = Backend(GameState(players={}), lambda game_state, dt: None, {"JOIN": join})
    made.run_in_thread("localhost", 0)
    wait_for(lambda: made.server.port)
    yield made
    made.shutdown()


def playing(client: Client) -> tuple[FrameAdapter, list[str]]:
    net = FrameAdapter(client, interpolate=("players.*.position",))
    told: list[str] = []
    net.on("CONNECTED")(lambda: told.append("connected"))
    net.on("JOINED")(told.append)
    net.on("DISCONNECTED")(lambda: told.append("disconnected"))
    return net, told


@pytest.mark.parametrize("how", ["connect_in_thread", "open"])
def test_game_loop_of_its_own(backend: Backend, how: str) -> None:
    client = Client()
    net, told = playing(client)
    connect: Callable[..., Any] = getattr(client, how)
    connect(backend.server.port)
    net.send("JOIN", "Ada", retries=RELIABLE)

    def frame() -> bool:
        net.pump()
        with net.render_state() as state:
            return bool(getattr(state, "players", {}).get("Ada")) and "Ada" in told

    wait_for(frame)
    net.close()
    assert told == ["connected", "Ada", "disconnected"]
    wait_for(lambda: not backend.server.connections)


def test_clock_that_holds_the_interpreter_does_a_pumped_game_no_harm(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    pygame = pytest.importorskip("pygame", reason="needs pygame or pygame-ce")
    from pygase.integrations.pygame import PygameAdapter

    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pygame.display.init()
    client, clock, told = Client(), pygame.time.Clock(), []
    before = set(threading.enumerate())
    client.open(backend.server.port)  # type: ignore[arg-type]
    with PygameAdapter(client) as net:
        for frame in range(600):
            told += [event.args[0] for event in net.events() if event.type == net.type_for("JOINED")]
            if len(told) == 20:
                break
            if frame < 20:
                net.send("JOIN", f"p{frame}", retries=RELIABLE)
            assert set(threading.enumerate()) <= before, "there is nobody whom the clock could keep from its work"
            clock.tick_busy_loop(60)
    pygame.quit()
    assert told == [f"p{frame}" for frame in range(20)]


def test_asyncio_game_loop(backend: Backend) -> None:
    async def game() -> list[str]:
        client = Client()
        net, told = playing(client)
        async with net:
            connection = asyncio.ensure_future(client.connect(backend.server.port))  # type: ignore[arg-type]
            await asyncio.sleep(0)
            net.send("JOIN", "Ada", retries=RELIABLE)
            deadline = time.monotonic() + 15.0
            while "Ada" not in told:
                assert time.monotonic() < deadline
                net.pump()
                await net.frame(120)
        await connection
        return told

    assert asyncio.run(game()) == ["connected", "Ada", "disconnected"]
    wait_for(lambda: not backend.server.connections)
