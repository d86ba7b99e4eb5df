"""A server and its clients from the first datagram to the last, in the manner of the reference's own suite."""

import random
from collections.abc import Callable

import pytest

from pygase.config import KEEP_ALIVE_INTERVAL, MIN_PENDING, TOKEN_LIFETIME
from pygase.errors import DisconnectReason, NotConnected
from pygase.netcode import Address, Client, ClientState, Connected, Disconnected, PeerConnected, PeerDisconnected
from pygase.netcode.budget import Budget
from pygase.netcode.layout import REQUEST_BYTES, PacketType
from pygase.netcode.server import GLOBAL_SEQUENCE_START
from tests.netcode.world import CLIENT, SERVER, TIMEOUT, UNIX_EPOCH, World, dropped, signals


def kind(data: bytes) -> PacketType:
    return PacketType(data[0] & 0x0F)


def sequence(data: bytes) -> int:
    return int.from_bytes(data[1 : 1 + (data[0] >> 4)], "little")


def lossy(seed: int, share: float = 0.05) -> Callable[[bytes, Address, Address], bool]:
    rng = random.Random(seed)
    return lambda data, source, target: rng.random() < share


# --- connecting ------------------------------------------------------------------------------------------------------


def test_client_connects_and_both_hear_of_it() -> None:
    world = World()
    server = world.server()
    client = world.client(world.token(client_id=0x1234, user_data=b"Ada"))

    world.run_until_connected(client)

    assert signals(client) == [Connected(None)]
    (signal,) = signals(server)
    assert isinstance(signal, PeerConnected)
    assert signal.peer is server.peers[CLIENT]
    assert signal.peer.client_id == 0x1234
    assert signal.peer.user_data.rstrip(b"\0") == b"Ada"
    assert (client.index, client.max_clients) == (0, 16)
    assert signal.peer.index == 0


def test_connecting_takes_two_round_trips_without_waiting() -> None:
    world = World(latency=0.1)
    world.server()
    client = world.client()

    world.run_until_connected(client)

    assert world.now == pytest.approx(0.4)


def test_handshake_has_the_packets_of_the_standard() -> None:
    world = World(latency=0.01)
    world.server()
    client = world.client()
    world.run_until_connected(client)
    world.run(0.05)

    request, response, keep_alive = world.from_client()
    challenge, welcome = world.from_server()
    assert len(request) == REQUEST_BYTES == 1078
    assert request.startswith(b"\0NETCODE 1.02\0")
    assert (kind(challenge), sequence(challenge), len(challenge)) == (PacketType.CHALLENGE, GLOBAL_SEQUENCE_START, 333)
    assert (kind(response), sequence(response), len(response)) == (PacketType.RESPONSE, 1, 326)
    assert (kind(welcome), sequence(welcome)) == (PacketType.KEEP_ALIVE, 0)
    assert kind(keep_alive) == PacketType.KEEP_ALIVE


def test_payloads_of_every_size_go_both_ways() -> None:
    world = World()
    server, client = world.connected()
    peer = server.peers[CLIENT]
    payloads = [bytes([size % 256]) * size for size in (1, 2, 100, 1199, 1200)]

    for payload in payloads:
        world.send(client.seal(payload, world.now), CLIENT, SERVER)
        world.send(peer.seal(payload, world.now), SERVER, CLIENT)
    world.run(0.2)

    assert world.got[SERVER] == world.got[CLIENT] == payloads


@pytest.mark.parametrize("seed", range(5))
def test_client_connects_over_a_bad_line(seed: int) -> None:
    world = World(seed, latency=0.25, loses=lossy(seed, 0.3))
    server = world.server()
    client = world.client()

    world.run_until_connected(client)

    assert len(server.peers) == 1


@pytest.mark.parametrize("server_address", [("::1", 40_000), ("::1", 40_000, 0, 0), ("127.0.0.1", 40_000)])
@pytest.mark.parametrize("client_address", [("::2", 50_000, 0, 0), ("10.0.0.1", 50_000)])
def test_ipv4_and_ipv6_connect(server_address: Address, client_address: Address) -> None:
    world = World()
    server = world.server(server_address)
    client = Client(world.token(addresses=[server_address[:2]]), world.now, addresses=[server_address])
    world.endpoints[client_address] = client

    world.run_until_connected(client)

    assert list(server.peers) == [client_address]


