"""Events and their form inside a message.

A message is one kind byte, for a gated event the `time_order` that the client's state must have reached, then the
MessagePack list of the event. docs/PROTOCOL.md, "Messages", is the normative text.
"""

from types import MappingProxyType
from typing import Any, Final

from pygase.config import MAX_EVENT_BYTES
from pygase.errors import DisconnectReason, MalformedDatagram, NotSendable, ReservedEventType, TooLarge
from pygase.session.event import Event, EventFrom
from pygase.wire import pack, read_varint, unpack, write_varint

__all__ = [
    "CLOSING",
    "LIFECYCLE_EVENT_TYPES",
    "SHUTDOWN_REQUEST",
    "TICKET",
    "WELCOME_AFRESH",
    "WELCOME_AS_NEW",
    "WELCOME_BACK",
    "Event",
    "EventFrom",
    "check_at_server",
    "closing_message",
    "decode_closing",
    "decode_event",
    "encode_event",
    "gated",
]

_CLIENT_LIFECYCLE: Final = frozenset({"CONNECTED", "CONNECTION_FAILED", "DISCONNECTED", "RECONNECTED"})
"""Those that happen to a client, at the client."""

LIFECYCLE_EVENT_TYPES: Final = _CLIENT_LIFECYCLE | {"CLIENT_CONNECTED", "CLIENT_DISCONNECTED", "CLIENT_RECONNECTED"}
"""Made by pygase itself when connections begin and end; neither side can send one."""

# The kinds of messages. The two low bits of an event's kind say what it carries.
EVENT: Final = 0x00
HAS_KEYWORDS: Final = 0x01
IS_GATED: Final = 0x02
SHUTDOWN_REQUEST: Final = 0x10
CLOSING: Final = 0x11
TICKET: Final = 0x12

WELCOME_BACK: Final = b"\xff\x01"
WELCOME_AFRESH: Final = b"\xff\x00"
WELCOME_AS_NEW: Final = b"\xff\x02"
"""Payloads of their own, shorter than any packet of the traffic layer. They open a session that was begun with a
reconnect ticket: the traffic goes on where it was (BACK), or both sides begin anew, because the
server was started again (AFRESH) or because the seat was given up (AS_NEW). The client answers each
with the same bytes; until then neither side sends packets."""

NO_KEYWORDS: Final[Any] = MappingProxyType({})
"""What most events have. One dict less for each is one less for the garbage collector to look at."""

_MIN_EVENT_BYTES: Final = 3
_REASONS: Final = tuple(DisconnectReason)


def check_at_server(event_type: Any) -> None:
    """Refuse to wait on a server for what only happens at clients.

    Raises:
        ReservedEventType: It is one of those.
    """
    if isinstance(event_type, str) and event_type in _CLIENT_LIFECYCLE:
        raise ReservedEventType(
            f"{event_type!r} happens at clients only; on a server it is 'CLIENT_CONNECTED', 'CLIENT_DISCONNECTED'"
            " or 'CLIENT_RECONNECTED'"
        )


def encode_event(event_type: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bytes:
    """Return the message of an event, ungated.

    Raises:
        TypeError: The event type is not a string.
        ReservedEventType: It is one of pygase's own.
        NotSendable: A value has no form on the wire; the message names the event and the value.
        TooLarge: The event is over `MAX_EVENT_BYTES`.
    """
    if type(event_type) is not str:
        raise TypeError(f"an event type is a string, not {event_type!r}")
    if event_type in LIFECYCLE_EVENT_TYPES:
        raise ReservedEventType(
            f"{event_type!r} is sent by pygase itself when connections begin and end; choose another event type"
        )
    try:
        message = b"\x01" + pack([kwargs, event_type, *args]) if kwargs else b"\x00" + pack([event_type, *args])
    except NotSendable as error:
        raise NotSendable(f"event {event_type!r}: {error}") from None
    if len(message) > MAX_EVENT_BYTES:
        raise TooLarge(
            f"event {event_type!r} is {len(message):,} bytes, the limit is {MAX_EVENT_BYTES:,}: "
            "split it, or put the data into the game state"
        )
    return message


def gated(message: bytes, time_order: int) -> bytes:
    """Return the event message so that a client holds it until its state has reached `time_order`."""
    head = bytearray((message[0] | IS_GATED,))
    write_varint(head, time_order)
    return bytes(head) + message[1:]


def decode_event(message: bytes, event: Event | None = None) -> tuple[Event, int]:
    """Return an event and the `time_order` it waits for, 0 if none.

    Args:
        message: Its message.
        event: What to fill in, if there is something already. Where no keywords came, it gets `NO_KEYWORDS`.

    Raises:
        MalformedDatagram: The message is not an event, or is a lifecycle event.
    """
    if len(message) < _MIN_EVENT_BYTES:
        raise MalformedDatagram("too short for an event")
    kind, gate, start = message[0], 0, 1
    if kind & IS_GATED:
        gate, start = read_varint(message, 1)
    items = unpack(message[start:])
    if type(items) is not list or not items:
        raise MalformedDatagram("an event is a list")
    is_own = event is None
    if event is None:
        event = Event.__new__(Event)
    if kind & HAS_KEYWORDS:
        keywords = items.pop(0)
        if type(keywords) is not dict or not all(type(key) is str for key in keywords) or not items:
            raise MalformedDatagram("an event's keywords are a dict of strings")
        event.handler_kwargs = keywords
    else:
        event.handler_kwargs = {} if is_own else NO_KEYWORDS
    event_type = items.pop(0)
    if type(event_type) is not str or event_type in LIFECYCLE_EVENT_TYPES:
        raise MalformedDatagram("an event type is a string, and none of pygase's own")
    event.type = event_type
    event.handler_args = items
    return event, gate


def closing_message(reason: DisconnectReason) -> bytes:
    """Return the message with which a server says why it ends a connection."""
    return bytes((CLOSING, _REASONS.index(reason)))


def decode_closing(message: bytes) -> DisconnectReason:
    """Return the reason in a closing message; an unknown one reads as a plain goodbye."""
    if len(message) == 2 and message[1] < len(_REASONS):
        return _REASONS[message[1]]
    return DisconnectReason.KICKED
