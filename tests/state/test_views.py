"""Views, and which clients may share what is encoded."""

from typing import Any

import pytest

from pygase.config import MAX_VIEWS_IN_FLIGHT
from pygase.errors import NotSendable
from pygase.state import GameStateStore, Replacement, Replica, Track, ViewFeed, Views, apply_all
from pygase.state.gamestate import GameState


def state_of(**attributes: Any) -> GameState:
    return GameStateStore(GameState(**attributes)).get_game_state()


def test_equal_views_are_one_object() -> None:
    state, views = state_of(rows={1: {"x": 1}, 2: {"x": 2}}, n=1), Views()
    first = views.view({"rows": {1: state.rows[1]}, "n": 1}, state)
    assert views.view({"rows": {1: state.rows[1]}, "n": 1}, state) is first
    assert views.view({"rows": {1: {"x": 1}}, "n": 1}, state) is views.view({"rows": {1: {"x": 1}}, "n": 1}, state)
    for other in ({"rows": {2: state.rows[2]}, "n": 1}, {"rows": {1: state.rows[1]}, "n": True}, {"n": 1}):
        assert views.view(other, state) is not first
    views.turn()
    assert views.view({"rows": {1: state.rows[1]}, "n": 1}, state) is first, "still the same after the next change"


@pytest.mark.parametrize(
    "wrong", [None, 5, [], {"a": {1, 2}}, {"a": {1.5: 2}}, {1: 2}, {"a": {True: {}}}, {"a": 2**70}], ids=repr
)
def test_what_cannot_be_sent_raises(wrong: Any) -> None:
    with pytest.raises(NotSendable):
        Views().view(wrong, state_of(a={1: {"x": 1}}))


def test_name_that_is_taken_raises() -> None:
    with pytest.raises(ValueError, match="time_order"):
        Views().view({"time_order": 1}, state_of())


class Reader:
    """A client: its track at the server, and what it made of the blobs."""

    def __init__(self) -> None:
        self.track = Track()
        self.replica = Replica()
        self.state = GameState()
        self.blobs: list[bytes] = []

    def receive(self, feed: ViewFeed, acked: int | None) -> int:
        baseline, blob = feed.encoded(self.track, feed.update(self.track, acked))
        self.replica.receive(baseline, self.track.version, blob, 0.0)
        apply_all(self.state, self.replica.take_pending())
        self.blobs.append(blob)
        return self.track.version


@pytest.mark.parametrize("is_late", [False, True], ids=["", "whose acknowledgements come late"])
def test_names_that_only_one_client_knew_are_not_told_to_one_that_sees_the_same_later(*, is_late: bool) -> None:
    feed, views = ViewFeed(lambda: 0.0), Views()
    ada, bob = Reader(), Reader()
    acked: list[int | None] = [None, None]
    for version in range(1, 40):
        state = state_of(rows={f"secret{n}": {"mood": f"secret{n}", "v": version} for n in range(3)}, n=version)
        mine = views.view({"rows": state.rows if version < 20 else {}, "n": version, "t": {"k": version}}, state)
        others = views.view({"rows": {}, "n": version, "t": {"k": version}}, state)
        feed.show(version, [(ada.track, mine), (bob.track, others)])
        for number, reader in enumerate((ada, bob)):
            got = reader.receive(feed, acked[number])
            if version % 3 and not (is_late and reader is ada and 18 <= version < 26):
                acked[number] = got
            want = reader.track.view
            assert want is not None
            assert vars(reader.state) == want.root
        assert (ada.track.lineage is bob.track.lineage) == (version > 20), "the second time that they see the same"
    assert any(b"secret" in blob for blob in ada.blobs)
    assert not any(b"secret" in blob for blob in bob.blobs)
    assert ada.blobs[-1] is bob.blobs[-1] or ada.blobs[-1] == bob.blobs[-1]


def test_who_has_seen_less_of_the_names_gets_more_of_them() -> None:
    """Both see the same and need the same update, but one had the view whole, which tells no names, and lags."""
    feed, views = ViewFeed(lambda: 0.0), Views()
    ada, bob = Reader(), Reader()

    def show(version: int, mood: str) -> None:
        views.turn()
        state = state_of()
        seen = views.view({"rows": {f"row {n}": {"mood": mood, "n": n} for n in range(3)}}, state)
        feed.show(version, [(ada.track, seen), (bob.track, seen)])

    for version, mood in enumerate(("calm", "calm", "glad", "glad", "wild"), 1):
        show(version, mood)
        if version in {1, 3}:
            bob.receive(feed, None)
        if version != 1:
            ada.receive(feed, version - 1 if version > 2 else None)
    bob.receive(feed, 3)
    assert ada.track.lineage is bob.track.lineage
    assert ada.blobs[-1] != bob.blobs[-1]
    for reader in (ada, bob):
        assert reader.track.view is not None
        assert vars(reader.state) == reader.track.view.root


def test_names_that_some_clients_learn_after_their_views_parted_are_not_told_to_the_others() -> None:
    feed, views = ViewFeed(lambda: 0.0), Views()
    readers = ada, bob, cid = Reader(), Reader(), Reader()
    acked: list[int | None] = [None] * 3
    for version in range(1, 40):
        moods = {f"open{n}": {"mood": f"open{n}", "v": version} for n in range(3)}
        secrets = {f"secret{n}": {"mood": f"secret{n}", "v": version} for n in range(3)}
        state = state_of(rows=moods | secrets)
        shown = [
            views.view({"rows": moods | (secrets if is_in else {})}, state) for is_in in (version > 20, False, False)
        ]
        feed.show(version, list(zip([reader.track for reader in readers], shown, strict=True)))
        for number, reader in enumerate(readers):
            got = reader.receive(feed, acked[number])
            if version % 3:
                acked[number] = got
            assert reader.track.view is not None
            assert vars(reader.state) == reader.track.view.root
        assert bob.track.lineage is cid.track.lineage
        assert (ada.track.lineage is bob.track.lineage) == (version <= 20)
    assert any(b"secret" in blob for blob in ada.blobs)
    assert not any(b"secret" in blob for blob in (*bob.blobs, *cid.blobs))


def test_client_that_is_far_behind_gets_its_whole_view() -> None:
    feed, views, reader = ViewFeed(lambda: 0.0), Views(), Reader()
    kinds = []
    for version in range(1, MAX_VIEWS_IN_FLIGHT + 10):
        state = state_of(n=version)
        feed.show(version, [(reader.track, views.view({"n": version}, state))])
        update = feed.update(reader.track, 1 if version > 1 else None)
        kinds.append(type(update))
        feed.encoded(reader.track, update)
        assert len(reader.track.sent) <= MAX_VIEWS_IN_FLIGHT
    assert kinds[1] is dict
    assert kinds[-1] is Replacement
