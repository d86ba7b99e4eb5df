"""Values as bytes and back: MessagePack, narrowed to what a game may send, at a bounded cost.

The C implementation of MessagePack does the work. Around it stand checks that are cheap for what a game usually
sends: it would write keys of any type, and it reserves room for as many elements as a header claims, so that nested
headers of a hostile datagram could cost megabytes.
"""

import re
from collections.abc import Iterable
from typing import Any, Final

import msgpack

from pygase.config import MAX_VALUE_DEPTH
from pygase.errors import MalformedDatagram, NotSendable

__all__ = ["check_sendable", "count_containers", "pack", "pack_checked", "unpack"]

_SCALARS: Final = frozenset({str, bytes, bool, int, float, type(None)})
_SCALAR_BASES: Final = (str, bytes, int, float)
_SEQUENCES: Final = (list, tuple)
_NUMBERS: Final = frozenset({bool, int, float, type(None)})
_FEW: Final = 64
_SHORT: Final = 1_024
_pack_few: Final = msgpack.packb if "fallback" in msgpack.Packer.__module__ else msgpack.Packer().pack
"""Encodes a few numbers, lists of such and short texts, as most events are. Packing these runs nobody's code, so that
no two threads meet in the C code, and one packer does for all: to make one costs more than what it does."""

_INT_MIN: Final = -(1 << 63)
_INT_MAX: Final = (1 << 64) - 1


def pack(value: Any) -> bytes:
    """Encode a value.

    Args:
        value: Made of str, bytes, bool, None, float, 64-bit int, list, tuple and dict with str or int keys.

    Returns:
        Its MessagePack form.

    Raises:
        NotSendable: Something in it has no form on the wire; the message names it and where it stands.
    """
    try:
        if type(value) is list and len(value) <= _FEW:
            for member in value:
                kind = type(member)
                if kind in _NUMBERS:
                    continue
                if kind is str:
                    if len(member) > _SHORT:
                        break
                elif kind not in _SEQUENCES or len(member) > _FEW or not _NUMBERS.issuperset(map(type, member)):
                    break
            else:
                return _pack_few(value)  # type: ignore[no-any-return]
        if type(value) not in _SCALARS:
            _check_container(value, MAX_VALUE_DEPTH)
        return msgpack.packb(value)  # type: ignore[no-any-return]
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        check_sendable(value)
        raise NotSendable(f"{_shown(value)} cannot be sent: {error}") from None


def pack_checked(value: Any) -> bytes:
    """Encode a value that is known to be sendable, such as a part of a game state, without looking for what is not."""
    return msgpack.packb(value)  # type: ignore[no-any-return]


def _check_container(value: Any, depth: int) -> None:
    """Look for what MessagePack would let pass: keys that are neither str nor int, and too much nesting."""
    if depth == 0:
        raise TypeError("nested too deeply")
    members: Iterable[Any]
    kind = type(value)
    if kind is list or kind is tuple:
        members = value
    elif isinstance(value, dict):
        for key in value:
            if type(key) is not str and type(key) is not int:
                _check_key(key)
        members = value.values()
    elif isinstance(value, _SEQUENCES):
        members = value
    elif isinstance(value, _SCALAR_BASES):
        return
    else:
        raise TypeError("not a type that can be sent")
    for member in members:
        if type(member) not in _SCALARS:
            _check_container(member, depth - 1)


def _check_key(key: Any) -> None:
    if not isinstance(key, str | int) or isinstance(key, bool):
        raise TypeError("a key is neither a str nor an int")


def check_sendable(value: Any, *, markers: tuple[object, ...] = ()) -> None:
    """Find what keeps a value from being sent, slowly and with a message worth reading.

    Args:
        value: The value to go through.
        markers: Objects that count as sendable as the value of a dict's key, such as `TO_DELETE`.

    Raises:
        NotSendable: It contains something that cannot be sent.
    """
    _diagnose(value, markers, "", MAX_VALUE_DEPTH)


def _diagnose(value: Any, markers: tuple[object, ...], path: str, depth: int) -> None:
    at = f" (at {path})" if path else ""
    if isinstance(value, dict):
        _demand_depth(depth, at)
        for key, member in value.items():
            if not isinstance(key, str | int) or isinstance(key, bool):
                raise NotSendable(f"the key {_shown(key)}{at} cannot be sent: keys are str or int")
            _diagnose_scalar(key, at)
            if not any(member is marker for marker in markers):
                _diagnose(member, markers, f"{path}.{key}" if path else str(key), depth - 1)
    elif isinstance(value, list | tuple):
        _demand_depth(depth, at)
        for index, member in enumerate(value):
            _diagnose(member, (), f"{path}[{index}]", depth - 1)
    else:
        _diagnose_scalar(value, at)


def _demand_depth(depth: int, at: str) -> None:
    if depth == 0:
        raise NotSendable(f"a value nested more than {MAX_VALUE_DEPTH} levels deep{at} cannot be sent")


def _diagnose_scalar(value: Any, at: str) -> None:
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise NotSendable(f"{_shown(value)}{at} cannot be sent: it is not valid Unicode") from None
    elif isinstance(value, int):
        if not _INT_MIN <= value <= _INT_MAX:
            raise NotSendable(f"{_shown(value)}{at} cannot be sent: integers have at most 64 bits")
    elif not (value is None or isinstance(value, bytes | float)):
        raise NotSendable(
            f"{_shown(value)} of type {type(value).__name__}{at} cannot be sent: use str, bytes, bool, None,"
            " float, int, list, tuple or dict"
        )


