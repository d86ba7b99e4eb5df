"""ArcadeAdapter, NetworkWindow and NetworkView: pygase in an Arcade 3 game."""

from __future__ import annotations

from abc import ABCMeta
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Unpack

from pygase.client import Client, ConnectOptions
from pygase.errors import AdapterMisuse
from pygase.integrations.arcade_adapter import ArcadeAdapter, adapter_of  # first: it says if there is no Arcade
from pygase.state.interpolation import Smoothed

import arcade  # isort: skip

if TYPE_CHECKING:
    import threading

    from pygase.gamestate import GameState

__all__ = ["ArcadeAdapter", "NetworkView", "NetworkWindow"]


def _require_order(metaclass: type, name: str, bases: tuple[type, ...], engine_class: type) -> None:
    """Refuse bases in an order in which the engine's own class would leave the networked one out."""
    networked = [base for base in bases if isinstance(base, metaclass)]
    for base in networked:
        before = bases[: bases.index(base)]
        wrong = [other for other in before if issubclass(other, engine_class) and other not in networked]
        if wrong:
            given = ", ".join(one.__name__ for one in bases)
            right = ", ".join(one.__name__ for one in (base, *(b for b in bases if b is not base)))
            if engine_class in wrong:  # it is a base of the networked class anyway
                right = ", ".join(one.__name__ for one in (base, *(b for b in bases if b not in (base, engine_class))))
            raise AdapterMisuse(
                f"class {name}({given}): {wrong[0].__name__} comes first and would leave {base.__name__} out. "
                f"Write: class {name}({right})"
            )


class _NetworkWindowType(type(arcade.Window)):  # type: ignore[misc]
    def __new__(metaclass, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any) -> Any:
        _require_order(_NetworkWindowType, name, bases, arcade.Window)
        return super().__new__(metaclass, name, bases, namespace, **options)


class _NetworkViewType(ABCMeta):  # an ABCMeta, so that a view may also be an abstract base class
    def __new__(metaclass, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any) -> Any:
        _require_order(_NetworkViewType, name, bases, arcade.View)
        return super().__new__(metaclass, name, bases, namespace, **options)


class NetworkWindow(arcade.Window, metaclass=_NetworkWindowType):
    """An Arcade window with a client attached to it.

    Args:
        *args: As for `arcade.Window`.
        client: The client; it makes one if given none.
        interpolate: Paths whose values are smoothed inside `on_draw`; see `FrameAdapter`.
        delay: How far behind the server smoothed values are, in seconds. None adapts it to the connection.
        max_events: Events delivered per frame, at most.
        **kwargs: As for `arcade.Window`.

    Example:
        ```python
        class Game(NetworkWindow):
            def on_draw(self):
                self.clear()
                for player in self.state.players.values():
                    arcade.draw_circle_filled(*player["position"], 10, arcade.color.GOLD)

            def on_net_chat(self, text):
                print(text)


        game = Game(800, 600, interpolate=("players.*.position",))
        game.connect(8080)
        arcade.run()
        ```
    """

    def __init__(
        self,
        *args: Any,
        client: Client | None = None,
        interpolate: Iterable[str | Smoothed] = (),
        delay: float | None = None,
        max_events: int = 256,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._client = Client() if client is None else client
        self._net = ArcadeAdapter(self._client, max_events=max_events, interpolate=interpolate, delay=delay)
        self._net.attach(self)

    @property
    def net(self) -> ArcadeAdapter:
        """The window's adapter."""
        try:
            return self._net
        except AttributeError:
            raise AdapterMisuse(
                f"{type(self).__name__}.__init__ has not called super().__init__(...) yet, which makes the adapter"
            ) from None

    @property
    def client(self) -> Client:
        """The window's client."""
        return self.net.client

    @property
    def state(self) -> GameState:
        """The game state, inside `on_draw`."""
        return self.net.state

    def connect(self, port: int, hostname: str = "localhost", **options: Unpack[ConnectOptions]) -> threading.Thread:
        """Connect the window's client, which goes on in a thread of its own while a window is moved or busy.

        `on_net_connected()` or `on_net_connection_failed(reason)` tells what came of it. See `Client.connect`.
        """
        return self.client.connect_in_thread(port, hostname, **options)


class NetworkView(arcade.View, metaclass=_NetworkViewType):
    """An Arcade view that reaches its window's adapter: a `NetworkWindow`'s, or one attached to any window."""

    @property
    def net(self) -> ArcadeAdapter:
        """The window's adapter."""
        adapter = adapter_of(self.window)
        if adapter is None:
            raise AdapterMisuse(
                f"the window of this {type(self).__name__} has no adapter: make it a NetworkWindow, or attach one "
                "with ArcadeAdapter(client).attach(window); a closed window has none"
            )
        return adapter

    @property
    def client(self) -> Client:
        """The window's client."""
        return self.net.client

    @property
    def state(self) -> GameState:
        """The game state, inside `on_draw`."""
        return self.net.state
