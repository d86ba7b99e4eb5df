"""A client that was let in and means harm: the others see nothing of it, and the server keeps its memory and its pace.

The harm is done through the hostile client's own session: it has keys, so it can seal whatever it likes.
"""

import random
from collections.abc import Callable
from typing import Any

import pytest

from pygase import RELIABLE, Backend, Client, DisconnectReason, GameState
from pygase.config import EVENTS_BURST, FAULTS_BURST, LARGE_WINDOW_BYTES, MAX_INBOX_EVENTS, RELIABLE_WINDOW_BYTES
from pygase.testing import SimulatedNetwork
from pygase.wire import pack
from tests.conftest import interpreted_only

from .conftest import connected, seen
from .memory import memory_of

SERVER = ("10.0.0.1", 8080)


class Scene:
    """A game with a player who only wants to play, and one who means harm."""

    def __init__(self, network: SimulatedNetwork) -> None:
        self.network = network
        self.told: list[Any] = []
        self.server_told: list[Any] = []
        self.backend = Backend(
            GameState(steps=0, players={}),
            lambda game_state, dt: {"steps": game_state.steps + 1},
            {"MOVE": self.move, "CLIENT_DISCONNECTED": lambda client_id: {"left": client_id}},
        )
        server = self.backend.server
        server.register_event_handler("SAY", lambda n: server.dispatch_event("SAID", n, retries=RELIABLE))
        server.register_event_handler("CLIENT_DISCONNECTED", self.note)
        network.serve(self.backend)
        self.good, self.bad = connected(network), connected(network)
        self.heard: list[int] = []
        self.good.register_event_handler("SAID", self.heard.append)
        self.bad.register_event_handler("DISCONNECTED", self._ended)

    def _ended(self, reason: DisconnectReason) -> None:
        self.told.append(reason)

    def note(self, reason: DisconnectReason, client_id: int) -> None:
        self.server_told.append((client_id, reason))

    def move(self, x: float, y: float, client_address: tuple[str, int]) -> dict[str, Any]:
        return {"players": {f"{client_address[0]}:{client_address[1]}": {"at": [x + 0.0, y + 0.0]}}}

    @property
    def seat(self) -> Any:
        """What the server keeps for the hostile client."""
        session = self.backend.server._session
        assert session is not None
        return next(seat for seat in session.seats.values() if seat.peer.client_id == self.bad_id)

    @property
    def bad_id(self) -> int:
        assert self.bad.connection is not None
        assert self.bad.connection.client_id is not None
        return self.bad.connection.client_id

    def seal_and_send(self, payload: bytes) -> None:
        """Send any bytes within the hostile client's session, in place of a packet of ours."""
        session, run = self.bad._session, self.bad._run
        assert session is not None
        assert session.link is not None
        assert run is not None
        assert run.endpoint is not None
        run.endpoint.sock.sendto(session.link.seal(payload, self.network.now), SERVER)

    def send_message(self, message: bytes, retries: int = 0) -> None:
        """Send any bytes as a message, in a packet that is in order."""
        session, run = self.bad._session, self.bad._run
        assert session is not None
        assert run is not None
        run.submit(session.traffic.send, message, retries)

    def assert_the_others_play_on(self) -> None:
        """The good player's events all come back in order, and its state follows at the full tick rate."""
        self.heard.clear()
        steps = seen(self.good)["steps"]
        for n in range(50):
            self.good.dispatch_event("SAY", n, retries=RELIABLE)
            self.network.run(0.02)
        self.network.run(0.2)
        assert self.heard == list(range(50))
        assert seen(self.good)["steps"] == pytest.approx(steps + 60, abs=4)
        assert self.good.connection is not None
        assert self.good.connection.status == 1


@pytest.fixture
def scene(make_network: Callable[..., SimulatedNetwork]) -> Scene:
    return Scene(make_network(9, "lan"))


# --- bytes --------------------------------------------------------------------------------------------------------


