"""The state reaches every client, whole and exact."""

import math
import random
from typing import Any

import pytest

from pygase import TO_DELETE, Backend, GameState, GameStateStore, GameStateUpdate, Server
from pygase.config import NEVER
from pygase.testing import SimulatedNetwork

from .conftest import connected, idle_backend, seen


def test_initial_state_arrives_though_no_tick_changes_it(network: SimulatedNetwork) -> None:
    network.serve(idle_backend(level="cave", players={1: {"x": 0.1}}))
    client = connected(network)
    assert seen(client)["level"] == "cave"
    assert seen(client)["players"] == {1: {"x": 0.1}}


def test_initial_state_arrives_without_any_game_loop(network: SimulatedNetwork) -> None:
    network.serve(Server(GameStateStore(GameState(level=3))))
    assert seen(connected(network))["level"] == 3


@pytest.mark.parametrize("time_order", [0, 1, 32_767, 40_000, 65_530, 65_535, 2**32 - 2, 2**62])
def test_late_joiner_gets_the_whole_state_at_any_time_order(network: SimulatedNetwork, time_order: int) -> None:
    store = GameStateStore(GameState(time_order=time_order, a=1, deep={"x": [1, 2]}))
    network.serve(Server(store))
    network.run(1.0)
    for n in range(1, 12):  # across the turns that 16-bit and 32-bit counters would make
        store.push_update(GameStateUpdate(time_order + n, b=n, deep={"y": n}))
        network.run(0.02)
    late = connected(network)
    network.assert_converged()
    assert seen(late)["deep"] == {"x": [1, 2], "y": 11}
    store.push_update(GameStateUpdate(time_order + 12, b="last"))
    network.run(0.2)
    assert seen(late)["b"] == "last"


def test_three_events_in_one_tick_that_update_three_players_all_apply(network: SimulatedNetwork) -> None:
    def move(name: str, x: float) -> dict[str, Any]:
        return {"players": {name: {"x": x}}}

    network.serve(idle_backend({"MOVE": move}, players={}))
    client = connected(network)
    for number, name in enumerate("abc"):
        client.dispatch_event("MOVE", name, float(number))
    network.run(0.3)
    assert seen(client)["players"] == {"a": {"x": 0.0}, "b": {"x": 1.0}, "c": {"x": 2.0}}


def test_each_handler_of_a_tick_sees_what_the_earlier_ones_changed(network: SimulatedNetwork) -> None:
    def count(game_state: GameState) -> dict[str, Any]:
        return {"n": game_state.n + 1}

    steps: list[int] = []

    def time_step(game_state: GameState, dt: float) -> None:
        steps.append(game_state.n)

    network.serve(Backend(GameState(n=0), time_step, {"COUNT": count}))
    client = connected(network)
    steps.clear()
    for _ in range(5):
        client.dispatch_event("COUNT")
    network.run(0.3)
    assert seen(client)["n"] == 5
    assert steps[0] in (0, 5)
    assert 5 in steps, "time_step runs after the tick's events and sees what they changed"


def test_deleted_key_shows_its_marker_to_nobody(network: SimulatedNetwork) -> None:
    states: list[dict[str, Any]] = []

    def time_step(game_state: GameState, dt: float) -> None:
        states.append(game_state.to_dict())

    def leave(name: str) -> dict[str, Any]:
        return {"players": {name: TO_DELETE}}

    backend = Backend(GameState(players={"a": {"x": 1}, "b": {"x": 2}}), time_step, {"LEAVE": leave})
    network.serve(backend)
    first, second = connected(network), connected(network)
    first.dispatch_event("LEAVE", "a")
    network.run(0.3)
    for state in (seen(first), seen(second), seen(connected(network)), *states):
        assert "TO_DELETE" not in repr(state)
    assert seen(second)["players"] == {"b": {"x": 2}}


