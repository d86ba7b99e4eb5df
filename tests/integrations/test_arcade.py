import gc
import os
import subprocess
import sys
import textwrap
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

if TYPE_CHECKING:
    import arcade
else:
    with mock.patch.dict(os.environ, ARCADE_HEADLESS="1"):
        arcade = pytest.importorskip("arcade", reason="needs arcade", exc_type=ImportError)

from pygase.errors import AdapterMisuse
from pygase.integrations.arcade import ArcadeAdapter, NetworkView, NetworkWindow

if not arcade.headless:
    pytest.skip("arcade was imported with a display before", allow_module_level=True)


@cache
def no_window() -> str:
    """Why not even a window of Arcade's own opens here; nothing if one does."""
    try:
        arcade.Window(64, 48).close()
    except Exception as error:  # whatever the machine's drivers lack
        return repr(error)
    return ""


def make(window_class: Any, *args: Any, **kwargs: Any) -> Any:
    if no_window():
        pytest.skip(f"no OpenGL context to be had: {no_window()}")
    return window_class(*args, width=64, height=48, **kwargs)


@pytest.fixture(autouse=True)
def closed_windows() -> Any:
    yield
    with suppress(RuntimeError):
        arcade.get_window().close()
    gc.collect()


def dispatched(window: Any, frames: int) -> None:
    """Run frames the way Arcade's own loop does."""
    window._enable_event_queue = False
    for _ in range(frames):
        window._dispatch_frame(1 / 60)


def queued(window: Any, frames: int) -> None:
    """Run frames the way `Window.test` does, which queues events before it dispatches them."""
    window.test(frames)
    window.dispatch_events()


def headless(window: Any, frames: int) -> None:
    """Run frames in Arcade's headless loop, and end as if the window was gone."""
    flip, left = window.flip, frames

    def flip_and_count() -> Any:
        nonlocal left
        flip()
        left -= 1
        if left == 0:
            context[:] = [window._context]
            window._context = None  # what the loop looks at; the window can go on afterwards

    context: list[Any] = []
    window.flip = flip_and_count
    try:
        arcade.run()
    finally:
        window.flip = flip
        window._context = context[0]


RunFrames = Callable[[Any, int], None]
LOOPS = pytest.mark.parametrize("run", [dispatched, queued, headless])
DISPATCHING = pytest.mark.parametrize("run", [dispatched, queued])


