"""What a server's clients are offered of the state: the newest that each needs, nothing while that is on its way."""

from collections.abc import Collection

from pygase.config import IDLE_STATE_INTERVAL, NEVER, WHOLE_SLICE_PAUSE
from pygase.errors import TooLarge
from pygase.session.seat import Seat
from pygase.state import Replacement, StateFeed, Track, View, ViewFeed

__all__ = ["StateOffers"]


class StateOffers:
    """Offers the clients of one session the state, or what each sees of it.

    Args:
        feed: Encodes the state's updates, once per distinct baseline.
        view_feed: Takes the feed's place where each client has a view of its own.
    """

    __slots__ = ("_feed", "_store", "_view_feed")

    def __init__(self, feed: StateFeed, view_feed: ViewFeed | None) -> None:
        self._feed = feed
        self._store = feed.store
        self._view_feed = view_feed

    def newest_for(self, seat: Seat) -> int:
        """Return the time order of the newest state that there is for a client."""
        if self._view_feed is None:
            return self._store.time_order
        return -1 if seat.track is None else seat.track.version

    def offer(self, seat: Seat, now: float) -> None:
        """Offer the newest state if this client needs it and none is under way that would do."""
        if self._view_feed is not None:
            self._offer_view(seat, self._view_feed, now)
            return
        channel, store = seat.traffic.snapshot_out, self._store
        acked = channel.acked_version
        newest = store.time_order
        if acked == newest or channel.transfer is not None:
            return
        if newest == seat.offered_version and not channel.due:
            return  # on its way
        only_number = acked >= 0 and store.unchanged_since(acked) and seat.gate <= acked
        if only_number and now - seat.offered_at < IDLE_STATE_INTERVAL:
            return  # time_order has moved on and nothing else: worth a packet now and then, not every tick
        baseline = acked if acked >= 0 else None
        offered = self._feed.offer(baseline, now)
        if offered is None:
            seat.whole_at = now + WHOLE_SLICE_PAUSE  # others have their turn meanwhile
            return
        seat.whole_at = NEVER
        version, blob = offered
        channel.make_offer(baseline, version, blob)
        seat.offered_at, seat.offered_version = now, version

    def _offer_view(self, seat: Seat, feed: ViewFeed, now: float) -> None:
        """Offer what a client sees now, if it needs that. See `offer`."""
        traffic, track = seat.traffic, seat.track
        if track is None or traffic.snapshot_busy:
            return
        acked, newest = traffic.acked_version, track.version
        if acked == newest or (newest == seat.offered_version and not traffic.snapshot_due):
            return
        unsent = track.sent.pop() if traffic.snapshot_waits and track.sent else None  # this offer takes its place
        try:
            update = feed.update(track, acked)
            is_number = not update and type(update) is not Replacement and seat.gate <= (acked or 0)
            if is_number and not unsent and now - seat.offered_at < IDLE_STATE_INTERVAL:
                return  # as in `offer`
            baseline, blob = feed.encoded(track, update)
            traffic.offer_snapshot(baseline, newest, blob)
        except TooLarge:
            seat.dropped += 1  # it goes on seeing what it saw
            if unsent is not None:
                track.sent.append(unsent)
        seat.offered_at, seat.offered_version = now, newest

    def again_at(self, seat: Seat) -> float:
        """Return when to offer anew, for what only says that there is a newer version; `NEVER` for who needs none."""
        newest = self.newest_for(seat)
        if newest == seat.offered_version:
            return NEVER
        channel = seat.traffic.snapshot_out
        if newest == channel.acked_version or channel.transfer is not None:
            return NEVER
        return seat.offered_at + IDLE_STATE_INTERVAL

    def show(
        self, version: int, views: list[tuple[Seat, View | None]], seats: Collection[Seat], now: float
    ) -> list[Seat]:
        """Take what clients see from now on.

        Args:
            version: The state's time order.
            views: Their seats, and their new views; None for a client that goes on seeing what it saw.
            seats: All there are.
            now: Monotonic seconds.

        Returns:
            Those to whom it is worth a packet.
        """
        feed = self._view_feed
        assert feed is not None
        shown: list[tuple[Track, View | None]] = []
        worth_it: list[Seat] = []
        for seat, view in views:
            track = seat.track or seat.make_track()
            if track.version < version and not seat.is_over:
                shown.append((track, view))
                before = track.view
                is_idle = before is not None and (view or before) is before and seat.gate <= seat.offered_version
                if not is_idle or now - seat.offered_at >= IDLE_STATE_INTERVAL:
                    worth_it.append(seat)
        feed.show(version, shown)
        if len(shown) < len(seats):
            # Who is shown nothing now must not come to share what others see meanwhile.
            lineages = {track.lineage for track, _ in shown}
            for seat in seats:
                if seat.track is not None and seat.track.version < version and seat.track.lineage in lineages:
                    seat.track.lineage = None
        return worth_it
