"""Adapters on real clients and servers, on the simulated network: what a player sees over a bad line."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Any
from zlib import crc32

import pytest

from pygase import RELIABLE, Backend, Client, GameState
from pygase.errors import AdapterMisuse
from pygase.integrations.base import FrameAdapter
from pygase.testing import Conditions, SimulatedNetwork

FRAME = 1 / 60
BAD = Conditions(latency=0.1, jitter=0.03, loss=0.05)
SPEED = 150.0


@pytest.fixture
def networks() -> Iterator[list[SimulatedNetwork]]:
    made: list[SimulatedNetwork] = []
    yield made
    for network in made:
        network.close()


def play(
    networks: list[SimulatedNetwork],
    look: Callable[[GameState], Any],
    *,
    seed: int = 1,
    seconds: float = 30.0,
    conditions: Conditions = BAD,
    happen: Callable[[SimulatedNetwork, Client], None] | None = None,
) -> list[tuple[float, Any]]:
    """Watch a body that moves at 20 ticks a second; return what each of 60 frames a second shows."""

    def step(game_state: GameState, dt: float) -> dict[str, Any]:
        x = game_state.bodies["a"]["position"][0] + SPEED * dt
        return {"bodies": {"a": {"position": [x, 50.0], "angle": x % 360.0}}}

    network = SimulatedNetwork(seed, conditions)
    networks.append(network)
    backend = Backend(GameState(bodies={"a": {"position": [0.0, 50.0], "angle": 0.0}}), step)
    network.serve(backend, interval=0.05)
    client = network.connect()
    frames: list[tuple[float, Any]] = []
    with FrameAdapter(client, interpolate=("bodies.*.position", "bodies.*.angle")) as net:

        def frame() -> None:
            net.pump()
            with net.render_state() as state:
                if "bodies" in state.to_dict():
                    frames.append((network.now, look(state)))

        frames_of_game = network.every(FRAME, frame)
        if happen is not None:
            happen(network, client)
        network.run(seconds)
        frames_of_game.cancel()
    return frames


@pytest.mark.parametrize("seed", range(3))
def test_uniform_motion_over_a_bad_line(networks: list[SimulatedNetwork], seed: int) -> None:
    frames = play(networks, lambda state: tuple(state.bodies["a"]["position"]), seed=seed)
    settled = [frame for frame in frames if frame[0] > 5.0]
    assert len(settled) > 1_400
    still = 0.0
    for (before, old), (now, new) in pairwise(settled):
        assert new[0] >= old[0], "it never steps backwards"
        still = still + now - before if new[0] - old[0] < 0.02 * SPEED * FRAME else 0.0
        assert still <= 0.05, "it never stands still"
        assert new[1] == pytest.approx(50.0)
    lateness = [now - x / SPEED for now, (x, _) in settled]
    assert max(lateness) - min(lateness) < 0.2


def test_angle_and_position_belong_to_the_same_moment(networks: list[SimulatedNetwork]) -> None:
    frames = play(networks, lambda state: (state.bodies["a"]["position"][0], state.bodies["a"]["angle"]))
    for _, (x, angle) in frames:
        assert abs((x - angle + 180.0) % 360.0 - 180.0) < 0.01


def test_cut_off_for_two_seconds_is_caught_up_with_without_a_rush(networks: list[SimulatedNetwork]) -> None:
    def happen(network: SimulatedNetwork, client: Client) -> None:
        network.at(10.0, lambda: network.cut_off(client, 2.0))

    frames = play(networks, lambda state: state.bodies["a"]["position"][0], happen=happen)
    for (before, old), (now, new) in pairwise(frames):
        if before > 5.0:
            assert 0.0 <= new - old <= 1.6 * SPEED * (now - before)
    before_it = [now - x / SPEED for now, x in frames if 8.0 < now < 10.0]
    long_after = [now - x / SPEED for now, x in frames if now > 28.0]
    assert max(long_after) < max(before_it) + 0.15


def test_true_state_is_newer_than_what_is_drawn(networks: list[SimulatedNetwork]) -> None:
    network = SimulatedNetwork(1, "lan")
    networks.append(network)
    backend = Backend(GameState(x=0.0), lambda game_state, dt: {"x": game_state.x + SPEED * dt})
    network.serve(backend, interval=0.05)
    client = network.connect()
    net = FrameAdapter(client, interpolate=("x",))
    network.every(FRAME, net.pump)
    network.run(3.0)
    with client.access_game_state() as state:
        true = state.x
    with net.render_state() as state:
        drawn = state.x
        with client.access_game_state() as inner:
            assert inner.x == drawn
    with client.access_game_state() as state:
        assert state.x == true
    assert 0.0 < true - drawn < 0.15 * SPEED
    assert 0.0 < net.interpolation_delay < 0.15


def test_game_that_writes_to_its_copy_before_drawing_finds_that_again(networks: list[SimulatedNetwork]) -> None:
    """As a game does that moves its own player before the server has: it looks, writes, draws and looks again."""
    network = SimulatedNetwork(1, "lan")
    networks.append(network)

    def step(game_state: GameState, dt: float) -> dict[str, Any]:
        return {"bodies": {name: {"position": [SPEED * network.now, y]} for name, y in (("a", 1.5), ("b", 2.5))}}

    backend = Backend(GameState(bodies={name: {"position": [0.5, 0.5]} for name in "ab"}), step)
    network.serve(backend, interval=0.05)
    client = network.connect()
    net = FrameAdapter(client, interpolate=("bodies.*.position",))
    network.every(FRAME, net.pump)
    network.run(1.0)
    drawn = []
    for frame in range(60):
        network.run(0.05)
        with client.access_game_state() as state:
            assert client.access_game_state().is_untouched
            if frame % 2:
                state.bodies["a"]["position"] = [-1.0, -1.0]
            with net.render_state() as inner:
                assert not client.access_game_state().is_untouched
                drawn.append(inner.bodies["a"]["position"])
            if frame % 2:
                assert state.bodies["a"]["position"] == [-1.0, -1.0]
            assert state.bodies["b"]["position"][1] == 2.5
    assert all(new[0] > old[0] >= 0.0 for old, new in pairwise(drawn[5:]))


def test_event_is_handled_in_the_pump_with_a_state_as_new(networks: list[SimulatedNetwork]) -> None:
    """The join pattern, seen by an adapter."""
    network = SimulatedNetwork(3, Conditions(latency=0.04, jitter=0.03, loss=0.1))
    networks.append(network)

    def join(name: str, client_address: Any) -> dict[str, Any]:
        backend.server.dispatch_event("JOINED", name, target_client=client_address, retries=RELIABLE)
        return {"players": {name: {"position": [1.0, 2.0]}}}

    backend = Backend(GameState(players={}), lambda game_state, dt: None, {"JOIN": join})
    network.serve(backend)
    client = network.connect()
    net = FrameAdapter(client, interpolate=("players.*.position",))
    seen = []

    @net.on("JOINED")
    def joined(name: str) -> None:
        with client.access_game_state() as state:
            seen.append((name, state.players[name]["position"]))

    for number in range(50):
        net.send("JOIN", f"p{number}", retries=RELIABLE)
    network.every(FRAME, net.pump)
    network.run_until(lambda: len(seen) == 50)
    assert seen == [(f"p{number}", [1.0, 2.0]) for number in range(50)]


def test_close_says_goodbye_and_tells_the_game(networks: list[SimulatedNetwork]) -> None:
    network = SimulatedNetwork(1, "lan")
    networks.append(network)
    backend = Backend(GameState(), lambda game_state, dt: None)
    network.serve(backend)
    client = network.connect()
    told: list[str] = []
    net = FrameAdapter(client)
    net.on("CONNECTED")(lambda: told.append("connected"))
    net.on("DISCONNECTED")(lambda reason: told.append(str(reason)))
    frames = network.every(FRAME, net.pump)
    network.run(0.5)
    frames.cancel()
    net.close()
    assert told == ["connected", "client left"]
    network.run(0.1)
    assert backend.server.connections == {}


def test_second_adapter_on_a_client_is_refused(networks: list[SimulatedNetwork]) -> None:
    network = SimulatedNetwork(1)
    networks.append(network)
    client = network.client()
    first = FrameAdapter(client)
    with pytest.raises(AdapterMisuse, match="already"):
        FrameAdapter(client)
    first.close()
    FrameAdapter(client).close()


LINES = [BAD.but(jitter=jitter, loss=loss) for jitter in (0.0, 0.03) for loss in (0.0, 0.05)]


@lru_cache
def tap(motion: float, rest: float, conditions: Conditions, *, players: int = 1) -> tuple[float, list[list[float]]]:
    """Watch players who tap a key, one after the other; return the delay and what each frame shows."""
    network = SimulatedNetwork(crc32(f"{motion} {rest} {conditions} {players}".encode()), conditions)

    def step(game_state: GameState, dt: float) -> dict[str, Any]:
        turn, at = divmod(network.now - 0.025, motion + rest)
        if at >= motion:
            return {}
        name = int(turn) % players
        return {"x": {name: game_state.x[name] + SPEED * 0.05}}

    backend = Backend(GameState(x=dict.fromkeys(range(players), 0.0)), step)
    network.serve(backend, interval=0.05)
    shown: list[list[float]] = []
    delays: list[float] = []
    with FrameAdapter(network.connect(), interpolate="x.*") as net:

        def frame() -> None:
            net.pump()
            with net.render_state() as state:
                if network.now > 8.0:
                    shown.append(list(state.x.values()))
                    delays.append(net.interpolation_delay)

        network.every(FRAME, frame)
        network.run(30.0)
    network.close()
    return sum(delays) / len(delays), shown


@pytest.mark.parametrize("conditions", LINES, ids=str)
@pytest.mark.parametrize(("motion", "rest"), [(0.05, 0.2), (0.1, 0.05), (0.1, 0.5), (0.2, 0.3), (0.5, 0.1)])
def test_who_taps_a_key_is_shown_no_later_than_who_holds_it(motion: float, rest: float, conditions: Conditions) -> None:
    """While nobody moves nothing is sent: that is no lateness, and what is lost is told apart from it."""
    held, _ = tap(1.0, 0.0, conditions)
    delay, shown = tap(motion, rest, conditions)
    assert delay < held + 0.03
    for (old,), (new,) in pairwise(shown):
        assert 0.0 <= new - old <= 1.6 * SPEED * FRAME


def test_lateness_is_noticed_by_taps_too() -> None:
    good, jittery, lossy, bad = [tap(0.2, 0.3, conditions)[0] for conditions in (LINES[i] for i in (0, 2, 1, 3))]
    assert jittery > good + 0.03
    assert lossy > good + 0.02
    assert bad > max(jittery, lossy)


def test_players_who_tap_in_turns() -> None:
    held, _ = tap(1.0, 0.0, LINES[0])
    delay, shown = tap(0.2, 0.15, LINES[0], players=2)
    assert delay < held + 0.03
    for old, new in pairwise(shown):
        for before, after in zip(old, new, strict=True):
            assert 0.0 <= after - before < 1.1 * SPEED * FRAME


@pytest.mark.parametrize("path", ["players.*.position", "players.*.angle", "players.*.height"])
def test_players_who_send_their_own_places_move_evenly(networks: list[SimulatedNetwork], path: str) -> None:
    """Each 20 times a second, which is heard at every second or third of 50 ticks a second."""
    network = SimulatedNetwork(1, Conditions(latency=0.1))
    networks.append(network)

    def move(name: int, x: float) -> dict[str, Any]:
        return {"players": {name: {"position": [x, 7.5], "angle": x % 360.0, "height": x}}}

    backend = Backend(GameState(players={}), lambda game_state, dt: None, {"MOVE": move})
    network.serve(backend)
    for name in range(3):
        mover = network.connect()

        def send(mover: Client = mover, name: int = name) -> None:
            mover.dispatch_event("MOVE", name, SPEED * network.now)

        network.at(1.0 + 0.013 * name, lambda send=send: network.every(0.05, send))  # type: ignore[misc]
    shown: list[list[float]] = []
    with FrameAdapter(network.connect(), interpolate=path) as net:

        def frame() -> None:
            net.pump()
            with net.render_state() as state:
                values = [player[path.rpartition(".")[2]] for player in state.players.values()]
                shown.append([value[0] if isinstance(value, list) else value for value in values])

        network.at(5.0, lambda: network.every(FRAME, frame))
        network.run(20.0)
        assert net.interpolation_delay < 0.13
    for old, new in pairwise(shown[180:]):
        for before, after in zip(old, new, strict=True):
            way = (after - before) % 360.0 if path.endswith("angle") else after - before
            assert 0.6 < way / (SPEED * FRAME) < 1.4


@pytest.mark.parametrize("rest", [3.0, 30.0])
def test_who_moves_on_after_a_rest_is_shown_no_later_than_before(networks: list[SimulatedNetwork], rest: float) -> None:
    """Nothing changes meanwhile, so the server sends almost nothing: that says nothing about the line."""
    network = SimulatedNetwork(1, "lan")
    networks.append(network)
    begin = 1.0 + rest
    backend = Backend(GameState(x=0.0), lambda game_state, dt: None, {"MOVE": lambda x: {"x": x}})
    network.serve(backend)
    mover, watcher = network.connect(), network.connect()
    shown: list[tuple[float, float]] = []
    with FrameAdapter(watcher, interpolate=("x",)) as net:

        def move() -> None:
            if network.now < 1.0 or network.now > begin:
                mover.dispatch_event("MOVE", SPEED * network.now)

        def frame() -> None:
            net.pump()
            with net.render_state() as state:
                shown.append((network.now, getattr(state, "x", 0.0)))

        network.every(0.05, move)
        network.every(FRAME, frame)
        network.run(begin + 3.0)
        assert net.interpolation_delay < 0.12
    moving = [(now, x) for now, x in shown if now > begin + 0.3]
    assert all(now - x / SPEED < 0.2 for now, x in moving)
