import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase.netcode.userdata import MAX_USER_DATA_BYTES, UserData

rooms = (
    st.text(max_size=32)
    .filter(lambda text: len(text.encode(errors="replace")) <= 32)
    .filter(lambda text: text.isprintable())
)


@given(st.builds(UserData, data=st.binary(max_size=218), room=rooms, is_host=st.booleans(), is_returning=st.booleans()))
def test_user_data_is_read_as_written(user: UserData) -> None:
    raw = user.to_bytes()

    assert len(raw) == 256
    assert UserData.from_bytes(raw) == user


@given(st.binary(min_size=256, max_size=256))
def test_user_data_of_another_making_gives_no_role(raw: bytes) -> None:
    user = UserData.from_bytes(raw)

    assert user == UserData(data=raw) or raw.startswith(b"PG\x01")


@given(st.binary(max_size=253))
def test_any_user_data_with_our_mark_is_read(rest: bytes) -> None:
    raw = (b"PG\x01" + rest).ljust(256, b"\0")

    user = UserData.from_bytes(raw)

    assert len(user.data) <= 256


def test_zeros_are_no_host() -> None:
    assert not UserData.from_bytes(bytes(256)).is_host


def test_longest_room_and_data_fit_together() -> None:
    user = UserData(bytes(MAX_USER_DATA_BYTES), "x" * 32)
    assert UserData.from_bytes(user.to_bytes()) == user


@pytest.mark.parametrize("user", [UserData(bytes(219)), UserData(room="x" * 33), UserData(room="ä" * 17)])
def test_too_much_raises(user: UserData) -> None:
    with pytest.raises(ValueError, match="takes"):
        user.to_bytes()