def test_random_payloads_are_dropped_and_counted(scene: Scene) -> None:
    dice = random.Random(1)
    for _ in range(2_000):
        scene.seal_and_send(dice.randbytes(dice.choice([1, 2, 3, 8, 40, 1_200])))
        scene.network.run(0.0005)
    assert scene.seat.dropped > 500
    scene.assert_the_others_play_on()


@interpreted_only
def test_packets_cut_short_or_with_flipped_bits_harm_nobody(scene: Scene) -> None:
    recorded: list[bytes] = []
    session: Any = scene.bad._session
    link = session.link
    real_seal = link.seal

    def seal(payload: bytes, now: float) -> Any:
        recorded.append(payload)
        return real_seal(payload, now)

    link.seal = seal
    for n in range(20):
        scene.bad.dispatch_event("SAY", n, retries=(0, 3, RELIABLE)[n % 3], data="x" * (n * 100))
        scene.network.run(0.02)
    del link.seal
    dice = random.Random(2)
    for payload in recorded * 10:
        mangled = bytearray(payload[: dice.randrange(1, len(payload) + 1)])
        mangled[dice.randrange(len(mangled))] ^= 1 << dice.randrange(8)
        scene.seal_and_send(bytes(mangled))
        scene.network.run(0.001)
    scene.assert_the_others_play_on()


def test_acks_of_what_was_never_sent_are_dropped(scene: Scene) -> None:
    before, session = scene.seat.dropped, scene.bad._session
    assert session is not None
    acked = scene.seat.traffic.newest_acked
    number = session.traffic._recovery.next_number + 100  # one that the server has not had
    for top in (0x7FFF, 0x8000, 5_000):
        for run in (0, 100):
            number += 1
            scene.seal_and_send(number.to_bytes(2, "little") + b"\x04" + top.to_bytes(2, "little") + bytes((0, 0, run)))
    scene.network.run(0.1)
    assert scene.seat.dropped == before + 6
    assert scene.seat.traffic.newest_acked < acked + 100
    scene.assert_the_others_play_on()


def test_snapshot_from_a_client_is_dropped(scene: Scene) -> None:
    before, store = scene.seat.dropped, scene.backend.game_state_store
    session: Any = scene.bad._session
    session.traffic.offer_snapshot(None, store.time_order + 1_000_000, b"\x00\x00" + b"\x81\xa1n\x07" * 10)
    scene.bad.dispatch_event("SAY", 1)
    scene.network.run(0.2)
    assert scene.seat.dropped > before
    assert "n" not in store.get_game_state().to_dict()
    scene.assert_the_others_play_on()


def event_message(*items: Any, kwargs: Any = None) -> bytes:
    return b"\x01" + pack([kwargs, *items]) if kwargs is not None else b"\x00" + pack(list(items))


BAD_MESSAGES = {
    "empty": b"",
    "no event": b"\x00",
    "not a list": b"\x00" + pack({"type": "SAY"}),
    "empty list": b"\x00" + pack([]),
    "type is a number": event_message(5, 1),
    "type is a list": event_message(["SAY"], 1),
    "keywords are a list": event_message("SAY", kwargs=[1, 2]),
    "keywords have numbers for names": event_message("SAY", kwargs={1: 2}),
    "keywords and no type": b"\x01" + pack([{"n": 1}]),
    "unknown kind": b"\x7f" + pack(["SAY", 1]),
    "another unknown kind": b"\xff",
    "a kind that only servers send": b"\x11\x01",
    "a ticket": b"\x12" + bytes(400),
    "a gate without a number": b"\x02",
    "an endless number": b"\x02" + b"\xff" * 20,
    "trailing bytes": b"\x00" + pack(["SAY", 1]) + b"\x00",
    "half a value": b"\x00" + pack(["SAY", "x" * 100])[:-50],
    "ext type": b"\x00\x92\xa3SAY\xd4\x05\x00",
    "claims four billion items": b"\x00\xdd\xff\xff\xff\xff\xa3SAY",
    "claims four gigabytes": b"\x00\x92\xa3SAY\xc6\xff\xff\xff\xff",
    "nested a thousand deep": b"\x00\x92\xa3SAY" + b"\x91" * 1_000 + b"\xc0",
    "maps nested a thousand deep": b"\x00\x92\xa3SAY" + b"\x81\xa1x" * 300 + b"\xc0",
    "broken UTF-8": b"\x00\x91\xa3\xff\xfe\xfd",
}


