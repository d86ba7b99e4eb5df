"""What one connection's traffic promises, one behaviour at a time."""

from random import Random

import pytest

from pygase.config import (
    FRAGMENT_BYTES,
    MAX_ACK_DELAY,
    MAX_BACKLOG_MESSAGES,
    MAX_MESSAGE_BYTES,
    MAX_PAYLOAD_BYTES,
    RELIABLE,
    RETRIED_WINDOW,
)
from pygase.errors import BacklogFull, MalformedDatagram, TooLarge
from pygase.protocol import MODE_RELIABLE, MODE_RETRIED, MODE_UNRELIABLE, Traffic
from tests.protocol.link import Line, Link

WIFI = Line(latency=0.030, jitter=0.005, loss=0.05, duplicated=0.01, reordered=0.02, reordered_by=0.02)


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[int(len(values) * share)]


def handed_over(sender: Traffic, receiver: Traffic, now: float) -> int:
    """Everything that may go, without a network between."""
    packets = sender.packets_to_send(now)
    for packet in packets:
        receiver.receive_packet(packet, now)
    return len(packets)


# --- when packets go ------------------------------------------------------------------------------------------------


def test_the_first_message_on_an_idle_connection_goes_at_once() -> None:
    traffic = Traffic(0.0)
    traffic.send(b"hello")
    assert len(traffic.packets_to_send(0.0)) == 1
    assert traffic.packets_to_send(0.0) == []


def test_under_load_messages_wait_for_company_and_the_timer_says_for_how_long() -> None:
    traffic = Traffic(0.0)
    traffic.send(b"first")
    traffic.packets_to_send(0.0)
    for _ in range(5):
        traffic.send(b"more")
    assert traffic.packets_to_send(0.0005) == []
    timer = traffic.next_timer()
    assert timer is not None
    assert 0.001 <= timer <= 0.002
    assert len(traffic.packets_to_send(timer)) == 1


def test_a_full_packet_does_not_wait() -> None:
    traffic = Traffic(0.0)
    traffic.send(b"first")
    traffic.packets_to_send(0.0)
    for _ in range(30):
        traffic.send(bytes(50))
    assert len(traffic.packets_to_send(0.0)) == 1


def test_events_and_state_share_a_packet() -> None:
    a, b = Traffic(0.0), Traffic(0.0)
    a.send(b"reliable", RELIABLE)
    a.send(b"unreliable")
    a.send(b"retried", 3)
    a.offer_snapshot(None, 40_000, b"state")
    assert handed_over(a, b, 0.0) == 1
    assert sorted(b.messages) == [
        (MODE_UNRELIABLE, b"unreliable"),
        (MODE_RETRIED, b"retried"),
        (MODE_RELIABLE, b"reliable"),
    ]
    assert list(b.snapshots) == [(None, 40_000, b"state")]


def test_no_packet_is_larger_than_the_limit() -> None:
    link = Link(Line(0.02, loss=0.3, reordered=0.5), Line(0.02, loss=0.3, reordered=0.5))
    random = Random(7)
    for number in range(400):
        size = random.choice([0, 1, 126, 127, 128, 1_070, 1_080, 1_081, 5_000])
        link.a.send(bytes(size), random.choice([0, 2, RELIABLE]))
        link.a.offer_snapshot(link.a.acked_version, 1 << 60 | number, bytes(random.choice([20, 1_080, 3_000])))
        link.flush(link.a)  # the link asserts the size
        link.run(link.now + 0.01)
    link.run(link.now + 30.0)
    assert link.a.reliable_pending == 0


def test_idle_traffic_says_nothing_and_has_no_timer() -> None:
    link = Link()
    link.a.send(b"x", RELIABLE)
    link.flush(link.a)
    link.run(link.now + 1.0)
    sent = link.a.stats.packets_sent, link.b.stats.packets_sent
    link.run(link.now + 100.0)
    assert (link.a.stats.packets_sent, link.b.stats.packets_sent) == sent
    assert link.a.next_timer() is None
    assert link.a.idle


