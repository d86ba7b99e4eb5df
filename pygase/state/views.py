"""What each client sees: views of the state, and the updates that lead from the views a client had to its newest.

Nothing may reach a client that its view does not hold, the names in the table of known names included. So clients
share a table, and with it their encodings, only while their views are the same: a `Lineage`. Where their views part,
each side goes on with a copy; where views of different lineages come together, a new one begins with an empty table.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from pygase.config import MAX_STATE_BYTES, MAX_VALUE_DEPTH, MAX_VIEW_NAMES, MAX_VIEWS_IN_FLIGHT
from pygase.errors import NotSendable, TooLarge
from pygase.state.codec import Encoder
from pygase.state.gamestate import GameState
from pygase.state.names import check_names
from pygase.state.precision import parse_precision
from pygase.state.spans import Spans
from pygase.state.tables import Leads, Table, View
from pygase.state.tree import FrozenDict, FrozenList, Replacement
from pygase.state.values import freeze, frozen_key, size_of
from pygase.wire import check_sendable

__all__ = ["Track", "ViewFeed", "Views"]

_STAMP_PERIOD_MS: Final = 65_536
_FROZEN: Final = frozenset({FrozenDict})
_KEYS: Final = ({str}, {int}, {str, int})


class Views:
    """Makes views of what view functions return; equal ones are one object."""

    __slots__ = ("_former", "_views")

    def __init__(self) -> None:
        self._former: dict[Any, View] = {}
        self._views: dict[Any, View] = {}

    def turn(self) -> None:
        """Begin with a new version of the state: views of the one before the last are forgotten."""
        self._former, self._views = self._views, {}

    def view(self, seen: Any, state: GameState) -> View:
        """Make a view.

        Args:
            seen: What a view function returned: a dict of attributes, or a `GameState`, of which what is not part of
                the state is copied; or a `View`.
            state: The state that it was given.

        Raises:
            NotSendable: It is neither, or contains something that cannot be sent.
            ValueError: It names an attribute that a game state cannot have.
            TooLarge: It is larger than a state may be.
        """
        if type(seen) is View:
            return seen
        if isinstance(seen, GameState):
            seen = vars(seen)
        elif not isinstance(seen, dict):
            raise NotSendable(f"a view is a dict of game state attributes or a GameState, not {seen!r}")
        root: Any = seen
        if type(seen) is FrozenDict and "game_status" in seen:
            key: Any = id(seen)
        else:
            root, key = _root(seen, vars(state))
        view = self._views.get(key)
        if view is None:
            view = self._former.get(key)
            if view is None:
                view = View(root, key)
            self._views[key] = view
        return view


def _root(seen: dict[Any, Any], attributes: dict[str, Any]) -> tuple[FrozenDict, Any]:
    """Copy the attributes that are not the state's own, and find out what makes them different from others."""
    if not seen.keys() <= attributes.keys():
        check_names(seen)
    root: dict[Any, Any] = {"game_status": attributes["game_status"]}
    keys: list[Any] = []
    try:
        for name, value in seen.items():
            if value is attributes.get(name):
                root[name] = value
                keys.append((name, id(value)))
            else:
                root[frozen_key(name)], key = _adopted(value, attributes.get(name), MAX_VALUE_DEPTH - 1)
                keys.append((name, key))
    except (TypeError, UnicodeError, RecursionError):
        check_sendable(seen)
        raise
    return FrozenDict(root), (root["game_status"], *keys)


def _adopted(value: Any, whole: Any, depth: int) -> tuple[Any, Any]:
    """Make a value read-only that a view function returned; what is so already, and shared, is neither copied nor read.

    Args:
        value: The value.
        whole: What the state has in its place.
        depth: How many levels of nesting are left.
    """
    kind = type(value)
    if kind is FrozenDict or kind is FrozenList:
        return value, id(value)
    if not isinstance(value, dict):
        value = freeze(value, depth)
        return value, (type(value), repr(value))
    if depth <= 0:
        raise TypeError("cannot be sent")
    if isinstance(whole, dict) and value.keys() <= whole.keys() and set(map(type, value)) in _KEYS:
        if set(map(type, value.values())) == _FROZEN:
            return FrozenDict(value), (tuple(value), tuple(map(id, value.values())))
    else:
        whole = {}
    copy, keys = {}, []
    for name, member in value.items():
        copy[frozen_key(name)], key = _adopted(member, whole.get(name), depth - 1)
        keys.append((type(name), name, key))
    return FrozenDict(copy), tuple(keys)


