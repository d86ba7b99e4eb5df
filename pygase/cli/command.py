"""What `pygase` on the command line does."""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version

from pygase import tokens
from pygase.cli.lag import add_lag
from pygase.compiled import is_compiled

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="pygase", description="Tools for games that are played through pygase.")
    build = "compiled" if is_compiled() else "pure Python"
    parser.add_argument("--version", action="version", version=f"pygase {version('pygase')}, {build}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    keygen = commands.add_parser(
        "keygen",
        help="make a server's keys",
        description="Write new server keys into a file that only you can read, and print the fingerprint that clients "
        "may be given. Keep the file secret: who has it can pass for the server and make connect tokens.",
    )
    keygen.add_argument("file", metavar="FILE", help="where to write them; an existing file is never overwritten")
    keygen.set_defaults(run=_keygen)
    add_lag(commands)
    options = parser.parse_args(arguments)
    code: int = options.run(options)
    return code


def _keygen(options: argparse.Namespace) -> int:
    keys = tokens.generate_keys()
    try:
        tokens.save_keys(keys, options.file)
    except OSError as error:
        print(f"pygase keygen: cannot write {options.file}: {error.strerror}", file=sys.stderr)
        return 1
    print(f"keys written to {options.file}; fingerprint {keys.fingerprint}")
    return 0
