"""Makes the peers' environments: ``python -m benchmarks.setup [FOLDER]``.

One of them holds this version with its hot modules compiled, which takes a C compiler and some minutes. It is made of
the checkout as it is now: run this again after a change.
"""

import argparse
import os
import subprocess
import sys
import venv
from pathlib import Path

from benchmarks.peers import DEFAULT_FOLDER, REQUIREMENTS, interpreter
from benchmarks.process import ROOT


def main() -> int:
    """Make each environment that is not there yet; a peer that cannot be installed is said and left out."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=DEFAULT_FOLDER)
    folder: Path = parser.parse_args().folder
    failed = 0
    own = {"compiled": ["--force-reinstall", "--no-cache-dir", str(ROOT)]}
    for name, requirements in (REQUIREMENTS | own).items():
        python = interpreter(folder, name)
        if not python.exists():
            venv.create(folder / name, with_pip=True)
        env = {**os.environ, **({"HATCH_BUILD_HOOKS_ENABLE": "1"} if name in own else {})}
        done = subprocess.run([python, "-m", "pip", "install", "-q", *requirements], check=False, env=env)
        print(f"{name}: {'ready' if done.returncode == 0 else 'could not be installed'} ({python})", flush=True)
        failed += done.returncode != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