@pytest.mark.parametrize("which", [0, 1])
def test_server_with_two_addresses_takes_tokens_for_either(which: int) -> None:
    both: list[Address] = [("127.0.0.1", 40_000), ("::1", 40_000)]
    world = World()
    server = world.server(addresses=both)
    client = Client(world.token(addresses=[both[which]]), world.now, addresses=[SERVER])
    world.endpoints[CLIENT] = client

    world.run_until_connected(client)

    assert len(server.peers) == 1


@pytest.mark.parametrize("count", [2, 32, 5])
def test_many_clients_fill_their_slots_and_exchange_payloads(count: int) -> None:
    world = World(latency=0.02, loses=lossy(count))
    server = world.server(max_clients=count)
    addresses: list[Address] = [("10.0.0.1", 50_000 + i) for i in range(count)]
    clients = [world.client(world.token(i + 1), address) for i, address in enumerate(addresses)]
    world.run_until_connected(*clients)

    assert sorted(peer.index for peer in server.peers.values()) == list(range(count))
    world.loses = lambda data, source, target: False
    for client, address in zip(clients, addresses, strict=True):
        world.send(client.seal(str(address).encode(), world.now), address, SERVER)
        world.send(server.peers[address].seal(str(address).encode(), world.now), SERVER, address)
    world.run(0.1)

    assert sorted(world.got[SERVER]) == sorted(str(address).encode() for address in addresses)
    assert all(world.got[address] == [str(address).encode()] for address in addresses)


def test_client_tries_one_server_after_the_other() -> None:
    world = World()
    server = world.server()
    nobody: list[Address] = [("10.10.10.10", 1000), ("2001:db8::1", 50_000)]
    client = world.client(world.token(addresses=[*nobody, SERVER]))

    world.run_until_connected(client)

    assert client.server_address == SERVER
    assert world.now == pytest.approx(2 * TIMEOUT + 4 * world.latency)
    assert len(server.peers) == 1


def test_client_denied_by_one_server_goes_to_the_next() -> None:
    other: Address = ("127.0.0.2", 40_000)
    world = World()
    # The two servers would otherwise both use the first global number with this token's key, which is what a token
    # for several servers means in netcode 1.02 (docs/PROTOCOL.md, "What the standard leaves open").
    full = world.server(max_clients=1)
    full._global_sequence += 1000
    world.server(other)
    world.run_until_connected(world.client(world.token(1), ("10.0.0.9", 1)))
    client = world.client(world.token(2, addresses=[SERVER, other]))

    world.run_until_connected(client)

    assert client.server_address == other
    assert full.stats["denied"] == 1


def test_payload_that_overtakes_the_first_keep_alive_is_discarded() -> None:
    world = World()
    server = world.server()
    client = world.client()
    assert world.run(5.0, until=lambda: bool(server.peers))
    early = server.peers[CLIENT].seal(b"early", world.now)

    assert client.receive_datagram(early, SERVER, world.now) is None
    assert client.stats["dropped_unexpected"] == 1
    world.run_until_connected(client)


def test_each_payload_to_an_unconfirmed_client_follows_a_keep_alive() -> None:
    world = World(loses=lambda data, source, target: source == CLIENT and len(data) < 100)
    server = world.server()
    client = world.client()
    world.run_until_connected(client)
    world.run(0.01)
    peer = server.peers[CLIENT]
    assert not peer.confirmed
    server.datagrams_to_send()

    peer.seal(b"one", world.now)
    peer.seal(b"two", world.now)

    assert [kind(data) for data, _ in server.datagrams_to_send()] == [PacketType.KEEP_ALIVE] * 2
    world.deliver(client.seal(b"heard", world.now), CLIENT, SERVER)
    assert peer.confirmed
    peer.seal(b"three", world.now)
    assert server.datagrams_to_send() == []


def test_lost_welcome_is_repeated_until_the_client_is_heard() -> None:
    world = World()
    server = world.server()
    client = world.client()
    assert world.run(5.0, until=lambda: bool(server.peers))
    began = world.now
    world.loses = lambda data, source, target: source == SERVER and world.now < began + 1.0

    world.run_until_connected(client)

    assert world.now < began + 1.3


