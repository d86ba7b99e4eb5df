"""The simulated network: repeatable to the byte, on virtual time, turning only those who have something to do."""

import asyncio
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pygase import (
    RELIABLE,
    TO_DELETE,
    Backend,
    Client,
    DisconnectReason,
    GameState,
    GameStateMachine,
    GameStateStore,
    Server,
)
from pygase.drivers import Run, UserCode
from pygase.errors import WrongThread
from pygase.integrations.base import FrameAdapter
from pygase.testing import PROFILES, Conditions, SimulatedNetwork
from pygase.testing.driver import SimulatedDriver
from pygase.testing.headway import MAX_TURNS
from tests.drivers.fakes import NotingCore

STILL = Conditions(latency=0.02)


@pytest.fixture
def network() -> Iterator[SimulatedNetwork]:
    network = SimulatedNetwork(seed=1, conditions=STILL)
    yield network
    network.close()


def moving_backend() -> Backend:
    return Backend(GameState(x=0), lambda game_state, dt: {"x": game_state.x + 1})


def connected(network: SimulatedNetwork, **how: Any) -> Client:
    client = network.connect(**how)
    network.run_until(lambda: client.connection and client.connection.status == 1)
    return client


def x_of(client: Client) -> int:
    with client.access_game_state() as state:
        return int(state.to_dict().get("x", -1))


# --- the same again -----------------------------------------------------------------------------------------------


def digest_of_a_game(seed: int = 3) -> str:
    """Play everything there is, and return a digest of each datagram with its time and its way."""
    network = SimulatedNetwork(seed, "hotel")
    digest = hashlib.sha256()

    def tap(data: bytes, source: Any, target: Any) -> bool:
        digest.update(repr((data, source, target, network.now)).encode())
        return True

    def come(client_id: int, client_address: Any) -> dict[str, Any]:
        backend.server.dispatch_event("WELCOME", "x" * 3_000, target_client=client_address, retries=RELIABLE)
        return {"players": {client_id: {"x": 0.0}}}

    async def late(n: int) -> dict[str, Any]:
        await asyncio.sleep(0.03)
        return {"late": n}

    network.tap = tap
    backend = Backend(
        GameState(players={}),
        lambda game_state, dt: {"players": {key: {"x": p["x"] + dt} for key, p in game_state.players.items()}},
        {
            "CLIENT_CONNECTED": come,
            "CLIENT_DISCONNECTED": lambda client_id: {"players": {client_id: TO_DELETE}},
            "N": lambda n: {"n": n},
            "LATE": late,
        },
    )
    network.serve(backend, password="sesame")
    clients = [network.connect(password="sesame") for _ in range(3)]
    for step in range(40):
        for client in clients:
            if client.connection is not None and client.connection.status == 1:
                client.dispatch_event("N", step, retries=(0, 3, RELIABLE)[step % 3])
                client.dispatch_event("LATE", step)
        network.run(0.1)
    network.cut_off(clients[0], 9.0)
    network.move(clients[1])
    network.freeze(clients[2], 3.0)
    network.run(30.0)
    clients[2].disconnect()
    backend.shutdown()
    network.run(1.0)
    network.close()
    return digest.hexdigest()


def test_same_seed_gives_the_same_bytes_in_another_process_with_other_hashes() -> None:
    code = "from tests.testing.test_network import digest_of_a_game; print(digest_of_a_game())"
    environment = {**os.environ, "PYTHONHASHSEED": "77", "PYTHONPATH": os.pathsep.join([".", *sys.path])}
    there = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert there.stdout.strip() == digest_of_a_game(), there.stderr


def test_another_seed_gives_other_bytes() -> None:
    assert digest_of_a_game(1) != digest_of_a_game(2)


def test_luck_of_one_line_does_not_depend_on_the_others() -> None:
    def losses(others: int) -> int:
        network = SimulatedNetwork(1, Conditions(latency=0.02))
        network.serve(moving_backend())
        client = network.connect(conditions=(Conditions(loss=0.5), "perfect"), ip="10.9.9.9")
        for _ in range(others):
            network.connect()
        for _ in range(100):
            network.host_of(client).up.arrivals(100, 0.0)
        return network.host_of(client).up.lost

    assert losses(0) == losses(3)


# --- time -----------------------------------------------------------------------------------------------------------