def test_deleting_what_never_existed_is_harmless(network: SimulatedNetwork) -> None:
    network.serve(idle_backend({"DROP": lambda: {"players": {"ghost": TO_DELETE}, "nothing": TO_DELETE}}, players={}))
    client = connected(network)
    client.dispatch_event("DROP")
    network.run(0.3)
    assert seen(client)["players"] == {}
    assert "nothing" not in seen(client)
    network.assert_converged()


def test_delete_and_recreation_during_a_cut_off_converge(network: SimulatedNetwork) -> None:
    store = GameStateStore(GameState(players={1: {"name": "old", "score": 5, "hat": "red"}}))
    network.serve(Server(store))
    client, other = connected(network), connected(network)
    network.cut_off(client, 2.0)
    store.push_update(GameStateUpdate(1, players={1: TO_DELETE}))
    network.run(0.5)
    store.push_update(GameStateUpdate(2, players={1: {"name": "new"}}))
    network.run(0.5)
    assert seen(client)["players"][1]["name"] == "old"
    network.run(3.0)
    assert seen(client)["players"] == {1: {"name": "new"}} == seen(other)["players"]


def test_client_that_missed_more_updates_than_the_server_remembers_converges(network: SimulatedNetwork) -> None:
    store = GameStateStore(GameState(counters={}))
    network.serve(Server(store))
    client = connected(network)
    network.cut_off(client, 3.0)
    for n in range(1, 3_000):
        store.push_update(GameStateUpdate(n, counters={n % 50: n}, gone=TO_DELETE if n % 2 else n))
        network.run(0.001)
    network.run(3.0)
    network.assert_converged()
    assert client.connection is not None
    assert client.connection.status == 1


def test_state_of_four_mebibytes_synchronises_and_follows(make_network: Any) -> None:
    network = make_network(3, "lan")
    rows = {f"row{n}": bytes([n % 256]) * 4_000 for n in range(1_060)}
    backend = idle_backend({"SET": lambda n: {"rows": {"row0": n}}}, rows=rows)
    assert sum(len(row) for row in rows.values()) > 4 * 1024 * 1024
    network.serve(backend)
    client = network.connect()
    network.run_until(lambda: "rows" in seen(client), timeout=30)
    assert seen(client)["rows"] == rows
    client.dispatch_event("SET", 7)
    network.run(0.5)
    assert seen(client)["rows"]["row0"] == 7


@pytest.mark.parametrize(
    "value", [0.1, 1 / 3, -0.0, 5e-324, 1.7976931348623157e308, math.pi, 2.0**53 + 2, float("inf"), -1.5]
)
def test_floats_are_exact_64_bit(network: SimulatedNetwork, value: float) -> None:
    echoed: list[float] = []
    backend = idle_backend({"SET": lambda v: {"v": v}}, v=None, first=value)
    network.serve(backend)
    client = connected(network)
    client.register_event_handler("BACK", echoed.append)
    client.dispatch_event("SET", value)
    backend.server.dispatch_event("BACK", value)
    network.run(0.3)
    for back in (seen(client)["first"], seen(client)["v"], *echoed):
        assert back.hex() == value.hex()
    assert echoed


def test_values_of_every_kind_arrive_as_they_were_sent(network: SimulatedNetwork) -> None:
    values = {
        "s": "snow ☃", "b": b"\x00\xff", "t": True, "n": None, "i": -(2**63), "u": 2**64 - 1, "f": 0.5,
        "l": [1, [2, {"k": 3}]], "d": {1: "int", "1": "str"}, "e": {}, "el": [],
    }  # fmt: skip
    network.serve(idle_backend(values=values, pair=(1, 2)))
    state = seen(connected(network))
    assert state["values"] == values
    assert type(state["values"]["t"]) is bool
    assert state["pair"] == [1, 2]


def test_what_a_handler_returned_may_be_changed_by_the_game_afterwards(network: SimulatedNetwork) -> None:
    mine: dict[str, Any] = {"inventory": ["sword"], "deep": {"a": [1]}}

    def take() -> dict[str, Any]:
        return {"player": mine}

    network.serve(idle_backend({"TAKE": take}))
    client = connected(network)
    client.dispatch_event("TAKE")
    network.run(0.3)
    mine["inventory"].append("stolen")
    mine["deep"]["a"].append(2)
    late = connected(network)
    for one in (client, late):
        assert seen(one)["player"] == {"inventory": ["sword"], "deep": {"a": [1]}}
    network.assert_converged()


