"""Whole games in the space arena on a simulated network: the server and the bots as they are."""

import math
from collections import Counter
from typing import Any

import pytest

import pygase
from examples.arcade_demo.bot import Bot
from examples.arcade_demo.server import TICK_SECONDS, ArenaServer
from examples.launcher import SEAT_SECONDS
from pygase.config import PEER_TIMEOUT
from pygase.testing import SimulatedNetwork
from tests.examples.games import joined, state_of

ADDRESS = ("localhost", 8080)


def running(network: SimulatedNetwork, seed: int = 1) -> ArenaServer:
    server = ArenaServer(seed)
    network.serve(server.backend, interval=TICK_SECONDS, seat_hold=SEAT_SECONDS)
    return server


def test_bots_shoot_rocks_and_each_other_and_everybody_hears_of_it() -> None:
    network = SimulatedNetwork(seed=4, conditions="wifi")
    server = running(network)
    team = [Bot(f"Bot {number}", ADDRESS, number, network.client()) for number in range(4)]
    heard: Counter[str] = Counter()
    team[0].net.on("EXPLOSION")(lambda size, **_: heard.update(["ship" if size == 4 else "rock"]))
    team[0].net.on("HIT")(lambda **_: heard.update(["hit"]))
    for bot in team:
        network.every(1 / 30, lambda bot=bot: bot.frame(1 / 30))  # type: ignore[misc]
    network.run(25)
    assert heard["rock"] > 10
    assert heard["hit"] > 3
    assert heard["ship"] > 0
    assert sum(ship["score"] for ship in state_of(server.backend)["ships"].values()) > 20
    for bot in team:
        bot.close()
    network.run(2)
    assert state_of(server.backend)["ships"] == {}


def test_controls_fly_the_ship_and_letting_go_stops_turning() -> None:
    network = SimulatedNetwork(seed=2)
    server = running(network)
    client, ship_id = joined(network, "SHIP_CREATED")
    before = state_of(server.backend)["ships"][ship_id]
    client.dispatch_event("CONTROLS", 1, True, False)
    network.run(0.3)
    client.dispatch_event("CONTROLS", 0, False, False)
    network.run(0.2)
    after = state_of(server.backend)["ships"][ship_id]
    assert after["angle"] != before["angle"]
    assert after["velocity"] != [0.0, 0.0]
    network.run(0.2)
    assert state_of(server.backend)["ships"][ship_id]["angle"] == after["angle"]


def test_who_leaves_or_is_lost_is_taken_out() -> None:
    network = SimulatedNetwork(seed=5)
    server = running(network)
    leaver, _ = joined(network, "SHIP_CREATED", "leaver")
    lost, _ = joined(network, "SHIP_CREATED", "lost")
    joined(network, "SHIP_CREATED", "stays")
    leaver.disconnect()
    network.cut_off(lost)
    network.run(PEER_TIMEOUT + SEAT_SECONDS + 2)
    assert [ship["name"] for ship in state_of(server.backend)["ships"].values()] == ["stays"]


@pytest.mark.parametrize("junk", [(), (None, None, None), (math.nan, 1, 2), ({}, [], "x"), (1,), (1, True, True, 4)])
def test_junk_from_a_pilot_changes_nothing_and_the_game_goes_on(junk: tuple[Any, ...]) -> None:
    network = SimulatedNetwork(seed=6)
    server = running(network)
    client, ship_id = joined(network, "SHIP_CREATED")
    client.dispatch_event("CONTROLS", *junk)
    network.run(0.2)
    ship = state_of(server.backend)["ships"][ship_id]
    assert ship["velocity"] == [0.0, 0.0]
    client.dispatch_event("CONTROLS", 0, True, False)
    network.run(0.2)
    assert state_of(server.backend)["ships"][ship_id]["velocity"] != [0.0, 0.0]


def test_who_was_cut_off_comes_back_as_the_same() -> None:
    network = SimulatedNetwork(seed=7)
    server = running(network)
    client, own_id = joined(network, "SHIP_CREATED", "back")
    told: list[int] = []
    client.register_event_handler("SHIP_CREATED", told.append)
    client.register_event_handler("RECONNECTED", lambda: client.dispatch_event("JOIN", "back", retries=pygase.RELIABLE))
    network.cut_off(client, PEER_TIMEOUT + 3)
    network.after(PEER_TIMEOUT, lambda: network.move(client, ip="10.9.9.9", port=50_000))
    network.run(PEER_TIMEOUT + 9)
    assert told == [own_id]
    assert list(state_of(server.backend)["ships"]) == [own_id]