def test_minute_of_a_small_game_takes_few_turns(network: SimulatedNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    network.serve(moving_backend())
    for _ in range(2):
        connected(network)
    turns = [0]
    from pygase.drivers.endpoint import Endpoint

    turn = Endpoint.turn

    def counted(self: Endpoint) -> bool:
        turns[0] += 1
        return turn(self)

    monkeypatch.setattr(Endpoint, "turn", counted)
    before = network.datagrams
    network.run(10.0)
    assert turns[0] < 2.5 * (network.datagrams - before), "somebody is turned who has neither mail nor a due timer"


def test_things_happen_at_their_times_and_in_order(network: SimulatedNetwork) -> None:
    happened: list[Any] = []
    network.at(2.0, lambda: happened.append(("at", network.now)))
    network.after(1.0, lambda: happened.append(("after", network.now)))
    ticking = network.every(0.75, lambda: happened.append(("every", network.now)))
    network.run(2.0)
    assert happened == [("every", 0.75), ("after", 1.0), ("every", 1.5), ("at", 2.0)]
    ticking.cancel()
    network.at(2.5, lambda: happened.append("never")).cancel()
    network.run(10.0)
    assert len(happened) == 4


def test_frames_do_not_drift(network: SimulatedNetwork) -> None:
    frames: list[float] = []
    network.every(1 / 60, lambda: frames.append(network.now))
    network.run(100.0)
    assert len(frames) in (5_999, 6_000)
    assert frames[-1] == pytest.approx(len(frames) / 60, abs=1e-9)


def test_repeating_action_may_cancel_itself(network: SimulatedNetwork) -> None:
    happened: list[float] = []

    def act() -> None:
        happened.append(network.now)
        ticking.cancel()

    ticking = network.every(1.0, act)
    network.run(5.0)
    assert happened == [1.0]


def test_handler_cannot_run_the_simulation(network: SimulatedNetwork) -> None:
    caught: list[Exception] = []

    def handler() -> None:
        try:
            network.run(1.0)
        except WrongThread as error:
            caught.append(error)

    network.after(0.5, handler)
    network.run(1.0)
    assert len(caught) == 1


def test_failed_action_leaves_the_simulation_usable(network: SimulatedNetwork) -> None:
    network.after(0.5, lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        network.run(1.0)
    network.run(1.0)
    assert network.now == 1.5


def test_run_until_says_the_seed_when_it_fails(network: SimulatedNetwork) -> None:
    with pytest.raises(TimeoutError, match=r"within 3 simulated seconds \(seed 1\)"):
        network.run_until(lambda: False, timeout=3)


class OverdueCore(NotingCore):
    """A core whose timer does not move, though it is handled."""

    def next_timer(self) -> float:
        return 2.0


def test_timer_that_does_not_move_is_told_with_its_owner(network: SimulatedNetwork) -> None:
    network.run(3.0)
    host = network.host_of(network.client())
    run = Run(host, OverdueCore(), UserCode("pygase.test"), lambda signal: False)
    run.listen(host.client_socket(("10.0.0.1", 1)))
    SimulatedDriver(network, run, host, UserCode("pygase.test"), "the clock that stopped")
    with pytest.raises(RuntimeError, match=r"the clock that stopped, whose timer is due at 2\.0+ s, .*\(seed 1\)"):
        network.run(1.0)


@pytest.mark.parametrize(
    ("begin", "name"),
    [
        (lambda network: network.serve(Server(GameStateStore())), r"the server on 10\.0\.0\.1, port 8080"),
        (lambda network: network.connect(), r"client 0 on 10\.0\.1\.2"),
        (lambda network: network.run_game_loop(GameStateMachine(GameStateStore())), r"the game loop of '.*time_step'"),
    ],
    ids=["server", "client", "game loop"],
)
def test_whoever_makes_no_headway_has_a_name(
    network: SimulatedNetwork, monkeypatch: pytest.MonkeyPatch, begin: Callable[[SimulatedNetwork], Any], name: str
) -> None:
    monkeypatch.setattr("pygase.testing.headway.MAX_TURNS", 0)

    def play() -> None:
        begin(network)
        network.run(1.0)

    with pytest.raises(RuntimeError, match=f"no headway at .*: {name}"):
        play()


def test_action_that_asks_for_itself_at_once_is_told(network: SimulatedNetwork) -> None:
    def again() -> None:
        network.after(0.0, lambda: again())  # noqa: PLW0108  (each time another one)

    again()
    with pytest.raises(RuntimeError, match=r"no headway at 0\.0+ s: the action .*again.*lambda"):
        network.run(1.0)


def test_action_that_repeats_without_any_interval_is_told(network: SimulatedNetwork) -> None:
    network.every(0.0, network.client)
    with pytest.raises(RuntimeError, match=r"the action 'SimulatedNetwork\.client' has had"):
        network.run(1.0)


def test_many_actions_at_one_instant_are_no_lack_of_headway(network: SimulatedNetwork) -> None:
    happened: list[int] = []
    for number in range(2 * MAX_TURNS):
        network.at(1.0, lambda number=number: happened.append(number))  # type: ignore[misc]
    network.run(1.0)
    assert happened == list(range(2 * MAX_TURNS))


def test_game_loop_takes_the_intervals_that_a_real_one_takes(network: SimulatedNetwork) -> None:
    with pytest.raises(ValueError, match="an interval is a number of seconds above 0"):
        network.serve(moving_backend(), interval=0.0)


def test_coroutines_sleep_in_virtual_time(network: SimulatedNetwork) -> None:
    times: dict[str, float] = {}

    async def on_machine(game_state: GameState) -> dict[str, Any]:
        await asyncio.sleep(1.0)
        times["machine"] = network.now
        return {"x": 1}

    async def on_server() -> None:
        await asyncio.sleep(2.0)
        times["server"] = network.now

    async def on_client() -> None:
        await asyncio.sleep(3.0)
        times["client"] = network.now

    backend = Backend(GameState(x=0), lambda game_state, dt: None, {"M": on_machine})
    backend.server.register_event_handler("S", on_server)
    network.serve(backend)
    client = connected(network)
    client.register_event_handler("C", on_client)
    start = network.now
    client.dispatch_event("M")
    client.dispatch_event("S")
    backend.server.dispatch_event("C")
    network.run(5.0)
    assert {who: round(when - start, 1) for who, when in times.items()} == {
        "machine": 1.0,
        "server": 2.0,
        "client": 3.0,
    }
    assert x_of(client) == 1


# --- what happens to people -----------------------------------------------------------------------------------------


def test_asymmetric_line_is_slow_one_way_only(network: SimulatedNetwork) -> None:
    backend = moving_backend()
    network.serve(backend)
    took: dict[str, float] = {}
    backend.server.register_event_handler("UP", lambda: took.update(up=network.now))
    client = connected(network, conditions=(Conditions(latency=0.3), Conditions(latency=0.1)))
    client.register_event_handler("DOWN", lambda: took.update(down=network.now))
    network.run(5.0)
    start = network.now
    client.dispatch_event("UP")
    backend.server.dispatch_event("DOWN")
    network.run(2.0)
    assert took["up"] - start == pytest.approx(0.3, abs=0.01)
    assert took["down"] - start == pytest.approx(0.1, abs=0.03)


def test_conditions_of_one_client_change_while_it_plays(network: SimulatedNetwork) -> None:
    backend = moving_backend()
    network.serve(backend)
    one, other = connected(network), connected(network)
    network.at(5.0, lambda: network.set_conditions(one, "satellite"))
    network.run(15.0)
    latency = {address[0]: connection.latency for address, connection in backend.server.connections.items()}
    assert latency[network.host_of(one).ip] > 0.4
    assert latency[network.host_of(other).ip] < 0.1


def test_frozen_program_does_nothing_and_finds_its_mail_afterwards(network: SimulatedNetwork) -> None:
    network.serve(moving_backend())
    client = connected(network)
    network.run(1.0)
    network.freeze(client, 3.0)
    before = x_of(client)
    network.run(2.9)
    assert x_of(client) == before
    network.run(1.0)
    assert x_of(client) > before + 150
    assert client.connection is not None
    assert client.connection.status == 1


def test_frozen_server_stands_still_and_its_game_does_not_rush_afterwards(network: SimulatedNetwork) -> None:
    backend = moving_backend()
    network.serve(backend)
    client = connected(network)
    network.run(1.0)
    network.freeze(backend.server, 3.0)
    before = backend.game_state_store.get_game_state().x
    network.run(2.9)
    assert backend.game_state_store.get_game_state().x == before
    network.run(1.1)
    assert 40 <= backend.game_state_store.get_game_state().x - before <= 70
    network.assert_converged()
    assert client.connection is not None


def test_moved_machine_gets_nothing_at_its_old_address(network: SimulatedNetwork) -> None:
    network.serve(moving_backend())
    client = connected(network, reconnect=False)
    old = network.host_of(client).ip
    ip, _ = network.move(client)
    assert ip != old
    seen: list[Any] = []
    network.tap = lambda data, source, target: seen.append((source[0], target[0])) or True  # type: ignore[func-returns-value]
    before = x_of(client)
    network.run(1.0)
    assert x_of(client) <= before + 2, "only what had been on its way"
    assert {source for source, _ in seen} == {ip, "10.0.0.1"}


def test_client_that_the_game_has_made_itself_can_be_added(network: SimulatedNetwork) -> None:
    network.serve(moving_backend())
    client = Client()
    network.add(client, "lan")
    client.open(8080)
    network.run(1.0)
    assert x_of(client) > 10


def test_removed_client_leaves_nothing_behind(network: SimulatedNetwork) -> None:
    backend = moving_backend()
    network.serve(backend)
    stays = connected(network)
    network.run(1.0)
    before = (len(network.clients), len(network._hosts), len(network._sockets), len(network._driven))
    for _ in range(5):
        network.remove(connected(network))
    network.run(1.0)
    assert (len(network.clients), len(network._hosts), len(network._sockets), len(network._driven)) == before
    assert len(backend.server.connections) == 1
    assert network.clients == [stays]


def test_adapters_deliver_in_their_own_frames(network: SimulatedNetwork) -> None:
    backend = moving_backend()
    network.serve(backend)
    net = FrameAdapter(network.client())
    times: list[float] = []
    net.on("E")(lambda: times.append(network.now))
    net.client.open(8080)
    frames = network.every(0.5, net.pump)
    network.run(1.1)
    backend.server.dispatch_event("E")
    network.run(1.0)
    assert times == [1.5]
    frames.cancel()
    net.close()


def test_hostname_that_is_none_fails_as_a_real_one_does(network: SimulatedNetwork) -> None:
    network.serve(moving_backend())
    client = network.client()
    reasons: list[Any] = []
    client.register_event_handler("CONNECTION_FAILED", lambda reason: reasons.append(reason))  # noqa: PLW0108
    client.open(8080, "nowhere.example")
    network.run(1.0)
    assert reasons == [DisconnectReason.UNRESOLVED]
    network.names["game.example"] = "10.0.0.1"
    client.open(8080, "game.example")
    network.run(1.0)
    assert x_of(client) > 10


# --- convergence ----------------------------------------------------------------------------------------------------


def test_game_that_never_stands_still_converges_on_a_bad_line() -> None:
    for seed in range(5):
        network = SimulatedNetwork(seed, "hotel")
        network.serve(moving_backend())
        for _ in range(3):
            connected(network)
        assert not network.has_converged()
        network.assert_converged()
        network.close()


def test_wrong_state_is_found_though_its_number_is_right(network: SimulatedNetwork) -> None:
    backend = Backend(GameState(x=0, players={1: {"hp": 3}}), lambda game_state, dt: {"x": game_state.x + 1})
    network.serve(backend)
    client = connected(network)
    network.run(1.0)
    network.assert_converged()
    with client.access_game_state() as state:
        state.players[1]["hp"] = 2
        del state.__dict__["game_status"]
    with pytest.raises(AssertionError, match=r"\(seed 1\): client 0 on 10.0.1.2: .*players.1.hp is 2 and should be 3"):
        network.assert_converged(timeout=1.0)


def test_clients_are_compared_with_their_own_server(network: SimulatedNetwork) -> None:
    for port in (8080, 8081):
        network.serve(Server(GameStateStore(GameState(port=port))), port)
    connected(network, port=8080), connected(network, port=8081)
    network.run(1.0)
    assert network.has_converged()


def test_profiles_of_names_are_checked_at_once() -> None:
    with pytest.raises(ValueError, match="no profile 'moon'"):
        SimulatedNetwork(conditions="moon")
    network = SimulatedNetwork(conditions=("wifi", "lan"))
    assert network.host_of(network.client()).down.conditions == PROFILES["lan"]
