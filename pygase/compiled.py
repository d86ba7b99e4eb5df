"""Which build of pygase this is; `docs/performance.md`, "Compiled with mypyc"."""

from pygase.wire import varints

__all__ = ["is_compiled"]


def is_compiled() -> bool:
    """Tell whether the hot modules are compiled ones."""
    return not str(varints.__file__).endswith(".py")
