from typing import Any, ClassVar

from pygase.integrations.pyglet_events import EventTypes, Hooks


class Window:
    event_types: ClassVar = ["on_draw"]

    def close(self) -> str:
        return "closed"


def test_hooks_stand_in_front_of_a_class_and_are_undone_in_order() -> None:
    window: Any = Window()
    hooks = Hooks()
    hooks.put(window, "close", lambda: "first")
    hooks.put(window, "close", lambda: "second")
    assert window.close() == "second"
    assert Window().close() == "closed"
    hooks.undo()
    assert window.close() == "closed"
    assert vars(window) == {}


def test_hooks_give_back_what_the_object_had_itself() -> None:
    window: Any = Window()
    window.close = "mine"
    hooks = Hooks()
    hooks.put(window, "close", "hook")
    hooks.undo()
    assert window.close == "mine"


def test_event_types_follow_those_of_the_class() -> None:
    types = EventTypes(Window)  # type: ignore[arg-type]
    assert list(types) == ["on_draw", "on_net_event"]
    Window.event_types.append("on_more")
    try:
        assert "on_more" in types
        assert list(types) == ["on_draw", "on_more", "on_net_event"]
    finally:
        Window.event_types.remove("on_more")


def test_every_network_event_is_an_event_type_and_handlers_are_learned_once() -> None:
    types = EventTypes(Window)  # type: ignore[arg-type]
    assert "on_net_anything" in types
    assert "on_key_press" not in types

    class View:
        on_net_chat = on_net_move = None

    types.learn(View())
    types.learn(View())
    assert list(types) == ["on_draw", "on_net_event", "on_net_chat", "on_net_move"]