# --- staying ---------------------------------------------------------------------------------------------------------


def test_keep_alives_alone_hold_a_connection() -> None:
    world = World(loses=lossy(3))
    server, client = world.connected()

    world.run(10 * TIMEOUT)

    assert client.state is ClientState.CONNECTED
    assert list(server.peers) == [CLIENT]


def test_idle_connection_costs_one_datagram_a_second_each_way() -> None:
    world = World()
    world.connected()
    world.sent.clear()

    world.run(100.0)

    assert len(world.from_server()) == pytest.approx(100 / KEEP_ALIVE_INTERVAL, abs=2)
    assert len(world.from_client()) == pytest.approx(100 / KEEP_ALIVE_INTERVAL, abs=2)


def test_busy_connection_sends_no_keep_alives() -> None:
    world = World()
    server, client = world.connected()
    world.sent.clear()

    for _ in range(20):
        world.send(client.seal(b"x", world.now), CLIENT, SERVER)
        world.send(server.peers[CLIENT].seal(b"x", world.now), SERVER, CLIENT)
        world.run(0.5)

    assert {kind(data) for _, _, _, data in world.sent} == {PacketType.PAYLOAD}


def test_duplicated_datagrams_arrive_once() -> None:
    world = World()
    server, client = world.connected()
    datagrams = [client.seal(bytes([i]), world.now) for i in range(10)]

    for data in datagrams * 3:
        world.deliver(data, CLIENT, SERVER)

    assert world.got[SERVER] == [bytes([i]) for i in range(10)]
    assert dropped(server.stats) == {"dropped_replayed": 20}


def test_timeouts_can_be_switched_off() -> None:
    world = World()
    server = world.server()
    client = world.client(world.token(timeout=-1))
    world.run_until_connected(client)
    world.run(1.0)

    world.loses = lambda data, source, target: True
    world.run(3600.0)

    assert client.state is ClientState.CONNECTED
    assert list(server.peers) == [CLIENT]


# --- not getting in --------------------------------------------------------------------------------------------------


def test_token_that_expires_at_once_ends_in_expired() -> None:
    world = World()
    client = world.client(world.token(lifetime=0))
    world.run(0.1)

    assert client.state is ClientState.CONNECT_TOKEN_EXPIRED
    assert signals(client) == [Disconnected(DisconnectReason.TOKEN_EXPIRED, was_connected=False)]


def test_token_that_expires_on_the_way_ends_in_expired() -> None:
    world = World()
    client = world.client(world.token(lifetime=10, addresses=[SERVER, ("127.0.0.2", 1), ("127.0.0.3", 1)]))
    world.run(60.0)

    assert client.state is ClientState.CONNECT_TOKEN_EXPIRED


def test_server_refuses_an_expired_token() -> None:
    world = World()
    server = world.server()
    world.now = 100.0
    world.client(world.token(unix_time=UNIX_EPOCH + 100 - TOKEN_LIFETIME))
    world.run(0.06)

    assert dropped(server.stats) == {"dropped_token_expired": 1}
    assert world.from_server() == []


@pytest.mark.parametrize("garbage", [b"", bytes(2048), random.Random(1).randbytes(2048), bytes(2047)])
def test_what_is_no_token_ends_in_invalid(garbage: bytes) -> None:
    world = World()
    client = world.client(garbage)
    world.run(1.0)

    assert client.state is ClientState.INVALID_CONNECT_TOKEN
    assert signals(client) == [Disconnected(DisconnectReason.TOKEN_INVALID, was_connected=False)]
    assert client.next_timer() is None
    assert world.sent == []


def test_token_of_another_key_gets_no_answer() -> None:
    world = World()
    server = world.server()
    client = world.client(world.token(key=bytes(32)))
    world.run(20.0)

    assert client.state is ClientState.CONNECTION_REQUEST_TIMED_OUT
    assert signals(client) == [Disconnected(DisconnectReason.NO_ANSWER, was_connected=False)]
    assert world.from_server() == []
    assert set(dropped(server.stats)) == {"dropped_token_invalid"}


