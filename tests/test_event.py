"""Events, and what handlers are called with."""

import asyncio
import functools
from typing import Any

import pytest

from pygase.event import Event, UniversalEventHandler

INJECTED = {"client_address": ("10.0.0.1", 5), "dt": 0.02}


def call(handler: Any, event: Event, injected: dict[str, Any] | None = None) -> Any:
    handlers = UniversalEventHandler()
    handlers.register_event_handler(event.type, handler)
    return handlers.call(event, INJECTED if injected is None else injected)


def test_event_has_type_args_and_keywords_and_compares_by_value() -> None:
    event = Event("CHAT", 1, "two", x=3)
    assert (event.type, event.handler_args, event.handler_kwargs) == ("CHAT", [1, "two"], {"x": 3})
    assert event == Event("CHAT", 1, "two", x=3)
    assert event != Event("CHAT", 1, "two")
    assert event != "CHAT"
    assert repr(event) == "Event('CHAT', 1, 'two', x=3)"


def test_event_data_may_be_called_like_the_events_own_parameter() -> None:
    assert Event("CHAT", event_type="x").handler_kwargs == {"event_type": "x"}


@pytest.mark.parametrize("event_type", [5, None, b"E", ["E"]])
def test_type_that_is_no_string_raises(event_type: Any) -> None:
    with pytest.raises(TypeError, match="an event type is a string, not"):
        UniversalEventHandler().register_event_handler(event_type, print)


def test_a_later_registration_replaces_an_earlier_one() -> None:
    handlers = UniversalEventHandler()
    handlers.register_event_handler("E", lambda: 1)
    handlers.register_event_handler("E", lambda: 2)
    assert handlers.has_event_type("E")
    assert not handlers.has_event_type("F")
    assert handlers.call(Event("E"), {}) == 2


def test_event_without_handler_gives_none() -> None:
    assert UniversalEventHandler().call(Event("E", 1), INJECTED) is None


@pytest.mark.parametrize("handler", [None, 5, "name"])
def test_handler_that_is_not_callable_raises_at_the_registration(handler: Any) -> None:
    with pytest.raises(TypeError, match="'E'"):
        UniversalEventHandler().register_event_handler("E", handler)


def test_event_type_that_is_not_a_string_raises_at_the_registration() -> None:
    with pytest.raises(TypeError, match="7"):
        UniversalEventHandler().register_event_handler(7, print)  # type: ignore[arg-type]


class Game:
    def method(self, n: int, dt: float) -> tuple[int, float]:
        return n, dt

    def __call__(self, n: int, *, client_address: Any) -> tuple[int, Any]:
        return n, client_address

    @classmethod
    def of_class(cls, n: int) -> int:
        return n

    @staticmethod
    def static(n: int, **everything: Any) -> tuple[int, dict[str, Any]]:
        return n, everything


def with_defaults(n: int, dt: float = 9.0, other: int = 3) -> tuple[int, float, int]:
    return n, dt, other


@pytest.mark.parametrize(
    ("handler", "result"),
    [
        (lambda n: n, 1),
        (lambda n, dt: (n, dt), (1, 0.02)),
        (lambda *args: args, (1,)),
        (lambda *args, dt: (args, dt), ((1,), 0.02)),
        (lambda n, **kwargs: (n, kwargs), (1, INJECTED)),
        (Game().method, (1, 0.02)),
        (Game(), (1, INJECTED["client_address"])),
        (Game.of_class, 1),
        (Game.static, (1, INJECTED)),
        (with_defaults, (1, 0.02, 3)),
        (functools.partial(with_defaults, other=4), (1, 0.02, 4)),
    ],
)
def test_handler_gets_the_injected_names_that_its_signature_takes(handler: Any, result: Any) -> None:
    assert call(handler, Event("E", 1)) == result


def test_builtin_handler_gets_the_events_data_alone() -> None:
    got: list[int] = []
    call(got.append, Event("E", 1))
    assert got == [1]


@pytest.mark.parametrize(
    ("handler", "result"),
    [
        (lambda **kwargs: kwargs, {**INJECTED, "x": 1}),
        (lambda x, dt: (x, dt), (1, 0.02)),
        (lambda x: x, 1),
    ],
)
def test_keyword_that_the_sender_named_like_an_injected_value_is_overruled(handler: Any, result: Any) -> None:
    assert call(handler, Event("E", x=1, dt=99.0, client_address="forged")) == result


def test_calling_a_handler_leaves_the_event_as_it_is() -> None:
    event = Event("E", x=1)
    call(lambda **kwargs: kwargs.clear(), event)
    assert event.handler_kwargs == {"x": 1}


def test_handle_awaits_coroutines_and_takes_functions() -> None:
    async def later(n: int, dt: float) -> tuple[int, float]:
        await asyncio.sleep(0)
        return n, dt

    handlers = UniversalEventHandler()
    handlers.register_event_handler("LATER", later)
    handlers.register_event_handler("NOW", lambda n: n)
    assert asyncio.run(handlers.handle(Event("LATER", 1), dt=0.5)) == (1, 0.5)
    assert asyncio.run(handlers.handle(Event("NOW", 2), dt=0.5)) == 2
