"""Rooms: many games behind one port, none of which knows of the others."""

import asyncio
import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from pygase import RELIABLE, TO_DELETE, Backend, Client, DisconnectReason, GameState, RoomServer
from pygase.errors import AlreadyRunning
from pygase.testing import SimulatedNetwork
from pygase.tokens import ServerKeys, mint

from .conftest import ROUGH, client_id, connected, idle_backend, listen, seen


def game(name: str, handlers: dict[str, Callable[..., Any]] | None = None) -> Backend:
    """A game that counts, knows its name and its players, and takes moves."""
    return Backend(
        GameState(name=name, count=0, players={}),
        lambda game_state, dt: {"count": game_state.count + 1},
        {
            "CLIENT_CONNECTED": lambda client_id: {"players": {client_id: 0}},
            "CLIENT_DISCONNECTED": lambda client_id: {"players": {client_id: TO_DELETE}},
            **(handlers or {}),
        },
    )


class House:
    """A server with rooms, and what its clients were told."""

    def __init__(self, network: SimulatedNetwork, *names: str, **options: Any) -> None:
        self.network = network
        self.server = RoomServer()
        self.told: dict[Client, list[Any]] = {}
        for name in names:
            self.server.open(name, game(name))
        network.serve(self.server, **options)

    def enter(self, room: str = "", **how: Any) -> Client:
        client = self.network.client()
        told = self.told[client] = []
        for name in ("CONNECTED", "RECONNECTED", "CONNECTION_FAILED", "DISCONNECTED"):
            client.register_event_handler(
                name, lambda name=name, reason=None: told.append((name, reason) if reason else name)
            )
        client.open(8080, room=room, **how)
        self.network.run_until(lambda: told)
        self.network.run(0.5)
        return client

    def room_of(self, client: Client) -> str:
        return str(seen(client)["name"])


@pytest.fixture
def house(network: SimulatedNetwork) -> House:
    return House(network, "red", "blue")


def test_clients_see_the_state_of_their_room_only(house: House) -> None:
    red, blue = house.enter("red"), house.enter("blue")
    assert (house.room_of(red), house.room_of(blue)) == ("red", "blue")
    assert len(seen(red)["players"]) == len(seen(blue)["players"]) == 1
    assert seen(red)["players"].keys() != seen(blue)["players"].keys()
    house.network.assert_converged()


def test_events_stay_in_their_room(house: House) -> None:
    clients = {name: house.enter(name) for name in ("red", "blue")}
    heard: dict[str, list[str]] = {"red": [], "blue": []}
    handled: dict[str, list[str]] = {"red": [], "blue": []}
    for name, client in clients.items():
        client.register_event_handler("NEWS", heard[name].append)
        server = house.server.rooms[name].server
        server.register_event_handler("SAY", lambda text, name=name: handled[name].append(text))
        server.dispatch_event("NEWS", f"of {name}", retries=RELIABLE)
        client.dispatch_event("SAY", f"in {name}", retries=RELIABLE)
    house.network.run(0.5)
    assert heard == {"red": ["of red"], "blue": ["of blue"]}
    assert handled == {"red": ["in red"], "blue": ["in blue"]}


def test_each_room_has_its_own_connections_and_host(network: SimulatedNetwork) -> None:
    house = House(network, "red", "blue")
    clients = [connected(network, ip="10.0.0.1", room=name) for name in ("red", "red", "blue")]
    red, blue = (house.server.rooms[name].server for name in ("red", "blue"))
    assert (len(red.connections), len(blue.connections)) == (2, 1)
    assert red.host_client in red.connections
    assert blue.host_client in blue.connections
    assert red.port == blue.port == house.server.port == 8080
    with pytest.raises(KeyError):
        red.dispatch_event("NEWS", target_client=next(iter(blue.connections)))
    clients[2].disconnect(shutdown_server=True)
    network.run(3.0)
    assert list(house.server.rooms) == ["red"]
    assert len(red.connections) == 2


def test_who_names_no_room_enters_the_one_without_a_name(network: SimulatedNetwork) -> None:
    house = House(network, "red", "")
    assert house.room_of(house.enter()) == ""


def test_without_such_a_room_it_is_the_oldest(house: House) -> None:
    assert house.room_of(house.enter()) == "red"
    house.server.close("red")
    assert house.room_of(house.enter()) == "blue"


def test_unknown_room_is_refused_and_said_so(house: House) -> None:
    client = house.enter("green")
    assert house.told[client] == [("CONNECTION_FAILED", DisconnectReason.NO_SUCH_ROOM)]
    assert not any(room.server.connections for room in house.server.rooms.values())


