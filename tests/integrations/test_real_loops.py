"""Adapters on real sockets: a thread of the client's own, an asyncio loop, and the caller's pump."""

import asyncio
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
