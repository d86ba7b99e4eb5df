"""Runs a fuzz target with atheris for some seconds: `python tests/fuzz/fuzz_X.py SECONDS`."""

import gc
import sys
import tempfile
import types
from collections.abc import Callable, Iterable
from pathlib import Path

__all__ = ["fuzz"]


def fuzz(one_input: Callable[[bytes], None], corpus: Iterable[bytes]) -> None:
    """Fuzz until the seconds named on the command line are over, beginning with the corpus.

    What is found is written to the working directory as `crash-...`; it belongs into the target's corpus then.
    """
    import atheris  # type: ignore[import-not-found, unused-ignore]

    seconds = sys.argv[1] if len(sys.argv) > 1 else "60"
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(corpus):
            Path(folder, f"seed-{number}").write_bytes(seed)
        # Only what is under test: watching the interpreter's own library takes longer, and finds nothing of ours.
        for function in gc.get_objects():
            if isinstance(function, types.FunctionType) and (function.__module__ or "").startswith("pygase"):
                atheris.instrument_func(function)
        atheris.Setup(
            [sys.argv[0], f"-max_total_time={seconds}", "-max_len=2100", "-rss_limit_mb=1024", folder], one_input
        )
        atheris.Fuzz()