@pytest.mark.parametrize("message", BAD_MESSAGES.values(), ids=BAD_MESSAGES.keys())
def test_message_that_is_no_event_is_dropped_and_counted(scene: Scene, message: bytes) -> None:
    before = scene.seat.dropped
    scene.send_message(message, RELIABLE)
    scene.network.run(0.3)
    assert scene.seat.dropped == before + 1
    assert scene.backend.server.errors == 0
    assert scene.bad.connection is not None
    assert scene.bad.connection.status == 1, "one such message may be a mistake"


@pytest.mark.parametrize("name", ["CLIENT_CONNECTED", "CLIENT_DISCONNECTED", "CONNECTED", "DISCONNECTED"])
def test_forged_lifecycle_events_are_dropped(scene: Scene, name: str) -> None:
    session: Any = scene.good._session
    good_id = session.client_id
    forged = {"client_id": good_id, "reason": "client left", "client_address": ["10.0.0.9", 9]}
    scene.send_message(event_message(name, kwargs=forged))
    scene.send_message(event_message(name))
    scene.network.run(0.3)
    assert scene.server_told == []
    assert "left" not in seen(scene.good)
    assert scene.seat.dropped >= 2


def test_time_order_claimed_from_the_future_changes_nothing(scene: Scene) -> None:
    gate = (2**62).to_bytes(9, "little")
    scene.send_message(b"\x02" + b"\xff" * 8 + b"\x3f" + pack(["SAY", 1]))
    scene.send_message(b"\x02" + gate + pack(["SAY", 1]))
    scene.network.run(0.2)
    scene.assert_the_others_play_on()


# --- what games are told ---------------------------------------------------------------------------------------------