def test_name_of_a_room_that_is_too_long_raises_at_the_call(house: House) -> None:
    with pytest.raises(ValueError, match="33"):
        house.network.client().open(8080, room="x" * 33)
    with pytest.raises(ValueError, match="33"):
        house.server.open("x" * 33, game("x"))


def test_what_is_no_room_raises_at_the_call(house: House) -> None:
    for name, backend in ((game("x"), "x"), (5, game("x")), ("x", None)):
        with pytest.raises(TypeError, match="its name and its Backend"):
            house.server.open(name, backend)  # type: ignore[arg-type]


@pytest.mark.parametrize("max_clients", [0, -1, "5", True])
def test_number_of_clients_that_is_none_raises_at_the_call(house: House, max_clients: Any) -> None:
    with pytest.raises(ValueError, match=f"max_clients .*{max_clients!r}"):
        house.server.open("green", game("green"), max_clients=max_clients)
    assert list(house.server.rooms) == ["red", "blue"]


def test_rooms_open_while_others_play(house: House) -> None:
    red = house.enter("red")
    house.server.open("green", game("green"), interval=0.1)
    green = house.enter("green")
    assert house.room_of(green) == "green"
    assert seen(red)["count"] > 0
    before = seen(green)["count"]
    house.network.run(2.0)
    assert seen(green)["count"] - before == pytest.approx(20, abs=2)


def test_closed_room_sends_its_clients_away_and_others_play_on(house: House) -> None:
    red, blue = house.enter("red"), house.enter("blue")
    machine = house.server.rooms["red"].game_state_machine
    server = house.server.rooms["red"].server
    house.server.close("red")
    house.network.run(1.0)
    assert house.told[red] == ["CONNECTED", ("DISCONNECTED", DisconnectReason.SERVER_SHUTDOWN)]
    assert house.told[blue] == ["CONNECTED"]
    assert list(house.server.rooms) == ["blue"]
    assert not machine._is_running
    assert server.port is None
    before = seen(blue)["count"]
    house.network.run(1.0)
    assert seen(blue)["count"] > before
    assert house.told[house.enter("red")] == [("CONNECTION_FAILED", DisconnectReason.NO_SUCH_ROOM)]


@pytest.mark.parametrize("is_cut_off", [False, True])
def test_rooms_that_open_and_close_leave_nothing_behind(house: House, *, is_cut_off: bool) -> None:
    async def wait() -> None:
        await asyncio.sleep(0.2)

    def play(name: str) -> weakref.ref[Backend]:
        backend = game(name)
        backend.server.register_event_handler("WAIT", wait)
        server.open(name, backend, max_clients=4)
        client = house.enter(name)
        client.dispatch_event("WAIT", retries=RELIABLE)
        house.network.run(0.1)
        if is_cut_off:
            house.network.cut_off(client, 60.0)
            house.network.run(7.0)
            assert len(backend.server.connections) == 1, "its place is held"
        server.close(name)
        return weakref.ref(backend)

    server = house.server
    player = house.enter("red")
    closed = [play(f"match {number}") for number in range(3)]
    house.network.run(2.0)
    session = server._session
    assert session is not None
    assert len(session._names) == len(session.rooms) == len(server._user_code._parts) == 2
    assert not session._limits
    assert len(session.link.peers) == 1
    gc.collect()
    assert [backend() for backend in closed] == [None] * 3
    assert house.told[player] == ["CONNECTED"]


def test_shutdown_of_a_rooms_own_backend_closes_that_room(house: House) -> None:
    red, blue = house.enter("red"), house.enter("blue")
    house.server.rooms["red"].shutdown()
    house.network.run(1.0)
    assert house.told[red][-1] == ("DISCONNECTED", DisconnectReason.SERVER_SHUTDOWN)
    assert house.told[blue] == ["CONNECTED"]
    assert list(house.server.rooms) == ["blue"]


def test_closed_room_may_be_opened_again(house: House) -> None:
    red = house.server.rooms["red"]
    house.enter("red")
    house.server.close("red")
    house.server.open("red", red)
    assert house.room_of(house.enter("red")) == "red"
    assert len(red.server.connections) == 1


def test_shutdown_ends_all_rooms_and_run_opens_them_again(house: House) -> None:
    clients = [house.enter(name) for name in ("red", "blue")]
    house.server.shutdown()
    house.network.run(1.0)
    for client in clients:
        assert house.told[client][-1] == ("DISCONNECTED", DisconnectReason.SERVER_SHUTDOWN)
    assert house.server.port is None
    assert list(house.server.rooms) == ["red", "blue"]
    house.network.serve(house.server)
    assert house.room_of(house.enter("blue")) == "blue"


