import pytest

from pygase.errors import AdapterMisuse
from pygase.integrations.payloads import Payload, Payloads


def test_references_read_like_what_they_stand_for() -> None:
    payloads = Payloads()
    args, data = payloads.refer()
    payloads.keep(Payload([1, 2, 3], {"a": 1}))
    assert args == [1, 2, 3]
    assert args != [1, 2]
    assert args[1:] == [2, 3]
    assert list(args) == [1, 2, 3]
    assert len(args) == 3
    assert 2 in args
    assert args != 5
    assert data == {"a": 1}
    assert data["a"] == 1
    assert dict(data) == {"a": 1}
    assert (repr(args), repr(data)) == ("[1, 2, 3]", "{'a': 1}")


def test_references_are_told_apart() -> None:
    payloads = Payloads()
    first, _ = payloads.refer()
    payloads.keep(Payload([1], {}))
    second, _ = payloads.refer()
    payloads.keep(Payload([2], {}))
    assert (first[0], second[0]) == (1, 2)


def test_data_is_forgotten_at_the_second_expiry_unless_it_was_read() -> None:
    payloads = Payloads()
    read, _ = payloads.refer()
    payloads.keep(Payload([1], {}))
    unread, _ = payloads.refer()
    payloads.keep(Payload([2], {}))
    payloads.expire()
    assert read[0] == 1
    payloads.expire()
    assert len(payloads) == 0
    assert read[0] == 1
    with pytest.raises(AdapterMisuse):
        unread[0]


def test_event_that_was_not_posted_has_no_data() -> None:
    args, _ = Payloads().refer()
    with pytest.raises(AdapterMisuse):
        len(args)
