"""The examples in docs/PROTOCOL_TRAFFIC.md mean what they say."""

from pathlib import Path

from pygase.protocol import MODE_RELIABLE, MODE_UNRELIABLE, Traffic

TEXT = (Path(__file__).parents[2] / "docs" / "PROTOCOL_TRAFFIC.md").read_text(encoding="utf-8")
HELLO, RUN, SNAPSHOT = (
    bytes.fromhex(line.strip("`")) for line in TEXT.split("## Examples")[1].splitlines() if line.startswith("`")
)


def test_the_examples_are_read_as_described() -> None:
    traffic = Traffic(0.0)
    traffic.receive_packet(HELLO, 0.0)
    assert list(traffic.messages) == [(MODE_UNRELIABLE, b"hello")]
    traffic.messages.clear()
    for number in range(5):
        traffic._reliable_in.accept(number, [b""])
    traffic.messages.clear()
    for number in range(21):
        traffic.send(b"%d" % number, 0, number)
        traffic.packets_to_send(number / 10)
    traffic.receive_packet(RUN, 10.0)
    assert list(traffic.messages) == [(MODE_RELIABLE, b"a"), (MODE_RELIABLE, b"b")]
    assert list(traffic.acked) == [15, 16, 17, 18]
    traffic.acked.clear()
    traffic.receive_packet(SNAPSHOT, 10.0)
    assert list(traffic.snapshots) == [(39_999, 40_000, b"\xff\xff")]
    assert list(traffic.acked) == [20]


def test_the_first_packet_is_as_described() -> None:
    traffic = Traffic(0.0)
    traffic.send(b"hello")
    assert traffic.packets_to_send(0.0) == [HELLO]
