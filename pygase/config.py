"""Limits and timings, each with its reason. Sizes are in bytes and times in seconds unless the name says otherwise."""

from typing import Final

# --- link ---------------------------------------------------------------------------------------------------------

MAX_PAYLOAD_BYTES: Final = 1_200
"""Largest payload of one datagram: netcode 1.02's limit, which fits every path's MTU with room for tunnels."""

CONNECT_TIMEOUT: Final = 10.0
"""How long a client tries to connect: long enough for a slow mobile link to wake up, short enough to wait for."""

PEER_TIMEOUT: Final = 6.0
"""Silence after which a peer counts as lost: players forgive a 4 s radio gap, not a ghost that stands about for long."""

# --- messages -----------------------------------------------------------------------------------------------------

RELIABLE: Final = -1
"""`retries=RELIABLE`: resent until acknowledged, in order, exactly once."""

MAX_EVENT_BYTES: Final = 256 * 1024
"""Largest encoded event: a chat log or a level chunk; anything larger belongs into the state or a download."""

# --- state --------------------------------------------------------------------------------------------------------

MAX_STATE_BYTES: Final = 8 * 1024 * 1024
"""Largest encoded game state: the contract asks for 4 MiB; twice that still joins in seconds on a home line."""
