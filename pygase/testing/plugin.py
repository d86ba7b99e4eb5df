"""A pytest plugin: the `netsim` fixture, a whole game on a simulated network in one test.

```python
def test_everybody_sees_the_score(netsim):
    netsim.serve(make_backend())
    players = [netsim.connect(conditions="mobile_4g") for _ in range(4)]
    netsim.run(seconds=60)
    netsim.assert_converged()
```

Installed with pygase, it needs no set-up. Each test has a seed of its own that stays the same from run to run, so a
test does not fail today and pass tomorrow. `--netsim-seed=N` sets another, `--netsim-seed=random` draws one, and
`--netsim-runs=N` runs each test with N seeds. A failing test prints its seed and the line that repeats it. The marker
`@pytest.mark.netsim(conditions="wifi", seed=7, runs=20)` says the same for one test; options win over it.
"""

import random
import re
import zlib
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from pygase.testing.network import SimulatedNetwork

__all__: list[str] = []

_SEED: Final = pytest.StashKey[int]()
_PARAMETER: Final = "_netsim_seed"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("netsim", "pygase's simulated network")
    group.addoption(
        "--netsim-seed",
        metavar="N",
        type=_seed,
        help="the seed of tests that use the netsim fixture; 'random' draws one for each (default: one that is fixed "
        "for each test)",
    )
    group.addoption(
        "--netsim-runs", metavar="N", type=_runs, help="run each test that uses the netsim fixture with N seeds"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers",
        "netsim(conditions='perfect', seed=None, runs=1): the lines of this test's simulated network, its seed, and "
        "with how many seeds the test runs",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Repeat a test with several seeds, if that is asked for."""
    if "netsim" not in metafunc.fixturenames:
        return
    marker = _marker(metafunc.definition)
    runs = metafunc.config.getoption("--netsim-runs") or marker.get("runs", 1)
    if runs > 1 and metafunc.config.getoption("--netsim-seed") in (None, "random"):
        first = _first_seed(metafunc.config, metafunc.definition.nodeid, marker)
        seeds = [first + count for count in range(runs)]
        metafunc.fixturenames.append(_PARAMETER)
        metafunc.parametrize(_PARAMETER, seeds, ids=[f"seed={seed}" for seed in seeds])


@pytest.fixture
def netsim(request: pytest.FixtureRequest) -> "Iterator[SimulatedNetwork]":
    """A `pygase.testing.SimulatedNetwork` for one test: serve a backend, connect clients, let time pass."""
    from pygase.testing.network import SimulatedNetwork  # noqa: PLC0415  (not for suites that never use it)

    marker = _marker(request.node)
    callspec = getattr(request.node, "callspec", None)
    seed = callspec.params.get(_PARAMETER) if callspec is not None else None
    if seed is None:
        seed = _first_seed(request.config, request.node.nodeid, marker)
    request.node.stash[_SEED] = seed
    network = SimulatedNetwork(seed, marker.get("conditions", "perfect"))
    yield network
    network.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Have a failing test say with which seed it fails."""
    report = yield
    seed = item.stash.get(_SEED, None)
    if report.failed and seed is not None:
        line = f"pytest {_quoted(_without_seed(item.nodeid))} --netsim-seed={seed}"
        report.sections.append(("netsim", f"The simulated network had seed {seed}. To repeat this run:\n    {line}"))
    return report


def _marker(node: Any) -> dict[str, Any]:
    """Return what the closest marker says."""
    marker = node.get_closest_marker("netsim")
    if marker is None:
        return {}
    if marker.args or marker.kwargs.keys() - {"conditions", "seed", "runs"}:
        raise pytest.UsageError(f"{node.nodeid}: the netsim marker takes conditions=, seed= and runs=")
    return dict(marker.kwargs)


def _first_seed(config: pytest.Config, nodeid: str, marker: dict[str, Any]) -> int:
    """Return the seed of a test, or the first of its seeds."""
    asked = config.getoption("--netsim-seed")
    if asked == "random":
        return random.SystemRandom().randrange(1 << 32)
    if asked is not None:
        return int(asked)
    seed = marker.get("seed")
    # Different tests get different luck, and each the same in every run and on every machine.
    return zlib.crc32(nodeid.encode()) if seed is None else int(seed)


def _without_seed(nodeid: str) -> str:
    """Return a test's id without the seed among its parameters: with `--netsim-seed` there is none."""
    return re.sub(r"\[-?(.*?)-?\]$", lambda m: f"[{m[1]}]" if m[1] else "", re.sub(r"-?seed=\d+(?=[-\]])", "", nodeid))


def _quoted(nodeid: str) -> str:
    return f'"{nodeid}"' if re.search(r"[^\w./:\\-]", nodeid) else nodeid


def _seed(text: str) -> int | str:
    return "random" if text == "random" else int(text)


def _runs(text: str) -> int:
    runs = int(text)
    if runs < 1:
        raise ValueError("at least one run")
    return runs
