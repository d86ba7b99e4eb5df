"""A server that means harm to its clients: their memory stays bounded, their game goes on or ends with a reason."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pygase import RELIABLE, Backend, Client, DisconnectReason, GameState
from pygase.config import LARGE_WINDOW_BYTES, MAX_HELD_BYTES, MAX_PENDING_UPDATES, MAX_STATE_BYTES
from pygase.testing import SimulatedNetwork
from pygase.wire import pack

from .conftest import connected, idle_backend, seen
from .memory import memory_of


class Scene:
    """A client, and a server that can send it anything within its session."""

    def __init__(self, network: SimulatedNetwork) -> None:
        self.network = network
        self.backend: Backend = idle_backend(level=3)
        network.serve(self.backend)
        self.client: Client = connected(network)
        self.ended: list[Any] = []
        self.got: list[Any] = []
        self.client.register_event_handler("DISCONNECTED", self._ended)
        self.client.register_event_handler("E", self.got.append)

    def _ended(self, reason: DisconnectReason) -> None:
        self.ended.append(reason)

    @property
    def session(self) -> Any:
        return self.client._session

    @property
    def seat(self) -> Any:
        session: Any = self.backend.server._session
        (seat,) = session.seats.values()
        return seat

    def seal_and_send(self, payload: bytes) -> None:
        """Send any bytes in place of a packet of ours."""
        run: Any = self.backend.server._run
        run.endpoint.sock.sendto(self.seat.peer.seal(payload, self.network.now), self.seat.address)

    def send_message(self, message: bytes, retries: int = 0) -> None:
        """Send any bytes as a message, in a packet that is in order."""
        self.seat.traffic.send(message, retries)
        self.touch()

    def send_snapshot(self, baseline: int | None, version: int, blob: bytes) -> None:
        """Send any bytes as an update of the state."""
        self.seat.traffic.offer_snapshot(baseline, version, blob)
        self.touch()

    def touch(self) -> None:
        run: Any = self.backend.server._run
        session: Any = self.backend.server._session
        run.submit(session._touched.__setitem__, self.seat, None)

    def assert_the_game_goes_on(self) -> None:
        self.got.clear()
        for n in range(20):
            self.backend.server.dispatch_event("E", n, retries=RELIABLE)
            self.network.run(0.02)
        self.network.run(1.0)
        assert self.got == list(range(20))
        assert self.ended == []


@pytest.fixture
def scene(make_network: Callable[..., SimulatedNetwork]) -> Iterator[Scene]:
    scene = Scene(make_network(6, "lan"))
    yield scene
    assert scene.client.errors == 0


def test_random_payloads_are_dropped_and_counted(scene: Scene) -> None:
    dice = random.Random(4)
    for _ in range(1_000):
        scene.seal_and_send(dice.randbytes(dice.choice([1, 2, 3, 8, 40, 1_200])))
        scene.network.run(0.0005)
    assert scene.session.dropped > 200
    assert scene.ended == []


BAD_MESSAGES = {
    "no event": b"\x00",
    "type is a number": b"\x00" + pack([5]),
    "a shutdown request": b"\x10",
    "an unknown kind": b"\xff",
    "a lifecycle event": b"\x00" + pack(["DISCONNECTED"]),
    "another lifecycle event": b"\x01" + pack([{"client_id": 7}, "CONNECTED"]),
    "nested a thousand deep": b"\x00\x92\xa1E" + b"\x91" * 1_000 + b"\xc0",
    "claims four gigabytes": b"\x00\x92\xa1E\xc6\xff\xff\xff\xff",
}


@pytest.mark.parametrize("message", BAD_MESSAGES.values(), ids=BAD_MESSAGES.keys())
def test_message_that_is_no_event_is_dropped_and_counted(scene: Scene, message: bytes) -> None:
    before = scene.session.dropped
    scene.send_message(message, RELIABLE)
    scene.network.run(0.3)
    assert scene.session.dropped == before + 1
    scene.assert_the_game_goes_on()


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b"\x00\x00",
        b"\x00\x00\xc1",
        b"\x00\x00" + b"\xdf\xff\xff\xff\xff",
        b"\x00\x00" + b"\x91" * 1_000,
        bytes(500),
        b"\xff" * 500,
        bytes(range(256)) * 40,
    ],
)
def test_update_that_is_none_changes_nothing(scene: Scene, blob: bytes) -> None:
    before = seen(scene.client)
    version = scene.session.replica.version + 1
    scene.send_snapshot(scene.seat.traffic.acked_version, version + 1_000, blob)
    scene.network.run(0.3)
    assert {**seen(scene.client), "time_order": 0} == {**before, "time_order": 0}


def test_updates_far_from_the_past_or_the_future_are_survived(scene: Scene) -> None:
    blob = b"\x00\x00" + b"\x80"
    for baseline, version in [(None, 2**63), (2**62, 2**62 + 1), (2**40, 2**41), (None, 2**64 - 1)]:
        scene.send_snapshot(baseline, version, blob)
        scene.network.run(0.1)
    assert seen(scene.client)["level"] == 3


def test_events_that_wait_for_a_state_that_never_comes_end_the_connection(scene: Scene) -> None:
    gate = b"\x02" + b"\xff" * 8 + b"\x3f"
    before = memory_of(scene.session._held)
    largest = 0
    for n in range(40_000):
        if scene.ended:
            break
        scene.send_message(gate + pack(["E", n, []]), (0, RELIABLE)[n % 2])
        if n % 100 == 0:
            scene.network.run(0.01)
        if n % 2_000 == 0:
            held = memory_of(scene.session._held)
            largest = max(largest, held - before)
    scene.network.run(0.5)
    assert scene.ended == [DisconnectReason.PROTOCOL_VIOLATION]
    assert largest < 2 * MAX_HELD_BYTES
    assert scene.got == []


def test_reliable_event_that_waits_for_ever_holds_up_no_other_mode(scene: Scene) -> None:
    scene.send_message(b"\x02" + b"\xff" * 8 + b"\x3f" + pack(["E", 1]), RELIABLE)
    scene.network.run(0.1)
    scene.backend.server.dispatch_event("E", 2, retries=3)
    scene.backend.server.dispatch_event("E", 3)
    scene.network.run(0.5)
    assert sorted(scene.got) == [2, 3]


def test_updates_that_the_game_never_looks_at_take_bounded_memory(
    make_network: Callable[..., SimulatedNetwork],
) -> None:
    network = make_network(6, "lan")
    backend = Backend(
        GameState(rows={}),
        lambda game_state, dt: {"rows": {game_state.time_order % 64: "x" * 900}},
    )
    network.serve(backend)
    client = connected(network)
    session: Any = client._session
    network.run(10.0)
    pending = len(session.replica._pending)
    largest = memory_of(session.replica)
    network.run(20.0)
    assert pending <= MAX_PENDING_UPDATES
    assert len(session.replica._pending) <= MAX_PENDING_UPDATES
    assert memory_of(session.replica) < 2 * largest < MAX_STATE_BYTES
    network.assert_converged()


def test_messages_never_finished_take_bounded_memory(scene: Scene) -> None:
    count = [0]
    address = scene.seat.address

    def tap(data: bytes, source: Any, target: Any) -> bool:
        count[0] += len(data) > 1_000
        return target != address or len(data) < 1_000 or count[0] % 5 != 0

    scene.network.tap = tap
    before = memory_of(scene.session.traffic)
    largest = 0
    for _ in range(60):
        scene.backend.server.dispatch_event("LARGE", bytes(60_000))
        scene.network.run(0.05)
        largest = max(largest, memory_of(scene.session.traffic) - before)
    assert largest < 4 * LARGE_WINDOW_BYTES
    scene.network.tap = None
    scene.assert_the_game_goes_on()


def test_game_that_takes_no_events_is_disconnected_before_its_memory_is_full(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pygase.inbox.MAX_INBOX_EVENTS", 3_000)
    scene.client.claim_delivery("an adapter whose game stands still")
    run: Any = scene.client._run
    for n in range(100):
        for _ in range(100):
            scene.backend.server.dispatch_event("E", n)
        scene.network.run(0.02)
    assert len(run.mailbox) <= 3_200
    scene.client.deliver()
    assert scene.ended == [DisconnectReason.INBOX_FULL]


def test_server_of_another_kind_is_no_server(make_network: Callable[..., SimulatedNetwork]) -> None:
    """Whoever answers a hello with noise is as good as nobody."""
    network = make_network(1, "lan")
    dice = random.Random(5)
    ended: list[Any] = []
    client = network.client()

    def failed(reason: DisconnectReason) -> None:
        ended.append(reason)

    client.register_event_handler("CONNECTION_FAILED", failed)
    client.open(8080)
    own = client._run.endpoint.sock.getsockname()  # type: ignore[union-attr]
    network.every(0.01, lambda: network.inject(dice.randbytes(dice.randrange(1, 1_300)), ("10.0.0.1", 8080), own))
    network.run(12.0)
    assert ended == [DisconnectReason.NO_ANSWER]


def test_game_that_takes_no_events_is_not_buried_in_large_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pygase.inbox.MAX_INBOX_BYTES", 1_000_000)
    network = SimulatedNetwork(3, "lan")
    backend = Backend(GameState(), lambda game_state, dt: None)
    network.serve(backend)
    client = network.connect()
    network.run(1.0)
    client.claim_delivery("a game that stands still")
    for _ in range(20):
        backend.server.dispatch_event("BIG", bytes(100_000), retries=RELIABLE)
        network.run(0.5)
    assert client.connection is not None
    assert client.connection.status == 0
    assert client._run is not None
    assert len(client._run.mailbox) < 20
    network.close()
