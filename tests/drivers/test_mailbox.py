"""The queue between the network and user code."""

import threading
from collections.abc import Callable

from pygase.drivers.mailbox import Mailbox


def test_items_come_out_in_order() -> None:
    mailbox: Mailbox[int] = Mailbox()
    mailbox.post([1, 2])
    mailbox.post([3])
    assert len(mailbox) == 3
    assert list(mailbox.items) == [1, 2, 3]


def test_wait_returns_at_once_when_there_is_mail_or_the_box_is_closed() -> None:
    mailbox: Mailbox[int] = Mailbox()
    mailbox.post([1])
    mailbox.wait(3_600.0)
    assert mailbox.items.popleft() == 1
    mailbox.close()
    mailbox.wait(3_600.0)


def test_wait_ends_when_mail_comes_or_somebody_wakes_it() -> None:
    mailbox: Mailbox[int] = Mailbox()
    rouses: list[Callable[[], None]] = [lambda: mailbox.post([1]), mailbox.wake, mailbox.close]
    for rouse in rouses:
        thread = threading.Thread(target=mailbox.wait, args=(3_600.0,), daemon=True)
        thread.start()
        rouse()
        thread.join(15.0)
        assert not thread.is_alive()
        mailbox.items.clear()


def test_nothing_posted_while_the_reader_looks_is_missed() -> None:
    mailbox: Mailbox[int] = Mailbox()
    got: list[int] = []

    def read() -> None:
        while not mailbox.is_closed or mailbox:
            mailbox.wait(3_600.0)
            while mailbox.items:
                got.append(mailbox.items.popleft())

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    for n in range(5_000):
        mailbox.post([n])
    mailbox.close()
    thread.join(15.0)
    assert got == list(range(5_000))


def test_callback_is_called_for_each_post() -> None:
    mailbox: Mailbox[int] = Mailbox()
    calls: list[int] = []
    mailbox.on_mail = lambda: calls.append(len(mailbox))
    mailbox.post([1])
    mailbox.post([2, 3])
    assert calls == [1, 3]
