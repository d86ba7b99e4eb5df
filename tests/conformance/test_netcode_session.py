"""A session recorded from the reference implementation of netcode 1.02 in C, read and written again by ours."""

import json
from pathlib import Path
from typing import Any

import pytest

from pygase.netcode.channel import Channel
from pygase.netcode.crypto import ExtendedCipher, new_cipher
from pygase.netcode.layout import KEEP_ALIVE, REQUEST, U64, VERSION_INFO, PacketType
from pygase.netcode.tokens import PrivateToken, open_private, seal_private

SESSION: dict[str, Any] = json.loads((Path(__file__).parent / "netcode_session.json").read_text())
PROTOCOL_ID = int(SESSION["protocol_id"], 16)
PRIVATE_KEY = bytes.fromhex(SESSION["private_key"])
DATAGRAMS = [(entry["from"], entry["type"], bytes.fromhex(entry["hex"])) for entry in SESSION["datagrams"]]
REQUEST_DATAGRAM = next(data for _, kind, data in DATAGRAMS if kind == "request")
SEALED = [entry for entry in DATAGRAMS if entry[1] != "request"]
KINDS = {
    "challenge": PacketType.CHALLENGE,
    "response": PacketType.RESPONSE,
    "keep_alive": PacketType.KEEP_ALIVE,
    "payload": PacketType.PAYLOAD,
    "disconnect": PacketType.DISCONNECT,
}


def read_token() -> PrivateToken:
    _, _, protocol_id, expires, nonce, sealed = REQUEST.unpack(REQUEST_DATAGRAM)
    return open_private(sealed, ExtendedCipher(PRIVATE_KEY), protocol_id, expires, nonce)


def channels() -> dict[str, Channel]:
    """For each side one that opens what it sent, and that seals as it did."""
    token = read_token()
    to_server = token.client_to_server_key
    to_client = token.server_to_client_key
    return {
        "client": Channel(new_cipher(to_server), new_cipher(to_server), PROTOCOL_ID, 0.0),
        "server": Channel(new_cipher(to_client), new_cipher(to_client), PROTOCOL_ID, 0.0),
    }


def test_token_is_read_with_the_private_key() -> None:
    token = read_token()

    assert token.addresses == (tuple(SESSION["server_address"]),)
    assert token.timeout == 5
    assert len(token.user_data) == 256


def test_request_has_the_layout_of_the_standard() -> None:
    prefix, version, protocol_id, _, _, _ = REQUEST.unpack(REQUEST_DATAGRAM)

    assert (prefix, version, protocol_id) == (0, VERSION_INFO, PROTOCOL_ID)


def test_token_is_sealed_to_the_same_bytes() -> None:
    _, _, protocol_id, expires, nonce, sealed = REQUEST.unpack(REQUEST_DATAGRAM)

    assert seal_private(read_token(), ExtendedCipher(PRIVATE_KEY), protocol_id, expires, nonce) == sealed
    rewritten = REQUEST.pack(0, VERSION_INFO, protocol_id, expires, nonce, sealed)
    assert rewritten == REQUEST_DATAGRAM


@pytest.mark.parametrize("number", range(len(SEALED)))
def test_datagram_opens_and_is_sealed_to_the_same_bytes(number: int) -> None:
    side, kind, data = SEALED[number]
    opener, sealer = channels()[side], channels()[side]

    opened, body = opener.open_packet(data, 0.0)

    assert opened is KINDS[kind]
    count = data[0] >> 4
    sealer.next_sequence = int.from_bytes(data[1 : 1 + count], "little")
    assert sealer.seal_numbered(opened, body, sealer.next_sequence) == data
    if opened is PacketType.PAYLOAD:
        assert sealer.seal(body, 0.0) == data


def test_whole_session_passes_the_replay_window_once() -> None:
    by_side = channels()

    for side, _, data in SEALED:
        by_side[side].open_packet(data, 0.0)

    assert by_side["server"].already_received(0)
    for side, kind, data in SEALED:
        if KINDS[kind] >= PacketType.KEEP_ALIVE:
            with pytest.raises(Exception, match="replayed"):
                by_side[side].open_packet(data, 0.0)


def test_payloads_and_slots_are_as_recorded() -> None:
    by_side = channels()
    bodies = [(kind, by_side[side].open_packet(data, 0.0)[1]) for side, kind, data in SEALED]

    assert {body for kind, body in bodies if kind == "payload"} == {bytes(i & 0xFF for i in range(1200))}
    assert {KEEP_ALIVE.unpack(body)[0] for kind, body in bodies if kind == "keep_alive"} == {0}


def test_global_packets_are_numbered_from_two_to_the_63rd() -> None:
    challenge = next(data for _, kind, data in DATAGRAMS if kind == "challenge")

    assert int.from_bytes(challenge[1:9], "little") == 1 << 63


def test_response_gives_the_challenge_back() -> None:
    by_side = channels()
    bodies = {kind: by_side[side].open_packet(data, 0.0)[1] for side, kind, data in SEALED}

    assert bodies["challenge"] == bodies["response"]
    assert U64.unpack_from(bodies["challenge"])[0] == 0
