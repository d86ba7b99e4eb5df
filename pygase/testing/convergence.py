"""Whether clients have the server's state, and in words what they have instead."""

from collections.abc import Iterator
from typing import Any, Final

from pygase.client import Client
from pygase.connection import ConnectionStatus
from pygase.gamestate import GameState
from pygase.server import Server
from pygase.state.values import freeze

__all__ = ["Convergence", "content", "differences", "is_connected", "shown"]

_TOLD: Final = 5
"""How many differences of one client are told; the rest is counted."""

_MISSING: Final = object()


def is_connected(client: Client) -> bool:
    """Return whether a client counts."""
    return client.connection is not None and client.connection.status == ConnectionStatus.CONNECTED


def content(state: GameState) -> dict[str, Any]:
    """Return a state without its number, which runs ahead on the server while nothing changes."""
    return vars(state)


def shown(server: Server, client: Client, state: GameState) -> dict[str, Any]:
    """Return what a client should have when its server has a state: all of it, or its view."""
    if server._view is None or client.connection is None or client.connection.client_id is None:
        return content(state)
    seen = server._view(state, client.connection.client_id)
    seen = content(seen) if isinstance(seen, GameState) else seen
    return dict(freeze({"game_status": state.game_status, **seen}))


def differences(have: dict[str, Any], want: dict[str, Any]) -> str:
    """Return in words how a client's state differs from the server's; nothing if it does not."""
    found = list(_differences(have, want, ""))
    more = f", and {len(found) - _TOLD} more" if len(found) > _TOLD else ""
    return ", ".join(found[:_TOLD]) + more


def _differences(have: Any, want: Any, path: str) -> Iterator[str]:
    if isinstance(have, dict) and isinstance(want, dict):
        for key in [*want, *(key for key in have if key not in want)]:
            name = f"{path}.{key}" if path else f"{key}"
            yield from _differences(have.get(key, _MISSING), want.get(key, _MISSING), name)
    elif have is _MISSING:
        yield f"{path} is missing"
    elif want is _MISSING:
        yield f"{path} should not be there"
    elif have != want:
        yield f"{path} is {have!r} and should be {want!r}"


class Convergence:
    """Watches clients catch up with what their server has now, also while the game goes on.

    A client has caught up once it holds exactly the state that the server had at the same `time_order`, now or later;
    or the server's newest.
    """

    def __init__(self, server: Server, clients: list[tuple[str, Client]]) -> None:
        self._server = server
        self._store = server.game_state_store
        self._since = self._store.time_order
        self._behind = dict(clients)
        self._states: dict[int, GameState] = {}
        self._note()
        self._store.subscribe(self._note)

    def _note(self) -> None:
        self._states[self._store.time_order] = self._store.get_game_state()

    def stop(self) -> None:
        """Watch no more."""
        self._store.unsubscribe(self._note)

    def is_behind(self) -> bool:
        """Return whether somebody who is still connected has not caught up."""
        newest = self._states[max(self._states)]
        for name, client in list(self._behind.items()):
            if not is_connected(client) or self._has_caught_up(client, newest):
                del self._behind[name]
        return bool(self._behind)

    def _has_caught_up(self, client: Client, newest: GameState) -> bool:
        with client.access_game_state() as have:
            order = have.time_order
            if order < self._since and order != newest.time_order:
                # Its number is old: it may still have all, since a number alone is not sent at once.
                return content(have) == shown(self._server, client, newest)
            same = self._states.get(order)
            return same is not None and content(have) == shown(self._server, client, same)

    def complaints(self) -> list[str]:
        """Return in words who has not caught up, and what is wrong with the state that they have."""
        newest = self._store.get_game_state()
        told = []
        for name, client in self._behind.items():
            with client.access_game_state() as have:
                want = self._states.get(have.time_order, newest)
                wrong = differences(content(have), shown(self._server, client, want))
                told.append(f"{name}: {wrong or 'its state is old'}")
        return told
