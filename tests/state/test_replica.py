"""From the server's store over the feed to the client's state."""

import random
import zlib
from collections.abc import Iterator
from itertools import islice, pairwise
from typing import Any

import pytest

from pygase.config import MAX_KNOWN_NAMES, MAX_PENDING_UPDATES, MAX_STATE_BYTES
from pygase.errors import MalformedDatagram
from pygase.state import (
    TO_DELETE,
    GameState,
    GameStateStore,
    GameStateUpdate,
    Replacement,
    Replica,
    StateFeed,
    apply_all,
)
from pygase.state.codec import Encoder
from pygase.state.values import same
from tests.conftest import peak_memory


class Pair:
    """A server's store and one client's copy of it."""

    def __init__(self, state: Any = None, **options: Any) -> None:
        self.now = 0.0
        self.store = GameStateStore(state)
        self.feed = StateFeed(self.store, lambda: self.now, **options)
        self.replica = Replica()
        self.state = GameState()

    def tick(self, **changes: Any) -> Any:
        draft = self.store.begin_tick()
        draft.merge(changes)
        return self.store.commit(draft)

    def sync(self, baseline: Any = "newest") -> Any:
        if baseline == "newest":
            baseline = self.replica.version if self.replica.version >= 0 else None
        version, blob = self.feed.encoded(baseline)
        useful = self.replica.receive(baseline, version, blob, self.now)
        apply_all(self.state, self.replica.take_pending())
        return useful, len(blob)

    def check(self) -> None:
        assert same(self.state.to_dict(), self.store.get_game_state().to_dict())


def test_arrivals_say_what_may_be_missing_before_them() -> None:
    pair = Pair(GameState(x=0))
    for x, missed in ((1, None), (2, 0), (3, 4)):
        pair.tick(x=x)
        version, blob = pair.feed.encoded(None)
        pair.replica.receive(None, version, blob, pair.now, missed)
        assert [arrival.missed for arrival in pair.replica.take_pending()] == [missed]


@pytest.mark.parametrize("time_order", [0, 1, 40_000, 65_535, 65_536, 2**63 - 2])
def test_a_late_joiner_gets_the_whole_state_at_any_time_order(time_order: Any) -> None:
    pair = Pair(GameState(time_order, players={"ann": {"x": 1}}))
    pair.sync()
    pair.check()
    pair.tick(players={"bob": {"x": 2}})
    pair.sync()
    pair.check()


def test_whoever_was_cut_off_catches_up() -> None:
    pair = Pair(GameState(players={"ann": {"x": 1, "y": 1}}))
    pair.sync()
    pair.tick(players={"ann": TO_DELETE})
    pair.tick(players={"ann": {"x": 2}})
    pair.tick(players={"ann": {"z": [1, (2, {"a": None})]}}, other={})
    pair.sync()
    pair.check()
    for number in range(300):
        pair.tick(number=number, players={number: {"x": number}})
    pair.sync()
    pair.check()


def test_old_news_and_unknown_baselines_are_of_no_use() -> None:
    pair = Pair()
    pair.tick(a=1)
    stale = pair.feed.encoded(None)
    assert pair.sync() == (True, len(stale[1]))
    assert not pair.replica.receive(None, *stale, 0.0)
    pair.tick(a=2)
    version, blob = pair.feed.encoded(1)
    assert not Replica().receive(1, version, blob, 0.0)
    assert not pair.replica.receive(2, version, blob, 0.0)
    assert pair.replica.version == 1
    assert pair.sync()[0]
    pair.check()


def test_an_update_is_encoded_once_for_all_with_the_same_baseline() -> None:
    pair = Pair()
    pair.tick(a=1)
    assert pair.feed.encoded(0)[1] is pair.feed.encoded(0)[1]
    first = pair.feed.encoded(0)
    pair.tick(a=2)
    assert pair.feed.encoded(0) != first


def test_the_visible_state_shares_nothing_with_what_was_received() -> None:
    pair = Pair(GameState(players={"ann": {"position": [1, [2]]}}))
    version, blob = pair.feed.encoded(None)
    pair.replica.receive(None, version, blob, 0.0)
    taken = pair.replica.take_pending()
    before = repr(taken)
    apply_all(pair.state, taken)
    pair.state.players["ann"]["position"][1].append(3)
    pair.state.players["bob"] = {}
    assert repr(taken) == before


