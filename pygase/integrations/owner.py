"""The thread that an adapter belongs to."""

from threading import current_thread, get_ident

from pygase.errors import WrongThread

__all__ = ["Owner"]


class Owner:
    """The thread that makes this object.

    Attributes:
        ident: Its number.
    """

    __slots__ = ("_name", "ident")

    def __init__(self) -> None:
        self.ident = get_ident()
        self._name = current_thread().name

    def require(self, what: str) -> None:
        """Raise unless this is the thread.

        Args:
            what: What only it may call.

        Raises:
            WrongThread: It is another.
        """
        if get_ident() != self.ident:
            raise WrongThread(
                f"{what}() was called on thread {current_thread().name!r}, but this adapter "
                f"belongs to {self._name!r}, which made it: handlers and drawing stay on the game's own thread. "
                "Make the adapter on the thread that runs the frame loop."
            )
