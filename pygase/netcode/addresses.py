"""Addresses: what a socket gives, as text, and as a token carries them."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from struct import Struct
from typing import Any, Final

from pygase.errors import MalformedDatagram

__all__ = [
    "Address",
    "HostPort",
    "format_address",
    "network_of",
    "normal_address",
    "parse_address",
    "read_addresses",
    "write_addresses",
]

Address = tuple[Any, ...]
"""What the socket gives and takes: host and port first, and for IPv6 two numbers more. Otherwise opaque."""

HostPort = tuple[str, int]
"""An IP address in its shortest form, and a port."""

_MAX_ADDRESSES: Final = 32
"""Most server addresses of one token, by the standard."""

_COUNT: Final = Struct("<I")
_IPV4: Final = Struct("<B4sH")
_IPV6: Final = Struct("<B8HH")
_IPV4_TYPE: Final = 1
_IPV6_TYPE: Final = 2
_MAX_TEXT: Final = 64


def parse_address(text: str, default_port: int = 0) -> HostPort:
    """Read `1.2.3.4`, `1.2.3.4:5`, `::1`, `[::1]` or `[::1]:5`.

    Args:
        text: An IP address, not a name, with or without a port.
        default_port: The port where the text has none.

    Raises:
        ValueError: It is none of these.
    """
    if len(text) > _MAX_TEXT:
        raise ValueError(f"not an IP address: {text[:_MAX_TEXT]!r}...")
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(f"not an IP address: {text!r}")
        return str(IPv6Address(host)), _parse_port(rest[1:]) if rest else default_port
    if text.count(":") == 1:
        host, _, port = text.partition(":")
        return str(IPv4Address(host)), _parse_port(port)
    return str(ip_address(text)), default_port


def _parse_port(text: str) -> int:
    # int() would take "+1", " 1", "1_0" and digits of other scripts as well.
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= 65_535):
        raise ValueError(f"not a port: {text!r}")
    return int(text)


def format_address(address: Address) -> str:
    """Write an address as text: `1.2.3.4:5` or `[::1]:5`."""
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"


def normal_address(address: Address) -> HostPort:
    """The IP address in its shortest form and the port, so that equal addresses compare equal.

    An IPv4 address that a dual-stack socket shows as IPv6 (`::ffff:1.2.3.4`) becomes IPv4 again.

    Raises:
        ValueError: The host is a name, or the port is none.
    """
    host, port = address[:2]
    if not 0 <= port <= 65_535:
        raise ValueError(f"not a port: {port!r}")
    parsed = ip_address(str(host).partition("%")[0])
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return str(parsed), int(port)


def network_of(address: Address) -> str | None:
    """Whom to count an address as: its IPv4 address or IPv6 /64, which one customer has to himself.

    Returns:
        None for the machine itself, whose packets cannot come from anywhere else.
    """
    host = str(address[0])
    try:
        parsed = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is None:
            return None if parsed.is_loopback else parsed.packed[:8].hex()
        parsed = parsed.ipv4_mapped
    return None if parsed.is_loopback else str(parsed)


def write_addresses(addresses: Sequence[Address]) -> bytes:
    """Encode addresses as in both parts of a connect token: their number, then each with its type.

    Raises:
        ValueError: None, more than 32, or one that is not an IP address.
    """
    if not 1 <= len(addresses) <= _MAX_ADDRESSES:
        raise ValueError(f"a token takes 1 to {_MAX_ADDRESSES} server addresses, not {len(addresses)}")
    parts = [_COUNT.pack(len(addresses))]
    for address in addresses:
        host, port = normal_address(address)
        parsed = ip_address(host)
        if isinstance(parsed, IPv4Address):
            parts.append(_IPV4.pack(_IPV4_TYPE, parsed.packed, port))
        else:
            # The groups of an IPv6 address are numbers to netcode, so each goes little-endian like any other.
            groups = (int.from_bytes(parsed.packed[i : i + 2], "big") for i in range(0, 16, 2))
            parts.append(_IPV6.pack(_IPV6_TYPE, *groups, port))
    return b"".join(parts)


def read_addresses(data: bytes, position: int) -> tuple[tuple[HostPort, ...], int]:
    """Decode what `write_addresses` wrote.

    Returns:
        The addresses and the position behind them.

    Raises:
        MalformedDatagram: A wrong number or type, or the data ends too early.
    """
    if position + 4 > len(data):
        raise MalformedDatagram("address list cut short")
    (count,) = _COUNT.unpack_from(data, position)
    position += 4
    if not 1 <= count <= _MAX_ADDRESSES:
        raise MalformedDatagram("number of addresses out of range")
    addresses: list[HostPort] = []
    for _ in range(count):
        kind = data[position] if position < len(data) else 0
        layout = {_IPV4_TYPE: _IPV4, _IPV6_TYPE: _IPV6}.get(kind)
        if layout is None or position + layout.size > len(data):
            raise MalformedDatagram("address of unknown type or cut short")
        _, *fields, port = layout.unpack_from(data, position)
        position += layout.size
        host: IPv4Address | IPv6Address
        if kind == _IPV4_TYPE:
            host = IPv4Address(fields[0])
        else:
            host = IPv6Address(b"".join(group.to_bytes(2, "big") for group in fields))
        addresses.append((str(host), port))
    return tuple(addresses), position