def test_what_the_player_changed_locally_does_not_confuse_later_updates() -> None:
    pair = Pair(GameState(players={"ann": {"x": 1}, "bob": {"x": 1}}))
    pair.sync()
    pair.state.players["ann"] = "gone"
    del pair.state.players["bob"]
    del pair.state.game_status
    pair.tick(players={"ann": {"x": 2, "y": 3}, "bob": {"x": 2}})
    pair.sync()
    assert pair.state.players == {"ann": {"x": 2, "y": 3}, "bob": {"x": 2}}


def test_what_a_player_does_not_look_at_is_merged_and_bounded() -> None:
    pair = Pair(GameState(players={}))
    version, blob = pair.feed.encoded(None)
    pair.replica.receive(None, version, blob, 0.0)
    for number in range(3 * MAX_PENDING_UPDATES):
        baseline = pair.replica.version
        pair.tick(number=number, players={number % 5: TO_DELETE if number % 3 else {"x": number}})
        version, blob = pair.feed.encoded(baseline)
        assert pair.replica.receive(baseline, version, blob, float(number))
    assert pair.replica.has_pending
    taken = pair.replica.take_pending()
    assert len(taken) <= MAX_PENDING_UPDATES
    assert not pair.replica.has_pending
    assert [arrival.version for arrival in taken] == sorted(arrival.version for arrival in taken)
    apply_all(pair.state, taken)
    pair.check()


def test_arrivals_tell_the_servers_time_over_its_wrap_around() -> None:
    pair = Pair()
    pair.now = 65.0
    arrivals = []
    for step in (0.0, 0.5, 0.1, 100.0, 0.05, 1_000.0, 33.0):
        pair.now += step
        pair.tick(now=pair.now)
        version, blob = pair.feed.encoded(None)
        pair.replica.receive(None, version, blob, pair.now - 60.0)
        arrivals += pair.replica.take_pending()
    for before, after in pairwise(arrivals):
        passed = after.update["now"] - before.update["now"]
        assert after.server_time - before.server_time == pytest.approx(passed, abs=0.0021)
        assert after.arrival - before.arrival == pytest.approx(passed)
    assert type(arrivals[0].update) is Replacement


def test_names_that_come_and_go_do_not_pile_up() -> None:
    pair = Pair(GameState(bullets={}))
    pair.sync()
    rng = random.Random(3)
    count = 0
    for _ in range(60):
        changes: dict[str, Any] = {f"bullet-{count + number}": {"x": rng.random(), "y": 1.0} for number in range(400)}
        changes.update({f"bullet-{count - number}": TO_DELETE for number in range(1, 401)})
        count += 400
        pair.tick(bullets=changes)
        if rng.random() < 0.8:
            pair.sync()
            pair.check()
    assert len(pair.replica._decoder._names) <= MAX_KNOWN_NAMES
    late = Pair()
    late.store, late.feed = pair.store, pair.feed
    late.sync()
    late.check()
    pair.tick(bullets={f"bullet-{count - 5}": {"x": 1.0}})
    for one in (pair, late):
        one.sync()
        one.check()


def test_sixteen_moving_players_fit_into_a_fraction_of_a_packet() -> None:
    pair = Pair(GameState(players={f"p{number}": {"x": 0.0, "y": float(number)} for number in range(16)}))
    pair.sync()
    sizes = []
    for tick in range(300, 340):
        pair.tick(players={f"p{n}": {"x": float(tick + n % 3), "y": float(n)} for n in range(16)})
        sizes.append(pair.sync()[1])
        pair.check()
    assert max(sizes[2:]) <= 40


@pytest.mark.parametrize(("precision", "limit"), [(None, 3_600), ({"ents.*": 0.001}, 1_300)])
def test_a_hundred_of_a_thousand_entities_fit_the_budget(precision: Any, limit: Any) -> None:
    rng = random.Random(7)
    pair = Pair(GameState(ents={f"e{n}": [rng.random() for _ in range(4)] for n in range(1_000)}), precision=precision)
    pair.sync()
    sizes = []
    for tick in range(20):
        changed = {f"e{rng.randrange(1_000)}": [rng.random() for _ in range(4)] for _ in range(100)}
        pair.tick(ents=changed, tick=tick)
        sizes.append(pair.sync()[1])
        if precision is None:
            pair.check()
        else:
            for name, row in changed.items():
                assert pair.state.ents[name] == pytest.approx(row, abs=0.0005)
    assert sum(sizes[10:]) / 10 <= limit


