"""The small tables under the server: deadlines, budgets, used tokens; and the state tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase.config import MAX_LIMITED_HOSTS
from pygase.netcode.budget import Budget, NetworkBudgets
from pygase.netcode.client_states import CLIENT_TRANSITIONS, END_REASONS, ClientEvent, ClientState
from pygase.netcode.history import TokenHistory
from pygase.netcode.peer import PEER_TRANSITIONS, PeerEvent, PeerState
from pygase.netcode.timers import TimerTable
from tests.netcode.world import CLIENT, SERVER, UNIX_EPOCH

# --- deadlines -------------------------------------------------------------------------------------------------------


def test_nearest_deadline_comes_first() -> None:
    timers: TimerTable[str] = TimerTable()
    timers.set("b", 2.0)
    timers.set("a", 1.0)
    timers.set("c", 3.0)

    assert timers.next() == 1.0
    assert timers.pop_due(0.5) is None
    assert [timers.pop_due(2.0), timers.pop_due(2.0), timers.pop_due(2.0)] == ["a", "b", None]
    assert len(timers) == 1


def test_new_deadline_takes_the_place_of_the_old() -> None:
    timers: TimerTable[str] = TimerTable()
    timers.set("a", 1.0)
    timers.set("a", 5.0)

    assert timers.next() == 5.0
    assert timers.pop_due(4.0) is None


def test_cancelled_deadline_does_not_come() -> None:
    timers: TimerTable[str] = TimerTable()
    timers.set("a", 1.0)
    timers.cancel("a")
    timers.cancel("b")

    assert timers.next() is None
    assert "a" not in timers


def test_deadlines_moved_often_take_no_room() -> None:
    timers: TimerTable[int] = TimerTable()
    for round_ in range(1000):
        for key in range(10):
            timers.set(key, float(round_ + key))

    assert len(timers._heap) < 100


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0, 100) | st.none())))
def test_table_agrees_with_a_dict(steps: list[tuple[int, float | None]]) -> None:
    timers: TimerTable[int] = TimerTable()
    model: dict[int, float] = {}
    for key, when in steps:
        if when is None:
            timers.cancel(key)
            model.pop(key, None)
        else:
            timers.set(key, when)
            model[key] = when
        assert timers.next() == (min(model.values()) if model else None)
    popped = []
    while (due := timers.pop_due(100.0)) is not None:
        popped.append(model[due])
    assert popped == sorted(model.values())


# --- budgets ---------------------------------------------------------------------------------------------------------


def test_budget_allows_a_burst_and_then_its_rate() -> None:
    budget = Budget(10.0, 5.0, 0.0)

    assert [budget.take(0.0) for _ in range(6)] == [True] * 5 + [False]
    assert [budget.take(0.25) for _ in range(3)] == [True, True, False]
    assert sum(budget.take(100.0) for _ in range(20)) == 5


def test_budgets_of_networks_are_apart_and_bounded() -> None:
    budgets = NetworkBudgets(1.0, 1.0)
    assert budgets.of("a", 0.0).take(0.0)
    assert not budgets.of("a", 0.0).take(0.0)
    assert budgets.of("b", 0.0).take(0.0)

    for number in range(2 * MAX_LIMITED_HOSTS):
        assert budgets.of(f"n{number}", 0.0).take(0.0)

    assert len(budgets) == MAX_LIMITED_HOSTS


def test_network_whose_budget_is_full_again_is_forgotten() -> None:
    budgets = NetworkBudgets(1.0, 2.0)
    for number in range(100):
        assert budgets.of(f"n{number}", 0.0).take(0.0)
    assert budgets.of("late", 0.5).take(0.5)
    assert len(budgets) == 101

    assert budgets.of("last", 1.1).take(1.1)
    assert len(budgets) == 2
    assert not budgets.of("late", 1.1).is_full(1.1)


# --- used tokens -----------------------------------------------------------------------------------------------------


def test_token_belongs_to_the_first_address_and_admits_once() -> None:
    history = TokenHistory()

    assert history.claim(b"tag", CLIENT, 100, 0.0) is None
    assert history.claim(b"tag", CLIENT, 100, 0.0) is None
    assert history.claim(b"tag", SERVER, 100, 0.0) == "dropped_token_used"
    history.spend(b"tag")
    assert history.claim(b"tag", CLIENT, 100, 0.0) == "dropped_token_used"


def test_full_history_refuses_instead_of_forgetting() -> None:
    history = TokenHistory(limit=3)
    for number in range(3):
        assert history.claim(bytes([number]), CLIENT, 100 + number, 50.0) is None
    history.spend(bytes([0]))

    assert history.claim(b"new", CLIENT, 200, 50.0) == "dropped_token_history_full"
    assert history.claim(bytes([0]), CLIENT, 100, 50.0) == "dropped_token_used"
    assert history.claim(bytes([1]), CLIENT, 101, 50.0) is None


def test_expired_tokens_make_room() -> None:
    history = TokenHistory(limit=3)
    for number in range(3):
        history.claim(bytes([number]), CLIENT, 100 + number, 50.0)

    assert history.claim(b"new", CLIENT, 200, UNIX_EPOCH) is None
    assert len(history) == 1


# --- states ----------------------------------------------------------------------------------------------------------


def test_client_states_have_the_numbers_of_the_standard() -> None:
    assert [int(state) for state in ClientState] == list(range(-6, 4))


def test_client_that_has_ended_stays_so() -> None:
    starts = {state for state, _ in CLIENT_TRANSITIONS}

    assert all(state not in starts for state in ClientState if state < 0)
    assert {event for state, event in CLIENT_TRANSITIONS if state is ClientState.DISCONNECTED} == {
        ClientEvent.CONNECT,
        ClientEvent.BAD_TOKEN,
    }


def test_every_client_state_can_be_reached_and_every_event_moves_something() -> None:
    assert set(CLIENT_TRANSITIONS.values()) == set(ClientState)
    assert {event for _, event in CLIENT_TRANSITIONS} == set(ClientEvent)


def test_every_way_to_end_has_a_reason() -> None:
    ends = {event for (_, event), state in CLIENT_TRANSITIONS.items() if state <= 0}

    assert ends == set(END_REASONS) | {ClientEvent.SILENT}


@pytest.mark.parametrize("state", [state for state in PeerState if state is not PeerState.GONE])
def test_peer_goes_from_every_state(state: PeerState) -> None:
    assert PEER_TRANSITIONS[state, PeerEvent.SILENT] is PeerState.GONE
    assert PEER_TRANSITIONS[state, PeerEvent.DROPPED] is PeerState.GONE


def test_peer_that_is_gone_stays_so() -> None:
    assert PeerState.GONE not in {state for state, _ in PEER_TRANSITIONS}