def test_token_for_another_game_gets_no_answer() -> None:
    world = World()
    server = world.server()
    world.client(world.token(protocol_id=1))
    world.run(0.06)

    assert dropped(server.stats) == {"dropped_wrong_protocol": 1}
    assert world.from_server() == []


def test_token_for_another_server_gets_no_answer() -> None:
    world = World()
    server = world.server()
    token = world.token(internal_addresses=[("127.0.0.1", 40_001)])
    world.client(token)
    world.run(0.06)

    assert dropped(server.stats) == {"dropped_token_other_server": 1}
    assert world.from_server() == []


@pytest.mark.parametrize("wildcard", ["0.0.0.0", "::"])
def test_server_on_all_addresses_takes_tokens_for_its_port(wildcard: str) -> None:
    world = World()
    server = world.server(addresses=[(wildcard, 40_000)])
    world.run_until_connected(world.client(world.token(1, internal_addresses=[("203.0.113.5", 40_000)])))
    world.client(world.token(2, internal_addresses=[("203.0.113.5", 40_001)]), ("10.0.0.2", 1))
    world.run(0.06)

    assert len(server.peers) == 1
    assert dropped(server.stats) == {"dropped_token_other_server": 1}


def test_handshakes_under_way_are_bounded() -> None:
    world = World()
    server = world.server(max_clients=2)
    server._requests.budget = Budget(1e9, 1e9, 0.0)
    for number in range(MIN_PENDING + 5):
        server.receive_datagram(request_of(world, number + 1), (f"10.1.{number // 250}.{number % 250}", 1), world.now)

    assert len(server._pending) == MIN_PENDING
    assert dropped(server.stats) == {"dropped_too_many_pending": 5}
    world.run(TIMEOUT + 1.0)
    assert len(server._pending) == len(server._timers) == 0


def test_tokens_of_days_ago_are_not_remembered() -> None:
    world = World(latency=0.0)
    server = world.server()
    for number in range(50):
        client = world.client(world.token(number + 1))
        world.run_until_connected(client)
        client.disconnect(world.now)
        world.run(20.0)

    assert len(server._requests.history) < 10


def test_request_times_out() -> None:
    world = World(loses=lambda data, source, target: True)
    world.server()
    client = world.client()
    world.run(20.0)

    assert client.state is ClientState.CONNECTION_REQUEST_TIMED_OUT
    assert len(world.from_client()) == pytest.approx(10 * TIMEOUT, abs=1)


def test_response_times_out() -> None:
    world = World(loses=lambda data, source, target: kind(data) is PacketType.RESPONSE)
    server = world.server()
    client = world.client()
    world.run(20.0)

    assert client.state is ClientState.CONNECTION_RESPONSE_TIMED_OUT
    assert signals(client) == [Disconnected(DisconnectReason.NO_ANSWER, was_connected=False)]
    assert server._pending == {}


def test_connection_times_out_on_both_sides() -> None:
    world = World()
    server, client = world.connected()
    world.loses = lambda data, source, target: True
    cut = world.now
    assert world.run(20.0, until=lambda: not server.peers and client.state is not ClientState.CONNECTED)

    assert client.state is ClientState.CONNECTION_TIMED_OUT
    assert signals(client) == [Disconnected(DisconnectReason.TIMED_OUT, was_connected=True)]
    (signal,) = signals(server)
    assert isinstance(signal, PeerDisconnected)
    assert signal.reason is DisconnectReason.TIMED_OUT
    assert world.now - cut == pytest.approx(TIMEOUT, abs=1.0)


def test_four_seconds_of_silence_are_forgiven() -> None:
    world = World()
    server, client = world.connected()
    world.loses = lambda data, source, target: True
    world.run(4.0)
    world.loses = lambda data, source, target: False
    world.run(20.0)

    assert client.state is ClientState.CONNECTED
    assert len(server.peers) == 1


def test_full_server_denies() -> None:
    world = World()
    server = world.server(max_clients=1)
    world.run_until_connected(world.client())
    other = world.client(world.token(2), ("10.0.0.2", 50_000))
    world.run(1.0)

    assert other.state is ClientState.CONNECTION_DENIED
    assert signals(other) == [Disconnected(DisconnectReason.DENIED, was_connected=False)]
    assert len(server.peers) == 1
    (denied,) = [data for data in world.from_server() if kind(data) is PacketType.DENIED]
    assert sequence(denied) > GLOBAL_SEQUENCE_START
    assert len(denied) == 25