def test_a_large_state_is_compressed() -> None:
    pair = Pair(GameState(board=[[0] * 100 for _ in range(100)]))
    assert pair.sync()[1] < 1_300  # 300 would do, but nobody's memory is to be had for so little
    pair.check()


def test_a_state_of_the_largest_size_arrives() -> None:
    rng = random.Random(1)
    pair = Pair(GameState(blob=rng.randbytes(4 * 1024 * 1024), rows={n: {"x": n} for n in range(50_000)}))
    pair.sync()
    pair.check()


@pytest.mark.parametrize(
    "blob",
    [
        b"", b"\x00\x00", b"\x00\x00\x00", b"\x00\x00\x08", b"\x00\x00\x01\x00\x01", b"\x00\x00\x01\x00\xc0",
        b"\x00\x00\x04abc", b"\x00\x00\x01\x00\x81\xa7to_dict\x01", b"\x00\x00\x01\x00\x81\x01\x01",
        b"\x00\x00\x00\x05\x00\x01\x90", b"\x00\x00\x00\x00\x2a\x01\x10\xff\x01",
    ],
    ids=bytes.hex,
)  # fmt: skip
def test_what_is_not_an_update_is_refused_and_changes_nothing(blob: Any) -> None:
    pair = Pair(GameState(a=1))
    pair.sync()
    with pytest.raises(MalformedDatagram):
        pair.replica.receive(0, 5, blob, 0.0)
    with pytest.raises(MalformedDatagram):
        pair.replica.receive(0, 2**63, pair.feed.encoded(None)[1], 0.0)
    assert pair.replica.version == 0
    pair.tick(a=2)
    pair.sync()
    pair.check()


def test_a_bomb_is_not_inflated() -> None:
    bomb = b"\x00\x00\x05" + zlib.compress(bytes(60_000_000), 9)

    def take() -> None:
        with pytest.raises(MalformedDatagram):
            Replica().receive(None, 1, bomb, 0.0)

    assert peak_memory(take) < 40_000_000


def test_an_update_without_a_baseline_must_be_whole() -> None:
    pair = Pair()
    pair.tick(a=1)
    version, blob = pair.feed.encoded(0)
    with pytest.raises(MalformedDatagram):
        Replica().receive(None, version, blob, 0.0)


def test_a_store_pushed_by_hand_is_followed_too() -> None:
    pair = Pair(GameState(a=1))
    pair.sync()
    pair.store.push_update(GameStateUpdate(1_000_000, a={"b": 1}))
    pair.sync()
    pair.check()


def hostile_blobs() -> Iterator[tuple[int | None, int, bytes]]:
    """Yield updates that each add half of what a state may take."""
    encoder = Encoder()
    text = "x" * (MAX_STATE_BYTES // 2)
    encoder.begin(0)
    yield None, 0, b"\x00\x00" + encoder.encode(Replacement(game_status=0), None)
    for version in range(1, 40):
        encoder.begin(version)
        yield version - 1, version, b"\x00\x00" + encoder.encode({f"a{version}": text}, version - 1)


def test_a_server_cannot_fill_the_clients_memory() -> None:
    state, replica = GameState(), Replica()
    fits = []
    for baseline, version, blob in islice(hostile_blobs(), 8):
        assert replica.receive(baseline, version, blob, 0.0)
        fits.append(apply_all(state, replica.take_pending()))
    assert fits == [True] * 4 + [False] * 4
    assert not hasattr(state, "a1")


def test_nor_can_it_when_the_player_never_looks() -> None:
    replica = Replica()

    def receive_all() -> None:
        for baseline, version, blob in hostile_blobs():
            replica.receive(baseline, version, blob, 0.0)

    with pytest.raises(MalformedDatagram, match="limit"):
        receive_all()
    assert not replica.has_pending