# --- acks -----------------------------------------------------------------------------------------------------------


def test_plain_unreliable_messages_ask_for_no_ack() -> None:
    link = Link()
    for _ in range(20):
        link.a.send(b"position")
        link.flush(link.a)
        link.run(link.now + 0.05)
    assert link.b.stats.packets_sent == 0


def test_a_reliable_message_is_acknowledged_within_the_ack_delay() -> None:
    link = Link(Line(0.010), Line(0.010))
    link.a.send(b"x", RELIABLE, "tag")
    link.flush(link.a)
    link.run(link.now + 0.0201 + MAX_ACK_DELAY)
    assert list(link.a.acked) == ["tag"]


def test_an_ack_rides_with_whatever_goes_out() -> None:
    a, b = Traffic(0.0), Traffic(0.0)
    a.send(b"ping", RELIABLE, 1)
    handed_over(a, b, 0.0)
    b.send(b"pong")
    assert handed_over(b, a, 0.001) == 1
    assert list(a.acked) == [1]
    assert b.packets_to_send(1.0) == []


def test_latency_is_the_round_trip_without_the_peers_ack_delay() -> None:
    link = Link(Line(0.040), Line(0.020))
    assert link.a.latency == 0.0
    for _ in range(50):
        link.a.send(b"x", RELIABLE)
        link.flush(link.a)
        link.run(link.now + 0.2)
    assert link.a.latency == pytest.approx(0.060, abs=0.001)


def test_ack_only_packets_are_not_acknowledged_for_ever() -> None:
    link = Link()
    link.a.send(b"x", RELIABLE)
    link.b.send(b"y", RELIABLE)
    link.flush(link.a)
    link.flush(link.b)
    link.run(link.now + 60.0)
    assert link.a.stats.packets_sent + link.b.stats.packets_sent <= 6


# --- delivery -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("retries", "mode"), [(0, MODE_UNRELIABLE), (5, MODE_RETRIED), (RELIABLE, MODE_RELIABLE)])
@pytest.mark.parametrize("size", [10, 5_000])
def test_every_packet_twice_is_every_message_once(retries: int, mode: int, size: int) -> None:
    link = Link(Line(duplicated=1.0), Line(duplicated=1.0))
    for number in range(50):
        link.a.send(number.to_bytes(2, "big") + bytes(size), retries, number)
        link.flush(link.a)
        link.run(link.now + 0.01)
    link.run(link.now + 5.0)
    numbers = [int.from_bytes(message[:2], "big") for _, message in link.b.messages]
    assert sorted(numbers) == list(range(50))
    expected = MODE_RETRIED if size > FRAGMENT_BYTES and not retries else mode
    assert {mode for mode, _ in link.b.messages} == {expected}
    assert sorted(link.a.acked) == list(range(50))  # type: ignore[type-var]


@pytest.mark.parametrize("retries", [1, 2, 5])
@pytest.mark.parametrize("tag", [None, "tag"])
def test_a_message_with_retries_is_sent_again_at_most_so_often_tag_or_not(retries: int, tag: str | None) -> None:
    link = Link()
    link.cut = True
    link.a.send(b"hello", retries, tag)
    link.flush(link.a)
    copies = 1
    for _ in range(40):
        link.run(link.now + 1.0)
    copies += link.a.stats.messages_resent
    assert copies == 1 + retries
    assert link.a.stats.messages_dropped == 1
    assert link.a.idle
    assert not link.a.acked


def test_what_is_sent_once_is_never_sent_again() -> None:
    link = Link(Line(loss=1.0))
    link.a.send(b"x", 0, "tag")
    link.flush(link.a)
    link.run(link.now + 20.0)
    assert link.a.stats.messages_resent == 0
    assert link.a.idle
    assert not link.a.acked