def test_last_slot_goes_to_the_first_response() -> None:
    world = World()
    server = world.server(max_clients=1)
    clients = [world.client(world.token(i), ("10.0.0.1", 50_000 + i)) for i in range(5)]
    world.run(1.0)

    assert sorted(client.state for client in clients) == [*[ClientState.CONNECTION_DENIED] * 4, ClientState.CONNECTED]
    assert len(server.peers) == 1


def test_slot_is_free_again_after_a_client_has_left() -> None:
    world = World()
    server = world.server(max_clients=1)
    first = world.client()
    world.run_until_connected(first)
    first.disconnect(world.now)
    world.run(0.5)
    second = world.client(world.token(2), ("10.0.0.2", 1))

    world.run_until_connected(second)

    assert second.index == 0
    assert [peer.client_id for peer in server.peers.values()] == [2]


def test_client_id_that_is_connected_is_ignored() -> None:
    world = World()
    server, _ = world.connected()
    world.client(world.token(1), ("10.0.0.2", 50_000))
    world.run(0.06)

    assert dropped(server.stats) == {"dropped_already_connected": 1}


def test_address_that_is_connected_is_ignored() -> None:
    world = World()
    server, client = world.connected()
    world.deliver(request_of(world, 2), CLIENT, SERVER)

    assert dropped(server.stats) == {"dropped_already_connected": 1}
    assert client.state is ClientState.CONNECTED


def request_of(world: World, client_id: int) -> bytes:
    ((data, _),) = Client(world.token(client_id), world.now).datagrams_to_send()
    return data


# --- the end ---------------------------------------------------------------------------------------------------------


def test_client_leaves() -> None:
    world = World()
    server, client = world.connected()
    world.sent.clear()
    client.disconnect(world.now)
    world.run(0.1)

    client.disconnect(world.now)

    assert client.state is ClientState.DISCONNECTED
    assert signals(client) == [Disconnected(DisconnectReason.CLIENT_LEFT, was_connected=True)]
    (signal,) = signals(server)
    assert isinstance(signal, PeerDisconnected)
    assert signal.reason is DisconnectReason.CLIENT_LEFT
    assert server.peers == {}
    assert [kind(data) for data in world.from_client()] == [PacketType.DISCONNECT] * 10
    assert world.from_server() == []
    assert dropped(server.stats) == {"dropped_unknown_sender": 9}


def test_server_disconnects_a_client() -> None:
    world = World()
    server, client = world.connected()
    peer = server.peers[CLIENT]
    server.disconnect(peer, world.now)
    server.disconnect(peer, world.now)
    world.run(0.1)

    assert client.state is ClientState.DISCONNECTED
    assert signals(client) == [Disconnected(DisconnectReason.KICKED, was_connected=True)]
    assert signals(server) == [PeerDisconnected(peer, DisconnectReason.KICKED)]
    with pytest.raises(NotConnected):
        peer.seal(b"x", world.now)
    with pytest.raises(NotConnected):
        client.seal(b"x", world.now)


def test_one_of_ten_goodbyes_is_enough() -> None:
    world = World()
    server, client = world.connected()
    before = len(world.sent)
    world.loses = lambda data, source, target: len(world.sent) != before + 7
    client.disconnect(world.now)
    world.run(0.1)

    assert server.peers == {}


def test_closed_server_says_goodbye_and_takes_nobody() -> None:
    world = World()
    server, client = world.connected()
    server.close(world.now)
    world.run(0.1)

    assert client.state is ClientState.DISCONNECTED
    (signal,) = signals(server)
    assert isinstance(signal, PeerDisconnected)
    assert signal.reason is DisconnectReason.SERVER_SHUTDOWN
    assert server.next_timer() is None
    late = world.client(world.token(2), ("10.0.0.2", 1))
    world.run(20.0)
    assert late.state is ClientState.CONNECTION_REQUEST_TIMED_OUT
    assert set(dropped(server.stats)) == {"dropped_closed"}


