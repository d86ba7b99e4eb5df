"""Invariant: whatever blob a `Replica` is given, it takes it as an update or raises `MalformedDatagram`; nothing else,
and nothing has changed then. What it takes can be applied, contains no marker afterwards, and cost memory in
proportion to the blob's size. It can be smoothed, which leaves the state as it was.
"""

import random
import struct
import zlib
from dataclasses import replace
from typing import Any

import pytest

from pygase.compiled import is_compiled
from pygase.errors import MalformedDatagram
from pygase.state import (
    TO_DELETE,
    GameState,
    GameStateStore,
    Replacement,
    Replica,
    StateFeed,
    apply_all,
    layout,
    reader,
)
from pygase.state.codec import Decoder, Encoder
from pygase.state.interpolation import Interpolator
from pygase.state.precision import parse_precision
from pygase.state.spans import Spans
from pygase.state.values import freeze
from pygase.wire import pack


def recorded() -> list[bytes]:
    """Record a conversation that contains every kind of column but those of `recorded_views`."""
    store = GameStateStore(GameState(players={}, board=[]))
    feed = StateFeed(store, lambda: 1.0, precision={"players.*.at": 0.1})
    blobs = [feed.encoded(None)[1]]
    changes: list[dict[str, Any]] = [
        {"players": {f"p{n}": {"x": float(n), "y": 0.1 * n, "at": [0.5 * n, 1.0]} for n in range(8)}},
        {"players": {f"p{n}": {"x": float(n * n), "hp": n, "name": "ann"} for n in range(8)}, "board": [[1, 2]] * 5},
        {"players": {"p1": TO_DELETE, "p2": TO_DELETE, 5: {"on": True}, "p3": None}, "flags": [True, False, None]},
        {"players": {"p1": {"x": -0.0}, "p4": {"x": 1e300, "y": 2**63}}, "text": "ann", "raw": b"\x00"},
        {"ents": {n: {"alive": True, "at": [0.25 * n, 2.0 * n]} for n in range(40)}},
        {"ents": {n: {"alive": n % 2 == 0, "x": n * 70_000} for n in range(40)}},
        {"rows": {f"r{n}": {"same": 1.5} for n in range(300)}},
        {"rows": {f"r{n * 7 % 300}": {"same": n} for n in range(300)}},
        {"players": {f"p{n}": {"at": [12.5, 0.1 * 999 * n], "hp": 7, "far": float(n << 13)} for n in range(8)}},
        {"players": {f"p{n}": {"at": [0.1 * (n << 18), 0.1 * (n << 34)], "hp": n << 33} for n in range(8)}},
        {"players": {f"p{n}": {"far": float(n << 33), "at": [0.1 * n, 3.0], "hp": n * 999} for n in range(8)}},
        {"players": {f"p{n}": {"far": float(n << 18), "on": 7.0} for n in range(8)}},
        {"players": {f"p{n}": {"at": [0.1 * n * n, 40.0 + 5 * n * n]} for n in range(9)}},
    ]
    for change in changes:
        draft = store.begin_tick()
        draft.merge(change)
        base = store.time_order
        store.commit(draft)
        blobs += [feed.encoded(base)[1], feed.encoded(0)[1]]
    return blobs


def recorded_views() -> list[bytes]:
    """Record what rows need that are packed as records."""
    spans, encoder = Spans(parse_precision({"players.*.at": 0.1})), Encoder(is_rounded=True)
    blobs = []
    old: Any = freeze({"players": {}})
    for tick in range(3):
        rows: dict[Any, Any] = {
            f"p{n}": {"x": n / 3, "hp": n, "on": n > tick, "at": [n * 0.4, tick / 1.0], "id": 2**40, "n": float(tick)}
            for n in range(tick, 9)
        }
        new = freeze({"players": rows})
        encoder.begin(tick)
        blobs.append(bytes(2) + encoder.encode(spans.update([old], new), None))
        old = new
    return blobs


