"""Each client sees its own view of the state, and nothing else reaches it."""

import random
import threading
from typing import Any

import pytest

from pygase import RELIABLE, TO_DELETE, Backend, Client, GameState, GameStateStore, GameStateUpdate, Server
from pygase.drivers.viewing import _AT_ONCE
from pygase.session.rota import Rota
from pygase.state import Replacement
from pygase.state.codec import Encoder
from pygase.testing import Conditions, SimulatedNetwork
from pygase.views import near
from tests.conftest import interpreted_only

from .conftest import client_id, connected, idle_backend, listen, seen


def view_of(server: Server, client: Client) -> dict[str, Any]:
    """What a client should see now."""
    assert server._view is not None
    return dict(server._view(server.game_state_store.get_game_state(), client_id(client)))


def assert_sees_its_view(server: Server, client: Client) -> None:
    state = seen(client)
    del state["time_order"]
    assert state == {"game_status": state["game_status"], **view_of(server, client)}


def address_of(client: Client) -> Any:
    assert client._run is not None
    assert client._run.endpoint is not None
    return client._run.endpoint.sock.getsockname()


def hands(game_state: GameState, client_id: int) -> dict[str, Any]:
    """A card game: everybody knows how many cards the others hold, and sees their own."""
    shown = {
        key: row if key == client_id else {"count": len(row["cards"]), "cards": None}
        for key, row in game_state.hands.items()
    }
    return {"hands": shown, "table": game_state.table}


class SlowRota(Rota):
    """For a server whose ticks take so long, whatever the clock says, that each client is shown one in four."""

    def __init__(self) -> None:
        super().__init__()
        self._rest, self._each = 0.045, 0.001

    def note_shown(self, began: float, ended: float, count: int) -> None:
        self._began_at = None


def overload(server: Server) -> None:
    assert server._delivery.viewing is not None
    server._delivery.viewing._rota = SlowRota()


@pytest.mark.parametrize("is_overloaded", [False, True])
def test_what_a_client_may_not_see_is_not_in_its_decrypted_traffic(
    network: SimulatedNetwork, *, is_overloaded: bool
) -> None:
    def deal(client_id: int, game_state: GameState) -> dict[str, Any]:
        return {"hands": {client_id: {"cards": [], "count": 0}}}

    def draw(card: str, client_address: Any) -> dict[str, Any]:
        who = ids[client_address]
        cards = backend.game_state_store.get_game_state().hands[who]["cards"]
        return {"hands": {who: {"cards": [*cards, card], "mood": card}}, "secret": card, "table": {card[-1]: card[-1]}}

    backend = Backend(
        GameState(hands={}, table={}, secret=""),
        lambda game_state, dt: None,
        {"CLIENT_CONNECTED": deal, "DRAW": draw},
        view=hands,
    )
    ids: dict[Any, int] = {}
    backend.server.register_event_handler(
        "CLIENT_CONNECTED", lambda client_address, client_id: ids.update({client_address: client_id})
    )
    network.serve(backend)
    if is_overloaded:
        overload(backend.server)
    ada, bob = network.connect(), network.connect()
    network.run(0.0)
    heard = {ada: listen(ada), bob: listen(bob)}
    network.run(0.5)
    for number in range(12):  # the same words again and again, so that they would get into a table of known names
        ada.dispatch_event("DRAW", f"ace-of-hearts-{number % 3}", retries=RELIABLE)
        bob.dispatch_event("DRAW", f"ten-of-spades-{number % 3}", retries=RELIABLE)
        network.run(0.1)
    assert len(seen(ada)["hands"][client_id(ada)]["cards"]) == 12
    assert seen(ada)["hands"][client_id(bob)] == {"count": 12, "cards": None}
    for client, own, others in ((ada, b"ace-of-hearts", b"ten-of-spades"), (bob, b"ten-of-spades", b"ace-of-hearts")):
        said = b"".join(heard[client])
        assert len(heard[client]) > 10
        assert own in said, "the tap hears what the client may see"
        assert others not in said
        assert b"secret" not in said
        assert_sees_its_view(backend.server, client)


