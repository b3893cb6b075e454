"""The order of turns: by session, side by side, bounded, and orderly at the end."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from appliance.agents.dialogue.turns import MAX_IN_FLIGHT, MAX_OF_SESSION, WORKERS, TurnOrder
from appliance.errors import Busy, Unavailable


def waiting_for(go: threading.Event, value: str) -> Callable[[], str]:
    """Return a turn that ends when it may."""

    def run() -> str:
        assert go.wait(10)
        return value

    return run


def test_a_session_that_waits_holds_up_nobody_else() -> None:
    order: TurnOrder[str] = TurnOrder()
    go = threading.Event()
    # More messages than threads, of fewer sessions than threads.
    slow = [order.submit(f"slow {n % 3}", waiting_for(go, str(n))) for n in range(3 * MAX_OF_SESSION)]
    assert len(slow) > WORKERS
    assert order.submit("quick", lambda: "at once").result(5) == "at once"
    assert not any(turn.done() for turn in slow)
    go.set()
    assert [turn.result(5) for turn in slow] == [str(n) for n in range(len(slow))]
    order.close()


def test_what_is_cancelled_or_fails_lets_the_next_one_on() -> None:
    order: TurnOrder[str] = TurnOrder()
    go = threading.Event()
    first = order.submit("s", waiting_for(go, "first"))
    second = order.submit("s", lambda: pytest.fail("it was cancelled"))
    third = order.submit("s", lambda: str(1 // 0))
    fourth = order.submit("s", lambda: "fourth")
    assert second.cancel()
    go.set()
    assert first.result(5) == "first"
    with pytest.raises(ZeroDivisionError):
        third.result(5)
    assert fourth.result(5) == "fourth"
    order.close()
    assert order._lines == {}


def test_not_too_much_waits() -> None:
    order: TurnOrder[str] = TurnOrder()
    go = threading.Event()
    for number in range(MAX_IN_FLIGHT):
        order.submit(f"s{number // MAX_OF_SESSION}", waiting_for(go, ""))
    with pytest.raises(Busy):
        order.submit("another", lambda: "")
    go.set()
    order.close()


def test_at_the_end_what_runs_ends_and_what_waits_is_refused() -> None:
    order: TurnOrder[str] = TurnOrder()
    go = threading.Event()
    running = order.submit("s", waiting_for(go, "done"))
    waiting = [order.submit("s", lambda: "too late") for _ in range(2)]
    closing = threading.Thread(target=order.close)
    closing.start()
    while not order._closing:
        pass
    with pytest.raises(Unavailable):
        order.submit("other", lambda: "")
    go.set()
    closing.join(10)
    assert running.result(5) == "done"
    for turn in waiting:
        with pytest.raises(Unavailable):
            turn.result(5)
