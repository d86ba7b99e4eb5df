"""Compiles the hot modules with mypyc into the wheel, where asked to: `docs/performance.md`, "Compiled with mypyc".

Only `HATCH_BUILD_HOOKS_ENABLE=1` makes this run; without it the wheel is pure Python. The sources are in the wheel
either way, and where a compiled module lies beside its source, Python takes that.
"""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HOT: Final = {
    "wire": "values varints",
    "state": "codec draft feed flock grid interpolation known layout merge motions names near playout reader records"
    " replica rhythm spans store tables tracks values views writer",
    "protocol": "congestion fragments incoming large layout messages outgoing rare received recovery reliable_receiver"
    " reliable_sender retried rtt snapshots stats traffic unreliable",
    "netcode": "budget channel client crypto history join_server peer requests secure_client secure_server server"
    " timers tokens",
    "session": "agenda budget client comeback events held offers places rooms seat server",
    "drivers": "endpoint mailbox thread",
}
"""What runs for every packet, tick or frame, or for every datagram of a flood, and has a form in mypyc.

`state.tree`, `state.rows` and `state.precision` have none, since they derive classes from list and int;
`state.gamestate` and `session.event` would behave otherwise, since games give these objects attributes of their own,
copy and pickle them. `drivers.run` and `drivers.usercode` have interpreted subclasses.
"""


class CompiledModules(BuildHookInterface):  # type: ignore[misc,type-arg]
    """Puts compiled modules into a wheel. `PYGASE_OPT_LEVEL` is the C compiler's -O, else 2."""

    _place: Path | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile them, before the wheel is put together."""
        if version == "editable":
            return
        from mypyc.build import mypycify  # noqa: PLC0415  (there only when this runs)
        from setuptools import Distribution  # noqa: PLC0415

        place = self._place = Path(tempfile.mkdtemp(prefix="pygase-"))
        sources = [f"pygase/{folder}/{name}.py" for folder, names in HOT.items() for name in names.split()]
        modules = mypycify(
            ["--cache-dir", str(place / "types"), *sources],
            opt_level=os.environ.get("PYGASE_OPT_LEVEL", "2"),
            debug_level="0",
            target_dir=str(place / "c"),
            group_name="pygase",
        )
        command = Distribution({"name": "pygase", "ext_modules": modules}).get_command_obj("build_ext")
        command.build_lib, command.build_temp = str(place / "lib"), str(place / "objects")
        command.parallel = os.cpu_count()
        command.ensure_finalized()
        command.run()
        made = [path for path in (place / "lib").rglob("*") if path.is_file()]
        build_data["force_include"].update({str(path): path.relative_to(place / "lib").as_posix() for path in made})
        build_data["pure_python"], build_data["infer_tag"] = False, True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Clear up, once the wheel is there."""
        if self._place is not None:
            shutil.rmtree(self._place)
