"""One run: what the game's code leaves to be sent goes together, once it has returned."""

import threading
from types import SimpleNamespace
from typing import Any

from pygase.drivers.run import Run
from pygase.drivers.system import SYSTEM
from pygase.drivers.usercode import UserCode

from .fakes import NotingCore, ScriptedSocket


def test_what_a_handler_sends_on_the_thread_that_drives_waits_until_it_returns() -> None:
    core, sock = NotingCore(), ScriptedSocket()
    run = Run(SYSTEM, core, UserCode("pygase.test"), lambda signal: False)
    run.listen(sock)
    driver: Any = SimpleNamespace(leader=threading.get_ident())
    run._delivering = driver
    for answer in (b"one", b"two"):
        run.submit(core.outgoing.append, answer)
        assert sock.sent == [], "the driver sends both when the handler is through"
    run._delivering = None
    run.submit(core.outgoing.append, b"three")
    assert sock.sent == [b"one", b"two", b"three"]
    driver.leader, run._delivering = threading.get_ident() + 1, driver
    run.submit(core.outgoing.append, b"from another thread")
    assert sock.sent[3:] == [b"from another thread"]
