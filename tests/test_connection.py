"""Connections as the user sees them."""

from collections.abc import Iterator
from typing import Any

import pytest

from pygase import Client, ConnectionStatus, GameStateStore, Server
from pygase.testing import Conditions, SimulatedNetwork


@pytest.fixture
def network() -> Iterator[SimulatedNetwork]:
    network = SimulatedNetwork(3, Conditions(latency=0.05))
    yield network
    network.close()


def joined(network: SimulatedNetwork) -> tuple[Server, Client, Any, Any]:
    server = Server(GameStateStore())
    network.serve(server)
    client = network.connect()
    network.run(2.0)
    (theirs,) = server.connections.values()
    assert client.connection is not None
    return server, client, client.connection, theirs


def test_status_goes_from_connecting_over_connected_to_disconnected(network: SimulatedNetwork) -> None:
    server = Server(GameStateStore())
    network.serve(server)
    client = network.client()
    assert client.connection is None
    client.open(8080)
    connection = client.connection
    assert connection is not None
    seen = [connection.status]
    network.run(2.0)
    (theirs,) = server.connections.values()
    seen += [connection.status, theirs.status]
    client.disconnect()
    seen.append(connection.status)
    network.run(0.5)
    seen.append(theirs.status)
    assert [status.name for status in seen] == ["CONNECTING", "CONNECTED", "CONNECTED", "DISCONNECTED", "DISCONNECTED"]
    assert isinstance(seen[0], ConnectionStatus)


def test_failed_connection_is_disconnected(network: SimulatedNetwork) -> None:
    client = network.connect()
    network.run(12.0)
    assert client.connection is not None
    assert client.connection.status is ConnectionStatus.DISCONNECTED


def test_latency_is_the_smoothed_round_trip_on_both_sides(network: SimulatedNetwork) -> None:
    server, client, mine, theirs = joined(network)
    for _ in range(50):
        client.dispatch_event("E", retries=3)
        server.dispatch_event("E", retries=3)
        network.run(0.05)
    assert mine.latency == pytest.approx(0.1, rel=0.1)
    assert theirs.latency == pytest.approx(0.1, rel=0.1)


def test_latency_is_zero_before_it_was_measured(network: SimulatedNetwork) -> None:
    client = network.connect()
    assert client.connection is not None
    assert client.connection.latency == 0.0


def test_remote_addresses_are_each_others(network: SimulatedNetwork) -> None:
    server, _, mine, theirs = joined(network)
    assert mine.remote_address == ("10.0.0.1", 8080)
    assert list(server.connections) == [theirs.remote_address]
    assert theirs.remote_address[0] == "10.0.1.2"


def test_both_sides_know_the_client_by_the_same_id(network: SimulatedNetwork) -> None:
    _, _, mine, theirs = joined(network)
    assert mine.client_id == theirs.client_id > 0


def test_quality_falls_with_losses(network: SimulatedNetwork) -> None:
    _, client, mine, _ = joined(network)
    good = mine.quality
    assert 0.5 < good <= 1.0
    network.host_of(client).conditions(Conditions(latency=0.05, loss=0.3))
    for _ in range(300):
        client.dispatch_event("E", retries=3)
        network.run(0.02)
    assert mine.quality < good / 2


def test_stats_count_and_only_grow(network: SimulatedNetwork) -> None:
    _, client, mine, theirs = joined(network)
    before = dict(mine.stats)
    sent_before = theirs.stats["messages_received"]
    for _ in range(10):
        client.dispatch_event("E")
    network.run(0.5)
    after = mine.stats
    assert after["messages_sent"] == before["messages_sent"] + 10
    assert theirs.stats["messages_received"] == sent_before + 10
    assert all(after[name] >= count for name, count in before.items())
    assert after["dropped_malformed"] == 0


def test_repr_says_who_how_and_how_far(network: SimulatedNetwork) -> None:
    _, _, mine, theirs = joined(network)
    assert repr(mine).startswith("<ClientConnection 10.0.0.1:8080 connected, ")
    assert repr(theirs).startswith("<ServerConnection 10.0.1.2:")
