import gc
import logging
import subprocess
import sys
import textwrap
import weakref
from pathlib import Path
from typing import Any

import pytest

pygame = pytest.importorskip("pygame", reason="needs pygame or pygame-ce")

from pygase.errors import AdapterMisuse, EngineUnusable  # noqa: E402
from pygase.integrations import pygame as integration  # noqa: E402
from pygase.integrations.pygame import PygameAdapter  # noqa: E402

QUEUE_LIMIT = 65_535


@pytest.fixture(autouse=True)
def display(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pygame.display.init()
    pygame.display.set_mode((64, 64))
    pygame.event.get()
    yield
    pygame.quit()


class Payload(list[Any]):
    """A list that can be watched as it goes."""


def named(events: list[Any], name: str) -> Any:
    return [event for event in events if getattr(event, "name", None) == name]


def test_events_are_pygames_own_then_those_of_the_network(client: Any) -> None:
    net = PygameAdapter(client)
    chat = net.type_for("CHAT")
    client.arrive("CHAT", "hello", to="all")
    pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_a))
    events = net.events()
    assert [event.type for event in events][-2:] == [pygame.KEYDOWN, chat]
    assert (events[-1].name, events[-1].args, events[-1].data) == ("CHAT", ["hello"], {"to": "all"})
    assert net.events() == []


def test_event_that_arrives_before_anyone_asked_for_its_type_is_recognised(client: Any) -> None:
    net = PygameAdapter(client)
    client.arrive("CHAT", 1)
    (event,) = net.events()
    assert event.type == net.type_for("CHAT")


def test_lifecycle_events_are_translated_too(client: Any) -> None:
    net = PygameAdapter(client)
    client.arrive("DISCONNECTED", reason="timed out")
    (event,) = net.events()
    assert event.type == net.type_for("DISCONNECTED")
    assert event.data == {"reason": "timed out"}


def test_handlers_run_before_the_event_is_returned(client: Any) -> None:
    net = PygameAdapter(client)
    seen: list[Any] = []
    net.on("CHAT")(seen.append)
    client.arrive("CHAT", 1)
    assert len(net.events()) == 1
    assert seen == [1]


@pytest.mark.parametrize("post", [False, True])
def test_remote_data_never_becomes_an_attribute(client: Any, post: bool) -> None:
    """`pygame.event.Event(n, {"type": ...})` is an error, and `name` would pass for another event."""
    net = PygameAdapter(client, post=post)
    client.arrive("X", type=3, name="QUIT", args=1, data=2, dict=4, __class__=5)
    (event,) = named(net.events(), "X")
    assert event.type == net.type_for("X")
    assert event.data == {"type": 3, "name": "QUIT", "args": 1, "data": 2, "dict": 4, "__class__": 5}
    assert event.args == []


def test_type_that_looks_like_pygames_own_is_not_it(client: Any) -> None:
    net = PygameAdapter(client)
    client.arrive("QUIT")
    (event,) = net.events()
    assert event.type != pygame.QUIT


def test_types_are_the_adapters_own_and_lazy(client: Any) -> None:
    before = pygame.event.custom_type()
    first, second = PygameAdapter(client), PygameAdapter(client)
    assert pygame.event.custom_type() == before + 1
    types = {first.type_for("A"), first.type_for("B"), second.type_for("A")}
    assert len(types) == 3
    assert first.type_for("A") == first.type_for("A")


def test_types_are_taken_anew_after_pygame_quit(client: Any) -> None:
    """`pygame.quit` restarts the counter: a kept number would soon be somebody else's."""
    net = PygameAdapter(client)
    for _ in range(2):
        net.type_for("A")
        pygame.quit()
        pygame.display.init()
        taken = {pygame.event.custom_type() for _ in range(3)}
        assert net.type_for("A") not in taken


def test_adapter_is_not_kept_alive_by_pygame(client: Any) -> None:
    net = PygameAdapter(client)
    net.type_for("A")
    net.close()
    gone = weakref.ref(net)
    del net
    client.queue.clear()
    gc.collect()
    assert gone() is None


