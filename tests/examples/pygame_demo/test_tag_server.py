"""Whole games of tag on a simulated network: the server and the bots as they are, minutes in a second."""

import itertools
import math
from typing import Any

import pytest

import pygase
from examples.launcher import SEAT_SECONDS
from examples.pygame_demo import rules
from examples.pygame_demo.bot import Bot
from examples.pygame_demo.server import TICK_SECONDS, TagServer
from pygase.config import PEER_TIMEOUT
from pygase.testing import SimulatedNetwork
from tests.examples.games import joined, state_of

ADDRESS = ("localhost", 8080)


def running(network: SimulatedNetwork, seed: int = 1) -> TagServer:
    server = TagServer(seed)
    network.serve(server.backend, interval=TICK_SECONDS, seat_hold=SEAT_SECONDS)
    return server


def bots(network: SimulatedNetwork, count: int) -> list[Bot]:
    team = [Bot(f"Bot {number}", ADDRESS, number, network.client()) for number in range(count)]
    for bot in team:
        network.every(1 / 60, lambda bot=bot: bot.frame(1 / 60))  # type: ignore[misc]
    return team


def test_bots_hunt_and_catch_each_other_and_everybody_sees_the_same() -> None:
    network = SimulatedNetwork(seed=4, conditions="wifi")
    server = running(network)
    team = bots(network, 4)
    catches: list[tuple[int, int]] = []
    team[0].net.on("CAUGHT")(lambda catcher, caught: catches.append((catcher, caught)))
    network.run(30)
    assert len(catches) > 2
    assert all(later[0] == earlier[1] for earlier, later in itertools.pairwise(catches))  # the caught one catches next
    for bot in team:
        bot.close()
    network.run(2)
    assert state_of(server.backend)["players"] == {}


def test_a_player_finds_itself_in_the_state_when_it_hears_who_it_is() -> None:
    network = SimulatedNetwork(seed=2, conditions="wifi")
    running(network)
    seen: list[bool] = []
    for _ in range(20):
        client = network.connect()

        def on_player_created(player_id: int, client: pygase.Client = client) -> None:
            with client.access_game_state() as state:
                seen.append(player_id in state.players)

        client.register_event_handler("PLAYER_CREATED", on_player_created)
        client.dispatch_event("JOIN", "P", retries=pygase.RELIABLE)
    network.run_until(lambda: len(seen) == 20)
    assert all(seen)


def test_whoever_claims_to_be_far_away_gets_no_farther_than_walking() -> None:
    network = SimulatedNetwork(seed=3)
    server = running(network)
    client, player_id = joined(network, "PLAYER_CREATED")
    start = state_of(server.backend)["players"][player_id]["position"]
    corner = (0.0, 0.0) if math.dist(start, (0, 0)) > 500 else (976.0, 640.0)
    for _ in range(50):
        client.dispatch_event("MOVE", *corner)
        network.run(0.02)
    gone = math.dist(start, state_of(server.backend)["players"][player_id]["position"])
    allowed = rules.CHASER_SPEED * rules.REACH_SLACK * (1.0 + rules.MAX_REACH_SECONDS)
    assert 200 < gone <= allowed + 10


def test_who_leaves_or_is_lost_is_taken_out() -> None:
    network = SimulatedNetwork(seed=5)
    server = running(network)
    leaver, _ = joined(network, "PLAYER_CREATED", "leaver")
    lost, _ = joined(network, "PLAYER_CREATED", "lost")
    joined(network, "PLAYER_CREATED", "stays")
    leaver.disconnect()
    network.cut_off(lost)
    network.run(PEER_TIMEOUT + SEAT_SECONDS + 2)
    assert [player["name"] for player in state_of(server.backend)["players"].values()] == ["stays"]
    assert state_of(server.backend)["chaser_id"] in state_of(server.backend)["players"]


@pytest.mark.parametrize("junk", [(), (None, None), ("x", "y"), (math.nan, 1.0), ([], {}), (1.0,), (1.0, 2.0, 3.0)])
def test_junk_from_a_player_changes_nothing_and_the_game_goes_on(junk: tuple[Any, ...]) -> None:
    network = SimulatedNetwork(seed=6)
    server = running(network)
    client, player_id = joined(network, "PLAYER_CREATED")
    before = state_of(server.backend)["players"]
    client.dispatch_event("MOVE", *junk)
    client.dispatch_event("JOIN")
    client.dispatch_event("JOIN", "again")
    network.run(1)
    assert state_of(server.backend)["players"] == before
    x, y = before[player_id]["position"]
    client.dispatch_event("MOVE", x, y - 5 if y > 320 else y + 5)
    network.run(0.5)
    assert state_of(server.backend)["players"] != before


def test_who_was_cut_off_comes_back_as_the_same() -> None:
    network = SimulatedNetwork(seed=7)
    server = running(network)
    client, own_id = joined(network, "PLAYER_CREATED", "back")
    told: list[int] = []
    client.register_event_handler("PLAYER_CREATED", told.append)
    client.register_event_handler("RECONNECTED", lambda: client.dispatch_event("JOIN", "back", retries=pygase.RELIABLE))
    network.cut_off(client, PEER_TIMEOUT + 3)
    network.after(PEER_TIMEOUT, lambda: network.move(client, ip="10.9.9.9", port=50_000))
    network.run(PEER_TIMEOUT + 9)
    assert told == [own_id]
    assert list(state_of(server.backend)["players"]) == [own_id]
