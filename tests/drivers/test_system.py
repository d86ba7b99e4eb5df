"""Sockets, names and addresses as the operating system has them, and where it refuses."""

import errno
import socket
from typing import Any

import pytest

from pygase.drivers import OperatingSystem, get_available_ip_addresses
from pygase.errors import AddressUnavailable


def close_all(*socks: Any) -> None:
    for sock in socks:
        sock.close()


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback address (::1)")


def test_server_socket_takes_any_free_port_and_does_not_block() -> None:
    sock = OperatingSystem().server_socket("localhost", 0)
    assert sock.getsockname()[1] > 0
    with pytest.raises(BlockingIOError):
        sock.recvfrom(100)
    sock.close()


def test_port_that_is_taken_raises_and_says_what_to_do() -> None:
    system = OperatingSystem()
    first = system.server_socket("127.0.0.1", 0)
    port = first.getsockname()[1]
    with pytest.raises(AddressUnavailable, match=f"port {port}.*another server.*port 0") as caught:
        system.server_socket("127.0.0.1", port)
    assert caught.value.errno == errno.EADDRINUSE
    first.close()
    system.server_socket("127.0.0.1", port).close()


@pytest.mark.parametrize(("hostname", "why"), [("192.0.2.77", "no such address"), ("no-such-host.invalid", "resolve")])
def test_address_that_is_not_this_machines_raises_and_says_why(hostname: str, why: str) -> None:
    with pytest.raises(AddressUnavailable, match=f"{hostname}.*{why}"):
        OperatingSystem().server_socket(hostname, 0)


@pytest.mark.parametrize("port", [-1, 65_536, 1_000_000, "80", None])
def test_what_is_no_port_raises(port: Any) -> None:
    with pytest.raises(ValueError, match=repr(port)):
        OperatingSystem().server_socket("127.0.0.1", port)


def test_system_that_refuses_buffer_sizes_keeps_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.socket

    class Stubborn(real):  # type: ignore[misc, valid-type]
        def setsockopt(self, level: int, option: int, *value: Any) -> None:
            if level == socket.SOL_SOCKET:
                raise OSError(errno.ENOBUFS, "no buffer space available")
            super().setsockopt(level, option, *value)

    monkeypatch.setattr(socket, "socket", Stubborn)
    system = OperatingSystem()
    server, client = system.server_socket("127.0.0.1", 0), system.client_socket(("127.0.0.1", 1))
    client.sendto(b"hello", server.getsockname())
    close_all(server, client)


def test_no_socket_stays_open_when_binding_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[bool] = []
    real = socket.socket

    class Noting(real):  # type: ignore[misc, valid-type]
        def close(self) -> None:
            closed.append(True)
            super().close()

    monkeypatch.setattr(socket, "socket", Noting)
    with pytest.raises(AddressUnavailable):
        OperatingSystem().server_socket("192.0.2.77", 0)
    assert closed


def test_names_resolve_to_ipv4_first() -> None:
    assert OperatingSystem().resolve("localhost", 80)[:2] == ("127.0.0.1", 80)


def test_names_with_ipv6_addresses_only_resolve_to_those(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET6, socket.SOCK_DGRAM, 17, "", ("2001:db8::1", 80, 0, 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: list(found))
    assert OperatingSystem().resolve("six.example", 80)[0] == "2001:db8::1"
    found.append((socket.AF_INET, socket.SOCK_DGRAM, 17, "", ("192.0.2.1", 80)))  # type: ignore[arg-type]
    assert OperatingSystem().resolve("both.example", 80)[0] == "192.0.2.1"


def test_own_addresses_are_known_from_others() -> None:
    system = OperatingSystem()
    assert all(system.is_own_ip(ip) for ip in get_available_ip_addresses())
    assert system.is_own_ip("127.5.5.5")
    assert system.is_own_ip("::1")
    assert system.is_own_ip("::ffff:127.0.0.1")
    assert not system.is_own_ip("192.0.2.77")
    assert not system.is_own_ip("2001:db8::77")


def test_machine_that_does_not_know_its_own_name_still_has_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: Any, **kwargs: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    assert get_available_ip_addresses()[-1] == "127.0.0.1"


def test_clock_and_wall_clock_agree() -> None:
    import time

    system = OperatingSystem()
    assert system.unix_epoch() + system.clock() == pytest.approx(time.time(), abs=5.0)


@needs_ipv6
def test_ipv6_socket_listens_on_ipv6_alone_and_the_unspecified_address_on_both() -> None:
    system = OperatingSystem()
    both = system.server_socket("::", 0)
    port = both.getsockname()[1]
    four, six = system.client_socket(("127.0.0.1", port)), system.client_socket(("::1", port))
    four.sendto(b"four", ("127.0.0.1", port))
    six.sendto(b"six", ("::1", port))
    real: Any = both
    real.setblocking(True)
    real.settimeout(10.0)
    assert {real.recvfrom(100)[0], real.recvfrom(100)[0]} == {b"four", b"six"}
    only: Any = system.server_socket("::1", 0)
    assert only.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == 1
    close_all(both, four, six, only)
