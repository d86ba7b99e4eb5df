"""The pytest plugin, tested from outside: a suite of a game that has it."""

import re

import pytest

import pygase.integrations.base
import pygase.testing.plugin  # noqa: F401  (loaded here, they stay loaded between the suites below)

pytest_plugins = ["pytester"]

GAME = """
import pygase, pytest
from pygase.integrations.base import FrameAdapter

def make_backend(step=lambda game_state, dt: None):
    def join(client_id):
        return {"players": {client_id: {"x": 0.0}}}
    def move(x, client_address, game_state):
        backend.server.dispatch_event("MOVED", x, target_client=client_address)
        return {"players": {backend.ids[client_address]: {"x": x}}}
    backend = pygase.Backend(pygase.GameState(players={}), step, {"CLIENT_CONNECTED": join, "MOVE": move})
    backend.ids = {}
    backend.server.register_event_handler(
        "CLIENT_CONNECTED", lambda client_address, client_id: backend.ids.update({client_address: client_id}))
    return backend
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(game=GAME)
    pytester.syspathinsert()
    return pytester


def run(suite: pytest.Pytester, test: str, *options: str) -> pytest.RunResult:
    suite.makepyfile(test_game="import itertools, time, pygase, pytest\nfrom game import *\n\n" + test)
    return suite.runpytest_inprocess("-p", "pygase.testing.plugin", "-p", "no:cacheprovider", *options)


def test_whole_game_with_bots_runs_in_virtual_time(suite: pytest.Pytester) -> None:
    result = run(
        suite,
        """
@pytest.mark.netsim(conditions="wifi")
def test_bots(netsim):
    backend = make_backend(lambda game_state, dt: {"clock": game_state.time_order})
    netsim.serve(backend)
    frames, moved = [0], []

    def bot():
        net = FrameAdapter(netsim.client())
        x = itertools.count()
        net.on("MOVED")(moved.append)
        net.client.open(8080)
        def frame():
            frames[0] += 1
            net.pump()
            net.send("MOVE", next(x), rate=10)
        netsim.every(1 / 60, frame)

    for _ in range(3):
        bot()
    netsim.run(seconds=5)
    assert 899 <= frames[0] <= 900
    assert 100 < len(moved) < 160
    netsim.assert_converged()
    assert len(backend.server.connections) == 3
""",
    )
    result.assert_outcomes(passed=1)


def test_failing_test_prints_its_seed_and_how_to_repeat_it(suite: pytest.Pytester) -> None:
    test = """
class TestLuck:
    @pytest.mark.parametrize("who", ["a b"])
    def test_luck(self, netsim, who):
        print("SEEDED", netsim.seed)
        assert netsim.entropy(4).hex() == "luck"
"""
    said = run(suite, test, "--netsim-seed=random").stdout.str()
    found = re.search(r'pytest "(test_game.py::TestLuck::test_luck\[a b\])" --netsim-seed=(\d+)', said)
    assert found is not None, said
    assert f"SEEDED {found[2]}\n" in said
    again = suite.runpytest_inprocess("-p", "pygase.testing.plugin", found[1], f"--netsim-seed={found[2]}").stdout.str()
    differing = re.search(r"assert '[0-9a-f]{8}' == 'luck'", said)
    assert differing is not None
    assert differing[0] in again


def test_seed_is_the_same_in_every_run_and_another_for_each_test(suite: pytest.Pytester) -> None:
    test = "def test_a(netsim): print('A', netsim.seed)\ndef test_b(netsim): print('B', netsim.seed)\n"
    first, second = (re.findall(r"^[AB] \d+", run(suite, test, "-rP").stdout.str(), re.M) for _ in range(2))
    assert first == second
    assert len({line[2:] for line in first}) == 2


def test_option_sets_the_seed_for_every_test_and_wins_over_the_marker(suite: pytest.Pytester) -> None:
    test = "@pytest.mark.netsim(seed=5, runs=3)\ndef test_a(netsim): assert netsim.seed == 77\n"
    run(suite, test, "--netsim-seed=77").assert_outcomes(passed=1)
    test = "@pytest.mark.netsim(seed=5)\ndef test_a(netsim): assert netsim.seed == 5\n"
    run(suite, test).assert_outcomes(passed=1)


def test_each_test_runs_with_many_seeds_on_request(suite: pytest.Pytester) -> None:
    test = """
seen = []

@pytest.mark.parametrize("x", [1, 2])
def test_a(netsim, x):
    seen.append((x, netsim.seed))
    assert len(seen) != 10
    assert len(set(seen)) == len(seen)

def test_b():
    pass
"""
    result = run(suite, test, "--netsim-runs=5")
    result.assert_outcomes(passed=10, failed=1)
    assert re.search(r'pytest "test_game.py::test_a\[\d\]" --netsim-seed=\d+', result.stdout.str())
    test = "@pytest.mark.netsim(runs=4, seed=1)\ndef test_a(netsim): assert netsim.seed != 3\n"
    result = run(suite, test)
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["*pytest test_game.py::test_a --netsim-seed=3"])


def test_passing_test_prints_nothing(suite: pytest.Pytester) -> None:
    assert "--netsim-seed" not in run(suite, "def test_a(netsim): netsim.run(1)\n", "-rA").stdout.str()


def test_failed_convergence_says_who_lacks_what(suite: pytest.Pytester) -> None:
    test = """
def test_a(netsim):
    backend = make_backend()
    netsim.serve(backend)
    client = netsim.connect()
    netsim.run(1)
    netsim.cut_off(client)
    backend.game_state_store.push_update(pygase.GameStateUpdate(10_000, score=7))
    netsim.assert_converged(timeout=2)
"""
    result = run(suite, test)
    result.assert_outcomes(failed=1)
    result.stdout.re_match_lines(
        [r".*not converged within 2 simulated s \(seed \d+\): client 0 on .*: score is missing"]
    )


def test_unknown_word_in_the_marker_is_told(suite: pytest.Pytester) -> None:
    result = run(suite, "@pytest.mark.netsim(sede=5)\ndef test_a(netsim): pass\n")
    assert "takes conditions=, seed= and runs=" in result.stdout.str() + result.stderr.str()
    assert result.ret != 0
