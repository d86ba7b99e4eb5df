import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase.errors import NotConnected, TooLarge
from pygase.netcode.channel import Channel, Drop, ReplayWindow
from pygase.netcode.crypto import new_cipher
from pygase.netcode.layout import PacketType

TOP = 2**64 - 1
BODIES = {
    PacketType.DENIED: b"",
    PacketType.CHALLENGE: bytes(308),
    PacketType.RESPONSE: bytes(308),
    PacketType.KEEP_ALIVE: bytes(8),
    PacketType.PAYLOAD: b"payload",
    PacketType.DISCONNECT: b"",
}


def pair(protocol_id: int = 7, sequence: int = 0) -> tuple[Channel, Channel]:
    one, other = bytes([1]) * 32, bytes([2]) * 32
    return (
        Channel(new_cipher(one), new_cipher(other), protocol_id, 0.0, sequence),
        Channel(new_cipher(other), new_cipher(one), protocol_id, 0.0),
    )


def reason(channel: Channel, data: bytes) -> str:
    with pytest.raises(Drop) as caught:
        channel.open_packet(data, 0.0)
    return caught.value.reason


# --- packets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("sequence", [0, 1, 255, 256, 2**16, 2**56 - 1, 2**63, TOP])
def test_packet_opens_as_it_was_sealed(kind: PacketType, sequence: int) -> None:
    sealer, opener = pair()

    data = sealer.seal_numbered(kind, BODIES[kind], sequence)

    assert opener.open_packet(data, 0.0) == (kind, BODIES[kind])


@pytest.mark.parametrize(
    ("sequence", "count"),
    [
        (0, 1),
        (0x11, 1),
        (0xFF, 1),
        (0x100, 2),
        (0x1122, 2),
        (0x112233, 3),
        (0x11223344, 4),
        (0x1122334455, 5),
        (0x112233445566, 6),
        (0x11223344556677, 7),
        (0x1122334455667788, 8),
    ],
)
def test_sequence_takes_as_few_bytes_as_it_can(sequence: int, count: int) -> None:
    sealer, _ = pair(sequence=sequence)

    data = sealer.seal(b"x", 0.0)

    assert data[0] == count << 4 | 5
    assert int.from_bytes(data[1 : 1 + count], "little") == sequence
    assert len(data) == 1 + count + 1 + 16


def test_payload_header_grows_with_the_sequence() -> None:
    sealer, opener = pair(sequence=254)

    datagrams = [sealer.seal(b"x", 0.0) for _ in range(4)]

    assert [data[0] >> 4 for data in datagrams] == [1, 1, 2, 2]
    assert [opener.open_payload(data, 0.0) for data in datagrams] == [b"x"] * 4


@pytest.mark.parametrize("size", [1, 2, 1199, 1200])
def test_payload_of_allowed_size_passes(size: int) -> None:
    sealer, opener = pair()

    data = sealer.seal(bytes(size), 0.0)

    assert opener.open_payload(data, 0.0) == bytes(size)
    assert len(data) <= 1 + 8 + size + 16  # the prefix, the longest sequence number, the payload, the tag


@pytest.mark.parametrize("size", [0, 1201])
def test_payload_of_wrong_size_raises_at_the_call(size: int) -> None:
    sealer, _ = pair()

    with pytest.raises(TooLarge, match=str(size)):
        sealer.seal(bytes(size), 0.0)


def test_sealing_after_the_end_raises() -> None:
    sealer, opener = pair()
    data = sealer.seal(b"x", 0.0)
    sealer.shut()
    opener.shut()

    with pytest.raises(NotConnected):
        sealer.seal(b"x", 0.0)
    assert reason(opener, data) == "dropped_forged"


def test_time_of_the_last_packet_is_kept() -> None:
    sealer, opener = pair()

    opener.open_payload(sealer.seal(b"x", 3.0), 4.0)

    assert (sealer.last_sent, opener.last_received) == (3.0, 4.0)


# --- read errors -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"", b"\x15", bytes(17), b"\x15" * 17])
def test_datagram_below_18_bytes_is_malformed(data: bytes) -> None:
    assert reason(pair()[1], data) == "dropped_malformed"


@pytest.mark.parametrize("kind", range(7, 16))
def test_unknown_packet_type_is_malformed(kind: int) -> None:
    assert reason(pair()[1], bytes([0x10 | kind]) + bytes(40)) == "dropped_malformed"


def test_request_is_never_opened_with_a_session_key() -> None:
    assert reason(pair()[1], bytes(1078)) == "dropped_malformed"
    assert reason(pair()[1], b"\x10" + bytes(1077)) == "dropped_malformed"


@pytest.mark.parametrize("count", [0, *range(9, 16)])
@pytest.mark.parametrize("kind", BODIES)
def test_sequence_of_wrong_length_is_malformed(count: int, kind: PacketType) -> None:
    assert reason(pair()[1], bytes([count << 4 | kind]) + bytes(60)) == "dropped_malformed"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        *((kind, body + b"x") for kind, body in BODIES.items() if kind is not PacketType.PAYLOAD),
        *((kind, body[:-1]) for kind, body in BODIES.items() if body and kind is not PacketType.PAYLOAD),
    ],
)
def test_body_of_wrong_size_for_its_type_is_malformed(kind: PacketType, body: bytes) -> None:
    sealer, opener = pair()

    assert reason(opener, sealer.seal_numbered(kind, body, 5)) == "dropped_malformed"


