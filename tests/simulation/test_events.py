"""Events: delivered as their mode promises, never twice, never ahead of the state, never forged."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from pygase import RELIABLE, Backend, Client, GameState, NotConnected, NotSendable, ReservedEventType, TooLarge
from pygase.client import ConnectOptions
from pygase.listener import ServerOptions
from pygase.testing import Conditions, SimulatedNetwork

from .conftest import ROUGH, connected, idle_backend, seen


def test_positional_and_keyword_data_reach_the_server(network: SimulatedNetwork) -> None:
    got: list[Any] = []
    backend = idle_backend({"E": lambda *args, **kwargs: got.append((args, kwargs["speed"], kwargs["on"]))})
    network.serve(backend)
    connected(network).dispatch_event("E", 1, "two", [3.0], speed=4, on=True)
    network.run(0.2)
    assert got == [((1, "two", [3.0]), 4, True)]


def test_positional_and_keyword_data_reach_clients_and_nothing_else_does(network: SimulatedNetwork) -> None:
    got: list[Any] = []
    backend = idle_backend()
    network.serve(backend)
    client = connected(network)
    client.register_event_handler("E", lambda *args, **kwargs: got.append((args, kwargs)))
    backend.server.dispatch_event("E", 1, text="hello", who={"id": 2})
    network.run(0.2)
    assert got == [((1,), {"text": "hello", "who": {"id": 2}})]


def test_handler_without_client_address_or_keywords_works(network: SimulatedNetwork) -> None:
    got: list[int] = []
    backend = idle_backend({"M": got.append})
    backend.server.register_event_handler("S", got.append)
    network.serve(backend)
    client = connected(network)
    client.dispatch_event("M", 1)
    client.dispatch_event("S", 2)
    network.run(0.2)
    assert sorted(got) == [1, 2]


def test_handlers_get_what_their_signatures_ask_for(network: SimulatedNetwork) -> None:
    got: dict[str, Any] = {}

    def machine_handler(n: int, game_state: GameState, dt: float, client_address: tuple[Any, ...]) -> None:
        got["machine"] = (n, game_state.level, dt, client_address)

    def server_handler(n: int, client_address: tuple[Any, ...]) -> None:
        got["server"] = (n, client_address)

    backend = idle_backend({"E": machine_handler}, level=9)
    backend.server.register_event_handler("E", server_handler)
    network.serve(backend)
    client = connected(network)
    client.dispatch_event("E", 5)
    network.run(0.2)
    (address,) = backend.server.connections
    assert got["server"] == (5, address)
    assert got["machine"] == (5, 9, pytest.approx(0.02), address)


def test_injected_values_cannot_be_forged_by_the_sender(network: SimulatedNetwork) -> None:
    got: list[Any] = []

    def anything(**kwargs: Any) -> None:
        got.append(("any", kwargs["client_address"], kwargs["dt"], type(kwargs["game_state"])))

    def named(client_address: tuple[Any, ...], dt: float) -> None:
        got.append(("named", client_address, dt))

    backend = idle_backend({"A": anything, "N": named})
    backend.server.register_event_handler("S", lambda client_address: got.append(("server", client_address)))
    network.serve(backend)
    client = connected(network)
    forged: dict[str, Any] = {"client_address": ["10.9.9.9", 1], "dt": 99.0, "game_state": {"admin": True}}
    for event_type in ("A", "N"):
        client.dispatch_event(event_type, **forged)
    client.dispatch_event("S", client_address=["10.9.9.9", 1])
    network.run(0.2)
    (address,) = backend.server.connections
    assert sorted(got, key=str) == sorted(
        [
            ("any", address, pytest.approx(0.02), GameState),
            ("named", address, pytest.approx(0.02)),
            ("server", address),
        ],
        key=str,
    )


def test_for_one_event_type_the_servers_handler_runs_before_the_state_machines(network: SimulatedNetwork) -> None:
    order: list[str] = []
    backend = idle_backend({"E": lambda: order.append("machine")})
    backend.server.register_event_handler("E", lambda: order.append("server"))
    network.serve(backend)
    client = connected(network)
    for _ in range(3):
        client.dispatch_event("E")
        network.run(0.1)
    assert order == ["server", "machine"] * 3


def test_unknown_event_type_harms_nothing(network: SimulatedNetwork) -> None:
    got: list[int] = []
    backend = idle_backend({"KNOWN": got.append})
    network.serve(backend)
    client = connected(network)
    client.register_event_handler("KNOWN", got.append)
    client.dispatch_event("UNKNOWN", 1, x=2)
    client.dispatch_event("KNOWN", 3)
    backend.server.dispatch_event("UNKNOWN", 4)
    backend.server.dispatch_event("KNOWN", 5)
    network.run(0.3)
    assert sorted(got) == [3, 5]
    assert seen(client)["game_status"] == 1


@pytest.mark.parametrize("side", ["client", "server"])
@pytest.mark.parametrize("retries", [0, 6, RELIABLE])
def test_no_mode_handles_an_event_twice_on_a_rough_line(
    make_network: Callable[..., SimulatedNetwork], side: str, retries: int
) -> None:
    network = make_network(11, ROUGH)
    got: list[int] = []
    backend = idle_backend()
    network.serve(backend)
    client = connected(network)
    client.register_event_handler("E", got.append)
    backend.server.register_event_handler("E", got.append)
    sender: Any = client if side == "client" else backend.server
    for n in range(300):
        sender.dispatch_event("E", n, retries=retries)
        network.run(0.01)
    network.run(10.0)
    assert len(got) == len(set(got))
    if retries == RELIABLE:
        assert got == list(range(300))
    elif retries:
        assert sorted(got) == list(range(300))
    else:
        assert 200 < len(got) < 300


def test_reliable_events_arrive_all_and_in_order_through_a_cut_off(network: SimulatedNetwork) -> None:
    got: list[int] = []
    backend = idle_backend()
    backend.server.register_event_handler("E", got.append)
    network.serve(backend)
    client = connected(network)
    for n in range(100):
        if n == 30:
            network.cut_off(client, 3.0)
        client.dispatch_event("E", n, retries=RELIABLE)
        network.run(0.02)
    network.run(8.0)
    assert got == list(range(100))


def test_ack_callback_runs_once_per_event_and_means_the_other_side_has_it(rough: SimulatedNetwork) -> None:
    acked: list[int] = []
    backend = idle_backend()
    network = rough
    network.serve(backend)
    client = connected(network)
    for n in range(50):
        client.dispatch_event("NO_HANDLER", retries=RELIABLE, ack_callback=partial(acked.append, n))
        network.run(0.02)
    network.run(6.0)
    assert sorted(acked) == list(range(50))


def test_ack_callback_on_the_server_gets_each_clients_connection(network: SimulatedNetwork) -> None:
    acked: list[Any] = []
    backend = idle_backend()
    network.serve(backend)
    connected(network), connected(network)
    backend.server.dispatch_event("E", retries=3, ack_callback=acked.append)
    network.run(1.0)
    assert sorted(c.remote_address for c in acked) == sorted(backend.server.connections)


def test_coroutine_ack_callbacks_and_handlers_work_on_every_side(network: SimulatedNetwork) -> None:
    got: list[str] = []

    async def note(*args: Any, **kwargs: Any) -> None:
        got.append("handled")

    async def machine_handler(game_state: GameState) -> dict[str, Any]:
        got.append("machine")
        return {"n": game_state.n + 1}

    async def time_step(game_state: GameState, dt: float) -> dict[str, Any]:
        return {"steps": game_state.steps + 1}

    async def acked(*args: Any) -> None:
        got.append("acked")

    backend = Backend(GameState(n=0, steps=0), time_step, {"M": machine_handler})
    backend.server.register_event_handler("S", note)
    network.serve(backend)
    client = connected(network)
    client.register_event_handler("C", note)
    client.dispatch_event("S", ack_callback=acked)
    client.dispatch_event("M")
    backend.server.dispatch_event("C", ack_callback=acked)
    network.run(0.5)
    assert sorted(got) == ["acked", "acked", "handled", "handled", "machine"]
    assert seen(client)["n"] == 1
    assert seen(client)["steps"] > 10


def test_event_data_may_be_called_like_any_option_of_connect_or_run(network: SimulatedNetwork) -> None:
    got: list[dict[str, Any]] = []
    backend = idle_backend()
    backend.server.register_event_handler("E", lambda client_address, **data: got.append(data))
    network.serve(backend)
    client = connected(network)
    client.register_event_handler("E", lambda **data: got.append(data))
    names = {*ConnectOptions.__annotations__, *ServerOptions.__annotations__, "hostname", "port", "interval", "host"}
    data = {name: number for number, name in enumerate(sorted(names))}
    client.dispatch_event("E", **data)  # type: ignore[arg-type]
    backend.server.dispatch_event("E", **data)  # type: ignore[arg-type]
    network.run(0.3)
    assert got == [data, data]


def test_target_client_is_an_address_as_tuple_or_list_or_all(network: SimulatedNetwork) -> None:
    got: list[tuple[int, str]] = []
    backend = idle_backend()
    network.serve(backend)
    clients = [connected(network) for _ in range(3)]
    for number, client in enumerate(clients):
        client.register_event_handler("E", lambda what, number=number: got.append((number, what)))
    addresses = list(backend.server.connections)
    backend.server.dispatch_event("E", "tuple", target_client=addresses[0])
    backend.server.dispatch_event("E", "list", target_client=list(addresses[1]))
    backend.server.dispatch_event("E", "some", target_client=[addresses[1], addresses[2]])
    backend.server.dispatch_event("E", "all", target_client="all")
    network.run(0.3)
    assert sorted(got) == sorted(
        [(0, "tuple"), (1, "list"), (1, "some"), (2, "some"), (0, "all"), (1, "all"), (2, "all")]
    )


@pytest.mark.parametrize("target", [("10.1.1.1", 5), ["10.1.1.1", 5], [("10.1.1.1", 5)], "somebody", 7])
def test_unknown_target_raises_key_error(network: SimulatedNetwork, target: Any) -> None:
    backend = idle_backend()
    network.serve(backend)
    connected(network)
    with pytest.raises(KeyError):
        backend.server.dispatch_event("E", target_client=target)


class Opaque:
    pass


@pytest.mark.parametrize("value", [Opaque(), {1, 2}, 2**64, 1j, {1.5: 1}, [[Opaque()]], {"a": {"b": Opaque()}}])
def test_what_cannot_be_sent_raises_at_the_call_and_names_event_and_value(
    network: SimulatedNetwork, value: Any
) -> None:
    backend = idle_backend()
    network.serve(backend)
    client = connected(network)
    for dispatch in (client.dispatch_event, backend.server.dispatch_event):
        with pytest.raises(NotSendable, match="CHAT"):
            dispatch("CHAT", value)
        with pytest.raises(NotSendable, match="CHAT"):
            dispatch("CHAT", data=value)


def test_event_past_the_limit_raises_at_the_call_naming_event_and_size(network: SimulatedNetwork) -> None:
    backend = idle_backend()
    network.serve(backend)
    client = connected(network)
    with pytest.raises(TooLarge, match=r"'BIG'.*300,0\d\d bytes"):
        client.dispatch_event("BIG", b"x" * 300_000)


@pytest.mark.parametrize("retries", [3, RELIABLE])
def test_large_event_is_split_and_arrives_whole(rough: SimulatedNetwork, retries: int) -> None:
    got: list[bytes] = []
    backend = idle_backend()
    backend.server.register_event_handler("BIG", got.append)
    rough.serve(backend)
    client = connected(rough)
    data = bytes(range(256)) * 1_000
    client.dispatch_event("BIG", data, retries=retries)
    rough.run(20.0)
    assert got == [data]


@pytest.mark.parametrize("name", ["CONNECTED", "DISCONNECTED", "CONNECTION_FAILED", "CLIENT_CONNECTED"])
def test_lifecycle_names_are_reserved(network: SimulatedNetwork, name: str) -> None:
    backend = idle_backend()
    network.serve(backend)
    client = connected(network)
    with pytest.raises(ReservedEventType, match=name):
        client.dispatch_event(name)
    with pytest.raises(ReservedEventType, match=name):
        backend.server.dispatch_event(name)


def test_dispatch_before_any_connect_raises_and_from_its_start_queues(network: SimulatedNetwork) -> None:
    got: list[int] = []
    backend = idle_backend()
    backend.server.register_event_handler("E", got.append)
    network.serve(backend)
    client = network.client()
    with pytest.raises(NotConnected, match="'E'"):
        client.dispatch_event("E", 1)
    client.open(8080)
    client.dispatch_event("E", 2)
    network.run(1.0)
    assert got == [2]


def test_event_never_overtakes_the_state_1000_times_of_1000() -> None:
    """The join pattern: the handler dispatches first and returns the player afterwards."""
    network = SimulatedNetwork(5, Conditions(latency=0.03, jitter=0.028, reordering=0.2, loss=0.03, duplication=0.05))
    backend: Backend

    def join(name: str, game_state: GameState, client_address: tuple[Any, ...]) -> dict[str, Any]:
        player_id = len(game_state.players)
        backend.server.dispatch_event("PLAYER_CREATED", player_id, target_client=client_address, retries=RELIABLE)
        backend.server.dispatch_event("WELCOME", player_id, target_client=client_address, retries=4)
        return {"players": {player_id: {"name": name, "x": 0.5}}}

    backend = Backend(GameState(players={}), lambda game_state, dt: None, {"JOIN": join})
    network.serve(backend)
    client = connected(network)
    good: list[int] = []
    welcomed: list[int] = []

    def created(player_id: int) -> None:
        with client.access_game_state() as game_state:
            assert game_state.players[player_id]["x"] == 0.5
            good.append(player_id)

    def welcome(player_id: int) -> None:
        with client.access_game_state() as game_state:
            assert game_state.players[player_id]["x"] == 0.5
            welcomed.append(player_id)

    client.register_event_handler("PLAYER_CREATED", created)
    client.register_event_handler("WELCOME", welcome)
    for n in range(1_000):
        client.dispatch_event("JOIN", f"p{n}", retries=RELIABLE)
        network.run(0.01)
    network.run(5.0)
    assert good == list(range(1_000))
    assert len(welcomed) == len(set(welcomed)) >= 995
    assert client.errors == 0
    network.close()


def test_event_dispatched_outside_a_tick_waits_for_the_state_of_that_moment(rough: SimulatedNetwork) -> None:
    seen_at: list[tuple[int, int]] = []
    backend = Backend(GameState(n=0), lambda game_state, dt: {"n": game_state.n + 1})
    rough.serve(backend)
    client = connected(rough)

    def look(n: int) -> None:
        seen_at.append((n, seen(client)["n"]))

    client.register_event_handler("LOOK", look)
    for _ in range(200):
        backend.server.dispatch_event("LOOK", backend.game_state_store.get_game_state().n)
        rough.run(0.013)
    rough.run(2.0)
    assert len(seen_at) > 100
    assert all(state >= dispatched for dispatched, state in seen_at)


def test_handler_exceptions_are_logged_and_counted_and_everything_goes_on(
    network: SimulatedNetwork, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: Any) -> None:
        raise RuntimeError("a bug in the game")

    steps = [0]

    def time_step(game_state: GameState, dt: float) -> dict[str, Any]:
        steps[0] += 1
        if steps[0] % 2:
            raise ValueError("every other step fails")
        return {"steps": steps[0]}

    backend = Backend(GameState(), time_step, {"BAD": broken, "GOOD": lambda n: {"good": n}})
    backend.server.register_event_handler("BAD_TOO", broken)
    network.serve(backend)
    client = connected(network)
    client.register_event_handler("BAD", broken)
    for event_type in ("BAD", "BAD_TOO", "GOOD"):
        client.dispatch_event(event_type, 1, ack_callback=broken)
    backend.server.dispatch_event("BAD", 1)
    network.run(0.5)
    assert seen(client)["good"] == 1
    assert seen(client)["steps"] > 4
    assert "a bug in the game" in caplog.text
    assert "Traceback" in caplog.text
    assert backend.game_state_machine.errors > 5
    assert client.errors == 4
    assert len([r for r in caplog.records if "time_step" in r.getMessage()]) <= 2, "not one log line per tick"


def test_handlers_may_dispatch_from_within_themselves(network: SimulatedNetwork) -> None:
    got: list[str] = []
    backend: Backend

    def machine(client_address: tuple[Any, ...]) -> None:
        backend.server.dispatch_event("FROM_MACHINE", target_client=client_address)

    def server(client_address: tuple[Any, ...]) -> None:
        backend.server.dispatch_event("FROM_SERVER", target_client=client_address)

    def time_step(game_state: GameState, dt: float) -> None:
        if game_state.time_order == 30:
            backend.server.dispatch_event("FROM_STEP")

    backend = Backend(GameState(), time_step, {"M": machine})
    backend.server.register_event_handler("S", server)
    network.serve(backend)
    client = connected(network)

    def from_machine() -> None:
        got.append("m")
        client.dispatch_event("S")

    client.register_event_handler("FROM_MACHINE", from_machine)
    client.register_event_handler("FROM_SERVER", lambda: got.append("s"))
    client.register_event_handler("FROM_STEP", lambda: got.append("t"))
    client.dispatch_event("M")
    network.run(1.0)
    assert sorted(got) == ["m", "s", "t"]


def test_broadcast_is_retried_only_to_those_that_missed_it(network: SimulatedNetwork) -> None:
    backend = idle_backend()
    network.serve(backend)
    good: Client = connected(network)
    bad: Client = connected(network)
    got: list[str] = []
    good.register_event_handler("E", lambda: got.append("good"))
    bad.register_event_handler("E", lambda: got.append("bad"))
    network.cut_off(bad, 2.0)
    before = {a: c.stats["messages_resent"] for a, c in backend.server.connections.items()}
    backend.server.dispatch_event("E", retries=RELIABLE)
    network.run(6.0)
    assert sorted(got) == ["bad", "good"]
    resent = sorted(c.stats["messages_resent"] - before[a] for a, c in backend.server.connections.items())
    assert resent[0] == 0
