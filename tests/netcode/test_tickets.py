import random
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase.config import MAX_TICKET_BYTES
from pygase.errors import MalformedDatagram
from pygase.netcode.crypto import ExtendedCipher
from pygase.netcode.tickets import Ticket, open_ticket, seal_ticket

CIPHER = ExtendedCipher(bytes(range(32)))


@given(
    st.builds(
        Ticket,
        client_id=st.integers(0, 2**64 - 1),
        expires=st.integers(1, 2**63),
        user_data=st.binary(max_size=218),
        room=st.sampled_from(["", "attic", "ä" * 16]),
        is_host=st.booleans(),
    )
)
def test_ticket_is_read_as_written(ticket: Ticket) -> None:
    seed = sha256(repr(ticket).encode()).digest()
    sealed = seal_ticket(ticket, CIPHER, 7, random.Random(seed).randbytes)

    assert open_ticket(sealed, CIPHER, 7, 0.0) == ticket
    assert len(sealed) <= MAX_TICKET_BYTES


@pytest.mark.parametrize("spoilt", ["key", "protocol", "time", "nonce", "byte", "short", "long"])
def test_ticket_that_does_not_count_is_refused(spoilt: str) -> None:
    sealed = seal_ticket(Ticket(1, 100), CIPHER, 7, random.Random(1).randbytes)
    cipher, protocol_id, now = CIPHER, 7, 99.0
    assert open_ticket(sealed, cipher, protocol_id, now).client_id == 1
    match spoilt:
        case "key":
            cipher = ExtendedCipher(bytes(32))
        case "protocol":
            protocol_id = 8
        case "time":
            now = 100.0
        case "nonce":
            sealed = bytes(24) + sealed[24:]
        case "byte":
            sealed = sealed[:30] + bytes([sealed[30] ^ 1]) + sealed[31:]
        case "short":
            sealed = sealed[:50]
        case "long":
            sealed += bytes(400)

    with pytest.raises(MalformedDatagram):
        open_ticket(sealed, cipher, protocol_id, now)
