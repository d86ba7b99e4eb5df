"""Whatever players do and lines do to them, afterwards everybody agrees: state, events, and who is there.

Players come and go, lose their line for a while and get it back, on lines that lose, double, delay and reorder, while
both sides send events in every mode and the state changes, deletions and re-creations included. Then the lines are
mended and the game runs on, and:

- every connected client's state equals the server's;
- reliable events of sessions that were not ended have arrived, all of them, once each, in order;
- no event of any mode was handled twice, and none before the state that it belongs to;
- the server keeps nothing of anybody who is gone.
"""

from collections import Counter, defaultdict
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from pygase import RELIABLE, TO_DELETE, Client, GameState, GameStateStore, GameStateUpdate, Server
from pygase.config import PEER_TIMEOUT, SEAT_HOLD
from pygase.testing import Conditions, SimulatedNetwork
from tests.nonce_audit import audited

MOST_PLAYERS = 4

conditions = st.builds(
    Conditions,
    latency=st.sampled_from([0.0, 0.02, 0.15]),
    jitter=st.sampled_from([0.0, 0.015]),
    loss=st.sampled_from([0.0, 0.05, 0.25]),
    duplication=st.sampled_from([0.0, 0.1]),
    reordering=st.sampled_from([0.0, 0.2]),
)
modes = st.sampled_from([0, 3, RELIABLE, RELIABLE])
sizes = st.sampled_from([0, 0, 0, 300, 5_000])
keys = st.sampled_from("abc")
leaves = st.one_of(st.integers(-5, 5), st.floats(allow_nan=False), st.text(max_size=3), st.booleans(), st.none())
changes = st.one_of(
    leaves,
    st.just(TO_DELETE),
    st.lists(leaves, max_size=2),
    st.dictionaries(keys, st.one_of(leaves, st.just(TO_DELETE), st.dictionaries(keys, leaves, max_size=2)), max_size=3),
)


class Player:
    """A client, and what it has sent and heard in each of its sessions."""

    def __init__(self, game: "Sessions", client: Client) -> None:
        self.game = game
        self.client = client
        self.session = 0
        self.sent: list[tuple[int, int, int]] = []  # session, mode, number
        self.heard: dict[int | None, list[tuple[int, int]]] = defaultdict(list)  # by client_id: mode, number
        client.register_event_handler("TOLD", self.told)

    @property
    def is_connected(self) -> bool:
        return self.client.connection is not None and self.client.connection.status == 1

    @property
    def is_gone(self) -> bool:
        return self.client.connection is None or self.client.connection.status == 0

    @property
    def client_id(self) -> int | None:
        return None if self.client.connection is None else self.client.connection.client_id

    def told(self, mode: int, number: int, count: int, filling: bytes = b"") -> None:
        with self.client.access_game_state() as game_state:
            assert game_state.count >= count, "the event has overtaken the state"
        self.heard[self.client_id].append((mode, number))


