"""Waiting for a socket or a wake-up, in both ways that there are."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pygase.drivers.watch import SelectorWatch, Watch

KINDS: list[Any] = list(dict.fromkeys((SelectorWatch, Watch)))  # the same where there is no shorter way


@pytest.fixture
def pairs() -> Iterator[Callable[[], tuple[socket.socket, socket.socket]]]:
    made: list[socket.socket] = []

    def make() -> tuple[socket.socket, socket.socket]:
        made.extend(socket.socketpair())
        return made[-2], made[-1]

    yield make
    for sock in made:
        sock.close()


@pytest.mark.parametrize("kind", KINDS)
def test_wait_tells_a_wake_up_from_a_datagram(kind: Any, pairs: Callable[[], Any]) -> None:
    (waker, wake_up), (sock, peer) = pairs(), pairs()
    watch = kind(waker, sock)
    assert watch.wait(0.0) is False
    peer.send(b"a datagram")
    assert watch.wait(3_600.0) is False
    wake_up.send(b"\0")
    assert watch.wait(3_600.0) is True
    sock.recv(16)
    assert watch.wait(3_600.0) is True
    waker.recv(1)
    assert watch.wait(0.0) is False
    watch.close()


@pytest.mark.parametrize("kind", KINDS)
def test_who_waits_for_the_waker_only_is_not_disturbed(kind: Any, pairs: Callable[[], Any]) -> None:
    waker, wake_up = pairs()
    watch = kind(waker)
    assert watch.wait(0.0) is False
    wake_up.send(b"\0")
    assert watch.wait(3_600.0) is True
    watch.close()