@pytest.mark.parametrize("precision", [None, {"players.*.position": 0.5}], ids=["exact", "rounded"])
@pytest.mark.parametrize("how", [{"radius": 50.0}, {"limit": 3}], ids=["radius", "limit"])
def test_names_and_rows_of_who_is_far_away_are_not_in_a_clients_decrypted_traffic(
    network: SimulatedNetwork, how: dict[str, Any], precision: dict[str, float] | None
) -> None:
    """Two crowds, a thousand apart, who do and are called different things; two clients look at each of them."""

    def row(kind: str, what: str, middle: float) -> dict[str, Any]:
        at = [middle + dice.uniform(-9, 9), dice.uniform(-9, 9)]
        return {"position": at, "mood": f"{kind}-{dice.randrange(2)}", what: dice.random()}

    def time_step(game_state: GameState, dt: float) -> dict[str, Any]:
        changes: dict[Any, Any] = {}
        for kind, what, middle in crowds:
            name = f"{kind}-{dice.randrange(9)}"
            may_go = sum(key.startswith(kind) for key in game_state.players) > 4
            leaves = may_go and name in game_state.players and dice.random() < 0.4
            changes[name] = TO_DELETE if leaves else row(kind, what, middle)
        return {"players": changes}

    dice, crowds = random.Random(3), (("apple", "cherries", 0.0), ("walnut", "almonds", 1_000.0))
    players = {f"{crowd[0]}-{n}": row(*crowd) for crowd in crowds for n in range(5)}
    backend = Backend(
        GameState(players=players, eyes={}),
        time_step,
        {
            "CLIENT_CONNECTED": lambda client_id, game_state: {
                "eyes": {client_id: [1_000.0 * (len(game_state.eyes) % 2), 0.0]}
            }
        },
        view=near("players.*.position", of="eyes.{client_id}", **how),
        precision=precision,
    )
    network.serve(backend)
    ears = []
    for _ in range(4):
        client = network.connect()
        network.run(0.0)
        ears.append(listen(client))
        network.run(0.5)
    network.run(10.0)
    for number, heard in enumerate(ears):
        said = b"".join(heard)
        mine, others = ((b"apple", b"cherries"), (b"walnut", b"almonds"))[:: -1 if number % 2 else 1]
        assert all(word in said for word in mine)
        assert not any(word in said for word in others)


def test_names_that_others_learned_while_a_client_was_cut_off_are_not_told_to_it(network: SimulatedNetwork) -> None:
    """Until then all see the same, and share what is encoded."""

    def view(game_state: GameState, client_id: int) -> dict[str, Any]:
        return {"open": game_state.open, **({"vault": game_state.vault} if knows and client_id != ignorant else {})}

    def time_step(game_state: GameState, dt: float) -> dict[str, Any]:
        n = game_state.n + 1
        return {"n": n, "open": {f"chest-{n % 3}": {"gold": n}}, "vault": {f"crown-{n % 3}": {"jewels": n}}}

    knows, ignorant = False, None
    network.serve(Backend(GameState(n=0, open={}, vault={}), time_step, view=view))
    clients = [connected(network) for _ in range(3)]
    ears = [listen(client) for client in clients]
    network.run(1.0)
    ignorant = client_id(clients[0])
    network.cut_off(clients[0], 9.0)
    network.run(8.0)
    knows = True
    network.run(6.0)
    assert [set(seen(client)) & {"vault"} for client in clients] == [set(), {"vault"}, {"vault"}]
    before = len(ears[0])
    network.run(2.0)
    assert len(ears[0]) > before + 50, "it plays again"
    said = [b"".join(heard) for heard in ears]
    assert b"chest" in said[0]
    assert not any(word in said[0] for word in (b"vault", b"crown", b"jewels"))
    assert all(b"crown" in others for others in said[1:])