def _shown(value: Any) -> str:
    """Show a value, whatever its `repr` does, in at most one line."""
    try:
        text = repr(value)
    except Exception:  # a user's __repr__ may raise anything
        text = f"<{type(value).__name__}>"
    return text if len(text) <= 80 else text[:77] + "..."


# --- reading -------------------------------------------------------------------------------------------------------

# Bytes that may open a list or a dict. They may as well be part of a number or a text: the count is an upper bound.
_CONTAINER_BYTES: Final = bytes([*range(0x80, 0xA0), 0xDC, 0xDD, 0xDE, 0xDF])

# Up to this many such bytes, neither nesting nor the room reserved for claimed elements needs a closer look:
# 16 headers that each claim as many elements as a 1,200 byte datagram has bytes reserve 150 kB.
_HARMLESS_CONTAINERS: Final = 16
_HARMLESS_BYTES: Final = 1_200


def count_containers(data: bytes) -> int:
    """Count the lists and dicts of an encoded value, without reading it: never too few, sometimes too many."""
    return len(data) - len(data.translate(None, _CONTAINER_BYTES))


def unpack(data: bytes) -> Any:
    """Decode a value, trusting nothing.

    The cost is bounded by a small multiple of the size: no input of up to 1,200 bytes takes more than 256 KiB.

    Args:
        data: The bytes of exactly one value.

    Returns:
        The value, with lists where the sender had tuples.

    Raises:
        MalformedDatagram: The bytes are not the form of one value that `pack` accepts.
    """
    # As many bytes as containers may be nested are harmless whatever they are.
    containers = count_containers(data) if len(data) > MAX_VALUE_DEPTH else 0
    # MessagePack's timestamps, which nobody else refuses, have an 0xff as their type.
    if containers > _HARMLESS_CONTAINERS or len(data) > _HARMLESS_BYTES or 0xFF in data:
        _scan(data)
    try:
        value = msgpack.unpackb(data, strict_map_key=False, object_hook=_checked_dict, ext_hook=_refuse_extension)
    except MalformedDatagram:
        raise
    except Exception as error:  # the C code raises a dozen types for bad input
        raise MalformedDatagram(f"not a value: {error}") from None
    if containers > MAX_VALUE_DEPTH:
        _demand_shallow(value)
    return value


def _checked_dict(value: dict[Any, Any]) -> dict[Any, Any]:
    for key in value:
        if type(key) is not str and type(key) is not int:
            raise MalformedDatagram("a key is neither a str nor an int")
    return value


def _refuse_extension(code: int, data: bytes) -> None:  # noqa: ARG001
    raise MalformedDatagram("a MessagePack extension")


# Whatever needs no arithmetic to be stepped over: small ints, nil, bools, numbers, short texts, and the small
# containers' headers, which claim at most 15 elements each.
_SIMPLE: Final = re.compile(
    rb"(?:[\x00-\xa0\xc0\xc2\xc3\xe0-\xff]|[\xcc\xd0\xa1].|[\xcd\xd1\xa2]..|\xa3.{3}|[\xca\xce\xd2\xa4].{4}|\xa5.{5}"
    rb"|\xa6.{6}|\xa7.{7}|[\xcb\xcf\xd3\xa8].{8}|\xa9.{9}|\xaa.{10}|\xab.{11}|\xac.{12}|\xad.{13}|\xae.{14}|\xaf.{15})*+",
    re.DOTALL,
)
_LENGTH_BYTES: Final = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
_CLAIM_BYTES: Final = {0xDC: 2, 0xDD: 4, 0xDE: 2, 0xDF: 4}


def _scan(data: bytes) -> None:
    """Walk over the headers before anything is built: claims must add up to no more than there are bytes.

    Raises:
        MalformedDatagram: They claim more, or there is an extension, which includes MessagePack's timestamps.
    """
    end = len(data)
    unclaimed = end
    position = 0
    simple = _SIMPLE.match
    while True:
        match = simple(data, position)
        assert match is not None  # it matches the empty string
        position = match.end()
        if position >= end:
            return
        header = data[position]
        position += 1
        if 0xB0 <= header <= 0xBF:
            position += header & 0x1F
            continue
        size = _CLAIM_BYTES.get(header)
        if size is not None:
            unclaimed -= int.from_bytes(data[position : position + size], "big")
            if unclaimed < 0:
                raise MalformedDatagram("headers claim more elements than there are bytes")
            position += size
            continue
        size = _LENGTH_BYTES.get(header)
        if size is None:
            raise MalformedDatagram(f"cut off, or not a value's header: 0x{header:02x}")
        position += size + int.from_bytes(data[position : position + size], "big")


def _demand_shallow(value: Any) -> None:
    """Refuse what is nested too deeply, going down level by level."""
    level = [value]
    for _ in range(MAX_VALUE_DEPTH):
        below: list[Any] = []
        for container in level:
            if type(container) is dict:
                container = container.values()  # noqa: PLW2901
            elif type(container) is not list:
                continue
            below.extend(member for member in container if type(member) is dict or type(member) is list)
        if not below:
            return
        level = below
    raise MalformedDatagram(f"nested more than {MAX_VALUE_DEPTH} levels deep")
