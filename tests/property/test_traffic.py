"""Whatever the network does between two `Traffic`s, what they promise holds."""

from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase.config import RELIABLE
from pygase.errors import MalformedDatagram
from pygase.protocol import MODE_RELIABLE, MODE_RETRIED, Traffic
from tests.protocol.link import Line, Link

sizes = st.one_of(st.integers(8, 60), st.integers(8, 1_200), st.integers(1_000, 9_000))
sends = st.tuples(
    st.floats(0, 3.0), st.booleans(), sizes, st.sampled_from([0, 0, 1, 3, RELIABLE, RELIABLE, RELIABLE]), st.booleans()
)
lines = st.builds(
    Line,
    latency=st.floats(0.0, 0.15),
    jitter=st.floats(0.0, 0.03),
    loss=st.sampled_from([0.0, 0.05, 0.3, 0.5]),
    duplicated=st.sampled_from([0.0, 0.1, 1.0]),
    reordered=st.sampled_from([0.0, 0.1, 0.5]),
    reordered_by=st.floats(0.0, 0.1),
    bytes_per_second=st.sampled_from([0.0, 0.0, 64e3]),
)


@dataclass
class Side:
    sent: dict[int, tuple[int, bool]] = field(default_factory=dict)
    handled: list[int] = field(default_factory=list)
    modes: dict[int, int] = field(default_factory=dict)
    acked: list[int] = field(default_factory=list)


def message(number: int, size: int) -> bytes:
    return number.to_bytes(8, "little") + bytes([number & 0xFF]) * (size - 8)


def exchange(link: Link, schedule: list[tuple[float, bool, int, int, bool]], until: float) -> dict[bool, Side]:
    """Send messages at their times, `True` from side a; let everything settle; return what each side sent and got."""
    sides = {True: Side(), False: Side()}

    def after(traffic: Traffic) -> None:
        me = traffic is link.a
        while traffic.messages:
            mode, content = traffic.messages.pop(0)
            number = int.from_bytes(content[:8], "little")
            assert content[8:] == bytes([number & 0xFF]) * (len(content) - 8)
            sides[not me].handled.append(number)
            sides[not me].modes[number] = mode
        while traffic.acked:
            tag = traffic.acked.pop(0)
            assert isinstance(tag, int)
            number = tag
            # The peer has it. A reliable one may wait there for those before it.
            assert number in sides[me].modes or sides[me].sent[number][0] == RELIABLE
            sides[me].acked.append(number)

    def send(number: int, from_a: bool, size: int, retries: int, tagged: bool) -> None:
        traffic = link.a if from_a else link.b
        sides[from_a].sent[number] = (retries, tagged)
        traffic.send(message(number, size), retries, number if tagged else None)
        link.flush(traffic)

    link.after_turn = after
    start = link.now
    for number, (when, from_a, size, retries, tagged) in enumerate(sorted(schedule, key=lambda item: item[0])):
        link.at(start + when, lambda n=number, a=from_a, s=size, r=retries, t=tagged: send(n, a, s, r, t))  # type: ignore[misc]
    link.run(start + until)
    return sides


def check(side: Side) -> None:
    """The promises of every delivery mode."""
    assert max(Counter(side.handled).values(), default=1) == 1, "a message was handled twice"
    assert set(side.handled) <= set(side.sent)
    reliable = [number for number, (retries, _) in side.sent.items() if retries == RELIABLE]
    assert [number for number in side.handled if side.sent[number][0] == RELIABLE] == reliable
    assert max(Counter(side.acked).values(), default=1) == 1, "a tag came back twice"
    assert set(side.acked) <= {number for number in side.handled if side.sent[number][1]}
    assert {number for number in reliable if side.sent[number][1]} <= set(side.acked)
    for number in side.handled:
        retries = side.sent[number][0]
        assert (side.modes[number] == MODE_RELIABLE) == (retries == RELIABLE)
        if retries > 0:
            assert side.modes[number] == MODE_RETRIED


@given(st.lists(sends, max_size=60), lines, lines, st.integers(0, 2**32))
def test_any_schedule_of_packets_keeps_every_promise(
    schedule: list[tuple[float, bool, int, int, bool]], ab: Line, ba: Line, seed: int
) -> None:
    link = Link(ab, ba, seed)
    for side in exchange(link, schedule, 60.0).values():
        check(side)
    for traffic in (link.a, link.b):
        assert traffic.reliable_pending == 0
        assert traffic.idle
        assert traffic.next_timer() is None


@given(st.lists(sends, max_size=40), st.floats(0.0, 2.0), st.floats(0.1, 5.0), st.integers(0, 2**32))
def test_a_cut_off_line_delivers_what_waited_when_it_is_back(
    schedule: list[tuple[float, bool, int, int, bool]], begin: float, duration: float, seed: int
) -> None:
    link = Link(Line(0.03, 0.005, 0.05), Line(0.03, 0.005, 0.05), seed)
    link.at(link.now + begin, lambda: setattr(link, "cut", True))
    link.at(link.now + begin + duration, lambda: setattr(link, "cut", False))
    for side in exchange(link, schedule, 60.0).values():
        check(side)
    assert link.a.idle
    assert link.b.idle