class Sessions(RuleBasedStateMachine):
    """The game: see above."""

    def __init__(self) -> None:
        super().__init__()
        self.players: list[Player] = []
        self.numbers = 0
        self.count = 0
        self.heard: list[tuple[int, int, int, int]] = []  # player, session, mode, number
        self.told: dict[int, list[tuple[int, int]]] = defaultdict(list)  # by client_id: mode, number
        self.network = SimulatedNetwork()
        self.audit = audited()  # one for each run: a seed that comes up twice makes the same keys again
        self.audit.__enter__()

    @initialize(seed=st.integers(0, 1 << 16))
    def begin(self, seed: int) -> None:
        self.network = SimulatedNetwork(seed, "lan")
        self.store = GameStateStore(GameState(count=0, world={}))
        self.server = Server(self.store)
        self.server.register_event_handler("SAID", self.said)
        self.network.serve(self.server)

    def said(self, player: int, session: int, mode: int, number: int, filling: bytes = b"") -> None:
        self.heard.append((player, session, mode, number))

    # --- players --------------------------------------------------------------------------------------------------

    @precondition(lambda self: len(self.players) < MOST_PLAYERS)
    @rule(line=conditions)
    def join(self, line: Conditions) -> None:
        self.players.append(Player(self, self.network.connect(conditions=line)))

    def pick(self, which: int) -> Player | None:
        return self.players[which % len(self.players)] if self.players else None

    @rule(which=st.integers(0, 3))
    def leave_or_return(self, which: int) -> None:
        player = self.pick(which)
        if player is None:
            return
        if player.is_gone:
            player.session += 1
            player.client.open(8080)
        else:
            player.client.disconnect()

    @rule(which=st.integers(0, 3), seconds=st.sampled_from([0.3, 2.0, PEER_TIMEOUT + 2.0, 25.0, 85.0]))
    def cut_off(self, which: int, seconds: float) -> None:
        if (player := self.pick(which)) is not None:
            self.network.cut_off(player.client, seconds)

    @rule(which=st.integers(0, 3), line=conditions)
    def change_line(self, which: int, line: Conditions) -> None:
        if (player := self.pick(which)) is not None:
            self.network.host_of(player.client).conditions(line, line)

    # --- events and state -----------------------------------------------------------------------------------------

    @rule(which=st.integers(0, 3), mode=modes, size=sizes, times=st.sampled_from([1, 3, 40]))
    def client_sends(self, which: int, mode: int, size: int, times: int) -> None:
        player = self.pick(which)
        if player is None or player.is_gone:
            return
        for _ in range(times if size < 1_000 else 1):
            self.numbers += 1
            head = (self.players.index(player), player.session, mode, self.numbers)
            player.client.dispatch_event("SAID", *head, retries=mode, filling=bytes(size))
            player.sent.append((player.session, mode, self.numbers))

    @rule(mode=modes, size=sizes, times=st.sampled_from([1, 3, 40]))
    def server_sends(self, mode: int, size: int, times: int) -> None:
        for _ in range(times if size < 1_000 else 1):
            self.numbers += 1
            for connection in self.server.connections.values():
                self.told[connection.client_id].append((mode, self.numbers))
            self.server.dispatch_event("TOLD", mode, self.numbers, self.count, retries=mode, filling=bytes(size))

    @rule(update=st.dictionaries(keys, changes, max_size=3))
    def change_state(self, update: dict[str, Any]) -> None:
        self.count += 1
        self.store.push_update(GameStateUpdate(self.store.time_order + 1, count=self.count, world=update))

    @rule(seconds=st.sampled_from([0.005, 0.05, 0.4, 3.0]))
    def run(self, seconds: float) -> None:
        self.network.run(seconds)

    # --- afterwards -----------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        try:
            if hasattr(self, "server"):
                self.mend_and_check()
        finally:
            self.network.close()
            self.audit.__exit__(None, None, None)

    def mend_and_check(self) -> None:
        for player in self.players:
            self.network.mend(player.client)
            self.network.host_of(player.client).conditions(Conditions(latency=0.01), Conditions(latency=0.01))
        self.network.run(15.0)
        self.network.run(PEER_TIMEOUT + SEAT_HOLD)
        self.network.assert_converged()
        self.check_nothing_is_left_of_the_gone()
        self.check_events_from_clients()
        self.check_events_to_clients()

    def check_nothing_is_left_of_the_gone(self) -> None:
        session = self.server._session
        assert session is not None
        present = sorted(player.client_id or 0 for player in self.players if player.is_connected)
        assert all(player.is_connected or player.is_gone for player in self.players)
        assert sorted(seat.peer.client_id for seat in session.seats.values()) == present
        assert sorted(connection.client_id for connection in self.server.connections.values()) == present
        assert sorted(peer.client_id for peer in session.link.peers.values()) == present

    def check_events_from_clients(self) -> None:
        assert max(Counter(self.heard).values(), default=1) == 1
        for index, player in enumerate(self.players):
            for session in range(player.session + 1):
                sent = [number for s, mode, number in player.sent if s == session and mode == RELIABLE]
                heard = [n for who, s, mode, n in self.heard if (who, s, mode) == (index, session, RELIABLE)]
                if session == player.session and player.is_connected:
                    assert heard == sent
                else:
                    assert heard == sent[: len(heard)], "a session that was ended has lost none but the last"
        known = {number for player in self.players for _, _, number in player.sent}
        assert {number for _, _, _, number in self.heard} <= known

    def check_events_to_clients(self) -> None:
        for player in self.players:
            assert player.client.errors == 0
            for client_id, heard in player.heard.items():
                assert max(Counter(heard).values(), default=1) == 1
                told = [number for mode, number in self.told[client_id or 0] if mode == RELIABLE]
                got = [number for mode, number in heard if mode == RELIABLE]
                if client_id == player.client_id and player.is_connected:
                    assert got == told
                else:
                    assert got == told[: len(got)]


Sessions.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestSessions = Sessions.TestCase
