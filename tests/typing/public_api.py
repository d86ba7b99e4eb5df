"""What a type checker must make of the public API. Checked by mypy, never run: `tests/typing/test_public_api.py`."""

import threading
from collections.abc import Coroutine, Mapping
from contextlib import AbstractContextManager
from typing import Any, assert_type

import pygase
from pygase import (
    RELIABLE,
    TO_DELETE,
    AddressUnavailable,
    Backend,
    BacklogFull,
    Client,
    ConnectionFailed,
    ConnectionStatus,
    DisconnectReason,
    GameState,
    GameStateMachine,
    GameStateStore,
    GameStateUpdate,
    GameStatus,
    NotConnected,
    NotSendable,
    PygaseError,
    ReservedEventType,
    RoomServer,
    Server,
    TooLarge,
    get_available_ip_addresses,
)
from pygase.connection import ClientConnection, ServerConnection
from pygase.event import Event, UniversalEventHandler
from pygase.integrations.base import FrameAdapter
from pygase.testing import Conditions, SimulatedNetwork


def client() -> None:
    client = Client()
    assert_type(client.connection, ClientConnection | None)
    assert_type(client.connect(8080), Coroutine[Any, Any, None] | None)
    assert_type(client.connect(8080, "localhost", password="sesame"), Coroutine[Any, Any, None] | None)
    assert_type(client.connect_in_thread(8080, hostname="localhost"), threading.Thread)
    assert_type(client.disconnect(shutdown_server=True), Coroutine[Any, Any, None] | None)
    with client.access_game_state() as state:
        assert_type(state, GameState)
        state.players["Ada"]  # attributes are the game's own
    client.dispatch_event("MOVE", 1.0, 2.0, retries=RELIABLE, ack_callback=lambda: None, running=True)
    client.register_event_handler("CHAT", print)
    client.wait_until(lambda state: state.is_paused(), timeout=2.0)
    assert_type(client.try_to(lambda state: len(state.players)), int)
    client.open(8080, "localhost")
    client.pump()
    client.close()


def connection(connection: ClientConnection) -> None:
    assert_type(connection.status, ConnectionStatus)
    assert_type(connection.latency, float)
    assert_type(connection.quality, float)
    assert_type(connection.stats, Mapping[str, int])
    assert_type(connection.remote_address, tuple[Any, ...])


def move(x: float, y: float, game_state: GameState, dt: float, client_address: tuple[str, int]) -> dict[str, Any]:
    return {"players": {str(client_address): {"position": [x, y]}}, "gone": TO_DELETE}


async def chat(text: str) -> None: ...


def backend() -> None:
    backend = Backend(GameState(players={}), lambda game_state, dt: None, {"MOVE": move, "CHAT": chat})
    assert_type(backend.game_state_store, GameStateStore)
    assert_type(backend.game_state_machine, GameStateMachine)
    assert_type(backend.server, Server)
    assert_type(backend.run("localhost", 8080, interval=0.05), Coroutine[Any, Any, None] | None)
    backend.run_in_thread("localhost", 0, password="sesame")
    assert_type(backend.shutdown(), Coroutine[Any, Any, None] | None)


def rooms(backend: Backend) -> None:
    server = RoomServer()
    server.open("lobby", backend, interval=0.05, max_clients=16)
    assert_type(server.rooms, Mapping[str, Backend])
    assert_type(server.run("localhost", 8080, max_clients=512), Coroutine[Any, Any, None] | None)
    assert_type(server.run_in_thread("localhost", 0), threading.Thread)
    assert_type(server.port, int | None)
    assert_type(server.close("lobby"), Coroutine[Any, Any, None] | None)
    assert_type(server.shutdown(), Coroutine[Any, Any, None] | None)


def server(store: GameStateStore, machine: GameStateMachine) -> None:
    server = Server(store)
    assert_type(server.connections, Mapping[tuple[Any, ...], ServerConnection])
    assert_type(server.host_client, tuple[Any, ...] | None)
    assert_type(server.hostname, str | None)
    assert_type(server.port, int | None)
    assert_type(server.run(0, "localhost", machine), Coroutine[Any, Any, None] | None)
    assert_type(server.run_in_thread(0, daemon=True), threading.Thread)
    server.dispatch_event("CHAT", "hello", target_client=("10.0.0.2", 50_000), retries=3)
    server.dispatch_event("CHAT", target_client="all", ack_callback=acknowledged, text="hello")
    server.register_event_handler("CHAT", chat)
    assert_type(server.shutdown(), Coroutine[Any, Any, None] | None)


def acknowledged(connection: ServerConnection) -> None: ...


class Machine(GameStateMachine):
    def time_step(self, game_state: GameState, dt: float) -> dict[str, Any]:
        return {"time": self.game_time + dt}


def state() -> None:
    state = GameState(time_order=3, game_status=GameStatus.ACTIVE, players={})
    assert_type(state.is_paused(), bool)
    assert_type(state.to_dict(), dict[str, Any])
    store = GameStateStore(state)
    assert_type(store.get_game_state(), GameState)
    assert_type(store.get_update_cache(), list[GameStateUpdate])
    store.push_update(GameStateUpdate(4, players={"Ada": TO_DELETE}))
    assert_type(get_available_ip_addresses(), list[str])


def errors(reason: DisconnectReason) -> None:
    mistakes: list[type[PygaseError]] = [
        AddressUnavailable,
        BacklogFull,
        ConnectionFailed,
        NotConnected,
        NotSendable,
        ReservedEventType,
        TooLarge,
    ]
    standard: list[type[Exception]] = [*mistakes]
    wide: tuple[type[OSError], type[TypeError], type[ValueError]] = (AddressUnavailable, NotSendable, TooLarge)
    text: str = reason
    assert_type(ConnectionFailed("no answer").reason, DisconnectReason)
    print(standard, wide, text)


def events() -> None:
    event = Event("CHAT", "hello", loud=True)
    assert_type(event.type, str)
    handler = UniversalEventHandler()
    handler.register_event_handler("CHAT", print)
    assert_type(handler.has_event_type("CHAT"), bool)


def tokens(client: Client) -> None:
    keys = pygase.tokens.generate_keys()
    assert_type(keys, pygase.tokens.ServerKeys)
    token = pygase.tokens.mint(keys.token_key, client_id=1, addresses=[("127.0.0.1", 8080)], user_data=b"Ada")
    assert_type(token, pygase.tokens.ConnectToken)
    assert_type(token.to_bytes(), bytes)
    client.connect_in_thread(8080, "localhost", token=token)


def adapter() -> None:
    with FrameAdapter(Client(), max_events=10, interpolate=("players.*.position",), delay=0.1) as net:

        @net.on("CHAT")
        def say(text: str) -> int:
            return len(text)

        assert_type(say("hello"), int)
        net.pump(0.1)
        net.send("MOVE", 1.0, 2.0, rate=20)
        assert_type(net.render_state(), AbstractContextManager[GameState])
        with net.render_state() as state:
            assert_type(state, GameState)


def simulation() -> None:
    network = SimulatedNetwork(seed=1, conditions=Conditions(latency=0.05).but(loss=0.1))
    network.serve(Backend(GameState(), lambda game_state, dt: {}))
    assert_type(network.connect(), Client)
    network.run(seconds=1.0)
    assert_type(pygase.Client(), Client)