def test_other_side_cannot_use_up_pygames_types(
    client: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(integration, "MAX_TRANSLATED_TYPES", 10)
    net = PygameAdapter(client, max_events=1_000)
    for number in range(200):
        client.arrive(f"T{number}")
    with caplog.at_level(logging.WARNING, "pygase"):
        events = net.events()
    assert [event.name for event in events] == [f"T{number}" for number in range(200)]
    assert len({event.type for event in events}) == 11
    assert len(caplog.records) == 1
    client.arrive("MINE")
    mine = net.type_for("MINE")
    assert net.events()[0].type == mine


def test_events_bypass_a_full_queue(client: Any) -> None:
    net = PygameAdapter(client)
    filler = pygame.event.custom_type()
    for _ in range(QUEUE_LIMIT):
        pygame.event.post(pygame.event.Event(filler))
    with pytest.raises(pygame.error):
        pygame.event.post(pygame.event.Event(pygame.QUIT))
    client.arrive("CHAT", 1)
    assert len(named(net.events(), "CHAT")) == 1


def test_burst_of_events_leaves_room_for_quit(client: Any) -> None:
    net = PygameAdapter(client, max_events=100_000)
    for number in range(QUEUE_LIMIT + 10):
        client.arrive("N", number)
    net.pump()
    pygame.event.post(pygame.event.Event(pygame.QUIT))


def test_loop_that_never_fetches_collects_no_end_of_events(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    net = PygameAdapter(client)
    seen: list[Any] = []
    net.on("N")(seen.append)
    for number in range(integration.MAX_UNFETCHED + 300):
        client.arrive("N", number)
    while client.queue:
        net.pump()
    assert len(seen) == integration.MAX_UNFETCHED + 300
    assert len(named(net.events(), "N")) == integration.MAX_UNFETCHED


def test_after_close_only_pygames_events_are_left(client: Any) -> None:
    net = PygameAdapter(client)
    net.close()
    net.events()
    client.arrive("CHAT")
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    assert [event.type for event in net.events()] == [pygame.QUIT]


# --- post=True ------------------------------------------------------------------------------------------------------


def test_posted_events_come_out_of_pygames_queue(client: Any) -> None:
    net = PygameAdapter(client, post=True)
    client.arrive("CHAT", "hello", to="all")
    net.pump()
    (event,) = pygame.event.get(net.type_for("CHAT"))
    assert event.name == "CHAT"
    assert list(event.args) == ["hello"]
    assert event.args == ["hello"]
    assert dict(event.data) == {"to": "all"}
    assert event.data["to"] == "all"


def test_events_returns_posted_events_whole(client: Any) -> None:
    net = PygameAdapter(client, post=True)
    client.arrive("CHAT", "hello", to="all")
    (event,) = named(net.events(), "CHAT")
    for _ in range(5):
        net.pump()
    assert (event.args, event.data) == (["hello"], {"to": "all"})
    assert type(event.args) is list
    assert type(event.data) is dict


def test_full_queue_is_said_once_and_loses_nothing(client: Any, caplog: pytest.LogCaptureFixture) -> None:
    net = PygameAdapter(client, post=True, max_events=100)
    filler = pygame.event.custom_type()
    for _ in range(QUEUE_LIMIT - 5):
        pygame.event.post(pygame.event.Event(filler))
    for number in range(450):
        client.arrive("N", number)
    with caplog.at_level(logging.WARNING, "pygase"):
        for _ in range(10):
            net.pump()
    assert len(caplog.records) == 1
    assert "queue" in caplog.text
    assert len(client.queue) >= 450 - 5 - 2 * 100, "what the queue does not take waits with the client, not here"
    received = []
    for _ in range(10):
        received += [event.args[0] for event in named(pygame.event.get(), "N")]
        net.pump()
    assert received == list(range(450))


def test_blocked_type_is_said_once_and_loses_nothing(client: Any, caplog: pytest.LogCaptureFixture) -> None:
    net = PygameAdapter(client, post=True)
    pygame.event.set_blocked(net.type_for("CHAT"))
    client.arrive("CHAT", 1)
    client.arrive("CHAT", 2)
    with caplog.at_level(logging.WARNING, "pygase"):
        for _ in range(3):
            net.pump()
    assert len(caplog.records) == 1
    assert "block" in caplog.text
    assert named(pygame.event.get(), "CHAT") == []
    pygame.event.set_allowed(net.type_for("CHAT"))
    net.pump()
    assert [event.args[0] for event in named(pygame.event.get(), "CHAT")] == [1, 2]


def test_events_wait_while_there_is_no_display(client: Any) -> None:
    net = PygameAdapter(client, post=True)
    pygame.display.quit()
    client.arrive("CHAT", 1)
    net.pump()
    pygame.display.init()
    net.pump()
    assert [event.args[0] for event in named(pygame.event.get(), "CHAT")] == [1]


def test_clear_leaks_what_is_queued() -> None:
    """Why payloads stay out of the queue. When pygame mends this, they may go in."""
    payload = Payload()
    watched = weakref.ref(payload)
    pygame.event.post(pygame.event.Event(pygame.event.custom_type(), payload=payload))
    del payload
    pygame.event.clear()
    gc.collect()
    assert watched() is not None


def test_clear_leaks_no_payload_of_ours(client: Any) -> None:
    net = PygameAdapter(client, post=True)
    payload = Payload()
    watched = weakref.ref(payload)
    client.arrive("CHAT", payload)
    del payload
    net.pump()
    assert watched() is not None
    pygame.event.clear()
    for _ in range(3):
        net.pump()
    gc.collect()
    assert watched() is None


def test_payload_lasts_as_long_as_its_event_is_queued(client: Any) -> None:
    net = PygameAdapter(client, post=True)
    client.arrive("CHAT", "hello")
    for _ in range(10):
        net.pump()
    (event,) = named(pygame.event.get(), "CHAT")
    assert event.args[0] == "hello"


def test_payload_that_was_read_stays_readable(client: Any) -> None:
    net = PygameAdapter(client, post=True)
    client.arrive("CHAT", "hello", loud=True)
    net.pump()
    (event,) = named(pygame.event.get(), "CHAT")
    assert event.args[0] == "hello"
    for _ in range(5):
        net.pump()
    assert event.args[0] == "hello"
    assert repr(event.args) == "['hello']"


def test_payload_read_too_late_says_so(client: Any) -> None:
    net = PygameAdapter(client, post=True)
    client.arrive("CHAT", "hello")
    net.pump()
    (event,) = named(pygame.event.get(), "CHAT")
    for _ in range(3):
        client.arrive("OTHER")
        net.pump()
        pygame.event.get()
    with pytest.raises(AdapterMisuse, match="in the frame"):
        len(event.args)
    with pytest.raises(AdapterMisuse, match="in the frame"):
        dict(event.data)


# --- installations --------------------------------------------------------------------------------------------------


def import_with(tmp_path: Path, packages: dict[str, str], init: str | None) -> Any:
    """Import the adapter where these packages are installed and the pygame folder holds this `__init__`, if any."""
    folder = tmp_path / "pygame"
    folder.mkdir()
    (folder / "version.py").write_text("ver = '2'\n")
    if init is not None:
        (folder / "__init__.py").write_text(init)
    for package, version in packages.items():
        info = tmp_path / f"{package.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
    code = f"""
        import importlib.metadata, pathlib, sys
        import pygase.integrations.base
        sys.path = [path for path in sys.path if not (pathlib.Path(path) / "pygame").exists()]
        sys.path.insert(0, {str(tmp_path)!r})
        real = importlib.metadata.version
        def version(name):  # what else is installed here does not count
            if name.startswith("pygame"):
                for found in importlib.metadata.distributions(path=[{str(tmp_path)!r}]):
                    if found.metadata["Name"] == name:
                        return found.version
                raise importlib.metadata.PackageNotFoundError(name)
            return real(name)
        importlib.metadata.version = version
        from pygase.errors import EngineUnusable
        try:
            import pygase.integrations.pygame
        except EngineUnusable as error:
            print(error)
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True, timeout=30
    )
    return result.stdout


def test_both_pygames_installed_says_what_to_do(tmp_path: Path) -> None:
    said = import_with(tmp_path, {"pygame": "2.6.1", "pygame-ce": "2.5.8"}, "")
    assert "both pygame 2.6.1 and pygame-ce 2.5.8" in said
    assert "pip uninstall -y pygame pygame-ce" in said


@pytest.mark.parametrize("left", ["pygame", "pygame-ce"])
@pytest.mark.parametrize("init", [None, "", "from pygame.base import *\n"])
def test_one_of_both_removed_says_what_to_do(tmp_path: Path, left: str, init: str | None) -> None:
    said = import_with(tmp_path, {left: "2.6.0"}, init)
    assert f"{left} 2.6.0 is installed, but files of it are missing" in said
    assert f"pip install --force-reinstall {left}" in said


def test_no_pygame_says_what_to_install(tmp_path: Path) -> None:
    said = import_with(tmp_path, {}, None)
    assert "pygame is not installed" in said
    assert "pip install" in said


def test_error_is_an_import_error(tmp_path: Path) -> None:
    assert issubclass(EngineUnusable, ImportError)
