"""What a server does and sends for each client and tick, counted: as little as its features allow."""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from pygase import RELIABLE, Backend, Client, ConnectionStatus, GameState, RoomServer
from pygase.config import PEER_TIMEOUT
from pygase.session.offers import StateOffers
from pygase.session.server import ServerSession
from pygase.state.codec import Encoder
from pygase.testing import Conditions, SimulatedNetwork
from tests.conftest import interpreted_only

from .conftest import connected, idle_backend, seen

TICK = 0.05


def moving(**how: Any) -> Backend:
    """Players go where they say; what they say is told to everybody."""

    def move(who: int, x: float) -> dict[str, Any]:
        backend.server.dispatch_event("MOVED", who, retries=RELIABLE)
        return {"runners": {who: {"x": x}}}

    backend = Backend(GameState(runners={}), lambda game_state, dt: None, {"MOVE": move}, **how)
    return backend


def runners_and_self(game_state: GameState, client_id: int) -> dict[str, Any]:
    """A view of one's own."""
    return {"runners": game_state.runners, "own": client_id}


def play(network: SimulatedNetwork, clients: list[Client], ticks: int, *, retries: int = 0) -> Iterator[int]:
    """Everybody moves once a tick, and less than `MAX_ACK_DELAY` before the next."""
    network.run(TICK - network.now % TICK + 0.7 * TICK)
    for number in range(ticks):
        for who, client in enumerate(clients):
            client.dispatch_event("MOVE", who, who + number / 7, retries=retries)
        network.run(TICK)
        yield number


@interpreted_only
@pytest.mark.parametrize("count", [1, 16])
def test_a_tick_is_encoded_once_for_each_baseline_however_many_clients(
    network: SimulatedNetwork, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    calls: list[int | None] = []
    encode = Encoder.encode

    def counted(self: Encoder, update: dict[str, Any], baseline: int | None) -> bytes:
        if "runners" in update:  # other servers of this process may encode meanwhile
            calls.append(baseline)
        return encode(self, update, baseline)

    network.serve(moving(), interval=TICK)
    near = [connected(network) for _ in range(count)]
    far = [connected(network, conditions=Conditions(latency=0.06)) for _ in range(count)]  # acknowledge later ticks
    monkeypatch.setattr(Encoder, "encode", counted)
    for number in play(network, [*near, *far], 20):
        if number >= 5:
            assert len(calls) == len(set(calls)) == 2, "one for those who are near, one for the others"
        calls.clear()


@pytest.mark.parametrize("kind", ["plain", "rooms", "views"])
@pytest.mark.parametrize("retries", [0, RELIABLE])
def test_a_tick_is_one_packet_to_each_client_with_acks_events_and_state(
    network: SimulatedNetwork, retries: int, kind: str
) -> None:
    backend = moving(view=runners_and_self) if kind == "views" else moving()
    if kind == "rooms":
        rooms = RoomServer()
        rooms.open("here", backend, interval=TICK)
        rooms.open("elsewhere", idle_backend(n=0), interval=TICK)
        network.serve(rooms)
    else:
        network.serve(backend, interval=TICK)
    clients = [connected(network) for _ in range(8)]
    heard: Counter[Client] = Counter()
    for client in clients:
        client.register_event_handler("MOVED", lambda who, client=client: heard.update([client]))
    sent: dict[Any, list[float]] = defaultdict(list)

    def tap(data: bytes, source: Any, target: Any) -> bool:
        if source[1] == 8080:
            sent[target].append(round(network.now / TICK, 3))
        return True

    network.tap = tap
    ticks = 40
    for number in play(network, clients, ticks, retries=retries):
        if not number:
            sent.clear()  # what came before the game was under way
    assert len(sent) == len(clients)
    for times in sent.values():
        assert all(time.is_integer() for time in times)
        assert len(times) == len(set(times)) == ticks - 1
    for client in clients:
        assert heard[client] == ticks * len(clients)
        assert seen(client)["runners"][0]["x"] == (ticks - 1) / 7
        assert client.connection is not None
        assert client.connection.stats["messages_resent"] == 0, "its events were acknowledged in time"


def test_event_on_an_idle_connection_is_sent_at_once_and_under_load_rides_the_tick(make_network: Any) -> None:
    network = make_network(conditions="perfect")

    def time_step(game_state: GameState, dt: float) -> dict[str, Any]:
        if not is_busy:
            return {}
        for _ in range(5):
            backend.server.dispatch_event("RUNG")
        return {"n": game_state.n + 1}

    is_busy = False
    backend = Backend(GameState(n=0), time_step)
    backend.server.register_event_handler("RING", lambda: backend.server.dispatch_event("RUNG"))
    network.serve(backend, interval=TICK)
    client = connected(network)
    rung: list[float] = []
    client.register_event_handler("RUNG", lambda: rung.append(network.now))
    network.run(1.0 + 0.3 * TICK)
    client.dispatch_event("RING")
    asked = network.now
    network.run(0.01)
    assert rung == [asked], "there and back on a perfect line, with no tick in between"
    is_busy, sent = True, network.datagrams
    network.run(20 * TICK)
    assert len(rung) == 101
    assert network.datagrams - sent <= 20 * 2 + 2, "each tick's events and state one packet, acknowledged by another"


@interpreted_only
@pytest.mark.parametrize(("is_ticking", "view"), [(False, None), (True, None), (True, runners_and_self)])
def test_client_that_has_nothing_to_say_is_looked_after_at_its_keep_alives_only(
    network: SimulatedNetwork, monkeypatch: pytest.MonkeyPatch, *, is_ticking: bool, view: Any
) -> None:
    backend = Backend(GameState(runners={}), lambda game_state, dt: None, view=view)
    network.serve(backend if is_ticking else backend.server)
    idle = [connected(network) for _ in range(32)]
    network.run(5.0)
    looked: Counter[str] = Counter()

    def watch(owner: type[Any], name: str) -> None:
        method = getattr(owner, name)

        def counted(self: Any, seat: Any, *args: Any) -> Any:
            looked[name] += 1
            return method(self, seat, *args)

        monkeypatch.setattr(owner, name, counted)

    watch(StateOffers, "offer")
    for name in ("receive_payload", "handle_seat_timer", "deadline_of"):
        watch(ServerSession, name)
    seconds = 10
    network.run(seconds)
    # Once a second a client says that it lives. A game that ticks tells its time twice a second, changed or not.
    words = len(idle) * seconds * (5 if is_ticking else 1)
    assert len(idle) * (seconds - 1) <= looked["receive_payload"] <= words
    assert looked["offer"] <= 2 * words
    assert looked["handle_seat_timer"] <= words
    assert looked["deadline_of"] <= 10 * words
    assert all(client.connection is not None and client.connection.status == 1 for client in idle)


@interpreted_only
def test_client_that_comes_back_to_a_game_at_rest_is_left_alone(
    network: SimulatedNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    network.serve(idle_backend(n=0).server)
    client = connected(network)
    looks = itertools.count()
    handle = ServerSession.handle_seat_timer

    def counted(self: ServerSession, seat: Any, now: float) -> None:
        if next(looks) > 1_000:
            pytest.fail("its deadline is due at once again, for ever")
        handle(self, seat, now)

    monkeypatch.setattr(ServerSession, "handle_seat_timer", counted)
    network.cut_off(client, PEER_TIMEOUT + 2.0)
    network.run(2.0 * PEER_TIMEOUT)
    assert client.connection is not None
    assert client.connection.status == ConnectionStatus.CONNECTED