def test_handler_may_open_and_close_rooms(network: SimulatedNetwork) -> None:
    server = RoomServer()

    def match(name: str) -> None:
        server.open(name, game(name))

    def end(name: str) -> None:
        server.close(name)

    server.open("lobby", game("lobby", {"MATCH": match, "END": end}))
    network.serve(server)
    client = connected(network, room="lobby")
    client.dispatch_event("MATCH", "one", retries=RELIABLE)
    network.run_until(lambda: "one" in server.rooms)
    other = connected(network, room="one")
    assert seen(other)["name"] == "one"
    client.dispatch_event("END", "one", retries=RELIABLE)
    network.run_until(lambda: other.connection is not None and other.connection.status == 0)
    assert seen(client)["name"] == "lobby"


def test_room_is_not_opened_twice_nor_a_backend_in_two_rooms(house: House) -> None:
    with pytest.raises(AlreadyRunning):
        house.server.open("red", game("red"))
    with pytest.raises(AlreadyRunning):
        house.server.open("green", house.server.rooms["red"])
    with pytest.raises(KeyError, match=r"no room 'green'; open are \['red', 'blue'\]"):
        house.server.close("green")


@pytest.mark.parametrize("seed", range(3))
def test_cut_off_client_returns_to_its_room_and_seat(seed: int) -> None:
    network = SimulatedNetwork(seed, ROUGH)
    house = House(network, "red", "blue")
    clients = [house.enter(name) for name in ("red", "blue", "blue")]
    away = clients[2]
    assert away.connection is not None
    client_id = away.connection.client_id
    network.cut_off(away, 15.0)
    house.server.rooms["blue"].server.dispatch_event("NEWS", retries=RELIABLE)
    network.run(30.0)
    assert house.told[away] == ["CONNECTED", ("DISCONNECTED", DisconnectReason.TIMED_OUT), "RECONNECTED"]
    assert away.connection.client_id == client_id
    assert house.room_of(away) == "blue"
    assert len(seen(away)["players"]) == 2
    assert len(house.server.rooms["blue"].server.connections) == 2
    network.close()


def test_client_that_named_no_room_returns_to_the_one_it_was_in(network: SimulatedNetwork) -> None:
    house = House(network, "red")
    client = house.enter()
    network.cut_off(client, 15.0)
    house.server.open("", game("nameless"))
    network.run(30.0)
    assert house.told[client][-1] == "RECONNECTED"
    assert house.room_of(client) == "red"


def test_client_does_not_come_back_to_a_room_that_has_closed(house: House) -> None:
    client = house.enter("red")
    house.network.cut_off(client, 15.0)
    house.network.run(8.0)
    house.server.close("red")
    house.network.run(30.0)
    assert house.told[client][-1] == ("CONNECTION_FAILED", DisconnectReason.NO_SUCH_ROOM)


def test_room_takes_no_more_clients_than_it_may(network: SimulatedNetwork) -> None:
    house = House(network, "wide")
    house.server.open("narrow", game("narrow"), max_clients=1)
    first, second = house.enter("narrow"), house.enter("narrow")
    assert house.told[first] == ["CONNECTED"]
    assert house.told[second] == [("CONNECTION_FAILED", DisconnectReason.DENIED)]
    assert house.told[house.enter("wide")] == ["CONNECTED"]
    first.disconnect()
    network.run(1.0)
    assert house.told[house.enter("narrow")] == ["CONNECTED"]


def test_last_place_in_a_room_is_given_once_to_clients_who_come_at_the_same_time(network: SimulatedNetwork) -> None:
    house = House(network)
    house.server.open("narrow", game("narrow"), max_clients=1)
    told: dict[Client, list[Any]] = {}
    for _ in range(3):
        client = network.client()
        told[client] = []
        for name in ("DISCONNECTED", "CONNECTION_FAILED"):
            client.register_event_handler(name, lambda reason, told=told[client]: told.append(reason))
        client.open(8080, room="narrow")
    network.run(3.0)
    assert sorted(told.values(), key=len) == [[], [DisconnectReason.DENIED], [DisconnectReason.DENIED]]
    assert len(house.server.rooms["narrow"].server.connections) == 1


def test_whole_server_takes_no_more_clients_than_it_may(network: SimulatedNetwork) -> None:
    house = House(network, "red", "blue", max_clients=2)
    for name in ("red", "blue"):
        assert house.told[house.enter(name)] == ["CONNECTED"]
    assert house.told[house.enter("red")] == [("CONNECTION_FAILED", DisconnectReason.DENIED)]