def test_messages_are_resent_after_a_round_trip_not_a_second() -> None:
    link = Link(Line(0.010), Line(0.010))
    for _ in range(10):
        link.a.send(b"warm", RELIABLE)
        link.flush(link.a)
        link.run(link.now + 0.1)
    link.b.messages.clear()
    link.cut = True
    start = link.now
    link.a.send(b"lost", RELIABLE)
    link.flush(link.a)
    link.cut = False
    arrived: list[float] = []
    link.after_turn = lambda side: arrived.append(link.now) if side is link.b and side.messages else None
    link.run(link.now + 1.0)
    assert arrived[0] - start < 0.08


@pytest.mark.parametrize("seed", range(5))
def test_reliable_events_over_a_lossy_line_are_in_time(seed: int) -> None:
    """300 events at 20 a second, 5 % lost each way, 60 ± 10 ms, 2 % reordered, 1 % doubled: ENet's class is 220 ms."""
    link = Link(WIFI, WIFI, seed)
    sent: list[float] = []
    arrived: list[tuple[int, float]] = []

    def after(side: Traffic) -> None:
        if side is link.b:
            arrived.extend((int(message), link.now) for _, message in side.messages)
            side.messages.clear()

    def send(number: int) -> None:
        sent.append(link.now)
        link.a.send(b"%d" % number, RELIABLE, number)
        link.flush(link.a)

    link.after_turn = after
    for number in range(300):
        link.at(link.now + number / 20, lambda n=number: send(n))  # type: ignore[misc]
    link.run(link.now + 25.0)
    assert [number for number, _ in arrived] == list(range(300))
    assert sorted(link.a.acked) == list(range(300))  # type: ignore[type-var]
    assert percentile([at - sent[number] for number, at in arrived], 0.99) <= 0.150


def test_a_large_message_does_not_hold_back_small_ones() -> None:
    link = Link(Line(0.05, bytes_per_second=128e3), Line(0.05))
    link.a.send(bytes(MAX_MESSAGE_BYTES), RELIABLE)
    link.flush(link.a)
    delays: list[float] = []
    sent: list[float] = []

    def after(side: Traffic) -> None:
        if side is link.b:
            while side.messages:
                mode, message = side.messages.pop(0)
                if mode == MODE_UNRELIABLE:
                    delays.append(link.now - sent[int(message)])

    link.after_turn = after
    for number in range(20):
        link.run(link.now + 0.07)
        sent.append(link.now)
        link.a.send(b"%d" % number)
        link.flush(link.a)
    link.run(link.now + 1.0)
    assert len(delays) == 20
    assert max(delays) < 0.200


