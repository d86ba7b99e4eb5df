import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase.netcode.keys import ServerKeys, ServerUrl, fingerprint_of, format_url, parse_url

KEYS = ServerKeys.generate(random.Random(1).randbytes)


def test_key_file_is_read_as_written() -> None:
    assert ServerKeys.from_text(KEYS.to_text()) == KEYS


def test_key_file_may_have_comments_and_blank_lines() -> None:
    assert ServerKeys.from_text("\n# mine\n" + KEYS.to_text().replace("\n", "\r\n") + "\n\n# end") == KEYS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "something else",
        "pygase server keys 2\nidentity 00\ntoken 00",
        "pygase server keys 1\n",
        "pygase server keys 1\nidentity zz\ntoken zz",
        "pygase server keys 1\nidentity " + "00" * 31 + "\ntoken " + "00" * 32,
    ],
)
def test_what_is_no_key_file_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(ValueError, match="not a file of server keys"):
        ServerKeys.from_text(text)


def test_keys_are_not_shown() -> None:
    assert KEYS.identity.hex() not in repr(KEYS)
    assert str(KEYS.identity) not in repr(KEYS)


def test_keys_of_wrong_size_are_refused() -> None:
    with pytest.raises(ValueError, match="identity takes 32 bytes"):
        ServerKeys(b"short", bytes(32))


def test_ticket_key_and_fingerprint_follow_from_the_identity() -> None:
    other = ServerKeys(KEYS.identity, bytes(32))

    assert other.ticket_key == KEYS.ticket_key
    assert other.fingerprint == KEYS.fingerprint == fingerprint_of(KEYS.public_key)
    assert len({KEYS.ticket_key, KEYS.identity, KEYS.token_key, KEYS.public_key}) == 4


def test_fingerprint_is_32_characters_that_read_well() -> None:
    assert len(KEYS.fingerprint) == 32
    assert set(KEYS.fingerprint) <= set("abcdefghijklmnopqrstuvwxyz234567")


@given(
    st.one_of(st.ip_addresses().map(str), st.from_regex(r"[a-z0-9][a-z0-9.-]{0,40}", fullmatch=True)),
    st.integers(1, 65_535),
    st.sampled_from([None, KEYS.fingerprint]),
)
def test_url_is_read_as_written(host: str, port: int, fingerprint: str | None) -> None:
    assert parse_url(format_url(host, port, fingerprint)) == ServerUrl(host, port, fingerprint)


@pytest.mark.parametrize(
    "text",
    [
        f"pygase://h:1#{KEYS.fingerprint}",
        f"PYGASE://h:1/#{KEYS.fingerprint.upper()}",
        f"pygase://h:1/#{KEYS.fingerprint[:16]}-{KEYS.fingerprint[16:]}",
    ],
)
def test_url_may_be_written_in_other_ways(text: str) -> None:
    assert parse_url(text) == ServerUrl("h", 1, KEYS.fingerprint)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "h:1",
        "http://h:1/",
        "pygase://",
        "pygase://h",
        "pygase://h:",
        "pygase://h:0",
        "pygase://h:65536",
        "pygase://h:x",
        "pygase://:1",
        "pygase://[::1",
        "pygase://::1",
        "pygase://h:1/#",
        "pygase://h:1/#tooshort",
        f"pygase://h:1/#{KEYS.fingerprint}x",
        f"pygase://h:1/#{KEYS.fingerprint[:-1]}1",
        "pygase://user@h:1/",
        "pygase://h/path:1",
    ],
)
def test_damaged_url_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (many wordings)
        parse_url(text)


@given(st.text(max_size=60))
def test_any_text_is_a_url_or_a_value_error(text: str) -> None:
    for candidate in (text, "pygase://" + text):
        try:
            parse_url(candidate)
        except ValueError:
            continue
