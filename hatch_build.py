"""Compiles the hot modules with mypyc into the wheel, where that is asked for: `docs/performance.md`, "Compiled".

Without `HATCH_BUILD_HOOKS_ENABLE=1` nothing of this runs, and the wheel is pure Python. The modules' sources are in the
wheel either way; where there is a compiled one beside a source, Python takes it.
"""

import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HOT = ("pygase/wire", "pygase/state", "pygase/protocol", "pygase/netcode", "pygase/session")


class CompiledModules(BuildHookInterface):  # type: ignore[misc,type-arg]
    """Adds the compiled modules to a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, before the wheel is put together."""
        if version == "editable":
            return
        from mypyc.build import mypycify
        from setuptools import Distribution

        out = Path(tempfile.mkdtemp(prefix="pygase-"))
        sources = [str(source) for folder in HOT for source in sorted(Path(folder).glob("*.py"))]
        extensions = mypycify(["--cache-dir", str(out / "types"), *sources], target_dir=str(out / "c"))
        command = Distribution({"name": "pygase", "ext_modules": extensions}).get_command_obj("build_ext")
        command.build_lib, command.build_temp = str(out / "lib"), str(out / "temp")
        command.ensure_finalized()
        command.run()
        compiled = {str(file): str(file.relative_to(out / "lib")) for file in (out / "lib").rglob("*") if file.is_file()}
        build_data["force_include"].update(compiled)
        build_data["pure_python"], build_data["infer_tag"] = False, True
