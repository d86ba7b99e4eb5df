"""One client's and one server's whole session, without I/O: secure link, traffic, state and events."""

from pygase.session.client import ClientSession
from pygase.session.server import ServerSession

__all__ = ["ClientSession", "ServerSession"]