def walking(precision: dict[str, float] | None = None, **how: Any) -> Backend:
    """Everybody walks about, comes and goes, and sees who is near."""
    dice = random.Random(5)
    step_count = [0]

    def time_step(game_state: GameState, dt: float) -> dict[str, Any]:
        step_count[0] += 1
        changes: dict[Any, Any] = {
            key: {"position": [at + dice.uniform(-6, 6) for at in row["position"]]}
            for key, row in game_state.players.items()
            if dice.random() < 0.8
        }
        ghost = f"ghost{dice.randrange(30)}"
        if ghost in game_state.players and dice.random() < 0.5:
            changes[ghost] = TO_DELETE
        else:
            mood = {dice.choice("abc"): dice.randrange(3), "deep": {dice.choice("xy"): dice.randrange(2)}}
            changes[ghost] = {"position": [dice.uniform(0, 100), dice.uniform(0, 100)], "mood": mood}
        if step_count[0] % 7 == 0 and ghost in game_state.players:
            changes[ghost] = {"mood": TO_DELETE}
        return {"players": changes, "tick": step_count[0] // 10}

    def join(client_id: int) -> dict[str, Any]:
        return {"players": {client_id: {"position": [50.0, 50.0]}}}

    return Backend(
        GameState(players={}, tick=0),
        time_step,
        {"CLIENT_CONNECTED": join},
        view=near("players.*.position", **how),
        precision=precision,
    )


@pytest.mark.parametrize("how", [{"radius": 25.0}, {"limit": 4}, {"radius": 40.0, "limit": 6}], ids=repr)
@pytest.mark.parametrize(("seed", "is_overloaded"), [(3, False), (11, False), (5, True)])
def test_clients_converge_to_their_views_on_a_rough_line(
    make_network: Any, seed: int, how: dict[str, Any], *, is_overloaded: bool
) -> None:
    from .conftest import ROUGH

    rough = make_network(seed, ROUGH)
    backend = walking(**how)
    rough.serve(backend)
    if is_overloaded:
        overload(backend.server)
    clients = [rough.connect() for _ in range(4)]
    states: dict[int, GameState] = {}
    view = backend.server._view
    assert view is not None

    def note() -> None:
        state = backend.game_state_store.get_game_state()
        states[state.time_order] = state

    backend.game_state_store.subscribe(note)
    checked = 0
    for _ in range(200):
        rough.run(0.05)
        for client in clients:
            state = seen(client)
            if "players" in state:
                want = view(states[state.pop("time_order")], client_id(client))
                assert state == want, "at every moment, not only in the end"
                checked += 1
    assert checked > 500
    backend.game_state_machine.stop()
    late = connected(rough)
    rough.run(5.0)
    rough.assert_converged()
    for client in (*clients, late):
        assert_sees_its_view(backend.server, client)


def test_overloaded_server_shows_clients_its_ticks_in_turn_and_the_last_one_to_all(network: SimulatedNetwork) -> None:
    def ring(client_address: Any) -> None:
        backend.server.dispatch_event("RUNG", network.now, target_client=client_address)

    backend = Backend(
        GameState(n=0),
        lambda game_state, dt: {"n": game_state.n + 1},
        {"RING": ring},
        view=lambda game_state, client_id: {"n": game_state.n, "who": client_id},
    )
    network.serve(backend, interval=0.05)
    clients = [connected(network) for _ in range(8)]
    rung: list[float] = []
    shown = {client: {seen(client)["n"]} for client in clients}
    for client in clients:
        client.register_event_handler("RUNG", lambda when: rung.append(network.now - when))
    overload(backend.server)
    for number in range(100):
        if not number % 20:
            clients[number % 8].dispatch_event("RING")
        network.run(0.05)
        for client in clients:
            shown[client].add(seen(client)["n"])
    assert {len(ticks) for client, ticks in shown.items()} <= {25, 26, 27}, "each sees one in four of a hundred"
    assert len({n for ticks in shown.values() for n in ticks}) >= 100, "not all the same ones"
    assert len(rung) == 5
    assert max(rung) < 0.3
    late = connected(network)
    assert seen(late)["who"] == client_id(late)
    backend.game_state_machine.stop()
    network.run(0.2)
    last = backend.game_state_store.get_game_state().n
    assert {seen(client)["n"] for client in (*clients, late)} == {last}
    network.assert_converged()


def test_new_client_is_shown_the_next_tick_of_a_running_game(network: SimulatedNetwork) -> None:
    def view(game_state: GameState, client_id: int) -> dict[str, Any]:
        shown.append(network.now)
        return {"n": game_state.n}

    def time_step(game_state: GameState, dt: float) -> dict[str, Any]:
        ticks.append(network.now)
        return {"n": game_state.n + 1}

    shown: list[float] = []
    ticks: list[float] = []
    network.serve(Backend(GameState(n=0), time_step, view=view), interval=0.05)
    for _ in range(3):
        assert seen(connected(network))["n"] > 0
    assert len(shown) > 3
    assert set(shown) <= set(ticks), "the network's thread is not kept from its work"


def test_new_client_has_its_view_though_no_game_loop_runs(network: SimulatedNetwork) -> None:
    network.serve(Server(GameStateStore(GameState(a=1, b=2)), view=lambda game_state, client_id: {"a": game_state.a}))
    state = seen(connected(network))
    assert state["a"] == 1
    assert "b" not in state


@interpreted_only
def test_clients_with_the_same_view_share_one_encoding(
    network: SimulatedNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    def view(game_state: GameState, client_id: int) -> dict[str, Any]:
        team = "red" if order.index(client_id) % 2 else "blue"
        return {"units": {key: row for key, row in game_state.units.items() if row["team"] == team}, "team": [team]}

    order: list[int] = []
    store = GameStateStore(GameState(units={n: {"team": ("blue", "red")[n % 2], "x": 0.0} for n in range(20)}))
    server = Server(store, view=lambda game_state, client_id: {})
    network.serve(server)
    clients = [connected(network) for _ in range(8)]  # one after the other, each to a game that goes on
    order += [client_id(client) for client in clients]
    assert server._delivery.viewing is not None
    server._delivery.viewing._function = view
    store.push_update(GameStateUpdate(1, units={0: {"x": 1.0}}))
    network.run(1.0)
    calls: list[bool] = []
    encode = Encoder.encode

    def counted(self: Encoder, update: dict[str, Any], baseline: int | None) -> bytes:
        if "units" in update:  # other servers of this process may encode meanwhile
            calls.append(type(update) is Replacement)
        return encode(self, update, baseline)

    monkeypatch.setattr(Encoder, "encode", counted)
    store.push_update(GameStateUpdate(2, units={n: {"x": 5.5} for n in range(20)}))
    network.run(0.02)
    assert calls == [False, False], "one per team"
    network.run(1.0)
    assert {tuple(seen(client)["team"]) for client in clients} == {("red",), ("blue",)}
    assert all(row["x"] == 5.5 for client in clients for row in seen(client)["units"].values())


def test_who_has_waited_longest_for_what_it_did_is_sent_the_tick_first(make_network: Any) -> None:
    network = make_network(conditions="perfect")

    def move(who: int, x: float) -> dict[str, Any]:
        return {"players": {who: {"position": [x, 0.0]}}}

    backend = Backend(
        GameState(players={}), lambda game_state, dt: {}, {"MOVE": move}, view=lambda state, _: vars(state)
    )
    network.serve(backend, interval=0.1)
    clients = [connected(network) for _ in range(8)]
    targets: list[Any] = []

    def tap(data: bytes, source: Any, target: Any) -> bool:
        if source[1] == 8080:
            targets.append(target)
        return True

    dice = random.Random(1)
    for number in range(10):
        network.run(0.1 - network.now % 0.1 + 0.01)  # the tick that came last has been heard of
        order = dice.sample(range(len(clients)), len(clients))
        for who in order:
            clients[who].dispatch_event("MOVE", who, number / 7)
            network.run(0.005)
        network.tap, targets[:] = tap, []
        network.run(0.1 - network.now % 0.1 + 0.01)
        network.tap = None
        ticked = list(dict.fromkeys(reversed(targets)))[::-1]  # there may be acknowledgements before
        assert ticked == [address_of(clients[who]) for who in order]


def test_who_was_heard_is_not_sent_a_tick_before_its_turn(network: SimulatedNetwork) -> None:
    server = Server(GameStateStore(GameState(n=0)), view=lambda game_state, _: {"n": game_state.n})
    network.serve(server)
    connected(network)
    session = server._session
    assert session is not None
    (seat,) = session.seats.values()
    session._heard[seat] = None
    assert seat.track is not None
    version = seat.track.version + 1
    assert session.show(version, [(seat, None)], network.now + 1.0) == [seat]
    assert seat.track.version == version
    assert not session.datagrams_to_send(network.now + 1.0)


@interpreted_only
def test_a_tick_is_on_its_way_to_some_clients_before_it_is_encoded_for_all(
    network: SimulatedNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(
        GameStateStore(GameState(n=0)), view=lambda game_state, client_id: {"n": game_state.n, "own": [client_id]}
    )
    network.serve(server)
    clients = [connected(network) for _ in range(2 * _AT_ONCE + 1)]
    happened: list[str] = []
    encode, this_thread = Encoder.encode, threading.get_ident()

    def noted(self: Encoder, update: dict[str, Any], baseline: int | None) -> bytes:
        if threading.get_ident() == this_thread:  # a server that another test has left behind may encode as well
            happened.append("encoded")
        return encode(self, update, baseline)

    def tap(data: bytes, source: Any, target: Any) -> bool:
        happened.append("sent")
        return True

    network.run(1.0)
    monkeypatch.setattr(Encoder, "encode", noted)
    network.tap = tap
    server.game_state_store.push_update(GameStateUpdate(1, n=1))
    network.tap = None
    few = ["encoded"] * _AT_ONCE + ["sent"] * _AT_ONCE
    assert happened == [*few, *few, "encoded", "sent"]
    network.run(0.1)
    assert all(seen(client)["n"] == 1 for client in clients)


def test_nothing_is_sent_to_a_client_whose_view_stays_as_it_is(network: SimulatedNetwork) -> None:
    backend = Backend(
        GameState(n=0, fixed={"x": 1.0}),
        lambda game_state, dt: {"n": game_state.n + 1},
        view=lambda game_state, client_id: {"fixed": {"x": game_state.fixed["x"]}},
    )
    network.serve(backend)
    client = connected(network)
    heard = listen(client)
    network.run(4.0)
    # Twice a second the number, and its acks; 50 ticks a second went by.
    assert len(heard) < 30


@pytest.mark.parametrize("has_view", [False, True])
def test_every_tick_ends_with_the_timers_that_are_due(
    network: SimulatedNetwork, monkeypatch: pytest.MonkeyPatch, *, has_view: bool
) -> None:
    """Whoever drives a busy server leaves them to its ticks, those that show nobody anything included."""
    view = (lambda game_state, client_id: {"fixed": 0}) if has_view else None
    backend = Backend(GameState(n=0), lambda game_state, dt: {"n": game_state.n + 1}, view=view)
    network.serve(backend, interval=0.05)
    run = backend.server._run
    assert run is not None
    flush, ends = run.flush, []

    def noted(*, ends_tick: bool = False) -> None:
        ends.append(ends_tick)
        flush(ends_tick=ends_tick)

    monkeypatch.setattr(run, "flush", noted)
    network.run(1.0)
    assert 19 <= sum(ends) <= 21


def test_what_is_on_its_way_is_not_sent_again_with_an_answer(network: SimulatedNetwork) -> None:
    dice = random.Random(4)
    backend = Backend(
        GameState(rows={}),
        lambda game_state, dt: {"rows": {number: {"x": dice.random()} for number in range(50)}},
        view=lambda game_state, client_id: {"rows": game_state.rows, "own": client_id},
    )
    backend.server.register_event_handler(
        "RING", lambda client_address: backend.server.dispatch_event("RUNG", target_client=client_address)
    )
    network.serve(backend, interval=0.2)
    client = connected(network, conditions=Conditions(latency=0.03))
    rung: list[float] = []
    client.register_event_handler("RUNG", lambda: rung.append(network.now))
    sizes: list[int] = []

    def tap(data: bytes, source: Any, target: Any) -> bool:
        if source[1] == 8080:
            sizes.append(len(data))
        return True

    network.run(3.0 + 0.2 - network.now % 0.2 - 0.02)  # heard 10 ms after a tick, before that can be acknowledged
    client.dispatch_event("RING")
    network.tap = tap
    network.run(0.1)
    assert len(rung) == 1
    tick, answer = sizes
    assert tick > 5 * answer


def test_event_comes_to_a_client_whose_view_does_not_change(network: SimulatedNetwork) -> None:
    def ring(game_state: GameState) -> dict[str, Any]:
        backend.server.dispatch_event("RUNG", network.now)
        return {"n": game_state.n + 1}

    backend = Backend(
        GameState(n=0), lambda game_state, dt: None, {"RING": ring}, view=lambda game_state, client_id: {"a": 1}
    )
    network.serve(backend)
    client = connected(network)
    rung: list[float] = []
    client.register_event_handler("RUNG", lambda when: rung.append(network.now - when))
    for _ in range(5):
        client.dispatch_event("RING")
        network.run(0.3)
    assert len(rung) == 5
    assert max(rung) < 0.1, "without waiting for the half-second number"


def test_exception_in_the_view_leaves_clients_with_what_they_saw(
    network: SimulatedNetwork, caplog: pytest.LogCaptureFixture
) -> None:
    def view(game_state: GameState, client_id: int) -> dict[str, Any]:
        if game_state.n == 2:
            raise RuntimeError("fog")
        if game_state.n == 3:
            return {"n": object()}
        if game_state.n == 4:
            return [game_state]  # type: ignore[return-value]
        return {"n": game_state.n}

    store = GameStateStore(GameState(n=1, secret="gold"))
    server = Server(store, view=view)
    network.serve(server)
    client = connected(network)
    for n in (2, 3, 4):
        store.push_update(GameStateUpdate(n, n=n))
        network.run(0.2)
        assert seen(client)["n"] == 1
        blind = connected(network)
        state = seen(blind)
        del state["time_order"]
        assert state == {"game_status": 0}
    got: list[str] = []
    client.register_event_handler("HELLO", got.append)
    server.dispatch_event("HELLO", "you")
    network.run(0.3)
    assert got == ["you"], "an event waits for no view that fails"
    store.push_update(GameStateUpdate(5, n=5))
    network.run(0.3)
    assert seen(client)["n"] == 5
    assert "secret" not in seen(client)
    assert any("the view function" in record.message and "fog" in caplog.text for record in caplog.records)


def test_client_that_was_cut_off_comes_back_to_its_view(network: SimulatedNetwork) -> None:
    backend = walking(radius=30.0)
    network.serve(backend)
    client, other = connected(network), connected(network)
    for seconds in (2.0, 15.0):
        network.cut_off(client, seconds)
        network.run(seconds + 10.0)
    assert client.connection is not None
    assert client.connection.status == 1
    backend.game_state_machine.stop()
    network.run(2.0)
    for one in (client, other):
        assert_sees_its_view(backend.server, one)


@pytest.mark.parametrize(
    ("path", "missing"),
    [
        ("player.*.position", "there is no dict 'player' in the game state, all of which everybody sees"),
        ("players.*.postion", "nowhere at 'players.*.postion' is there an [x, y]"),
        ("players.*.position", None),
        ("ghosts.*.position", None),
        ("later.*.position", None),
    ],
)
def test_path_of_near_that_finds_nothing_is_said_once(
    network: SimulatedNetwork, caplog: pytest.LogCaptureFixture, path: str, missing: str | None
) -> None:
    def time_step(game_state: GameState, dt: float) -> dict[str, Any]:
        return {"n": game_state.n + 1, **({"later": {}} if network.now > 0.5 else {})}

    backend = Backend(
        GameState(n=0, players={1: {"position": [0.0, 0.0]}}, ghosts={}), time_step, view=near(path, radius=5.0)
    )
    network.serve(backend)
    connected(network)
    network.run(5.0)
    said = [record.getMessage() for record in caplog.records if "near" in record.getMessage()]
    assert len(said) == (missing is not None)
    assert missing is None or missing in said[0]


def test_view_may_be_the_whole_state_or_a_game_state(network: SimulatedNetwork) -> None:
    def view(game_state: GameState, client_id: int) -> GameState:
        return game_state if game_state.n % 2 else GameState(n=game_state.n, own=[client_id])

    store = GameStateStore(GameState(n=1))
    network.serve(Server(store, view=view))
    client = connected(network)
    for n in range(2, 6):
        store.push_update(GameStateUpdate(n, n=n))
        network.run(0.2)
        assert ("own" in seen(client)) == (n % 2 == 0)
        assert seen(client)["n"] == n


def test_what_a_view_returned_may_be_changed_by_the_game_afterwards(network: SimulatedNetwork) -> None:
    mine: dict[str, Any] = {"list": [1], "dict": {"a": 1}}
    store = GameStateStore(GameState(n=1))
    network.serve(Server(store, view=lambda game_state, client_id: mine))
    client = connected(network)
    mine["list"].append(2)
    mine["dict"]["a"] = 2
    store.push_update(GameStateUpdate(1, n=2))
    network.run(0.3)
    assert seen(client)["list"] == [1, 2]
    assert seen(client)["dict"] == {"a": 2}


def test_view_runs_neither_in_the_cores_lock_nor_on_the_networks_thread() -> None:
    places: list[tuple[str, bool]] = []

    def view(game_state: GameState, client_id: int) -> dict[str, Any]:
        assert backend.server._run is not None
        places.append((threading.current_thread().name, backend.server._run.lock.locked()))
        return {"n": game_state.n}

    backend = Backend(GameState(n=0), lambda game_state, dt: {"n": game_state.n + 1}, view=view)
    backend.run_in_thread("localhost", 0)
    client = Client()
    client.connect_in_thread(backend.server.port or 0)
    client.wait_until(lambda game_state: game_state.n > 20 and len(places) > 10, timeout=10.0)
    client.disconnect()
    backend.shutdown()
    assert {name for name, _ in places} <= {"pygase-game-loop", "pygase-server"}


def test_floats_are_within_the_step_and_the_servers_own_are_exact(network: SimulatedNetwork) -> None:
    cases: list[dict[str, Any]] = [{}, {"view": near("players.*.position", radius=1e6)}]
    for how in cases:
        backend = Backend(
            GameState(players={}, exact=1 / 3),
            lambda game_state, dt: {"players": {5: {"position": [game_state.time_order / 3, 5 / 7]}}},
            {"CLIENT_CONNECTED": lambda client_id: {"players": {client_id: {"position": [0.0, 0.0]}}}},
            precision={"players.*.position": 0.1},
            **how,
        )
        port = 8080 + len(how)
        network.serve(backend, port)
        client = network.connect(port)
        network.run(1.0)
        backend.game_state_machine.stop()
        network.run(1.0)
        state, own = seen(client), backend.game_state_store.get_game_state()
        assert state["exact"] == own.exact == 1 / 3
        assert own.players[5]["position"][1] == 5 / 7
        assert state["players"][5]["position"][1] == 0.7
        for key, row in own.players.items():
            for got, want in zip(state["players"][key]["position"], row["position"], strict=True):
                assert abs(got - want) <= 0.05 + 1e-6 * abs(want)


@pytest.mark.parametrize(
    ("precision", "why"), [({"a": 0.0}, "number"), ({"a..b": 0.1}, "path"), ({"a": float("nan")}, "number")]
)
def test_precision_that_is_none_raises_at_once(precision: dict[str, float], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Server(GameStateStore(), precision=precision)


@pytest.mark.parametrize("view", [{"a": 1}, lambda game_state: {}, lambda game_state, client_id, team: {}])
def test_view_that_is_no_function_of_a_state_and_a_client_raises_at_once(view: Any) -> None:
    with pytest.raises(TypeError, match="a view is a function of two things, a game state and a client id"):
        Backend(GameState(), lambda game_state, dt: None, view=view)
    assert idle_backend(n=1).server._view is None
