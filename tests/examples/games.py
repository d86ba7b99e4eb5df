"""What the tests of both demos do with their games."""

from copy import deepcopy
from typing import Any

from pygase import RELIABLE, TO_DELETE, Backend, Client
from pygase.testing import SimulatedNetwork


def merged(state: dict[Any, Any], update: dict[Any, Any]) -> dict[Any, Any]:
    """Return a state with an update in it, as pygase would make it."""
    result = deepcopy(state)
    for key, value in update.items():
        if value is TO_DELETE:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = merged(result.get(key, {}), value)
        else:
            result[key] = value
    return result


def state_of(backend: Backend) -> dict[str, Any]:
    """Return a copy of the state that a server has now."""
    return backend.game_state_store.get_game_state().to_dict()


def joined(network: SimulatedNetwork, told_by: str, name: str = "P") -> tuple[Client, int]:
    """Return a client that plays, and its player's id, which comes with the event `told_by`."""
    client = network.connect()
    ids: list[int] = []
    client.register_event_handler(told_by, ids.append)
    client.dispatch_event("JOIN", name, retries=RELIABLE)
    network.run_until(lambda: ids)
    return client, ids[0]