def test_only_missing_fragments_are_sent_again() -> None:
    link = Link(Line(0.03, loss=0.1), Line(0.03), seed=3)
    link.a.send(bytes(200_000), RELIABLE, "tag")
    link.flush(link.a)
    link.run(link.now + 20.0)
    assert list(link.a.acked) == ["tag"]
    fragments = -(-200_000 // FRAGMENT_BYTES)
    assert 0 < link.a.stats.fragments_resent < fragments * 0.25
    assert link.a.stats.messages_resent == 0


def test_acks_coming_late_take_the_loss_back() -> None:
    link = Link(Line(0.05, reordered=0.3, reordered_by=0.04), Line(0.05))
    for number in range(500):
        link.a.send(b"%d" % number, RELIABLE)
        link.flush(link.a)
        link.run(link.now + 0.004)
    link.run(link.now + 5.0)
    assert [int(message) for _, message in link.b.messages] == list(range(500))
    assert link.a.stats.packets_lost == 0
    # Reordering is learned: only the first guesses were wrong.
    assert link.a.stats.messages_resent < 100


# --- limits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("retries", [0, 1, RELIABLE])
@pytest.mark.parametrize("size", [20, 1_000, MAX_MESSAGE_BYTES])
def test_a_backlog_is_refused_before_memory_grows_and_says_what_to_do(retries: int, size: int) -> None:
    traffic = Traffic(0.0)
    message = bytes(size)
    with pytest.raises(BacklogFull, match="send less often"):  # noqa: PT012  (which one of them is not the point)
        for _ in range(MAX_BACKLOG_MESSAGES + 2):
            traffic.send(message, retries)
    assert traffic.backlog_bytes < 5 * 1024 * 1024
    # What was refused has not been queued: there is room again once something has gone.
    before = traffic.backlog_bytes
    with pytest.raises(BacklogFull):
        traffic.send(message, retries)
    assert traffic.backlog_bytes == before


def test_a_message_past_the_limit_is_refused() -> None:
    with pytest.raises(TooLarge, match="limit"):
        Traffic(0.0).send(bytes(MAX_MESSAGE_BYTES + 1))


def test_unreliable_messages_do_not_pile_up_while_the_line_is_cut() -> None:
    link = Link()
    link.cut = True
    for _ in range(60 * 8):
        link.a.send(bytes(60))
        link.flush(link.a)
        link.run(link.now + 1 / 60)
    assert link.a.backlog_bytes < 60 * 60 * 3
    link.cut = False
    link.run(link.now + 3.0)
    assert link.a.backlog_bytes == 0


def test_retried_messages_wait_while_the_oldest_is_unsettled() -> None:
    traffic = Traffic(0.0)
    for _ in range(RETRIED_WINDOW * 2):
        traffic.send(b"", 5)
    now = 0.0
    sent = 0
    while packets := traffic.packets_to_send(now):
        sent += len(packets)
        now += 0.01
        # No ack ever comes.
    assert traffic.stats.bytes_sent < RETRIED_WINDOW * 6


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"\x00",
        b"\x00\x00\x04",
        b"\x00\x00\x04\x05\x00\x00\x00\x00",  # acks packet 5, of which there was none
        b"\x00\x00\x0c\x00\x00\x00\x00\x00\x00\x00",  # a run below packet 0
        b"\x00\x00\x08",
        b"\x00\x00\x00\x09",
        b"\x00\x00\x00\x01\x05abc",
        b"\x00\x00\x00\x02\x00\x00\x00",
        b"\x00\x00\x00\x02\x00\x40\x01\x01x",  # a reliable message far beyond the window
        b"\x00\x00\x00\x04\xff\xff\x01x",  # a message id below zero
        b"\x00\x00\x00\x07\x00\x00\x05\x04\x01x",  # fragment 5 of 5
        b"\x00\x00\x00\x07\x00\x00\x00\x00\x01x",  # the only one
        b"\x00\x00\x00\x07\x00\x00\x00\xff\xff\xff\x7f\x01x",  # a message of gigabytes
        b"\x00\x00\x00\x08\x01\x00\x00\xff\xff\x7f\x01x",  # a state of gigabytes
        b"\x00\x00\x00\x03\x01\x02\x01x",  # a baseline below zero
        b"\x00\x00\x00\x03" + b"\xff" * 12,
    ],
)
def test_malformed_packets_are_told_from_others(packet: bytes) -> None:
    traffic = Traffic(0.0)
    if packet[2:3] == b"\x0c":
        traffic.send(b"x", RELIABLE)
        traffic.packets_to_send(0.0)
    with pytest.raises(MalformedDatagram):
        traffic.receive_packet(packet, 0.0)
    assert traffic.stats.packets_received == 0


def test_a_side_that_takes_no_state_refuses_it() -> None:
    client, server = Traffic(0.0), Traffic(0.0, accepts_snapshots=False)
    client.offer_snapshot(None, 1, b"state")
    (packet,) = client.packets_to_send(0.0)
    with pytest.raises(MalformedDatagram):
        server.receive_packet(packet, 0.0)


def test_fragments_that_never_finish_hold_bounded_memory() -> None:
    server = Traffic(0.0)
    random = Random(5)
    for number in range(3_000):
        kind = random.choice([5, 6, 7])
        identity = number if kind != 7 else random.randrange(50)
        frame = bytes((kind,)) + identity.to_bytes(2, "little") + b"\x01\xc8\x01\xb8\x08" + bytes(FRAGMENT_BYTES)
        server.receive_packet((number & 0xFFFF).to_bytes(2, "little") + b"\x00" + frame, number / 100)
    assert server.rare.held_bytes < 3 * 1024 * 1024
    server.handle_timer(1_000.0)
    assert not server.messages


