"""The exceptions: one tree, each also of the built-in kind that callers would expect."""

import inspect
from typing import Any

import pytest

from pygase import errors
from pygase.errors import ConnectionFailed, DisconnectReason, PygaseError

ALSO = {
    "NotSendable": TypeError,
    "TooLarge": ValueError,
    "BacklogFull": RuntimeError,
    "ReservedEventType": ValueError,
    "NotConnected": ConnectionError,
    "ConnectionFailed": ConnectionError,
    "AddressUnavailable": OSError,
    "AlreadyRunning": RuntimeError,
    "WrongThread": RuntimeError,
    "AdapterMisuse": RuntimeError,
    "EngineUnusable": ImportError,
}
EXCEPTIONS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, BaseException)]


@pytest.mark.parametrize("kind", EXCEPTIONS)
def test_exception_derives_from_pygase_error_and_stands_in_the_tree(kind: type[BaseException]) -> None:
    assert issubclass(kind, PygaseError)
    assert issubclass(kind, ALSO.get(kind.__name__, Exception))
    assert kind.__name__ in (errors.__doc__ or "")
    assert kind.__name__ in errors.__all__


@pytest.mark.parametrize("reason", DisconnectReason)
def test_reason_is_a_string_in_words(reason: DisconnectReason) -> None:
    text: Any = str(reason)
    assert text == reason.value == f"{reason}"
    assert reason == text
    assert DisconnectReason(text) is reason


def test_connection_failed_has_its_reason() -> None:
    error = ConnectionFailed("no connection", DisconnectReason.DENIED)
    assert error.reason is DisconnectReason.DENIED
    assert str(error) == "no connection"


def test_reasons_go_over_the_wire_by_their_place_so_new_ones_come_last() -> None:
    assert [reason.name for reason in DisconnectReason][:4] == ["CLIENT_LEFT", "SERVER_SHUTDOWN", "KICKED", "TIMED_OUT"]