def test_wrong_types_end_as_counted_exceptions_and_few_log_lines(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    wrong: list[tuple[Any, ...]] = [("x", "y"), (None, []), (), (1,), (1, 2, 3, 4), ({}, 2.0), (2**64 - 1, "")]
    for n in range(700):
        scene.bad.dispatch_event("MOVE", *wrong[n % len(wrong)], retries=3)
        scene.network.run(0.002)
    scene.network.run(0.5)
    assert scene.backend.game_state_machine.errors == 700
    assert len(caplog.records) < 10, "a sender does not choose how much is logged"
    assert seen(scene.good)["players"] == {}
    scene.assert_the_others_play_on()


def test_forged_values_do_not_reach_handlers(scene: Scene) -> None:
    forged = {"client_address": ["10.66.66.66", 1], "game_state": {"steps": -1}, "dt": 1e9}
    scene.send_message(event_message("MOVE", 1.0, 2.0, kwargs=forged), RELIABLE)
    scene.network.run(0.3)
    (player,) = seen(scene.good)["players"]
    assert player.startswith(str(scene.seat.address[0]))


def test_events_that_nobody_handles_leave_nothing_behind(scene: Scene) -> None:
    server, machine = scene.backend.server, scene.backend.game_state_machine
    # Not the link: the tests' audit of nonces keeps every one that it has used.
    kept = (server._user_code, server._delivery.handlers, machine._events, machine._handlers, scene.seat.traffic)
    scene.bad.dispatch_event("WARM_UP")
    scene.network.run(0.5)
    before = memory_of(*kept)
    for n in range(5_000):
        scene.bad.dispatch_event(f"NEVER_HEARD_OF_{n}", "x" * 50)
        if n % 20 == 0:
            scene.network.run(0.005)
    scene.network.run(1.0)
    assert memory_of(*kept) < before + 20_000
    scene.assert_the_others_play_on()


def test_values_as_deep_and_large_as_allowed_are_events_like_any_other(scene: Scene) -> None:
    deep: Any = 1
    for _ in range(12):
        deep = {"d": [deep]}
    scene.bad.dispatch_event("SAY", {"n": deep, "rows": [[n] * 50 for n in range(500)]}, retries=RELIABLE)
    scene.network.run(0.5)
    assert len(scene.heard) == 1
    scene.assert_the_others_play_on()


# --- too much --------------------------------------------------------------------------------------------------------


def test_ten_thousand_events_a_second_end_in_a_disconnect_for_flooding(
    make_network: Callable[..., SimulatedNetwork],
) -> None:
    scene = Scene(make_network(9, "lan"))
    scene.seat.events_left = 6_000.0  # saved up; the rate is as it is
    largest = 0
    scene.heard.clear()
    for n in range(300):
        if scene.told:
            break
        for _ in range(100):
            scene.bad.dispatch_event("MOVE", 1.0, 2.0, retries=RELIABLE)
        scene.good.dispatch_event("SAY", n, retries=RELIABLE)
        scene.network.run(0.01)
        largest = max(largest, len(scene.backend.game_state_machine._events))
    scene.network.run(1.0)
    assert scene.told == [DisconnectReason.FLOODING]
    assert scene.server_told == [(scene.bad_id, DisconnectReason.FLOODING)]
    assert seen(scene.good)["left"] == scene.bad_id
    assert scene.heard == list(range(len(scene.heard)))
    assert len(scene.heard) >= n, "meanwhile the others' events came through"
    assert largest < MAX_INBOX_EVENTS / 10
    scene.assert_the_others_play_on()


def test_ten_thousand_events_a_second_are_cut_off_within_the_shipped_budget(scene: Scene) -> None:
    traffic, run = scene.bad._session.traffic, scene.bad._run  # type: ignore[union-attr]
    assert run is not None
    event = b"\x00" + pack(["N", 1])  # that nobody handles
    sent, began = 0, scene.network.now
    scene.heard.clear()
    while not scene.told:
        run.submit(lambda: [traffic.send(event, 0) for _ in range(500)])
        scene.good.dispatch_event("SAY", sent, retries=RELIABLE)
        scene.network.run(0.05)
        sent += 500
        assert sent < 2.2 * EVENTS_BURST
    assert scene.told == [DisconnectReason.FLOODING]
    assert 25.0 < scene.network.now - began < 35.0
    assert len(scene.heard) >= sent // 500 - 2, "meanwhile the others' events came through"
    scene.assert_the_others_play_on()


@pytest.mark.parametrize("what", ["packets", "messages"])
def test_client_that_goes_on_sending_what_is_malformed_is_sent_away(scene: Scene, what: str) -> None:
    dice, sent = random.Random(3), 0
    scene.heard.clear()
    while not scene.told:
        for _ in range(100):
            if what == "packets":
                scene.seal_and_send(b"\x00" + dice.randbytes(30))
            else:
                scene.send_message(b"\x00" + b"\xc1" * 5, 0)
        sent += 100
        scene.good.dispatch_event("SAY", sent, retries=RELIABLE)
        scene.network.run(0.02)
        assert sent < 4 * FAULTS_BURST
    assert scene.told == [DisconnectReason.PROTOCOL_VIOLATION]
    assert scene.server_told == [(scene.bad_id, DisconnectReason.PROTOCOL_VIOLATION)]
    assert len(scene.heard) > 10, "meanwhile the others' events came through"
    scene.assert_the_others_play_on()


def lose_some(scene: Scene, is_lost: Callable[[bytes], bool]) -> None:
    """Have some of the hostile client's datagrams never sent, as if it had kept them back."""
    session: Any = scene.bad._session
    run: Any = scene.bad._run
    own = run.endpoint.sock.getsockname()
    assert session.link is not None
    scene.network.tap = lambda data, source, target: source != own or not is_lost(data)


@pytest.mark.parametrize("retries", [0, 2, RELIABLE])
def test_messages_never_finished_take_bounded_memory(scene: Scene, retries: int) -> None:
    """Every large datagram but every fifth gets through: no message is ever whole."""
    count = [0]

    def is_lost(data: bytes) -> bool:
        count[0] += len(data) > 1_000
        return len(data) > 1_000 and count[0] % 5 == 0

    lose_some(scene, is_lost)
    before = memory_of(scene.seat.traffic)
    largest = 0
    for _ in range(60):
        scene.bad.dispatch_event("LARGE", bytes(60_000), retries=retries)
        scene.network.run(0.05)
        if scene.told:
            break
        largest = max(largest, memory_of(scene.seat.traffic) - before)
    assert largest < 3 * (2 * LARGE_WINDOW_BYTES + RELIABLE_WINDOW_BYTES)
    scene.network.tap = None
    scene.assert_the_others_play_on()


@interpreted_only
def test_first_reliable_message_kept_back_for_ever_takes_bounded_memory(scene: Scene) -> None:
    session: Any = scene.bad._session
    seal = session.link.seal
    session.link.seal = lambda payload, now: seal(b"\x00" if b"KEPT BACK" in payload else payload, now)
    scene.bad.dispatch_event("SAY", "KEPT BACK", retries=RELIABLE)
    before, heard = memory_of(scene.seat.traffic), len(scene.heard)
    largest = 0
    for n in range(300):
        if not scene.told:
            for _ in range(10):
                session.traffic.send(event_message("SAY", n, "x" * 900), RELIABLE)
        scene.network.run(0.01)
        if n % 20 == 0 and not scene.told:
            largest = max(largest, memory_of(scene.seat.traffic) - before)
    assert RELIABLE_WINDOW_BYTES / 4 < largest < 2 * RELIABLE_WINDOW_BYTES
    assert len(scene.heard) == heard
    scene.assert_the_others_play_on()


@interpreted_only
def test_client_that_never_acknowledges_does_not_spoil_the_game_for_the_others(scene: Scene) -> None:
    """It lives, it is just never heard to have anything: what waits for it is bounded, and handlers go on."""
    session: Any = scene.bad._session
    link = session.link
    real_receive = link.receive_datagram

    def deaf(data: bytes, address: Any, now: float) -> Any:
        return b"" if real_receive(data, address, now) is not None else None

    link.receive_datagram = deaf  # it keeps its link alive and acknowledges nothing
    server = scene.backend.server
    payload = "x" * 1_000

    def shout() -> dict[str, Any]:
        server.dispatch_event("SHOUT", payload, retries=RELIABLE)
        return {"shouts": seen_shouts()}

    shouted = [0]

    def seen_shouts() -> int:
        shouted[0] += 1
        return shouted[0]

    scene.backend.game_state_machine.register_event_handler("SHOUT", shout)
    got: list[str] = []
    scene.good.register_event_handler("SHOUT", got.append)
    for _ in range(60):
        for _ in range(100):
            scene.good.dispatch_event("SHOUT", retries=RELIABLE)
        scene.network.run(0.5)
    scene.network.run(1.0)
    assert len(got) == 6_000
    assert seen(scene.good)["shouts"] == 6_000, "a handler's update counts, whoever does not listen"
    assert scene.backend.game_state_machine.errors == 0
    scene.assert_the_others_play_on()


def test_hostile_client_that_leaves_takes_all_its_memory_along(scene: Scene) -> None:
    dice = random.Random(3)
    for _ in range(200):
        scene.seal_and_send(dice.randbytes(1_200))
        scene.bad.dispatch_event("LARGE", bytes(5_000))
        scene.network.run(0.005)
    session: Any = scene.backend.server._session
    scene.bad.disconnect()
    scene.network.run(1.0)
    assert [seat.peer.client_id for seat in session.seats.values()] != [scene.bad_id]
    assert len(session.seats) == 1
    assert len(session.link.peers) == 1
    scene.assert_the_others_play_on()


def test_many_joins_and_leaves_of_one_client_leave_nothing_behind(scene: Scene) -> None:
    session: Any = scene.backend.server._session
    client: Client = scene.bad
    for _ in range(30):
        client.disconnect()
        scene.network.run(0.3)
        client.open(8080)
        scene.network.run(0.3)
    client.disconnect()
    scene.network.run(2.0)
    assert len(session.seats) == 1
    assert len(session._places._by_id) == 1
    scene.assert_the_others_play_on()
