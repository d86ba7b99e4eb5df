"""Makes the peers' environments: ``python -m benchmarks.setup [FOLDER]``."""

import argparse
import subprocess
import sys
import venv
from pathlib import Path

from benchmarks.peers import DEFAULT_FOLDER, REQUIREMENTS, interpreter


def main() -> int:
    """Make each environment that is not there yet; a peer that cannot be installed is said and left out."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=DEFAULT_FOLDER)
    folder: Path = parser.parse_args().folder
    failed = 0
    for name, requirements in REQUIREMENTS.items():
        python = interpreter(folder, name)
        if not python.exists():
            venv.create(folder / name, with_pip=True)
        done = subprocess.run([python, "-m", "pip", "install", "-q", *requirements], check=False)
        print(f"{name}: {'ready' if done.returncode == 0 else 'could not be installed'} ({python})", flush=True)
        failed += done.returncode != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
