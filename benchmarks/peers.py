"""Who is measured: pygase itself, and peers in environments of their own."""

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.process import ROOT, SCRIPTS

DEFAULT_FOLDER = Path(tempfile.gettempdir()) / "pygase-bench-peers"

REQUIREMENTS = {
    # 0.3.1's only dependency that is particular: curio 1.x no longer has what it uses.
    "pygase031": ["pygase==0.3.1"],
    "enet": ["pyenet", "msgspec"],
    "websockets": ["websockets"],
    "udp": ["msgspec", "cryptography"],
}
"""What `python -m benchmarks.setup` installs, by environment."""


@dataclass(frozen=True)
class Peer:
    """Something to measure.

    Attributes:
        label: What the tables call it.
        wire: Name of its module among the scripts: `server_WIRE.py` and `client_WIRE.py`.
        python: The interpreter that runs it.
        server_options: Further arguments of the server script.
        client_options: Further arguments of the load scripts.
    """

    label: str
    wire: str
    python: Path
    server_options: tuple[str, ...] = ()
    client_options: tuple[str, ...] = ()

    @property
    def env(self) -> dict[str, str]:
        """What its processes need to find this checkout's pygase, and only that one."""
        is_checkout = self.wire == "pygase" and self.python == OURS.python
        return {"PYTHONPATH": str(ROOT) if is_checkout else ""}

    def server(self, *arguments: object) -> list[object]:
        """The command that runs its server."""
        script = "server_pygase.py" if self.wire.startswith("pygase") else f"server_{self.wire}.py"
        return [self.python, SCRIPTS / script, *arguments, *self.server_options]

    def load(self, kind: str, *arguments: object) -> list[object]:
        """The command that runs a load of some kind on its server."""
        return [self.python, SCRIPTS / f"load_{kind}.py", "--wire", self.wire, *arguments, *self.client_options]


OURS = Peer("pygase", "pygase", Path(sys.executable))


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options that every benchmark with peers has."""
    parser.add_argument("--peers", type=Path, default=DEFAULT_FOLDER, help="made by python -m benchmarks.setup")
    parser.add_argument("--only", nargs="*", help="measure only these peers, by label")
    parser.add_argument("--repeat", type=int, default=3, help="runs, of which the median is shown")


def available(given: argparse.Namespace, *wanted: Peer) -> list[Peer]:
    """Pygase and those of the wanted peers that have an environment; says which have none."""
    found = [OURS]
    for peer in wanted:
        if not peer.python.exists():
            print(f"({peer.label} left out: no {peer.python}; python -m benchmarks.setup makes it)")
        else:
            found.append(peer)
    return [peer for peer in found if not given.only or peer.label in given.only or peer is OURS]


def playing(folder: Path) -> tuple[Peer, ...]:
    """All that have the whole game: a room, and single events."""
    return compiled(folder), pygase031(folder), enet(folder), websockets(folder), bare_udp(folder)


def interpreter(folder: Path, name: str) -> Path:
    """The Python of a peer's environment."""
    return folder / name / "bin" / "python"


def compiled(folder: Path) -> Peer:
    """This version with its hot modules compiled by mypyc."""
    return Peer("pygase, compiled", "pygase", interpreter(folder, "compiled"))


def pygase031(folder: Path) -> Peer:
    """The older release. Its game loop never sleeps, so its ticks are paced in the game's own time_step."""
    return Peer("pygase 0.3.1", "pygase031", interpreter(folder, "pygase031"), ("--pace-in-time-step",))


def enet(folder: Path) -> Peer:
    """ENet, a C library, with msgspec; the server's loop is Python."""
    return Peer("pyenet + msgspec", "enet", interpreter(folder, "enet"))


def websockets(folder: Path) -> Peer:
    """What tutorials build: websockets, asyncio and JSON."""
    return Peer("websockets + JSON", "websockets", interpreter(folder, "websockets"))


def bare_udp(folder: Path) -> Peer:
    """The floor: a UDP loop with msgspec and no features, encrypted like pygase."""
    return Peer("bare encrypted UDP", "udp", interpreter(folder, "udp"))


def bare_udp_threads(folder: Path) -> Peer:
    """The same, with a client that waits in a thread of its own as pygase's does: for round trips."""
    return Peer("bare encrypted UDP, threads", "udp", interpreter(folder, "udp"), client_options=("--threads",))
