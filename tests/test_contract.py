"""Every name, place and signature that the design fixes: what users' programs are written against."""

import importlib
import inspect
import re
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import Any

import pytest

import pygase
from pygase import Backend, Client, GameState, GameStateMachine, GameStateStore, GameStateUpdate, Server
from pygase.connection import ClientConnection, ConnectionStatus, ServerConnection

NAMES = [
    "Backend", "Client", "ConnectionStatus", "GameState", "GameStateMachine", "GameStateStore", "GameStateUpdate",
    "GameStatus", "RELIABLE", "Server", "TO_DELETE", "get_available_ip_addresses",
]  # fmt: skip

OLD_PLACES = {
    "pygase": ["Client", "Backend", "Server", "GameStateStore", "GameStateMachine", "GameState"],
    "pygase.client": ["Client"],
    "pygase.backend": ["Backend", "Server", "GameStateStore", "GameStateMachine"],
    "pygase.server": ["Server"],
    "pygase.connection": ["Connection", "ClientConnection", "ServerConnection", "ConnectionStatus"],
    "pygase.gamestate": ["GameState", "GameStateUpdate", "GameStatus", "TO_DELETE"],
    "pygase.event": ["Event", "UniversalEventHandler"],
}
"""Where users of pygase 0.3 find things, besides the package itself."""


@pytest.mark.parametrize("name", NAMES)
def test_name_imports_from_pygase(name: str) -> None:
    assert hasattr(pygase, name)
    assert name in pygase.__all__


@pytest.mark.parametrize(("module", "name"), [(module, name) for module, names in OLD_PLACES.items() for name in names])
def test_name_is_where_users_of_0_3_import_it_from(module: str, name: str) -> None:
    found = getattr(importlib.import_module(module), name)
    assert found is getattr(pygase, name, found), "one thing, whatever the way to it"


@pytest.mark.parametrize("module", [*OLD_PLACES, "pygase.errors", "pygase.tokens", "pygase.testing"])
def test_all_is_sorted_and_names_what_is_there(module: str) -> None:
    loaded = importlib.import_module(module)
    names = loaded.__all__
    assert sorted(names, key=lambda name: (not name.isupper(), name[0].islower(), name)) == list(names)
    assert all(hasattr(loaded, name) for name in names)


def test_wire_internals_of_0_3_are_gone() -> None:
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("pygase.utils")
    connection = importlib.import_module("pygase.connection")
    assert not hasattr(connection, "Header")
    assert not hasattr(connection, "Package")


REQUIRED = object()

SIGNATURES: list[tuple[Callable[..., Any], list[tuple[str, Any]]]] = [
    (Client, []),
    (Client.connect, [("port", REQUIRED), ("hostname", "localhost")]),
    (Client.connect_in_thread, [("port", REQUIRED), ("hostname", "localhost")]),
    (Client.disconnect, [("shutdown_server", False)]),
    (Client.access_game_state, []),
    (Client.dispatch_event, [("event_type", REQUIRED), ("retries", 0), ("ack_callback", None)]),
    (Client.register_event_handler, [("event_type", REQUIRED), ("event_handler_function", REQUIRED)]),
    (Client.wait_until, [("game_state_condition", REQUIRED), ("timeout", 1.0)]),
    (Client.try_to, [("function", REQUIRED), ("timeout", 1.0)]),
    (Client.open, [("port", REQUIRED), ("hostname", "localhost")]),
    (Client.pump, []),
    (Client.close, []),
    (Server, [("game_state_store", REQUIRED), ("view", None), ("precision", None)]),
    (Server.run, [("port", 0), ("hostname", "localhost"), ("event_wire", None)]),
    (Server.run_in_thread, [("port", 0), ("hostname", "localhost"), ("event_wire", None), ("daemon", True)]),
    (Server.shutdown, []),
    (
        Server.dispatch_event,
        [("event_type", REQUIRED), ("target_client", "all"), ("retries", 0), ("ack_callback", None)],
    ),
    (Server.register_event_handler, [("event_type", REQUIRED), ("event_handler_function", REQUIRED)]),
    (GameStateStore, [("initial_game_state", None)]),
    (GameStateStore.get_game_state, []),
    (GameStateStore.get_update_cache, []),
    (GameStateStore.push_update, [("update", REQUIRED)]),
    (GameStateMachine, [("game_state_store", REQUIRED)]),
    (GameStateMachine.time_step, [("game_state", REQUIRED), ("dt", REQUIRED)]),
    (GameStateMachine.run_game_loop, [("interval", 0.02)]),
    (GameStateMachine.run_game_loop_in_thread, [("interval", 0.02)]),
    (GameStateMachine.stop, [("timeout", 1.0)]),
    (GameStateMachine.register_event_handler, [("event_type", REQUIRED), ("event_handler_function", REQUIRED)]),
    (
        Backend,
        [
            ("initial_game_state", REQUIRED),
            ("time_step_function", REQUIRED),
            ("event_handlers", None),
            ("view", None),
            ("precision", None),
        ],
    ),
    (Backend.run, [("hostname", REQUIRED), ("port", REQUIRED), ("interval", 0.02)]),
    (Backend.run_in_thread, [("hostname", REQUIRED), ("port", REQUIRED), ("interval", 0.02)]),
    (Backend.shutdown, []),
    (GameState, [("time_order", 0), ("game_status", 0)]),
    (GameState.is_paused, []),
    (GameState.to_dict, []),
    (GameStateUpdate, [("time_order", REQUIRED)]),
    (pygase.get_available_ip_addresses, []),
]


