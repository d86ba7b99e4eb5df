"""A simulated network with a virtual clock, to test a whole multiplayer game without sockets and without waiting."""

from pygase.testing.conditions import PROFILES, Conditions
from pygase.testing.host import SimulatedHost
from pygase.testing.network import SimulatedNetwork

__all__ = ["PROFILES", "Conditions", "SimulatedHost", "SimulatedNetwork"]