RECORDED = recorded() + recorded_views()
CORPUS = [
    *RECORDED,
    b"",
    b"\x00\x00\x00",
    b"\x00\x00\x05" + zlib.compress(bytes(1_000_000)),
    b"\x00\x00\x00\x00\x2a\xff\xff\xff\xff\x0f\x05\x00",
    b"\x00\x00\x00\x00" + b"\x2a\x01" * 300,
    b"\x00\x00\x00\x00" + b"\x2c\x01\x00" * 300,
    b"\x00\x00\x00\x01\x00\x04\x93\xa1a\xa1b\x92\x00\x01" + b"\x29\x02" * 100,
    b"\x00\x00\x01\x00" + pack({"a": {"b": [1] * 50}}),
    b"\x00\x00\x02\x04\x00\x2a\x00" + bytes(4),
    b"\x00\x00\x07\x04" + zlib.compress(b"\x00" + pack({"a": [{}] * 9_000})) + bytes(4),
]


def markers_in(value: object) -> bool:
    """Tell whether a marker is anywhere in a value."""
    if isinstance(value, dict):
        return isinstance(value, Replacement) or any(markers_in(member) for member in value.values())
    if isinstance(value, list):
        return any(markers_in(member) for member in value)
    return value is TO_DELETE


def one_input(data: bytes) -> None:
    """Feed one input: after a genuine update, so that the table of known names is not empty."""
    for before in (RECORDED[1], None):
        replica, state = Replica(), GameState()
        if before is not None:
            replica.receive(None, 0, RECORDED[0], 0.0)
            replica.receive(0, 1, before, 0.0)
        version = replica.version
        for baseline in (max(0, version), None):
            known = list(replica._decoder._names)
            try:
                replica.receive(baseline, version + 1, data, 0.0)
            except MalformedDatagram:
                assert replica.version == version
                assert replica._decoder._names == known
        taken = replica.take_pending()
        apply_all(state, taken)
        assert not markers_in(state.__dict__)
        before_drawing, smooth = (
            repr(state.__dict__),
            Interpolator(("players.*.at", "ents.*.at", "players.*.x", "rows")),
        )
        for number in range(3):
            time = number * 0.05
            arrivals = [replace(one, version=one.version + 9 * number, server_time=time, arrival=time) for one in taken]
            smooth.receive(arrivals, state, time)
            smooth.place(time + 0.01)
            smooth.restore()
        assert repr(state.__dict__) == before_drawing


def test_the_corpus_has_every_kind_of_column(monkeypatch: pytest.MonkeyPatch) -> None:
    if is_compiled():
        pytest.skip("compiled code looks into no other table than its own")
    kinds: set[int] = set()

    class Listening(dict[int, int]):  # a column's cost is looked up when it is read
        def get(self, kind: int, default: Any = None) -> Any:
            kinds.add(kind)
            return super().get(kind, default)

    monkeypatch.setattr(reader, "_COSTS", Listening(reader._COSTS))
    for conversation in (recorded(), recorded_views()):
        decoder = Decoder()
        for blob in conversation:
            decoder.decode(blob[2:])
    numbers = {
        kind | width for kind in (layout.INTS, layout.INTEGRAL_FLOATS, layout.FIXED_FLOATS) for width in range(6)
    }
    names = {layout.NAMES | width for width in (layout.SAME, layout.WIDTH_1, layout.WIDTH_2, layout.COUNTING)}
    numbers.add(layout.FIXED_FLOATS | layout.HALVED)
    assert numbers | names | set(range(layout.FLOATS_64, layout.CHAINED + 1)) == kinds


def test_the_invariant_holds_for_the_corpus() -> None:
    for data in CORPUS:
        one_input(data)


def test_the_invariant_holds_for_damaged_updates() -> None:
    rng = random.Random(11)
    for _ in range(3_000):
        data = bytearray(rng.choice(CORPUS[: len(RECORDED)]))
        for _ in range(rng.randint(1, 3)):
            position = rng.randrange(2, len(data))
            kind = rng.randrange(4)
            if kind == 0:
                data[position] = rng.randrange(256)
            elif kind == 1:
                del data[position]
            elif kind == 2:
                data[position:position] = struct.pack("<H", rng.randrange(65_536))
            else:
                data[position] ^= 1 << rng.randrange(8)
            if len(data) < 4:
                break
        one_input(bytes(data))


if __name__ == "__main__":
    import runner  # type: ignore[import-not-found, unused-ignore]

    runner.fuzz(one_input, CORPUS)
