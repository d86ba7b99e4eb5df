"""State updates as bytes and back."""

import zlib
from typing import Any, Final

import msgpack

from pygase.config import COMPRESS_ABOVE_BYTES, MAX_STATE_BYTES
from pygase.errors import MalformedDatagram
from pygase.state.tree import TO_DELETE, Replacement
from pygase.wire import unpack

__all__ = ["decode_update", "encode_update"]

_WHOLE: Final = 1
_DEFLATED: Final = 2
_DELETE: Final = "\x00"


def encode_update(update: dict[str, Any]) -> bytes:
    """Encode an update."""
    whole = type(update) is Replacement
    body = msgpack.packb(update if whole else _marked(update))
    flags = _WHOLE if whole else 0
    if len(body) > COMPRESS_ABOVE_BYTES:
        packed = zlib.compress(body, 1)
        if len(packed) < len(body):
            return bytes([flags | _DEFLATED]) + packed
    return bytes([flags]) + body


def _marked(update: dict[Any, Any]) -> dict[Any, Any]:
    return {
        key: [_DELETE]
        if value is TO_DELETE
        else [dict(value)]
        if type(value) is Replacement
        else _marked(value)
        if isinstance(value, dict)
        else [_DELETE, value]
        for key, value in update.items()
    }


def _unmarked(update: Any) -> Any:
    if isinstance(update, dict):
        return {key: _unmarked(value) for key, value in update.items()}
    if type(update) is not list or not update:
        raise MalformedDatagram("not an update")
    if len(update) == 2:
        return update[1]
    return Replacement(update[0]) if isinstance(update[0], dict) else TO_DELETE


def decode_update(data: bytes) -> dict[str, Any]:
    """Decode an update."""
    if not data:
        raise MalformedDatagram("an empty update")
    body = data[1:]
    if data[0] & _DEFLATED:
        body = inflate(body)
    tree = unpack(body)
    if not isinstance(tree, dict):
        raise MalformedDatagram("not an update")
    return Replacement(tree) if data[0] & _WHOLE else _unmarked(tree)  # type: ignore[no-any-return]


def inflate(data: bytes) -> bytes:
    """Decompress at most as much as a state may take.

    Raises:
        MalformedDatagram: It is not a whole compressed text, or a larger one.
    """
    inflator = zlib.decompressobj()
    try:
        body = inflator.decompress(data, MAX_STATE_BYTES)
    except zlib.error as error:
        raise MalformedDatagram(f"not compressed: {error}") from None
    if not inflator.eof or inflator.unused_data:
        raise MalformedDatagram("compressed text is cut off, too long, or followed by something")
    return body