class Probe:
    """Mixed into windows and views: what was called, and what was true then."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.log: list[Any] = []
        self.returns = None
        super().__init__(*args, **kwargs)

    def on_fixed_update(self, delta_time: float) -> Any:
        self.log.append("fixed")
        return self.returns

    def on_update(self, delta_time: float) -> Any:
        self.log.append("update")
        return self.returns

    def on_draw(self) -> Any:
        self.log.append("draw")
        return self.returns


class ProbeWindow(Probe, arcade.Window):
    pass


class ProbeView(Probe, arcade.View):
    pass


@pytest.fixture
def frames(client: Any) -> Any:
    """A list of what happens in frames: pumps, updates, draws and whether the state was held."""
    client.frames = []
    pump = client.pump
    client.pump = lambda: (client.frames.append("pump"), pump())[1]
    return client.frames


def watch(owner: Any, client: Any) -> Any:
    """Make an owner's log entries go to the client's frames, with the depth at which the state is held."""

    class Log(list[Any]):
        def append(self, entry: str) -> None:
            client.frames.append(f"{entry}{' held' if client.depth else ''}")

    owner.log = Log()
    return owner


@LOOPS
@pytest.mark.parametrize("returns", [None, True])
@pytest.mark.parametrize("with_view", [False, True])
def test_frame_pumps_once_before_updates_and_holds_state_around_draw(
    client: Any, frames: list[str], run: RunFrames, returns: bool | None, with_view: bool
) -> None:
    window = make(ProbeWindow)
    ArcadeAdapter(client).attach(window)
    owner = window
    if with_view:
        owner = ProbeView(window)
        window.show_view(owner)
        window.log, window.on_draw = [], lambda: None
    watch(owner, client).returns = returns
    run(window, 3)
    seen = [entry for entry in frames if not entry.startswith("fixed")]
    for _ in range(2 if run is queued else 0):  # test() draws before the first update, out of a queue
        if seen[0] == "draw held":
            seen.pop(0)
    assert seen[:5] == ["pump", "update", "draw held", "pump", "update"]
    assert frames.count("pump") == 3
    assert frames.count("update") == 3
    assert "draw" not in frames
    assert client.depth == 0


@DISPATCHING
def test_pump_comes_before_the_first_fixed_update_and_not_between_them(
    client: Any, frames: list[str], run: RunFrames
) -> None:
    window = make(ProbeWindow, fixed_rate=1 / 200)
    watch(window, client)
    ArcadeAdapter(client).attach(window)
    run(window, 2)
    first = frames[frames.index("pump") :]
    assert first[:5] == ["pump", "fixed", "fixed", "fixed", "update"]
    assert frames.count("pump") == 2


def test_flip_comes_after_the_state_is_let_go(client: Any) -> None:
    window = make(arcade.Window)
    ArcadeAdapter(client).attach(window)
    depths: list[Any] = []
    swap = window.flip

    def flip() -> None:
        depths.append(client.depth)
        swap()

    window.flip = flip
    dispatched(window, 2)
    assert depths == [0, 0]


@LOOPS
def test_plain_window_with_view_shown_before_attach(client: Any, frames: list[str], run: RunFrames) -> None:
    window = make(arcade.Window)
    view = ProbeView(window)
    window.show_view(view)
    watch(view, client)
    ArcadeAdapter(client).attach(window)
    run(window, 2)
    assert frames.count("pump") == 2
    assert "draw held" in frames
    assert "draw" not in frames


@LOOPS
def test_several_views_in_turn(client: Any, frames: list[str], run: RunFrames) -> None:
    window = make(arcade.Window)
    ArcadeAdapter(client).attach(window)
    views = [watch(ProbeView(window), client) for _ in range(3)]
    for view in [*views, views[0]]:
        window.show_view(view)
        frames.clear()
        run(window, 2)
        if run is queued:
            run(window, 0)
        assert frames.count("pump") == 2
        assert frames.count("update") == 2
        assert "draw held" in frames
        assert "draw" not in frames
    window.hide_view()
    frames.clear()
    dispatched(window, 1)
    assert frames == ["pump"]


@DISPATCHING
def test_sections(client: Any, frames: list[str], run: RunFrames) -> None:
    window = make(arcade.Window)
    ArcadeAdapter(client).attach(window)

    class Panel(Probe, arcade.Section):
        pass

    class Sectioned(ProbeView):
        def __init__(self, window: Any) -> None:
            super().__init__(window)
            self.section_manager = arcade.SectionManager(self)
            self.panel = watch(Panel(0, 0, 10, 10), client)
            self.section_manager.add_section(self.panel)

        def on_show_view(self) -> Any:
            self.section_manager.enable()

        def on_hide_view(self) -> Any:
            self.section_manager.disable()

        def on_net_chat(self, text: str) -> Any:
            self.log.append(text)

    view = watch(Sectioned(window), client)
    window.show_view(view)
    client.arrive("CHAT", "hello")
    run(window, 2)
    assert frames.count("pump") == 2
    assert frames.count("update") == 4
    assert frames.count("hello") == 1
    assert "draw held" in frames
    assert "draw" not in frames


def test_decorated_handlers_of_a_plain_window(client: Any, frames: list[str]) -> None:
    window = make(arcade.Window)
    ArcadeAdapter(client).attach(window)
    seen: list[Any] = []

    @window.event  # type: ignore[untyped-decorator]
    def on_draw() -> Any:
        seen.append(("draw", client.depth))

    @window.event  # type: ignore[untyped-decorator]
    def on_net_chat(text: str) -> Any:
        seen.append(text)

    client.arrive("CHAT", "hello")
    dispatched(window, 1)
    assert seen == ["hello", ("draw", 1)]
    assert frames == ["pump"]


def test_state_is_there_in_on_draw_only(client: Any) -> None:
    window = make(arcade.Window)
    net = ArcadeAdapter(client)
    net.attach(window)
    seen: list[Any] = []
    window.on_draw = lambda: seen.append(net.state)
    dispatched(window, 1)
    assert seen == [client.state]
    with pytest.raises(AdapterMisuse, match="on_draw"):
        _ = net.state


def test_failing_draw_lets_the_state_go(client: Any) -> None:
    window = make(arcade.Window)
    ArcadeAdapter(client).attach(window)
    window.on_draw = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        dispatched(window, 1)
    assert client.depth == 0
    window.on_draw = lambda: None
    dispatched(window, 1)


# --- events ---------------------------------------------------------------------------------------------------------


class Hearing:
    who: str
    heard: list[Any]
    returns: bool | None

    def on_net_event(self, event: Any) -> Any:
        self.heard.append((self.who, event.type, event.handler_args, event.handler_kwargs))
        return self.returns

    def on_net_chat(self, *args: Any, **kwargs: Any) -> Any:
        self.heard.append((self.who, args, kwargs))
        return self.returns


def hearing(kind: Any, who: str, heard: list[Any], *args: Any, **kwargs: Any) -> Any:
    made = type(who, (Hearing, kind), {"who": who, "heard": heard, "returns": None})
    return make(made, *args, **kwargs) if kind is arcade.Window else made(*args, **kwargs)


@LOOPS
@pytest.mark.parametrize("is_shown_first", [False, True])
def test_events_go_to_the_view_then_to_the_window(client: Any, run: RunFrames, is_shown_first: bool) -> None:
    heard: list[Any] = []
    window = hearing(arcade.Window, "window", heard)
    view = hearing(arcade.View, "view", heard, window)
    if is_shown_first:
        window.show_view(view)
    ArcadeAdapter(client).attach(window)
    if not is_shown_first:
        window.show_view(view)
    client.arrive("CHAT", 1, a=2)
    run(window, 2)
    assert heard == [
        ("view", "CHAT", [1], {"a": 2}),
        ("window", "CHAT", [1], {"a": 2}),
        ("view", (1,), {"a": 2}),
        ("window", (1,), {"a": 2}),
    ]


def test_view_that_returns_true_keeps_an_event_from_the_window(client: Any) -> None:
    heard: list[Any] = []
    window = hearing(arcade.Window, "window", heard)
    view = hearing(arcade.View, "view", heard, window)
    ArcadeAdapter(client).attach(window)
    window.show_view(view)
    view.returns = True
    client.arrive("CHAT")
    dispatched(window, 1)
    assert [entry[0] for entry in heard] == ["view", "view"]


def test_only_the_current_view_hears(client: Any) -> None:
    heard: list[Any] = []
    window = make(arcade.Window)
    ArcadeAdapter(client).attach(window)
    for who in ("first", "second", "third"):
        window.show_view(hearing(arcade.View, who, heard, window))
    client.arrive("CHAT")
    dispatched(window, 1)
    assert {entry[0] for entry in heard} == {"third"}
    window.hide_view()
    client.arrive("CHAT")
    dispatched(window, 1)
    assert len(heard) == 2


def test_handlers_of_client_and_adapter_run_first(client: Any) -> None:
    heard: list[Any] = []
    window = hearing(arcade.Window, "window", heard)
    net = ArcadeAdapter(client)
    net.attach(window)
    client.register_event_handler("CHAT", lambda: heard.append(("client",)))
    net.on("CHAT")(lambda: heard.append(("adapter",)))
    client.arrive("CHAT")
    dispatched(window, 1)
    assert [entry[0] for entry in heard] == ["client", "adapter", "window", "window"]


def test_remote_event_cannot_pass_for_the_handler_of_all_events(client: Any) -> None:
    heard: list[Any] = []
    window = hearing(arcade.Window, "window", heard)
    net = ArcadeAdapter(client).attach(window)
    client.arrive("EVENT", "forged")
    client.arrive("Event", "forged")
    dispatched(window, 1)
    assert heard == [("window", "EVENT", ["forged"], {}), ("window", "Event", ["forged"], {})]
    assert net.errors == 0, "nor was it given what is no event"


def test_event_types_that_are_no_names_reach_the_handler_of_all_events(client: Any) -> None:
    heard: list[Any] = []
    window = hearing(arcade.Window, "window", heard)
    ArcadeAdapter(client).attach(window)
    client.arrive("no name!", 1)
    client.arrive("", 2)
    dispatched(window, 1)
    assert [entry[1] for entry in heard] == ["no name!", ""]


def test_failing_handler_harms_nothing_else(client: Any, caplog: pytest.LogCaptureFixture) -> None:
    window = make(arcade.Window)
    net = ArcadeAdapter(client)
    net.attach(window)
    seen: list[Any] = []
    window.on_net_chat = lambda: 1 / 0
    window.on_net_more = lambda: seen.append("more")
    client.arrive("CHAT")
    client.arrive("MORE")
    dispatched(window, 1)
    assert seen == ["more"]
    assert net.errors == 1


def test_lifecycle_handler_may_leave_out_the_reason(client: Any) -> None:
    window = make(arcade.Window)
    ArcadeAdapter(client).attach(window)
    seen: list[Any] = []
    window.on_net_disconnected = lambda: seen.append("gone")
    client.arrive("DISCONNECTED", reason="timed out")
    dispatched(window, 1)
    assert seen == ["gone"]


def test_event_types_are_registered_on_the_instance_only(client: Any) -> None:
    before = list(arcade.Window.event_types)
    window = make(arcade.Window)
    registered_by_arcade = list(arcade.Window.event_types)
    ArcadeAdapter(client).attach(window)
    window.show_view(hearing(arcade.View, "view", [], window))
    assert "on_net_event" in window.event_types
    assert "on_net_chat" in list(window.event_types)
    assert arcade.Window.event_types == registered_by_arcade
    assert not [name for name in before if name.startswith("on_net")]
    assert "on_net_chat" not in list(make(arcade.Window).event_types)


def test_event_types_registered_later_are_known_to_the_window(client: Any) -> None:
    window = make(arcade.Window)
    ArcadeAdapter(client).attach(window)
    window.register_event_type("on_pygase_test")
    seen: list[Any] = []
    window.push_handlers(on_pygase_test=seen.append)
    window._enable_event_queue = False
    window.dispatch_event("on_pygase_test", 1)
    arcade.Window.event_types.remove("on_pygase_test")
    assert seen == [1]


# --- the end --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("close", [lambda window: window.close(), lambda window: arcade.close_window()])
def test_closing_the_window_detaches_and_disconnects(client: Any, close: Callable[[Any], None]) -> None:
    window = make(arcade.Window)
    net = ArcadeAdapter(client)
    net.attach(window)
    close(window)
    assert window.closed
    assert net.is_closed
    assert net.window is None
    assert client.disconnected == 1
    assert client.claimed_by is None


def test_detaching_leaves_the_window_as_it_was(client: Any) -> None:
    window = make(arcade.Window)
    view = ProbeView(window)
    before = dict(vars(window)), dict(vars(view))
    net = ArcadeAdapter(client).attach(window)
    window.show_view(view)
    shown = dict(vars(window))
    net.close()
    assert {k: v for k, v in vars(window).items() if before[0].get(k, v) is not v or k not in before[0]}.keys() <= {
        "_current_view",
        "_event_stack",
    }, shown
    assert vars(view) == before[1]
    dispatched(window, 2)
    assert view.log.count("draw") >= 1
    window.show_view(ProbeView(window))
    count = view.log.count("draw")
    dispatched(window, 2)
    assert view.log.count("draw") == count, "the old view's handlers were found and removed"
    window.close()


@LOOPS
def test_window_closed_by_an_events_handler(client: Any, run: RunFrames) -> None:
    window = make(ProbeWindow)
    net = ArcadeAdapter(client)
    net.attach(window)
    net.on("BYE")(window.close)
    client.arrive("BYE")
    if run is headless:
        arcade.run()
    else:
        window._enable_event_queue = run is queued
        window._dispatch_updates(1 / 60)
        window.dispatch_events()
    assert net.is_closed
    assert client.claimed_by is None


def test_window_closed_while_drawing(client: Any) -> None:
    window = make(arcade.Window)
    net = ArcadeAdapter(client)
    net.attach(window)
    window._enable_event_queue = False
    window.on_draw = window.close
    window.dispatch_event("on_draw")
    assert net.is_closed
    assert client.depth == 0


def test_attaching_twice_is_refused(client: Any) -> None:
    window = make(arcade.Window)
    net = ArcadeAdapter(client)
    net.attach(window)
    with pytest.raises(AdapterMisuse, match="already"):
        net.attach(window)
    with pytest.raises(AdapterMisuse, match="already"):
        ArcadeAdapter(type(client)()).attach(window)
    net.close()
    with pytest.raises(AdapterMisuse, match="closed"):
        net.attach(window)
    ArcadeAdapter(type(client)()).attach(window)


# --- the subclass way -----------------------------------------------------------------------------------------------


def test_network_window_makes_a_client_if_given_none() -> None:
    window = make(NetworkWindow)
    assert window.net.client is window.client
    assert window.client.connection is None
    window.close()


def test_network_window_connects_with_all_that_a_client_takes(client: Any) -> None:
    window = make(NetworkWindow, client=client)
    client.connect_in_thread = mock.Mock()
    window.connect(8080)
    window.connect(8080, "host", room="red", password="secret", reconnect=False)
    assert client.connect_in_thread.mock_calls == [
        mock.call(8080, "localhost"),
        mock.call(8080, "host", room="red", password="secret", reconnect=False),
    ]
    window.close()


@LOOPS
def test_network_window_and_view(client: Any, frames: list[str], run: RunFrames) -> None:
    drawn: list[Any] = []

    class Game(NetworkWindow):
        def on_update(self, delta_time: float) -> Any:  # without super()
            frames.append("update")

        def on_draw(self) -> Any:
            drawn.append(self.state)

    class Play(NetworkView):
        def on_update(self, delta_time: float) -> Any:
            frames.append("view update")
            return True

        def on_draw(self) -> Any:
            drawn.append((self.state, self.net, self.client))

    window = make(Game, client=client, interpolate=("players.*.position",))
    assert window.client is client
    run(window, 2)
    assert client.state in drawn
    assert frames.count("pump") == 2
    window.show_view(Play())
    drawn.clear()
    run(window, 2)
    if run is queued:
        run(window, 0)
    assert (client.state, window.net, client) in drawn
    assert frames.count("pump") == 4
    assert frames.count("view update") == 2


def test_network_view_reaches_an_adapter_attached_to_a_plain_window(client: Any) -> None:
    window = make(arcade.Window)
    net = ArcadeAdapter(client)
    net.attach(window)
    assert NetworkView(window).net is net
    assert NetworkView(window).client is client


def test_network_view_without_adapter_says_what_to_do() -> None:
    view = NetworkView(make(arcade.Window))
    with pytest.raises(AdapterMisuse, match="NetworkWindow"):
        _ = view.net


def test_net_before_init_says_what_to_do() -> None:
    class Game(NetworkWindow):
        def __init__(self) -> None:
            _ = self.net

    with pytest.raises(AdapterMisuse, match="super"):
        Game()


def test_bases_the_wrong_way_round_raise_with_the_right_way() -> None:
    class MyWindow(arcade.Window):
        pass

    class MyView(arcade.View):
        pass

    with pytest.raises(AdapterMisuse, match=r"class Game\(NetworkWindow\)"):
        type("Game", (arcade.Window, NetworkWindow), {})
    with pytest.raises(AdapterMisuse, match=r"class Game\(NetworkWindow, MyWindow\)"):
        type("Game", (MyWindow, NetworkWindow), {})
    with pytest.raises(AdapterMisuse, match=r"class Menu\(NetworkView\)"):
        type("Menu", (arcade.View, NetworkView), {})
    with pytest.raises(AdapterMisuse, match=r"class Menu\(NetworkView, MyView\)"):
        type("Menu", (MyView, NetworkView), {})
    type("Game", (NetworkWindow, MyWindow), {})
    type("Menu", (Probe, NetworkView, MyView), {})


def test_network_view_may_be_abstract() -> None:
    class Abstract(NetworkView, ABC):
        @abstractmethod
        def score(self) -> Any: ...

    with pytest.raises(TypeError, match="abstract"):
        Abstract()  # type: ignore[abstract]


# --- a real loop ----------------------------------------------------------------------------------------------------

PROGRAM = """
    import arcade
    from pygase.integrations.arcade import ArcadeAdapter, NetworkView, NetworkWindow

    log = []

    class Play(NetworkView):
        def on_update(self, delta_time):
            log.append("update")
            return True

        def on_draw(self):
            self.clear()
            log.append("draw" if self.state is not None else "no state")
            if log.count("draw") == 5:
                self.window.close()

    window = NetworkWindow(64, 48)
    pump = window.net.pump
    window.net.pump = lambda: (log.append("pump"), pump())
    arcade.run(Play())
    assert window.net.is_closed
    print(*log)
"""


def run_program(**env: str) -> Any:
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM)],
        capture_output=True,
        text=True,
        env={**os.environ, **env},
        timeout=60,
        check=False,
    )
    if "NoSuchDisplay" in result.stderr or "NoSuchConfig" in result.stderr:
        pytest.skip("no display with OpenGL")
    assert result.returncode == 0, result.stderr
    return result.stdout.split()


def check_program(said: list[str]) -> Any:
    assert said[:3] == ["pump", "update", "draw"] or said[:4] == ["pump", "update", "pump", "update"]
    assert said.count("draw") == 5
    assert said.count("pump") == said.count("update")
    for before, entry in pairwise(said):
        assert (entry == "update") == (before == "pump")


def test_headless_program() -> None:
    check_program(run_program(ARCADE_HEADLESS="1"))


def test_real_window(virtual_display: str) -> None:
    check_program(run_program(DISPLAY=virtual_display, ARCADE_HEADLESS=""))