# --- coming back ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [4.0, 8.0, 60.0])
def test_after_a_cut_everything_reliable_arrives_soon(seconds: float) -> None:
    link = Link()
    link.a.send(b"0", RELIABLE)
    link.flush(link.a)
    link.run(link.now + 1.0)
    link.cut = True
    for number in range(1, 50):
        link.a.send(b"%d" % number, RELIABLE)
        link.flush(link.a)
        link.run(link.now + seconds / 50)
    link.cut = False
    link.run(link.now + 1.2)
    assert [int(message) for _, message in link.b.messages] == list(range(50))


def test_resume_sends_again_at_once_and_nothing_twice() -> None:
    link = Link()
    link.cut = True
    for number in range(20):
        link.a.send(b"%d" % number, RELIABLE, number)
        link.a.send(b"%d" % (100 + number), 3, 100 + number)
        link.flush(link.a)
        link.run(link.now + 0.1)
    link.run(link.now + 60.0)
    link.cut = False
    link.a.resume(link.now)
    link.b.resume(link.now)
    link.flush(link.a)
    link.run(link.now + 2.0)
    reliable = [int(message) for mode, message in link.b.messages if mode == MODE_RELIABLE]
    assert reliable == list(range(20))
    assert set(range(20)) <= set(link.a.acked)
    assert len(link.a.acked) == len(set(link.a.acked))


def test_unacknowledged_messages_can_be_taken_over_into_a_new_session() -> None:
    link = Link()
    link.a.send(b"arrives", RELIABLE, 1)
    link.flush(link.a)
    link.run(link.now + 1.0)
    link.cut = True
    link.a.send(b"first", RELIABLE, 2)
    link.flush(link.a)
    link.a.send(bytes(5_000), RELIABLE)
    link.a.send(b"last", RELIABLE, 4)
    link.run(link.now + 1.0)
    assert link.a.unacknowledged() == [(b"first", 2), (bytes(5_000), None), (b"last", 4)]


# --- the line -------------------------------------------------------------------------------------------------------


def test_quality_is_one_on_a_good_line_and_falls_with_loss_and_latency() -> None:
    def quality(line: Line) -> float:
        link = Link(line, line)
        for _ in range(400):
            link.a.send(b"x", RELIABLE)
            link.flush(link.a)
            link.run(link.now + 0.05)
        return link.a.quality

    good, far, lossy = quality(Line(0.01)), quality(Line(0.2)), quality(Line(0.01, loss=0.15))
    assert good > 0.95
    assert 0.3 < far < 0.6
    assert 0.1 < lossy < 0.7


def test_counters_count() -> None:
    link = Link()
    link.a.send(b"x", RELIABLE)
    link.a.send(b"y")
    link.flush(link.a)
    link.run(link.now + 1.0)
    counters = link.a.stats.as_dict()
    assert counters["messages_sent"] == 2
    assert counters["packets_sent"] == 1
    assert link.b.stats.messages_received == 2
    assert link.b.stats.bytes_received == counters["bytes_sent"]
    assert counters["bytes_sent"] <= MAX_PAYLOAD_BYTES


def test_two_that_speak_20_times_a_second_send_no_packet_for_an_ack() -> None:
    line = Line(0.030, 0.004)
    link = Link(line, line)

    def tick(version: int) -> None:
        link.a.offer_snapshot(link.a.acked_version, version, b"x")
        link.flush(link.a)

    def move() -> None:
        link.b.send(b"move")
        link.flush(link.b)

    for turn in range(100):
        link.at(link.now + turn / 20, lambda v=turn + 1: tick(v))  # type: ignore[misc]
        link.at(link.now + turn / 20 + 0.013, move)
    link.run(link.now + 5.0)
    assert link.a.stats.packets_sent == 100
    assert link.b.stats.packets_sent == 100


