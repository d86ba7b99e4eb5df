"""The `pygase` command."""

from pygase.cli.command import main

__all__ = ["main"]