class Lineage:
    """Clients that have had the same views since some version, and so may share one table of known names.

    Attributes:
        encoder: Has the table.
        since: The version.
        blobs: What has been encoded, by the identity of the update, and how much of the table it takes for granted.
        epoch: To which round of updates those belong.
        version: The version that the encoder has begun.
    """

    __slots__ = ("blobs", "encoder", "epoch", "since", "version")

    def __init__(self, since: int, encoder: Encoder) -> None:
        self.since = since
        self.encoder = encoder
        self.blobs: dict[tuple[int, int], bytes] = {}
        self.epoch = -1
        self.version = -1


class Track:
    """What one client sees, and what it has been offered before.

    Attributes:
        view: What it sees; None before the first time.
        version: The state's time order then, -1 before.
        stamp: The server's time then, as it is sent.
        sent: Time orders and views, from the newest that the client has acknowledged to the newest offered.
        lineage: With whom it shares encodings; None for nobody.
    """

    __slots__ = ("lineage", "sent", "stamp", "version", "view")

    def __init__(self) -> None:
        self.view: View | None = None
        self.version = -1
        self.stamp = bytes(2)
        self.sent: list[tuple[int, View]] = []
        self.lineage: Lineage | None = None


class ViewFeed:
    """Encodes what leads each client to what it sees.

    Args:
        clock: Tells monotonic seconds.
        precision: As for `StateFeed`.
    """

    def __init__(self, clock: Callable[[], float], *, precision: Mapping[str, float] | None = None) -> None:
        self._clock = clock
        self._is_rounded = bool(precision)
        self._spans = Spans(parse_precision(precision) if precision else None)
        self._epoch = 0
        # By the view they lead to and those they start from.
        self._updates: dict[tuple[View, ...], dict[str, Any]] = {}
        self._wholes: dict[int, bytes] = {}
        self._leads: dict[tuple[Table, ...], Leads] = {}

    def show(self, version: int, views: Sequence[tuple[Track, View | None]]) -> None:
        """Take what clients see from now on.

        Args:
            version: The state's time order.
            views: Their tracks, and their new views; None for one that goes on seeing what it saw.
        """
        self._epoch += 1
        self._spans.forget()
        self._updates = {}
        self._wholes = {}
        self._leads = {}
        stamp = (int(self._clock() * 1000) % _STAMP_PERIOD_MS).to_bytes(2, "little")
        counts = dict(Counter([track.lineage for track, _ in views]))
        alone: dict[View, tuple[Track, View | None]] = {}
        groups: dict[View, list[tuple[Track, View | None]]] = {}
        for track, new in views:
            before = track.view
            view = new or before or _NOTHING
            track.view, track.version, track.stamp = view, version, stamp
            if view not in alone:
                alone[view] = track, before
            else:
                groups.setdefault(view, [alone[view]]).append((track, before))
        for view, (track, _) in alone.items():
            if view not in groups and (track.lineage is None or counts[track.lineage] > 1):
                self._keep_together([track], counts, version)
        for group in groups.values():
            if len({track.lineage for track, _ in group}) > 1 and len({before for _, before in group}) == 1:
                # They have come together to stay. Others who see the same for once would mostly part again, and had
                # to be told all names anew.
                lineage = self._new_lineage(version)
                for track, _ in group:
                    track.lineage = lineage
            else:
                parts: dict[Lineage | None, list[Track]] = {}
                for track, _ in group:
                    parts.setdefault(track.lineage, []).append(track)
                for part in parts.values():
                    self._keep_together(part, counts, version)

    def _keep_together(self, tracks: list[Track], counts: Mapping[Lineage | None, int], version: int) -> None:
        """Let tracks of one lineage have one that is theirs alone."""
        lineage = tracks[0].lineage
        if lineage is None:
            lineage = self._new_lineage(version)
        elif counts[lineage] == len(tracks):
            return
        else:
            lineage = Lineage(lineage.since, lineage.encoder.copy())
        for track in tracks:
            track.lineage = lineage

    def _new_lineage(self, version: int) -> Lineage:
        return Lineage(version, Encoder(is_rounded=self._is_rounded, max_names=MAX_VIEW_NAMES))

    def update(self, track: Track, acked: int | None) -> dict[str, Any]:
        """Find what leads a client to what it sees.

        Args:
            track: The client's; it has a view.
            acked: The newest time order that it has acknowledged.

        Returns:
            An update, empty if the client sees that already; a `Replacement` if it is not known what the client has.
        """
        sent, view = track.sent, track.view
        assert view is not None
        if acked is not None:
            while sent and sent[0][0] < acked:
                sent.pop(0)
        if not sent or sent[0][0] != acked:
            return self._whole(view)
        olds: list[View] = []
        last: View | None = None
        for _, old in sent:
            if old is not last:
                olds.append(old)
                last = old
        if last is view and len(olds) == 1:
            return _NO_CHANGE
        key = (view, *olds)
        update = self._updates.get(key)
        if update is None:
            update = self._update_of_table(olds, view)
            if update is None:
                update = self._spans.update([old.root for old in olds], view.root)
            self._updates[key] = update
        if not update and len(sent) == 1:
            sent[0] = (acked, view)  # equal, but not the same objects: from now on it is found at once
        return update

    def _update_of_table(self, olds: list[View], view: View) -> dict[str, Any] | None:
        """Make the update from some views to another one, if they hold rows of the same table and the same besides."""
        new = view.table
        if new is None:
            return None
        tables: list[Table] = []
        for old in olds:
            table = old.table
            if table is None or table.keys is not new.keys:
                return None
            tables.append(table)
        key = (new, *tables)
        leads = self._leads.get(key)
        if leads is None:
            wholes = self._leads.get((new,))
            if wholes is None:
                wholes = self._leads[new,] = Leads(self._spans, [], new, None)
            leads = self._leads[key] = Leads(self._spans, tables, new, wholes)
        return leads.update(olds, view)

    def _whole(self, view: View) -> dict[str, Any]:
        key = (view,)
        update = self._updates.get(key)
        if update is None:
            if size_of(view.root) > MAX_STATE_BYTES:
                raise TooLarge(f"what a client sees takes more than {MAX_STATE_BYTES} bytes")
            update = self._updates[key] = Replacement(view.root)
        return update

    def encoded(self, track: Track, update: dict[str, Any]) -> tuple[int | None, bytes]:
        """Encode an update, and note that it is on its way.

        Args:
            track: The client's.
            update: From `update`, for the same track just now.

        Returns:
            The time order that it starts from, None for none; and the blob.
        """
        sent, lineage, version, view = track.sent, track.lineage, track.version, track.view
        assert view is not None
        baseline = None if type(update) is Replacement else sent[0][0]
        if lineage is None:
            body = Encoder(is_rounded=self._is_rounded).encode(update, None)
        else:
            body = self._shared(lineage, version, baseline, update)
        if not sent or sent[-1][0] != version:
            sent.append((version, view))
        if len(sent) > MAX_VIEWS_IN_FLIGHT:
            del sent[0]
        return baseline, track.stamp + body

    def _shared(self, lineage: Lineage, version: int, baseline: int | None, update: dict[str, Any]) -> bytes:
        encoder = lineage.encoder
        if lineage.epoch != self._epoch:
            lineage.epoch = self._epoch
            lineage.blobs.clear()
            if lineage.version != version:
                lineage.version = version
                encoder.begin(version)
        is_apart = baseline is not None and baseline < lineage.since
        key = id(update), -1 if is_apart else encoder.known_at(baseline)
        body = lineage.blobs.get(key)
        if body is None:
            if is_apart:
                body = encoder.encode_apart(update)
            elif baseline is None and not len(encoder):
                body = self._wholes.get(id(update))
                if body is None:
                    body = self._wholes[id(update)] = encoder.encode(update, None)
            else:
                body = encoder.encode(update, baseline)
            lineage.blobs[key] = body
        return body


_NO_CHANGE: Final[dict[str, Any]] = {}
_NOTHING: Final = View(FrozenDict(game_status=0), None)