@pytest.mark.parametrize("latency", [0.0, 0.0001, 0.001])
def test_a_large_state_arrives_fast_on_a_near_line(latency: float) -> None:
    link = Link(Line(latency), Line(latency))
    link.a.offer_snapshot(None, 1, bytes(1_000_000))
    link.flush(link.a)
    start = link.now
    arrived: list[float] = []
    link.after_turn = lambda side: arrived.append(link.now) if side.snapshots else None
    link.run(link.now + 5.0)
    assert arrived[0] - start < 0.2


def test_receiver_knows_how_many_snapshots_it_may_have_missed() -> None:
    """Nothing is sent of versions without changes: that a version is skipped says nothing."""
    a, b = Traffic(0.0), Traffic(0.0)
    held_back: dict[int, bytes] = {}
    missed = []
    for number, version in enumerate([1, 2, 9, 20, 21, 22, 40, 41, 42]):
        a.offer_snapshot(version - 1, version, b"state")
        (packet,) = a.packets_to_send(0.1 * number)
        if number in (3, 5, 6):
            held_back[number] = packet
            continue
        if number == 7:
            b.receive_packet(held_back[5], 0.1 * number)  # of use, though it is late
            missed.append(b.missed_snapshots)
        b.receive_packet(packet, 0.1 * number)
        missed.append(b.missed_snapshots)
    b.receive_packet(held_back[6], 1.0)  # of no use any more
    assert [version for _, version, _ in b.snapshots] == [1, 2, 9, 21, 22, 41, 42]
    assert missed == [None, 0, 0, 1, 0, 1, 0]


def test_what_was_missed_around_a_large_snapshot_is_unknown() -> None:
    link = Link()
    missed = []
    for version, size in ((1, 5), (2, 5), (3, 50_000), (4, 5), (5, 5)):
        link.a.offer_snapshot(version - 1, version, bytes(size))
        link.flush(link.a)
        link.run(link.now + 1.0)
        missed.append(link.b.missed_snapshots)
    assert missed == [None, 0, None, None, 0]
    assert Traffic(0.0, accepts_snapshots=False).missed_snapshots is None


def test_a_game_that_stands_still_converges_after_the_loss_of_its_last_state() -> None:
    link = Link()
    link.a.offer_snapshot(None, 1, b"first")
    link.flush(link.a)
    link.run(link.now + 1.0)
    link.cut = True
    link.a.offer_snapshot(1, 2, b"second")
    link.flush(link.a)
    link.after_turn = lambda side: link.a.offer_snapshot(1, 2, b"second") if link.a.snapshot_due else None
    link.run(link.now + 0.5)
    link.cut = False
    link.run(link.now + 1.5)
    assert [version for _, version, _ in link.b.snapshots] == [1, 2]
    assert link.a.acked_version == 2
    assert link.a.idle


def test_an_offer_during_a_transfer_waits_and_is_asked_for_again() -> None:
    link = Link(Line(0.05, bytes_per_second=128e3), Line(0.05))
    link.a.offer_snapshot(None, 1, bytes(50_000))
    link.flush(link.a)
    assert link.a.snapshot_busy
    link.run(link.now + 0.2)
    link.a.offer_snapshot(None, 2, b"newer")
    assert not link.a.snapshot_due
    link.run(link.now + 2.0)
    assert not link.a.snapshot_busy
    assert link.a.snapshot_due
    assert link.a.acked_version == 1
    link.a.offer_snapshot(1, 2, b"newer")
    assert not link.a.snapshot_due
    link.flush(link.a)
    link.run(link.now + 1.0)
    assert link.a.acked_version == 2


def test_one_blob_is_copied_once_into_each_packet_and_its_fragments_are_views() -> None:
    blob = bytes(5_000)
    traffics = [Traffic(0.0) for _ in range(10)]
    for traffic in traffics:
        traffic.offer_snapshot(None, 1, blob)
    pieces = [traffic.snapshot_out.transfer._blob.obj for traffic in traffics if traffic.snapshot_out.transfer]
    assert len(pieces) == 10
    assert all(piece is blob for piece in pieces)