def test_token_leads_to_its_room(network: SimulatedNetwork) -> None:
    keys = ServerKeys.generate(network.entropy)
    house = House(network, "red", "blue", keys=keys)

    def token(client_id: int, room: str) -> Any:
        epoch = network.host_of(house.server).unix_epoch() + network.now
        addresses = [("10.0.0.1", 8080)]
        return mint(keys.token_key, client_id=client_id, addresses=addresses, room=room, now=epoch)

    network.run(1.0)
    assert house.room_of(house.enter(token=token(7, "blue"))) == "blue"
    assert list(seen(house.enter("red"))["players"]) != [7]
    lost = house.enter(token=token(8, "green"))
    house.network.run(1.0)
    assert house.told[lost][-1] == ("DISCONNECTED", DisconnectReason.NO_SUCH_ROOM)


def test_32_rooms_of_16_play(network: SimulatedNetwork) -> None:
    house = House(network)
    for number in range(32):
        game = idle_backend({"MOVE": lambda x: {"moves": {str(x): True}}}, moves={})
        house.server.open(f"room {number}", game, interval=0.05)
    clients: list[Client] = []
    for number in range(512):
        clients.append(network.connect(room=f"room {number % 32}"))
        network.run(0.02)
    network.run(1.0)
    for number, client in enumerate(clients):
        client.dispatch_event("MOVE", number, retries=RELIABLE)
    network.run(1.0)
    network.assert_converged()
    for number, backend in enumerate(house.server.rooms.values()):
        moves = backend.game_state_store.get_game_state().moves
        assert sorted(map(int, moves)) == list(range(number, 512, 32))
        assert len(backend.server.connections) == 16


def own_hand(game_state: GameState, client_id: int) -> dict[str, Any]:
    """Everybody sees their own cards, and where the pieces lie."""
    return {"hands": {client_id: game_state.hands.get(client_id)}, "pieces": game_state.pieces}


def cards(name: str, **how: Any) -> Backend:
    """A card game that deals for as long as it goes on. Each card says of which room and whose it is."""

    def deal(game_state: GameState, dt: float) -> dict[str, Any]:
        count = game_state.count + 1
        hands = {key: {f"card-{count % 3}": f"{name}-of-{key}-", "mood": count} for key in game_state.hands}
        return {"count": count, "hands": hands, "pieces": {0: {"x": count / 7}}, "secret": f"trump-{count % 3}"}

    return Backend(
        GameState(hands={}, pieces={0: {"x": 0.0}}, count=0, secret=""),
        deal,
        {"CLIENT_CONNECTED": lambda client_id: {"hands": {client_id: {}}}},
        precision={"pieces.*.x": 0.5},
        **how,
    )


@pytest.mark.parametrize("is_late", [False, True], ids=["opened before", "opened while it runs"])
def test_views_and_precision_hold_in_a_room(network: SimulatedNetwork, *, is_late: bool) -> None:
    games = {"red": cards("red", view=own_hand), "blue": cards("blue", view=own_hand), "open": cards("open")}
    server = RoomServer()
    server.open("lobby", game("lobby"))
    if is_late:
        network.serve(server)
        network.run(1.0)
    for name, backend in games.items():
        server.open(name, backend)
    if not is_late:
        network.serve(server)
    clients = {network.connect(room=name): name for name in ("red", "red", "blue", "blue", "open")}
    network.run(0.0)
    heard = {client: listen(client) for client in clients}
    network.run(3.0)
    assert len({client_id(client) for client in clients}) == 5
    for client, room in clients.items():
        said = b"".join(heard[client])
        own = f"{room}-of-{client_id(client)}-".encode()
        others = [f"{clients[other]}-of-{client_id(other)}-".encode() for other in clients if other is not client]
        assert len(heard[client]) > 50
        assert own in said, "the tap hears what the client may see"
        assert not any(other in said for other in others)
        assert (b"trump" in said) == (room == "open")
        assert seen(client)["pieces"][0]["x"] % 0.5 == 0.0, "rounded to the step"


def test_coroutine_handlers_of_rooms_run_side_by_side(house: House) -> None:
    done: list[str] = []
    for name, seconds in (("red", 0.4), ("blue", 0.1)):
        server = house.server.rooms[name].server

        async def wait(name: str = name, seconds: float = seconds) -> None:
            await asyncio.sleep(seconds)
            done.append(name)
            raise RuntimeError(f"of {name}")

        server.register_event_handler("WAIT", wait)
    clients = [house.enter(name) for name in ("red", "blue")]
    for client in clients:
        client.dispatch_event("WAIT", retries=RELIABLE)
    house.network.run(1.0)
    assert done == ["blue", "red"]
    assert [house.server.rooms[name].server.errors for name in ("red", "blue")] == [1, 1]
