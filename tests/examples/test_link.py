import pygase
from examples.link import RETRY_SECONDS, Link, Phase
from pygase.integrations.base import FrameAdapter
from pygase.testing import SimulatedNetwork


def backend() -> pygase.Backend:
    return pygase.Backend(pygase.GameState(), lambda game_state, dt: None)


def test_it_says_what_the_connection_does_and_comes_back_by_itself() -> None:
    network = SimulatedNetwork(seed=1)
    first = backend()
    network.serve(first)
    client = network.client("wifi")
    net = FrameAdapter(client)
    link = Link(client, ("localhost", 8080), threaded=False)
    assert link.words == "connecting to localhost:8080"
    assert link.phase is Phase.CONNECTING
    assert link.ping_ms is None

    def frame() -> None:
        link.turn()
        net.pump()

    network.every(1 / 60, frame)
    network.run_until(lambda: link.phase is Phase.CONNECTED)
    network.run(1)
    assert link.ping_ms is not None
    assert link.words == f"connected, ping {link.ping_ms} ms"

    first.shutdown()
    network.run_until(lambda: link.phase is Phase.LOST)
    assert link.words == f"connection lost (server shut down), trying again in {RETRY_SECONDS:.0f} s"
    network.run(RETRY_SECONDS + 0.1)
    assert link.words.endswith("trying again now")

    network.serve(backend())
    network.run_until(lambda: link.phase is Phase.CONNECTED, timeout=30)


def test_without_a_server_it_says_so_and_goes_on_trying() -> None:
    network = SimulatedNetwork(seed=1)
    client = network.client()
    net = FrameAdapter(client)
    link = Link(client, ("localhost", 8080), threaded=False)
    network.every(1 / 60, link.turn)
    network.every(1 / 60, net.pump)
    network.run_until(lambda: link.phase is Phase.LOST, timeout=30)
    assert link.words.startswith("no answer from the server, trying again in")
    network.serve(backend())
    network.run_until(lambda: link.phase is Phase.CONNECTED, timeout=30)
