"""Events and their form inside a message."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase.config import MAX_EVENT_BYTES
from pygase.errors import DisconnectReason, MalformedDatagram, NotSendable, ReservedEventType, TooLarge
from pygase.session.events import (
    LIFECYCLE_EVENT_TYPES,
    Event,
    closing_message,
    decode_closing,
    decode_event,
    encode_event,
    gated,
)
from pygase.wire import pack

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=5)
    | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(
    st.lists(values, max_size=4), st.dictionaries(st.text(max_size=5), values, max_size=3), st.integers(0, 2**63 - 1)
)
def test_what_is_encoded_is_decoded_gated_or_not(args: list[Any], kwargs: dict[str, Any], gate: int) -> None:
    message = encode_event("CHAT", tuple(args), kwargs)
    event, ungated = decode_event(message)
    assert (event.type, event.handler_args, event.handler_kwargs, ungated) == ("CHAT", args, kwargs, 0)
    again, seen_gate = decode_event(gated(message, gate))
    assert again == event
    assert seen_gate == gate


def test_small_event_is_small() -> None:
    assert len(encode_event("MOVE", (0.5, -0.5), {})) <= 26


@pytest.mark.parametrize("name", sorted(LIFECYCLE_EVENT_TYPES))
def test_lifecycle_names_can_neither_be_sent_nor_received(name: str) -> None:
    with pytest.raises(ReservedEventType, match=name):
        encode_event(name, (), {})
    with pytest.raises(MalformedDatagram):
        decode_event(b"\x00" + pack([name]))


def test_event_at_the_limit_can_be_sent_and_past_it_not() -> None:
    overhead = len(encode_event("E", (bytes(100_000),), {})) - 100_000
    encode_event("E", (bytes(MAX_EVENT_BYTES - overhead),), {})
    with pytest.raises(TooLarge, match=r"'E'.*262,145 bytes.*262,144"):
        encode_event("E", (bytes(MAX_EVENT_BYTES - overhead + 1),), {})


def test_what_cannot_be_sent_is_named_with_its_event_and_place() -> None:
    with pytest.raises(NotSendable, match=r"'E'.*set"):
        encode_event("E", (1, {"x": {1}}), {})


@pytest.mark.parametrize("event_type", [None, 5, b"E", ["E"]])
def test_event_type_that_is_no_string_raises(event_type: Any) -> None:
    with pytest.raises(TypeError, match="event type"):
        encode_event(event_type, (), {})


@pytest.mark.parametrize(
    "message",
    [
        b"\x00", b"\x01", b"\x02", b"\x03", b"\x00\x90", b"\x00\x91\x05", b"\x00\x80", b"\x01\x92\xa1E\x80",
        b"\x01\x91\x80", b"\x01\x92\x81\x05\x06\xa1E", b"\x02\x80", b"\x00\x91\xa1E\x00", b"\x02" + b"\xff" * 11,
    ],
)  # fmt: skip
def test_message_that_is_no_event_is_malformed(message: bytes) -> None:
    with pytest.raises(MalformedDatagram):
        decode_event(message)


@given(st.binary(max_size=200))
def test_bytes_decode_to_an_event_or_are_malformed(data: bytes) -> None:
    if not data:
        return
    try:
        event, gate = decode_event(data)
    except MalformedDatagram:
        return
    assert isinstance(event, Event)
    assert event.type not in LIFECYCLE_EVENT_TYPES
    assert gate >= 0


@pytest.mark.parametrize("reason", DisconnectReason)
def test_reason_of_the_end_survives_the_way(reason: DisconnectReason) -> None:
    assert decode_closing(closing_message(reason)) is reason


@pytest.mark.parametrize("message", [b"\x11", b"\x11\xff", b"\x11\x00\x00"])
def test_unknown_reason_reads_as_a_plain_goodbye(message: bytes) -> None:
    assert decode_closing(message) is DisconnectReason.KICKED
