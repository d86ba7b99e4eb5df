"""The state's feed: what is encoded at once, and what a slice at a time."""

from pygase.config import MAX_HISTORY_UPDATES, WHOLE_LIFETIME
from pygase.state import GameState, GameStateStore, GameStateUpdate, Replica, StateFeed, apply_all


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def large_store() -> GameStateStore:
    return GameStateStore(GameState(1, rows={f"r{n}": [n / 7] * 4 for n in range(5_000)}))


def prepare(feed: StateFeed, clock: Clock, baseline: int | None) -> int:
    """Return how many slices it took."""
    for count in range(1, 100):
        clock.now += 0.001
        if feed.prepare(baseline, clock.now):
            return count
    raise AssertionError("never ready")


def test_a_large_state_is_encoded_in_slices_and_meanwhile_the_game_goes_on() -> None:
    store, clock = large_store(), Clock()
    feed = StateFeed(store, clock)
    assert not feed.prepare(None, clock.now)
    assert not feed.prepare(None, clock.now), "no more than a slice at a time, for however many clients"
    store.push_update(GameStateUpdate(2, n=2))
    assert prepare(feed, clock, None) > 3
    version, blob = feed.encoded(None)
    assert version == 1
    replica, state = Replica(), GameState()
    replica.receive(None, version, blob, 0.0)
    assert feed.prepare(version, clock.now)
    newest, delta = feed.encoded(version)
    replica.receive(version, newest, delta, 0.0)
    apply_all(state, replica.take_pending())
    assert vars(state) == vars(store.get_game_state())


def test_update_says_when_its_version_came_about_however_late_it_is_made() -> None:
    store, clock = GameStateStore(GameState(1, x=0)), Clock()
    feed, replica = StateFeed(store, clock), Replica()
    for version, came_at in ((2, 1.0), (5, 1.05), (9, 2.5)):
        store.push_update(GameStateUpdate(version, x=version))
        feed.note_version(came_at)
        clock.now = came_at + 0.03
        replica.receive(None, *feed.encoded(None), clock.now)
        (arrival,) = replica.take_pending()
        assert round(arrival.server_time, 6) == came_at


def test_others_who_join_at_the_same_time_get_the_same() -> None:
    store, clock = large_store(), Clock()
    feed = StateFeed(store, clock)
    prepare(feed, clock, None)
    first = feed.encoded(None)
    clock.now += 0.001
    assert feed.prepare(None, clock.now)
    assert feed.encoded(None) == first
    store.push_update(GameStateUpdate(2, n=2))
    clock.now += 0.001
    assert feed.prepare(None, clock.now)
    assert feed.encoded(None) == first
    clock.now += WHOLE_LIFETIME
    assert not feed.prepare(None, clock.now)
    prepare(feed, clock, None)
    assert feed.encoded(None)[0] == 2


def test_what_has_become_too_old_meanwhile_is_not_used() -> None:
    store, clock = large_store(), Clock()
    feed = StateFeed(store, clock)
    prepare(feed, clock, None)
    for version in range(2, MAX_HISTORY_UPDATES + 5):
        store.push_update(GameStateUpdate(version, n=version))
    assert not feed.prepare(1, clock.now)
    prepare(feed, clock, 1)
    assert feed.encoded(1)[0] == store.time_order


def test_a_small_state_is_the_newest_one() -> None:
    store, clock = GameStateStore(GameState(1, n=0)), Clock()
    feed = StateFeed(store, clock)
    for version in range(2, 5):
        store.push_update(GameStateUpdate(version, n=version))
        for _ in range(3):
            clock.now += 0.001
            assert feed.prepare(None, clock.now)
            assert feed.encoded(None)[0] == version


def test_without_preparation_it_is_encoded_in_one_go() -> None:
    store = large_store()
    version, blob = StateFeed(store, Clock()).encoded(None)
    replica, state = Replica(), GameState()
    replica.receive(None, version, blob, 0.0)
    apply_all(state, replica.take_pending())
    assert vars(state) == vars(store.get_game_state())