@pytest.mark.parametrize(("callee", "expected"), SIGNATURES, ids=lambda value: getattr(value, "__qualname__", ""))
def test_signature_is_the_contracts(callee: Callable[..., Any], expected: list[tuple[str, Any]]) -> None:
    parameters = [
        (p.name, REQUIRED if p.default is p.empty else p.default)
        for p in inspect.signature(callee).parameters.values()
        if p.name != "self" and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    assert parameters == expected


@pytest.mark.parametrize("callee", [Client.dispatch_event, Server.dispatch_event], ids=["client", "server"])
def test_what_dispatch_takes_of_its_own_cannot_be_given_by_position(callee: Callable[..., Any]) -> None:
    kinds = {p.name: p.kind for p in inspect.signature(callee).parameters.values()}
    assert kinds["args"] is inspect.Parameter.VAR_POSITIONAL
    assert kinds["kwargs"] is inspect.Parameter.VAR_KEYWORD
    assert kinds["retries"] is inspect.Parameter.KEYWORD_ONLY


@pytest.mark.parametrize("kind", [GameState, GameStateUpdate])
def test_states_and_updates_take_any_attributes(kind: Any) -> None:
    made = kind(time_order=3, foo=1, self=2, kind="x")
    assert (made.time_order, made.foo, made.self, made.kind) == (3, 1, 2, "x")


def test_attributes_of_a_client() -> None:
    assert Client().connection is None


def test_attributes_of_a_server_that_does_not_run() -> None:
    store = GameStateStore()
    server = Server(store)
    assert server.game_state_store is store
    assert dict(server.connections) == {}
    assert server.host_client is None
    assert server.hostname is None
    assert server.port is None


def test_attributes_of_a_backend_and_its_machine() -> None:
    backend = Backend(GameState(), lambda game_state, dt: None)
    assert isinstance(backend.game_state_store, GameStateStore)
    assert isinstance(backend.game_state_machine, GameStateMachine)
    assert isinstance(backend.server, Server)
    assert backend.server.game_state_store is backend.game_state_store
    assert backend.game_state_machine.game_time == 0.0


@pytest.mark.parametrize("name", ["status", "latency", "remote_address", "quality", "stats"])
def test_connections_have(name: str) -> None:
    for kind in (ClientConnection, ServerConnection):
        assert isinstance(inspect.getattr_static(kind, name), property)


@pytest.mark.parametrize(
    ("enum", "values"),
    [
        (ConnectionStatus, {"DISCONNECTED": 0, "CONNECTED": 1, "CONNECTING": 2}),
        (pygase.GameStatus, {"PAUSED": 0, "ACTIVE": 1}),
    ],
)
def test_enums_have_the_contracts_values_and_0_3s_get(enum: Any, values: dict[str, int]) -> None:
    assert issubclass(enum, IntEnum)
    assert {member.name: member.value for member in enum} == values
    for name, value in values.items():
        assert enum.get(name.capitalize()) == value
        assert enum.get(value) == name.capitalize()


def test_available_ip_addresses_are_this_machines_with_loopback_last() -> None:
    addresses = pygase.get_available_ip_addresses()
    assert addresses[-1] == "127.0.0.1"
    assert len(set(addresses)) == len(addresses)
    assert all(len(address.split(".")) == 4 for address in addresses)


def test_adapters_live_in_integrations() -> None:
    base = importlib.import_module("pygase.integrations.base")
    parameters = [
        (p.name, p.kind is p.KEYWORD_ONLY, p.default)
        for p in inspect.signature(base.FrameAdapter).parameters.values()
        if p.name != "client"
    ]
    assert parameters == [("max_events", True, 256), ("interpolate", True, ()), ("delay", True, None)]
    assert [*inspect.signature(base.FrameAdapter.pump).parameters] == ["self", "dt"]
    for name in ("render_state", "on", "send", "close", "__enter__", "__exit__"):
        assert callable(getattr(base.FrameAdapter, name))


def test_loggers_are_children_of_pygases() -> None:
    found = set()
    for file in Path(pygase.__file__).parent.rglob("*.py"):
        found |= set(re.findall(r"getLogger\((.*?)\)", file.read_text(encoding="utf-8")))
    assert found
    assert all(name.startswith('"pygase.') or name in ("__name__", "logger_name") for name in found), found
