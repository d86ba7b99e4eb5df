"""Tables, medians and percentiles."""

import importlib
import math
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from pygase.compiled import is_compiled

Cell = str | float | int | None


def percentile(values: Sequence[float], percent: float) -> float:
    """By nearest rank; not a number when there are no values."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(percent / 100 * len(ordered)))]


def median(values: Sequence[float]) -> float:
    """Not a number when there are no values."""
    return statistics.median(values) if values else float("nan")


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    """Print a Markdown table under a title."""
    texts = [[shown(cell) for cell in row] for row in rows]
    widths = [max(len(text) for text in column) for column in zip(head, *texts, strict=True)]
    print(f"\n### {title}\n")
    for number, row in enumerate([list(head), ["-" * width for width in widths], *texts]):
        fill = "-" if number == 1 else " "
        print("| " + " | ".join(text.ljust(width, fill) for text, width in zip(row, widths, strict=True)) + " |")
    print(flush=True)


def shown(cell: Cell) -> str:
    """A figure with three significant digits, or as many as it has before the point."""
    if cell is None:
        return "n/a"
    if isinstance(cell, float):
        if math.isnan(cell):
            return "n/a"
        digits = 0 if abs(cell) >= 100 else 1 if abs(cell) >= 10 else 2 if abs(cell) >= 1 else 3
        return f"{cell:,.{digits}f}"
    return f"{cell:,}" if isinstance(cell, int) else cell


def plot(file: Path, title: str, labels: tuple[str, str], series: Mapping[str, Sequence[tuple[float, float]]]) -> None:
    """Save a picture of some curves, if matplotlib is installed: `python -m pip install -e ".[bench]"`."""
    try:
        pyplot = importlib.import_module("matplotlib.pyplot")
    except ImportError:
        print(f"({file} not drawn: matplotlib is not installed)")
        return
    pyplot.switch_backend("agg")
    figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    for label, points in series.items():
        axes.plot(*zip(*points, strict=True), marker="o", label=label)
    axes.set(title=title, xlabel=labels[0], ylabel=labels[1], xscale="log", yscale="log")
    places = sorted({x for points in series.values() for x, _ in points})
    axes.set_xticks(places, [f"{x:g}" for x in places])
    axes.set_xticks([], minor=True)
    axes.yaxis.set_major_locator(importlib.import_module("matplotlib.ticker").LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend()
    figure.savefig(file, dpi=110)
    print(f"drawn: {file}")


def machine() -> str:
    """One line on what this was measured on."""
    model = "unknown processor"
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    system = f"{platform.system()} {platform.release()}"
    build = "compiled" if is_compiled() else "in pure Python"
    return f"{os.cpu_count()} cores of {model}, {system}, CPython {platform.python_version()}, pygase {build}"
