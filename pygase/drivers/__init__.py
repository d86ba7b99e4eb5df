"""Sockets, clocks, threads and event loops: the only place with I/O. They drive the sans-I/O sessions."""

from pygase.drivers.access import StateAccess
from pygase.drivers.awaiting import Begun, inside_event_loop
from pygase.drivers.goodbye import at_exit
from pygase.drivers.mailbox import Mailbox
from pygase.drivers.run import Run
from pygase.drivers.system import SYSTEM, Address, DatagramSocket, OperatingSystem, System, get_available_ip_addresses
from pygase.drivers.ticks import GameLoop, TickThread
from pygase.drivers.usercode import UserCode
from pygase.drivers.viewing import Viewing

__all__ = [
    "SYSTEM",
    "Address",
    "Begun",
    "DatagramSocket",
    "GameLoop",
    "Mailbox",
    "OperatingSystem",
    "Run",
    "StateAccess",
    "System",
    "TickThread",
    "UserCode",
    "Viewing",
    "at_exit",
    "get_available_ip_addresses",
    "inside_event_loop",
]
