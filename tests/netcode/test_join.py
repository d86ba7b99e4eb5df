"""The join exchange from the first hello to the session, and everybody who would meddle with it."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from pygase import config
from pygase.errors import DisconnectReason, NotConnected
from pygase.netcode import (
    Address,
    Admission,
    Connected,
    Disconnected,
    JoinPolicy,
    JoinRequest,
    LinkState,
    PeerConnected,
    PeerDisconnected,
    SecureClient,
    SecureServer,
    ServerKeys,
)
from pygase.netcode.crypto import box_seal
from pygase.netcode.join_client import JOIN_TRANSITIONS, JoinState
from pygase.netcode.join_server import CookieJar
from pygase.netcode.join_wire import (
    ANSWER,
    ANSWER_BYTES,
    COOKIE,
    HELLO,
    HELLO_BYTES,
    JOIN,
    answer_info,
    encode_admission,
)
from tests.netcode.world import CLIENT, SERVER, World, dropped, signals

OTHER: Address = ("10.0.0.2", 50_000)
EVIL: Address = ("10.6.6.6", 666)


def joined(world: World, address: Address = CLIENT, **options: Any) -> SecureClient:
    client = world.secure_client(address, **options)
    assert world.run(30.0, until=lambda: client.state in (LinkState.CONNECTED, LinkState.DISCONNECTED))
    return client


def joins_in(world: World, kind: int) -> list[bytes]:
    return [data for _, _, _, data in world.sent if data[0] == kind]


# --- the way in ------------------------------------------------------------------------------------------------------


def test_client_joins_with_nothing_but_an_address() -> None:
    world = World()
    server = world.secure_server()
    client = joined(world)

    assert client.state is LinkState.CONNECTED
    (signal,) = signals(server)
    assert isinstance(signal, PeerConnected)
    assert signal.peer.client_id == client.client_id
    assert signals(client) == [Connected(client.client_id)]
    assert client.client_id is not None
    assert 0 < client.client_id < 2**63


def test_joining_takes_four_round_trips_without_waiting() -> None:
    world = World(latency=0.1)
    world.secure_server()
    joined(world)

    assert world.now == pytest.approx(0.8)


def test_payloads_flow_once_joined() -> None:
    world = World()
    server = world.secure_server()
    client = joined(world)
    world.send(client.seal(b"up", world.now), CLIENT, SERVER)
    world.send(server.peers[CLIENT].seal(b"down", world.now), SERVER, CLIENT)
    world.run(0.1)

    assert (world.got[SERVER], world.got[CLIENT]) == ([b"up"], [b"down"])


def test_sealing_before_the_session_raises() -> None:
    world = World()
    client = world.secure_client()

    with pytest.raises(NotConnected):
        client.seal(b"x", world.now)


@pytest.mark.parametrize("seed", range(8))
def test_join_gets_through_a_bad_line(seed: int) -> None:
    rng = random.Random(seed)
    world = World(seed, latency=0.1, loses=lambda data, source, target: rng.random() < 0.25)
    world.secure_server()

    assert joined(world).state is LinkState.CONNECTED


@pytest.mark.parametrize("lost", range(4))
def test_each_lost_step_is_repeated_soon(lost: int) -> None:
    world = World(latency=0.02)
    world.secure_server()
    steps = (HELLO, COOKIE, JOIN, ANSWER)
    world.loses = lambda data, source, target: data[0] == steps[lost] and len(joins_in(world, steps[lost])) == 1
    joined(world)

    assert world.now < 0.02 * 8 + config.HELLO_INTERVAL + 0.01


def test_client_gives_up_after_the_connect_timeout() -> None:
    world = World()
    client = joined(world)

    assert client.reason is DisconnectReason.NO_ANSWER
    assert signals(client) == [Disconnected(DisconnectReason.NO_ANSWER, was_connected=False)]
    assert world.now == pytest.approx(config.CONNECT_TIMEOUT)
    assert client.next_timer() is None
    assert len(joins_in(world, HELLO)) == pytest.approx(11, abs=2)


def test_server_that_restarts_in_the_middle_is_joined_anew() -> None:
    world = World(latency=0.01)
    world.secure_server()
    client = world.secure_client()
    assert world.run(1.0, until=lambda: len(joins_in(world, COOKIE)) > 0)
    world.run(0.005)
    server = world.secure_server(keys=ServerKeys.generate(world.random.randbytes))
    assert world.run(30.0, until=lambda: client.state is LinkState.CONNECTED)

    assert client.fingerprint == server.fingerprint


def test_server_that_restarts_after_it_gave_a_token_is_joined_anew() -> None:
    world = World(latency=0.01)
    world.secure_server()
    client = world.secure_client()
    assert world.run(1.0, until=lambda: client.state is LinkState.REQUESTING)
    world.secure_server(keys=ServerKeys.generate(world.random.randbytes))

    assert world.run(config.CONNECT_TIMEOUT, until=lambda: client.state is LinkState.CONNECTED)


def test_client_that_leaves_while_joining_is_gone() -> None:
    world = World()
    world.secure_server()
    client = world.secure_client()
    client.disconnect(world.now)
    client.disconnect(world.now)
    world.run(1.0)

    assert client.state is LinkState.DISCONNECTED
    assert signals(client) == [Disconnected(DisconnectReason.CLIENT_LEFT, was_connected=False)]
    assert len(world.from_client()) == 1


def test_client_that_leaves_says_goodbye() -> None:
    world = World()
    server = world.secure_server()
    client = joined(world)
    client.disconnect(world.now)
    world.run(0.1)

    assert signals(client)[-1] == Disconnected(DisconnectReason.CLIENT_LEFT, was_connected=True)
    assert server.peers == {}


def test_token_made_elsewhere_needs_no_join() -> None:
    world = World()
    server = world.secure_server(policy=None)
    client = joined(world, server=None, token=world.token(77))

    assert client.state is LinkState.CONNECTED
    assert server.peers[CLIENT].client_id == 77
    assert joins_in(world, HELLO) == []


def test_server_without_a_policy_answers_no_hello() -> None:
    world = World()
    server = world.secure_server(policy=None)
    client = joined(world)

    assert client.reason is DisconnectReason.NO_ANSWER
    assert world.from_server() == []
    assert set(dropped(server.stats)) == {"dropped_unexpected"}


def test_client_without_address_or_token_raises() -> None:
    with pytest.raises(ValueError, match="address or a token"):
        World().secure_client(server=None)


def test_client_that_is_still_connected_may_not_join_from_its_address_again() -> None:
    world = World()
    server = world.secure_server()
    joined(world)
    world.secure_client(CLIENT)
    world.run(1.0)

    assert server.stats["connected"] == 1
    assert server.stats["dropped_already_connected"] > 0


# --- password --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [None, "", "wrong", "Secret", "secret "])
def test_wrong_password_is_refused(given: str | None) -> None:
    world = World()
    server = world.secure_server(policy=JoinPolicy(password="secret"))
    client = joined(world, password=given)

    assert client.reason is DisconnectReason.WRONG_PASSWORD
    assert signals(client) == [Disconnected(DisconnectReason.WRONG_PASSWORD, was_connected=False)]
    assert server.peers == {}
    assert server.stats["joins_refused"] == 1


@pytest.mark.parametrize("password", ["", "secret", "päss wörd ☃"])
def test_right_password_lets_in(password: str) -> None:
    world = World()
    world.secure_server(policy=JoinPolicy(password=password))

    assert joined(world, password=password).state is LinkState.CONNECTED


def test_password_that_nobody_asks_for_does_no_harm() -> None:
    world = World()
    world.secure_server()

    assert joined(world, password="secret").state is LinkState.CONNECTED


def test_password_never_shows_on_the_line() -> None:
    world = World()
    world.secure_server(policy=JoinPolicy(password="correct horse"))
    joined(world, password="correct horse", room="cellar", payload=b"my account")

    line = b"".join(data for _, _, _, data in world.sent)
    for secret in (b"correct horse", b"cellar", b"my account"):
        assert secret not in line


def test_guessing_from_one_network_is_limited() -> None:
    world = World(latency=0.01)
    server = world.secure_server(policy=JoinPolicy(password="secret"))
    reasons = [joined(world, ("10.0.0.5", port), password=f"guess {port}").reason for port in range(1, 9)]

    assert reasons == [
        *[DisconnectReason.WRONG_PASSWORD] * config.GUESSES_BURST_PER_HOST,
        *[DisconnectReason.TOO_MANY_ATTEMPTS] * 3,
    ]
    # Not even the right one counts now, or guessing would go on through it.
    assert joined(world, ("10.0.0.5", 99), password="secret").reason is DisconnectReason.TOO_MANY_ATTEMPTS
    assert joined(world, ("10.0.0.6", 1), password="secret").state is LinkState.CONNECTED
    world.run(1.1 / config.GUESSES_PER_SECOND_PER_HOST)
    assert joined(world, ("10.0.0.5", 100), password="secret").state is LinkState.CONNECTED
    assert len(server.peers) >= 1


def test_guessing_from_many_networks_is_limited() -> None:
    world = World(latency=0.0001)
    world.secure_server(policy=JoinPolicy(password="secret"))
    reasons = [
        joined(world, (f"10.1.{i // 250}.{i % 250}", 1), password="guess").reason
        for i in range(config.GUESSES_BURST + 10)
    ]

    assert reasons[-1] is DisconnectReason.TOO_MANY_ATTEMPTS


def test_joins_from_one_network_are_limited() -> None:
    world = World(latency=0.0)
    server = world.secure_server(max_clients=200)
    clients = [world.secure_client(("10.0.0.5", port)) for port in range(1, 101)]
    world.run(0.0)
    assert server.stats["joins_admitted"] <= config.JOINS_BURST_PER_HOST
    assert server.stats["dropped_over_budget"] > 0
    world.run(config.CONNECT_TIMEOUT)

    assert all(client.state is LinkState.CONNECTED for client in clients)


# --- policy, room, ticket --------------------------------------------------------------------------------------------


def test_policy_sees_who_asks_and_says_who_he_is() -> None:
    seen: list[JoinRequest] = []

    def admit(request: JoinRequest) -> Admission:
        seen.append(request)
        return Admission(client_id=42, user_data=b"Ada", is_host=True, room="attic")

    world = World()
    server = world.secure_server(policy=JoinPolicy(admit=admit))
    client = joined(world, room="cellar", payload=b"account 7")

    assert seen == [JoinRequest(CLIENT, "cellar", b"account 7", None)]
    peer = server.peers[CLIENT]
    assert client.client_id == peer.client_id == 42
    assert (peer.user_data, peer.is_host_by_token, peer.room) == (b"Ada", True, "attic")
    assert not peer.is_returning


def test_policy_can_refuse() -> None:
    world = World()
    world.secure_server(policy=JoinPolicy(admit=lambda request: DisconnectReason.REFUSED))

    assert joined(world).reason is DisconnectReason.REFUSED


def test_policy_that_raises_means_no(caplog: pytest.LogCaptureFixture) -> None:
    def admit(request: JoinRequest) -> Admission:
        raise KeyError("bug")

    world = World()
    server = world.secure_server(policy=JoinPolicy(admit=admit))

    assert [joined(world, ("10.0.0.1", port)).reason for port in (1, 2, 3)] == [DisconnectReason.REFUSED] * 3
    assert server.stats["join_policy_failed"] == 3
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    "answer",
    [
        lambda: None,
        lambda: True,
        lambda: Admission(client_id=-1),
        lambda: Admission(client_id=2**64),
        lambda: Admission(user_data=bytes(219)),
        lambda: Admission(room="x" * 33),
    ],
)
def test_policy_that_answers_nonsense_means_no(answer: Callable[[], Any]) -> None:
    world = World()
    server = world.secure_server(policy=JoinPolicy(admit=lambda request: answer()))

    assert joined(world).reason is DisconnectReason.REFUSED
    assert server.stats["join_policy_failed"] == 1


def test_ticket_can_be_made_for_whoever_has_a_token_of_another_making() -> None:
    world = World()
    server = world.secure_server()
    joined(world, server=None, token=world.token(77, user_data=bytes([7]) * 256))
    ticket = server.make_ticket(server.peers[CLIENT], world.now)
    assert server.peers[CLIENT].user_data == bytes([7]) * 256
    again = joined(world, OTHER, ticket=ticket)

    assert again.client_id == 77
    assert server.peers[OTHER].user_data == b""


def test_room_is_what_the_client_asked_for() -> None:
    world = World()
    server = world.secure_server()
    joined(world, room="Größe")

    assert server.peers[CLIENT].room == "Größe"


@pytest.mark.parametrize(
    "options",
    [{"room": "x" * 33}, {"password": "x" * 129}, {"payload": bytes(257)}, {"ticket": bytes(401)}],
)
def test_wish_above_its_limit_raises_at_the_call(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="takes"):
        World().secure_client(**options)


def test_full_server_refuses_in_the_join() -> None:
    world = World()
    world.secure_server(max_clients=1)
    joined(world)

    assert joined(world, OTHER).reason is DisconnectReason.DENIED


def test_ticket_gives_the_same_client_id_again() -> None:
    def admit(request: JoinRequest) -> Admission:
        return Admission() if request.ticket else Admission(user_data=b"Ada", is_host=True)

    world = World()
    server = world.secure_server(policy=JoinPolicy(admit=admit))
    first = joined(world, room="attic")
    ticket = server.make_ticket(server.peers[CLIENT], world.now)
    first.disconnect(world.now)
    world.run(60.0)
    second = joined(world, OTHER, ticket=ticket, room="attic")

    assert second.client_id == first.client_id
    peer = server.peers[OTHER]
    assert (peer.user_data, peer.is_host_by_token, peer.room, peer.is_returning) == (b"Ada", True, "attic", True)


@pytest.mark.parametrize("address", [OTHER, CLIENT])
def test_returning_client_takes_the_place_of_its_old_session(address: Address) -> None:
    world = World()
    server = world.secure_server(max_clients=1)
    first = joined(world)
    peer = server.peers[CLIENT]
    ticket = server.make_ticket(peer, world.now)
    del world.endpoints[CLIENT]
    signals(server)
    second = joined(world, address, ticket=ticket)

    assert second.client_id == first.client_id
    assert signals(server) == [
        PeerDisconnected(peer, DisconnectReason.REPLACED),
        PeerConnected(server.peers[address]),
    ]


def test_ticket_outlives_a_restart_with_the_same_keys() -> None:
    world = World()
    server = world.secure_server()
    first = joined(world)
    ticket = server.make_ticket(server.peers[CLIENT], world.now)
    world.run(5.0)
    world.secure_server()

    assert joined(world, OTHER, ticket=ticket).client_id == first.client_id


def test_ticket_of_another_server_makes_a_newcomer() -> None:
    world = World()
    server = world.secure_server()
    first = joined(world)
    ticket = server.make_ticket(server.peers[CLIENT], world.now)
    world.secure_server(keys=ServerKeys.generate(world.random.randbytes))
    second = joined(world, OTHER, ticket=ticket)

    assert second.state is LinkState.CONNECTED
    assert second.client_id != first.client_id


def test_ticket_does_not_stand_in_for_the_password() -> None:
    world = World()
    server = world.secure_server(policy=JoinPolicy(password="secret"))
    joined(world, password="secret")
    ticket = server.make_ticket(server.peers[CLIENT], world.now)

    assert joined(world, OTHER, ticket=ticket).reason is DisconnectReason.WRONG_PASSWORD


# --- the man in the middle -------------------------------------------------------------------------------------------


def test_fingerprint_is_known_to_a_client_once_it_has_met_the_server() -> None:
    world = World()
    server = world.secure_server()
    client = joined(world)

    assert client.fingerprint == server.fingerprint == world.keys.fingerprint


def test_client_with_the_fingerprint_joins() -> None:
    world = World()
    server = world.secure_server()

    assert joined(world, fingerprint=server.fingerprint).state is LinkState.CONNECTED


def test_client_with_the_fingerprint_tells_nobody_else_its_password() -> None:
    world = World()
    impostor = world.secure_server(keys=ServerKeys.generate(random.Random(666).randbytes))
    client = joined(world, fingerprint=world.keys.fingerprint, password="secret")

    assert client.reason is DisconnectReason.WRONG_FINGERPRINT
    assert joins_in(world, JOIN) == []
    assert impostor.peers == {}
    assert world.now < 2.0


def test_forged_cookie_does_not_keep_a_client_with_the_fingerprint_out() -> None:
    world = World()
    server = world.secure_server()
    impostor = SecureServer(
        addresses=[SERVER],
        keys=ServerKeys.generate(random.Random(666).randbytes),
        max_clients=1,
        entropy=world.random.randbytes,
        unix_epoch=0.0,
        now=0.0,
        policy=JoinPolicy(),
        protocol_id=0x1122_3344_5566_7788,
    )
    client = world.secure_client(fingerprint=server.fingerprint)
    impostor.receive_datagram(world.from_client()[0], CLIENT, world.now)
    ((forged, _),) = impostor.datagrams_to_send()
    world.deliver(forged, SERVER, CLIENT)
    assert world.run(5.0, until=lambda: client.state is LinkState.CONNECTED)

    assert client.stats["dropped_wrong_fingerprint"] == 1
    assert len(server.peers) == 1


def test_cookie_of_somebody_who_has_not_seen_the_hello_is_ignored() -> None:
    world = World()
    client = world.secure_client()
    forged = bytes([COOKIE]) + bytes(16) + bytes(16) + ServerKeys.generate(random.Random(5).randbytes).public_key
    world.deliver(forged, SERVER, CLIENT)

    assert dropped(client.stats) == {"dropped_unexpected": 1}
    assert joins_in(world, JOIN) == []


def test_answer_of_somebody_without_the_servers_key_is_ignored() -> None:
    # He has relayed everything so far and knows the client's public key, but not the nonce in its wish.
    world = World()
    server = world.secure_server()
    world.loses = lambda data, source, target: data[0] in (JOIN, ANSWER)
    client = world.secure_client()
    world.run(0.15)
    (wish, *_) = joins_in(world, JOIN)
    client_key = wish[9:41]
    public_key = world.keys.public_key
    content = encode_admission(1, world.token())
    for nonce in (bytes(32), client_key):
        box = box_seal(content, client_key, answer_info(public_key, client_key, nonce), random.Random(6).randbytes)
        world.deliver(bytes([ANSWER]) + box, SERVER, CLIENT)

    assert client.state is LinkState.JOINING
    assert client.stats["dropped_forged"] == 2
    assert server.peers == {}


def test_answer_to_one_client_is_of_no_use_to_another() -> None:
    world = World()
    world.secure_server()
    joined(world)
    (answer,) = joins_in(world, ANSWER)
    world.loses = lambda data, source, target: data[0] == ANSWER
    other = world.secure_client(OTHER)
    world.run(0.15)
    world.deliver(answer, SERVER, OTHER)

    assert other.state is LinkState.JOINING
    assert other.stats["dropped_forged"] == 1


@pytest.mark.parametrize("step", [HELLO, COOKIE, JOIN, ANSWER])
def test_join_survives_a_changed_bit_at_any_step(step: int) -> None:
    world = World(latency=0.01)
    server = world.secure_server()
    rng = random.Random(step)
    tampered = 0

    original = world.deliver

    def deliver(data: bytes, source: Address, target: Address) -> None:
        nonlocal tampered
        if data[0] == step and tampered < 3:
            tampered += 1
            # Not in the padding of the hello, which says nothing.
            position = rng.randrange(41 if step == HELLO else len(data))
            data = data[:position] + bytes([data[position] ^ 1 << rng.randrange(8)]) + data[position + 1 :]
        original(data, source, target)

    world.deliver = deliver  # type: ignore[method-assign]
    client = joined(world)

    assert tampered == 3
    assert client.state is LinkState.CONNECTED
    assert len(server.peers) == 1


def test_datagrams_from_elsewhere_are_not_the_servers() -> None:
    world = World()
    world.secure_server()
    client = joined(world)
    before = dict(client.stats)
    world.deliver(world.from_server()[-1], EVIL, CLIENT)

    assert client.stats["dropped_wrong_sender"] == before["dropped_wrong_sender"] + 1


# --- cookies ---------------------------------------------------------------------------------------------------------


def test_cookie_is_good_for_its_address_and_key_only() -> None:
    jar = CookieJar(random.Random(1).randbytes, 0.0)
    cookie = jar.bake(CLIENT, b"k" * 32, 1.0)

    assert jar.is_good(cookie, CLIENT, b"k" * 32, 2.0)
    assert not jar.is_good(cookie, (CLIENT[0], 1), b"k" * 32, 2.0)
    assert not jar.is_good(cookie, OTHER, b"k" * 32, 2.0)
    assert not jar.is_good(cookie, CLIENT, b"j" * 32, 2.0)
    assert not jar.is_good(bytes(16), CLIENT, b"k" * 32, 2.0)


@pytest.mark.parametrize("baked", [0.0, 5.0, 9.9])
def test_cookie_is_good_for_at_least_one_lifetime_and_at_most_two(baked: float) -> None:
    jar = CookieJar(random.Random(1).randbytes, 0.0)
    cookie = jar.bake(CLIENT, b"k" * 32, baked)

    assert jar.is_good(cookie, CLIENT, b"k" * 32, baked + config.COOKIE_LIFETIME)
    assert not jar.is_good(cookie, CLIENT, b"k" * 32, baked + 2 * config.COOKIE_LIFETIME + 0.1)


def test_cookie_does_not_outlive_a_long_pause() -> None:
    jar = CookieJar(random.Random(1).randbytes, 0.0)
    cookie = jar.bake(CLIENT, b"k" * 32, 1.0)

    assert not jar.is_good(cookie, CLIENT, b"k" * 32, 1000.0)


def test_wish_with_a_bad_cookie_gets_no_answer_and_costs_no_decryption() -> None:
    world = World()
    server = world.secure_server()
    joined(world)
    (wish,) = joins_in(world, JOIN)
    answers = len(world.from_server())
    world.deliver(wish, EVIL, SERVER)
    world.run(60.0, until=lambda: False)
    world.deliver(wish, CLIENT, SERVER)

    assert server.stats["dropped_bad_cookie"] == 2
    assert [data for data in world.from_server()[answers:] if data[0] >= 0xF0] == []
    assert server.stats["joins_admitted"] == 1


# --- what a listener sees, and what a flood does ---------------------------------------------------------------------


def test_every_join_datagram_has_one_size() -> None:
    world = World()
    world.secure_server(policy=JoinPolicy(password="secret"))
    joined(world, password="secret", room="attic")
    joined(world, OTHER, password="a very long and quite wrong password")

    sizes = {kind: {len(data) for data in joins_in(world, kind)} for kind in (HELLO, COOKIE, JOIN, ANSWER)}
    assert sizes == {HELLO: {HELLO_BYTES}, COOKIE: {65}, JOIN: {HELLO_BYTES}, ANSWER: {ANSWER_BYTES}}


def test_nothing_is_kept_for_an_address_that_is_not_proven() -> None:
    world = World()
    server = world.secure_server()
    joined(world)
    (hello, *_) = joins_in(world, HELLO)
    (wish, *_) = joins_in(world, JOIN)

    def tables() -> list[int]:
        join = server._join
        assert join is not None
        return [
            len(server._pending),
            len(server._requests.history),
            len(server._requests._expected),
            len(server._timers),
            len(join._joins_by_network),
            len(join._guesses_by_network),
        ]

    before = tables()
    for i in range(500):
        source: Address = (f"10.7.{i // 250}.{i % 250}", i)
        for data in (hello, wish, b"shutdown", b"\x15" * 60, bytes(1078)):
            world.deliver(data, source, SERVER)

    assert tables() == before


def test_flood_of_hellos_is_answered_up_to_its_budget_and_sessions_go_on() -> None:
    world = World(latency=0.0)
    server = world.secure_server()
    client = joined(world)
    (hello,) = joins_in(world, HELLO)
    for i in range(config.HELLOS_BURST + 500):
        server.receive_datagram(hello, (f"10.8.{i // 250}.{i % 250}", i), world.now)

    assert len(server.datagrams_to_send()) == pytest.approx(config.HELLOS_BURST, abs=5)
    assert server.stats["dropped_over_budget"] == pytest.approx(500, abs=5)
    assert server.receive_datagram(client.seal(b"x", world.now), CLIENT, world.now) is not None


def test_flood_of_forged_requests_does_not_keep_out_who_has_joined() -> None:
    world = World(latency=0.01)
    server = world.secure_server()
    client = world.secure_client()
    assert world.run(1.0, until=lambda: client.state is LinkState.REQUESTING)
    forged = bytearray(world.from_client()[-1])
    for i in range(config.REQUESTS_BURST + 100):
        forged[100:104] = i.to_bytes(4, "big")
        server.receive_datagram(bytes(forged), (f"10.9.{i // 250}.{i % 250}", 1), world.now)
    assert server.stats["dropped_over_budget"] == pytest.approx(100, abs=2)

    assert world.run(0.5, until=lambda: client.state is LinkState.CONNECTED)


def test_transition_table_leaves_no_state_without_a_way_out() -> None:
    ends = {JoinState.ADMITTED, JoinState.REFUSED}

    assert {state for state, _ in JOIN_TRANSITIONS} == set(JoinState) - ends
    assert set(JOIN_TRANSITIONS.values()) >= ends


def test_same_seed_gives_the_same_bytes() -> None:
    def run() -> list[bytes]:
        world = World(seed=9)
        world.secure_server(policy=JoinPolicy(password="x"))
        joined(world, password="x")
        return [data for _, _, _, data in world.sent]

    assert run() == run()