@pytest.mark.parametrize("size", [0, 1201])
def test_sealed_payload_of_wrong_size_is_malformed(size: int) -> None:
    sealer, opener = pair()

    assert reason(opener, sealer.seal_numbered(PacketType.PAYLOAD, bytes(size), 5)) == "dropped_malformed"


@pytest.mark.parametrize("kind", BODIES)
def test_every_changed_bit_is_noticed(kind: PacketType) -> None:
    sealer, opener = pair()
    data = sealer.seal_numbered(kind, BODIES[kind], 1000)

    for position in range(min(len(data), 24)):
        for bit in range(8):
            changed = bytearray(data)
            changed[position] ^= 1 << bit
            assert reason(opener, bytes(changed)) in ("dropped_forged", "dropped_malformed")
    assert opener.open_packet(data, 0.0)[0] is kind


def test_packet_of_another_protocol_is_forged() -> None:
    sealer, _ = pair(protocol_id=7)
    _, opener = pair(protocol_id=8)

    assert reason(opener, sealer.seal(b"x", 0.0)) == "dropped_forged"


def test_packet_type_cannot_be_changed() -> None:
    sealer, opener = pair()
    denied = sealer.seal_numbered(PacketType.DENIED, b"", 5)

    assert reason(opener, bytes([denied[0] & 0xF0 | PacketType.DISCONNECT]) + denied[1:]) == "dropped_forged"


# --- replay ----------------------------------------------------------------------------------------------------------


def test_forged_packet_does_not_move_the_window() -> None:
    sealer, opener = pair()
    forged = bytes([0x85]) + b"\xff" * 8 + bytes(40)

    assert reason(opener, forged) == "dropped_forged"
    assert opener.newest == -1
    assert opener.open_payload(sealer.seal(b"x", 0.0), 0.0) == b"x"


@pytest.mark.parametrize("kind", [PacketType.KEEP_ALIVE, PacketType.PAYLOAD, PacketType.DISCONNECT])
def test_packet_is_taken_once(kind: PacketType) -> None:
    sealer, opener = pair()
    data = sealer.seal_numbered(kind, BODIES[kind], 5)
    opener.open_packet(data, 0.0)

    assert reason(opener, data) == "dropped_replayed"


@pytest.mark.parametrize("kind", [PacketType.DENIED, PacketType.CHALLENGE, PacketType.RESPONSE])
def test_handshake_packets_are_not_part_of_the_window(kind: PacketType) -> None:
    sealer, opener = pair()
    data = sealer.seal_numbered(kind, BODIES[kind], 1 << 63)

    assert opener.open_packet(data, 0.0) == opener.open_packet(data, 0.0)
    assert opener.newest == -1
    assert opener.open_payload(sealer.seal(b"x", 0.0), 0.0) == b"x"


@pytest.mark.parametrize("start", [0, 2**16, 2**32 - 300, 2**63 - 300, TOP - 1023])
def test_window_remembers_256_packets_wherever_it_is(start: int) -> None:
    window = ReplayWindow()
    for sequence in range(start, start + 1024):
        assert not window.already_received(sequence)
        window.advance(sequence)
    newest = start + 1023

    assert all(window.already_received(newest - back) for back in range(1024))
    assert not window.already_received(newest + 1) or newest == TOP


@pytest.mark.parametrize("newest", [255, 256, 1000, TOP])
def test_window_takes_late_packets_until_it_ends(newest: int) -> None:
    window = ReplayWindow()
    window.advance(newest)

    assert not window.already_received(newest - 255)
    if newest >= 256:
        assert window.already_received(newest - 256)
    window.advance(newest - 255)
    assert window.already_received(newest - 255)
    assert not window.already_received(newest - 254)


def test_whole_range_can_be_received() -> None:
    window = ReplayWindow()
    for sequence in (0, TOP - 256, TOP - 1, TOP):
        assert not window.already_received(sequence)
        window.advance(sequence)

    assert [window.already_received(s) for s in (0, TOP - 256, TOP - 255, TOP - 2, TOP - 1, TOP)] == [
        True,
        True,
        False,
        False,
        True,
        True,
    ]


def test_jump_ahead_forgets_what_lies_between() -> None:
    window = ReplayWindow()
    for sequence in (0, 1, 2, 1000):
        window.advance(sequence)

    assert not window.already_received(999)
    assert window.already_received(744)
    assert not window.already_received(745)


@given(st.lists(st.integers(0, 600), max_size=400), st.sampled_from([0, 2**40, TOP - 600]))
def test_window_agrees_with_a_set(arrivals: list[int], base: int) -> None:
    window = ReplayWindow()
    seen: set[int] = set()
    for offset in arrivals:
        sequence = base + offset
        newest = max(seen, default=-1)
        expected = sequence in seen or (bool(seen) and sequence <= newest - 256)
        assert window.already_received(sequence) == expected
        if not expected:
            window.advance(sequence)
            seen.add(sequence)


@given(st.lists(st.integers(0, 400), max_size=100))
def test_payloads_pass_once_in_any_order(order: list[int]) -> None:
    sealer, opener = pair()
    datagrams = [sealer.seal(number.to_bytes(2, "big"), 0.0) for number in range(401)]
    window = ReplayWindow()
    for number in order:
        if window.already_received(number):
            assert reason(opener, datagrams[number]) == "dropped_replayed"
        else:
            window.advance(number)
            assert opener.open_payload(datagrams[number], 0.0) == number.to_bytes(2, "big")