@given(
    st.lists(st.tuples(st.floats(0, 3.0), st.sampled_from([10, 500, 1_080, 1_081, 20_000])), min_size=1, max_size=30),
    lines,
    lines,
    st.integers(0, 2**32),
)
def test_snapshots_converge_to_the_newest_and_never_go_back(
    schedule: list[tuple[float, int]], ab: Line, ba: Line, seed: int
) -> None:
    link = Link(ab, ba, seed)
    received: list[int] = []
    newest = [0]
    size_of: dict[int, int] = {}

    def offer() -> None:
        version = newest[0]
        link.a.offer_snapshot(link.a.acked_version, version, version.to_bytes(4, "little") * (size_of[version] // 4))

    def tick(size: int) -> None:
        newest[0] += 1
        size_of[newest[0]] = size
        if not link.a.snapshot_busy:
            offer()
        else:
            link.a.offer_snapshot(None, newest[0], b"later")
        link.flush(link.a)

    def after(traffic: Traffic) -> None:
        if traffic is link.b:
            while traffic.snapshots:
                baseline, version, blob = traffic.snapshots.pop(0)
                assert blob == version.to_bytes(4, "little") * (size_of[version] // 4)
                # The receiver has the baseline, as the sender knows that it arrived.
                assert baseline is None or baseline <= received[-1]
                received.append(version)
        elif traffic.snapshot_due:
            offer()

    link.after_turn = after
    for when, size in schedule:
        link.at(link.now + when, lambda s=size: tick(s))  # type: ignore[misc]
    link.run(link.now + 60.0)
    assert received == sorted(set(received))
    assert received[-1] == newest[0]
    assert link.a.acked_version == newest[0]
    assert not link.a.snapshot_due
    assert link.a.idle


@given(st.lists(st.binary(max_size=1_200), max_size=60), st.data())
def test_random_bytes_are_refused_as_malformed_or_change_little(packets: list[bytes], data: st.DataObject) -> None:
    link = Link(Line(0.01), Line(0.01))
    link.a.send(b"hello", RELIABLE, "tag")
    link.flush(link.a)
    link.run(link.now + 1.0)
    for packet in packets:
        if data.draw(st.booleans()):
            # A header that fits makes it further.
            packet = (link.b._received.top + 1).to_bytes(2, "little") + packet  # noqa: PLW2901
        try:
            link.b.receive_packet(packet, link.now)
        except MalformedDatagram:
            continue
        link.b.packets_to_send(link.now)
        link.b.next_timer()
        link.b.handle_timer(link.now)
    assert link.b.latency >= 0.0


@given(st.binary(max_size=1_200))
def test_a_malformed_packet_changes_nothing(packet: bytes) -> None:
    link = Link(Line(0.01), Line(0.01))
    link.a.send(b"hello", RELIABLE)
    link.flush(link.a)
    link.run(link.now + 1.0)
    before = link.b.stats.as_dict(), link.b._received.top, link.b._reliable_in.expected, link.b.next_timer()
    try:
        link.b.receive_packet(packet, link.now)
    except MalformedDatagram:
        after = link.b.stats.as_dict(), link.b._received.top, link.b._reliable_in.expected, link.b.next_timer()
        assert after == before
        assert not link.b.messages or link.b.messages == link.b.messages


@pytest.mark.parametrize("seed", range(5))
def test_an_exchange_goes_on_across_the_turn_of_all_16_bit_numbers(seed: int) -> None:
    line = Line(0.020, 0.005, 0.05, 0.02, 0.05, 0.01)
    link = Link(line, line, seed)
    begin = 65_000
    for sender, receiver in ((link.a, link.b), (link.b, link.a)):
        sender._recovery.next_number = begin
        sender._recovery.largest_acked = receiver._received.top = receiver._received.known = begin - 1
        receiver._received.start = receiver._received.floor = begin
        retried = sender._messages.retried
        sender._messages.reliable._base = retried._first = retried._next = receiver._reliable_in.expected = begin
        receiver.rare._seen.newest = begin - 1
        sender._messages.large_retried._first = begin
        receiver.rare._large_retried._newest = begin - 1
    handled: dict[int, list[int]] = {MODE_RELIABLE: [], MODE_RETRIED: []}

    def after(side: Traffic) -> None:
        if side is link.b:
            for mode, message in side.messages:
                handled[mode].append(int.from_bytes(message[:4], "little"))
        side.messages.clear()

    link.after_turn = after
    count = 1_500
    for number in range(count):
        link.a.send(number.to_bytes(4, "little"), RELIABLE)
        link.a.send(number.to_bytes(4, "little") + bytes(1_100 if number % 2 else 0), 10)
        link.flush(link.a)
        link.run(link.now + 0.005)
    link.run(link.now + 10.0)
    assert link.b._received.top > 65_536
    assert handled[MODE_RELIABLE] == list(range(count))
    assert sorted(handled[MODE_RETRIED]) == list(range(count))