def test_what_one_client_does_to_its_copy_nobody_else_sees(network: SimulatedNetwork) -> None:
    backend = idle_backend(players={1: {"items": ["a"]}})
    network.serve(backend)
    first, second = connected(network), connected(network)
    with first.access_game_state() as game_state:
        game_state.players[1]["items"].append("b")
    assert seen(second)["players"] == {1: {"items": ["a"]}}
    assert backend.game_state_store.get_game_state().players == {1: {"items": ["a"]}}


def test_none_from_handler_or_time_step_is_no_update(network: SimulatedNetwork) -> None:
    network.serve(Backend(GameState(n=1), lambda game_state, dt: None, {"NOP": lambda: None}))
    client = connected(network)
    client.dispatch_event("NOP")
    network.run(0.3)
    assert seen(client)["n"] == 1


def test_update_that_is_not_newer_is_ignored(network: SimulatedNetwork) -> None:
    store = GameStateStore(GameState(time_order=10, n=1))
    network.serve(Server(store))
    client = connected(network)
    for time_order in (10, 3, 0):
        store.push_update(GameStateUpdate(time_order, n=2))
    network.run(0.3)
    assert seen(client)["n"] == 1


def test_time_order_reaches_clients_even_when_nothing_else_changes(network: SimulatedNetwork) -> None:
    store = GameStateStore(GameState(n=1))
    network.serve(Server(store))
    client = connected(network)
    store.push_update(GameStateUpdate(5))
    network.run(1.5)
    with client.access_game_state() as game_state:
        assert game_state.time_order == 5


def test_clients_converge_on_a_rough_line(rough: SimulatedNetwork) -> None:
    ticks = [0]

    def time_step(game_state: GameState, dt: float) -> dict[str, Any]:
        ticks[0] += 1
        n = ticks[0]
        return {"players": {n % 7: TO_DELETE if n % 5 == 0 else {"x": n / 3, n % 3: n}}, "tick": n}

    backend = Backend(GameState(players={}), time_step)
    rough.serve(backend)
    for _ in range(4):
        rough.connect()
    rough.run(20.0)
    backend.game_state_machine.stop()
    rough.run(5.0)
    assert ticks[0] > 900
    assert all(client.connection is not None and client.connection.status == 1 for client in rough.clients)
    rough.assert_converged()


def test_state_is_still_inside_a_render_pass_and_current_at_the_next(network: SimulatedNetwork) -> None:
    backend = Backend(GameState(n=0), lambda game_state, dt: {"n": game_state.n + 1})
    network.serve(backend)
    client = connected(network)
    with client.access_game_state() as game_state:
        before = game_state.n
        network.run(0.5)
        with client.access_game_state() as again:
            assert again is game_state
            assert game_state.n == before
    assert seen(client)["n"] > before + 10


def test_server_is_in_a_hurry_until_a_large_state_has_arrived(
    network: SimulatedNetwork,
) -> None:
    """Ticks, to which a busy server leaves its timers, are too seldom for the slices in which it is encoded."""
    dice = random.Random(1)
    backend = Backend(GameState(map=dice.randbytes(500_000)), lambda game_state, dt: {})
    network.serve(backend)
    client = network.client()
    client.open(8080)
    session = backend.server._session
    assert session is not None
    network.run_until(lambda: any(seat.whole_at < NEVER for seat in session.seats.values()))
    waited: list[float] = []

    def has_arrived() -> bool:
        waited.append(session.hurried_until - network.clock())
        (seat,) = session.seats.values()
        return seat.traffic.acked_version is not None

    network.run_until(has_arrived)
    assert len(waited) > 100
    assert min(waited) > 0.0