def test_client_that_leaves_before_it_is_in_tells_only_who_can_know() -> None:
    world = World()
    client = world.client()
    client.disconnect(world.now)
    world.flush()

    assert [kind(data) for data in world.from_client()] == [PacketType.REQUEST]
    assert signals(client) == [Disconnected(DisconnectReason.CLIENT_LEFT, was_connected=False)]


# --- again -----------------------------------------------------------------------------------------------------------


def test_client_comes_back_with_a_new_token() -> None:
    world = World()
    server, client = world.connected()
    client.disconnect(world.now)
    world.run(0.5)
    again = world.client(world.token(1))

    world.run_until_connected(again)

    assert server.stats["connected"] == 2


def test_used_token_admits_nobody_again() -> None:
    world = World()
    server = world.server()
    token = world.token()
    client = world.client(token)
    world.run_until_connected(client)
    client.disconnect(world.now)
    world.run(0.5)
    again = world.client(token)
    world.run(0.06)

    assert again.state is ClientState.SENDING_CONNECTION_REQUEST
    assert server.stats["dropped_token_used"] == 1
    assert server.peers == {}


def test_token_is_of_no_use_to_a_second_address() -> None:
    world = World()
    server = world.server()
    token = world.token()
    first = world.client(token)
    world.run(0.06)
    world.client(token, ("10.0.0.2", 50_000))
    world.run_until_connected(first)

    assert server.stats["dropped_token_used"] >= 1
    assert list(server.peers) == [CLIENT]


def test_token_that_did_not_get_through_can_be_tried_again_without_repeating_a_nonce() -> None:
    world = World(loses=lambda data, source, target: kind(data) is PacketType.RESPONSE)
    world.server()
    token = world.token()
    first = world.client(token)
    world.run(8.0)
    assert first.state is ClientState.CONNECTION_RESPONSE_TIMED_OUT
    world.loses = lambda data, source, target: False

    second = world.client(token)

    world.run_until_connected(second)


def test_nothing_of_an_old_session_counts_in_a_new_one() -> None:
    world = World()
    server, client = world.connected()
    world.send(client.seal(b"old", world.now), CLIENT, SERVER)
    world.run(0.1)
    recorded = world.from_client()
    client.disconnect(world.now)
    world.run(0.5)
    world.run_until_connected(world.client(world.token(1)))
    world.run(0.5)
    before = len(world.got[SERVER])

    for data in recorded:
        world.deliver(data, CLIENT, SERVER)

    assert len(world.got[SERVER]) == before
    assert server.peers[CLIENT].state.value == "confirmed"


def test_whole_session_replayed_to_a_server_gets_no_answer() -> None:
    world = World()
    server, client = world.connected()
    world.send(client.seal(b"x", world.now), CLIENT, SERVER)
    world.run(0.1)
    client.disconnect(world.now)
    world.run(0.5)
    recorded = world.from_client()
    answers = len(world.from_server())

    for source in (CLIENT, ("10.6.6.6", 1)):
        for data in recorded:
            world.deliver(data, source, SERVER)

    assert len(world.from_server()) == answers
    assert server.peers == {}


def test_token_from_before_the_servers_start_is_refused() -> None:
    world = World()
    world.server()
    token = world.token(unix_time=UNIX_EPOCH + 1.0)
    world.now = 2.0
    restarted = world.server()
    world.client(token)
    world.run(0.06)

    assert dropped(restarted.stats) == {"dropped_token_predates_start": 1}
    assert world.from_server() == []
    world.run_until_connected(world.client(world.token()))


def test_restarted_server_numbers_from_the_upper_half_again() -> None:
    world = World()
    world.server()
    world.run_until_connected(world.client())
    world.server()
    world.run_until_connected(world.client(world.token(2)))

    challenges = [data for data in world.from_server() if kind(data) is PacketType.CHALLENGE]
    assert [sequence(data) for data in challenges] == [GLOBAL_SEQUENCE_START] * 2


def test_jump_of_the_wall_clock_touches_nothing() -> None:
    # There is no wall clock: unix time is where the server's monotonic clock says it is.
    world = World()
    server, client = world.connected()
    world.run(3600.0)

    assert client.state is ClientState.CONNECTED
    world.run_until_connected(world.client(world.token(2), ("10.0.0.2", 1)))
    assert len(server.peers) == 2
