"""Turns: first come, first served, and nobody keeps a turn that went wrong."""

from __future__ import annotations

import threading
import time

import pytest

from appliance.medusa.turns import Turns


def _wait_for(turns: Turns, waiting: int) -> None:
    end = time.monotonic() + 10
    while len(turns._waiting) < waiting:
        assert time.monotonic() < end
        time.sleep(0.001)


def test_whoever_asked_first_is_served_first() -> None:
    turns, order, threads = Turns(), [], []

    def take(number: int) -> None:
        with turns:
            order.append(number)

    with turns:
        for number in range(6):
            threads.append(threading.Thread(target=take, args=(number,)))
            threads[-1].start()
            _wait_for(turns, number + 1)
        assert order == []
    for thread in threads:
        thread.join(10)
    assert order == list(range(6))


def test_who_had_a_turn_goes_behind_who_waits() -> None:
    turns, order = Turns(), []
    other = threading.Thread(target=lambda: _noted(turns, order, "quick"))
    with turns:
        other.start()
        _wait_for(turns, 1)
    _noted(turns, order, "long")
    other.join(10)
    assert order == ["quick", "long"]


def _noted(turns: Turns, order: list[str], name: str) -> None:
    with turns:
        order.append(name)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_hands_the_turn_on(error: type[BaseException]) -> None:
    turns = Turns()
    with pytest.raises(error), turns:
        raise error
    taken = threading.Event()

    def take() -> None:
        with turns:
            taken.set()

    threading.Thread(target=take, daemon=True).start()
    assert taken.wait(10)


def test_never_two_at_once() -> None:
    turns, inside, most = Turns(), 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(200):
            with turns:
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert (most, inside) == (1, 0)
