import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase.errors import MalformedDatagram
from pygase.netcode.addresses import (
    format_address,
    network_of,
    normal_address,
    parse_address,
    read_addresses,
    write_addresses,
)

ips = st.ip_addresses().map(str)
ports = st.integers(0, 65_535)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("1.2.3.4", ("1.2.3.4", 0)),
        ("1.2.3.4:5", ("1.2.3.4", 5)),
        ("127.0.0.1:65535", ("127.0.0.1", 65_535)),
        ("0.0.0.0:0", ("0.0.0.0", 0)),
        ("::1", ("::1", 0)),
        ("[::1]", ("::1", 0)),
        ("[::1]:40000", ("::1", 40_000)),
        ("[::]:50000", ("::", 50_000)),
        ("fe80::202:b3ff:fe1e:8329", ("fe80::202:b3ff:fe1e:8329", 0)),
        ("[FE80:0:0:0:202:B3FF:FE1E:8329]:40000", ("fe80::202:b3ff:fe1e:8329", 40_000)),
    ],
)
def test_address_is_parsed(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address


def test_port_that_is_missing_is_the_default() -> None:
    assert parse_address("1.2.3.4", 7) == ("1.2.3.4", 7)
    assert parse_address("[::1]", 7) == ("::1", 7)
    assert parse_address("::1", 7) == ("::1", 7)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[",
        "[]",
        "[]:",
        ":",
        ":40000",
        "1",
        "1.2.3",
        "1.2.3.4.5",
        "256.1.1.1",
        "01.2.3.4",
        "1.2.3.4:",
        "1.2.3.4:65536",
        "1.2.3.4:-1",
        "1.2.3.4:+1",
        "1.2.3.4: 1",
        "1.2.3.4:1_0",
        "1.2.3.4:99999999999999",
        "1.2.3.4:٣",
        "[::1",
        "::1]",
        "[::1]40000",
        "[::1]:",
        "[1.2.3.4]:5",
        "1:::2",
        "localhost",
        "localhost:80",
        "1.2.3.4:5:6",
        "x" * 10_000,
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (many wordings)
        parse_address(text)


@given(ips, ports)
def test_formatted_address_parses_to_itself(host: str, port: int) -> None:
    assert parse_address(format_address((host, port))) == (host, port)


@given(st.text(max_size=80))
def test_any_text_parses_or_raises_value_error(text: str) -> None:
    try:
        host, port = parse_address(text)
    except ValueError:
        return
    assert parse_address(format_address((host, port))) == (host, port)


@given(st.lists(st.tuples(ips, ports), min_size=1, max_size=32))
def test_addresses_of_a_token_are_read_as_written(addresses: list[tuple[str, int]]) -> None:
    written = write_addresses(addresses)

    read, position = read_addresses(b"xx" + written + b"yy", 2)

    assert read == tuple(normal_address(address) for address in addresses)
    assert position == 2 + len(written)


def test_types_on_the_wire_are_one_and_two() -> None:
    assert write_addresses([("1.2.3.4", 0x0506)]) == bytes.fromhex("01000000 01 01020304 0605")
    assert write_addresses([("102:304::1", 5)]).hex() == "010000000202010403" + "0000" * 5 + "01000500"


@pytest.mark.parametrize("count", [0, 33])
def test_number_of_addresses_is_bounded_when_written(count: int) -> None:
    with pytest.raises(ValueError, match="1 to 32"):
        write_addresses([("1.2.3.4", 5)] * count)


@pytest.mark.parametrize("count", [0, 33, 2**32 - 1])
def test_number_of_addresses_is_bounded_when_read(count: int) -> None:
    data = count.to_bytes(4, "little") + b"\1\1\2\3\4\5\6" * 40

    with pytest.raises(MalformedDatagram):
        read_addresses(data, 0)


@pytest.mark.parametrize("kind", [0, 3, 255])
def test_unknown_address_type_is_refused(kind: int) -> None:
    with pytest.raises(MalformedDatagram):
        read_addresses(bytes([1, 0, 0, 0, kind]) + bytes(30), 0)


@given(st.integers(0, 200), st.lists(st.tuples(ips, ports), min_size=1, max_size=4))
def test_address_list_cut_short_is_refused(cut: int, addresses: list[tuple[str, int]]) -> None:
    written = write_addresses(addresses)

    if cut < len(written):
        with pytest.raises(MalformedDatagram):
            read_addresses(written[:cut], 0)


def test_same_address_in_other_words_is_the_same() -> None:
    assert normal_address(("::ffff:1.2.3.4", 5, 0, 0)) == ("1.2.3.4", 5)
    assert normal_address(("0:0:0:0:0:0:0:1", 5)) == ("::1", 5)
    assert normal_address(("fe80::1%eth0", 5, 0, 2)) == ("fe80::1", 5)


@pytest.mark.parametrize("address", [("localhost", 1), ("1.2.3.4", 65_536), ("1.2.3.4", -1)])
def test_what_cannot_go_into_a_token_is_refused(address: tuple[str, int]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (many wordings)
        normal_address(address)


def test_a_customer_is_one_ipv4_address_or_one_ipv6_network() -> None:
    assert network_of(("1.2.3.4", 5)) == network_of(("::ffff:1.2.3.4", 9)) == "1.2.3.4"
    assert network_of(("2001:db8::1", 5)) == network_of(("2001:db8::2:3", 5, 0, 0))
    assert network_of(("2001:db8::1", 5)) != network_of(("2001:db8:0:1::1", 5))
    assert network_of(("some name", 5)) == "some name"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_own_machine_is_no_network(host: str) -> None:
    assert network_of((host, 5)) is None
