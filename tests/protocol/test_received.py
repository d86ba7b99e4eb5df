from hypothesis import assume, given
from hypothesis import strategies as st

from pygase.config import MAX_ACK_RUN_BYTES, MAX_ACK_RUNS
from pygase.protocol.layout import read_varint
from pygase.protocol.received import ReceivedPackets

numbers = st.lists(st.integers(0, 60), max_size=80)


def as_set(received: ReceivedPackets) -> set[int]:
    members = {number for first, last in received.runs for number in range(first, last + 1)}
    return members | set(range(received.start, received.top + 1))


def acknowledged(received: ReceivedPackets) -> set[int]:
    """What a peer would read out of `encode`."""
    below, encoded, count = received.encode()
    low = received.top - below
    members = set(range(low, received.top + 1))
    position = 0
    for _ in range(count):
        gap, position = read_varint(encoded, position)
        length, position = read_varint(encoded, position)
        last = low - gap - 2
        low = last - length
        members |= set(range(low, last + 1))
    assert position == len(encoded)
    return members


@given(numbers)
def test_it_is_a_set(arrivals: list[int]) -> None:
    received, model = ReceivedPackets(), set[int]()
    for number in arrivals:
        assert received.add(number) == (number not in model)
        model.add(number)
        assert as_set(received) == model
        assert all((other in received) == (other in model) for other in range(62))
    assert received.runs == sorted(received.runs, reverse=True)


@given(numbers.filter(bool), st.integers(0, 80), st.integers(0, 80))
def test_what_is_missing_between_two_is_counted(arrivals: list[int], one: int, other: int) -> None:
    received = ReceivedPackets()
    for number in arrivals:
        received.add(number)
    low, high = sorted((arrivals[one % len(arrivals)], arrivals[other % len(arrivals)]))
    assume(low < high)
    missing = set(range(low + 1, high)) - set(arrivals)
    assert received.missing_between(low, high) == len(missing)


@given(numbers.filter(bool))
def test_an_ack_covers_every_packet_gaps_included(arrivals: list[int]) -> None:
    received = ReceivedPackets()
    for number in arrivals:
        received.add(number)
    assert acknowledged(received) == set(arrivals)


@given(numbers.filter(bool), numbers)
def test_what_the_peer_knows_is_left_out_and_what_comes_late_is_not(before: list[int], after: list[int]) -> None:
    received = ReceivedPackets()
    for number in before:
        received.add(number, 5)
    received.peer_knows(received.top, 5)
    known = received.top
    late = {number for number in after if received.add(number, 7)}
    members = acknowledged(received)
    assert late <= members <= set(before) | late
    # An ack of a packet of ours from before those came tells nothing of them; one from after does.
    received.peer_knows(known, 6)
    assert late <= acknowledged(received)
    received.peer_knows(received.top, 7)
    assert acknowledged(received) == {received.top}


def test_runs_are_bounded_and_what_is_too_old_to_tell_counts_as_received() -> None:
    received = ReceivedPackets()
    for number in range(0, 10_000, 2):
        received.add(number)
    assert len(received.runs) == MAX_ACK_RUNS
    assert 1 in received
    assert not received.add(1)
    assert received.top - 1 not in received


def test_runs_on_the_wire_are_bounded_in_bytes() -> None:
    received = ReceivedPackets()
    number = 0
    for step in range(60):
        number += 100 + step
        received.add(number)
    _, encoded, count = received.encode()
    assert len(encoded) <= MAX_ACK_RUN_BYTES
    assert 0 < count <= 31


@given(st.integers(0, 1 << 40), st.integers(-0x7FFF, 0x7FFF))
def test_16_bits_are_enough_to_tell_a_packet_number(top: int, distance: int) -> None:
    received = ReceivedPackets()
    received.start = received.top = top
    number = max(top + 1 + distance, 0)
    assert received.expand(number & 0xFFFF) == number or number < 0
