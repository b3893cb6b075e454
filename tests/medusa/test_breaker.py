"""The circuit breaker: closed, open, half-open, longer pauses, bounds."""

from __future__ import annotations

import random

import pytest

from appliance.medusa.breaker import FAILURES, FIRST_PAUSE, LONGEST_OWN_PAUSE, LONGEST_PAUSE, Breaker

TRIAL = 60.0


class Dice(random.Random):
    """Always throws the same."""

    def __init__(self, value: float) -> None:
        super().__init__(0)
        self.value = value

    def random(self) -> float:
        return self.value


def _opened(at: float = 0.0, dice: float = 1.0) -> Breaker:
    breaker = Breaker(Dice(dice))
    for _ in range(FAILURES):
        assert breaker.wait(at, TRIAL) == 0
        breaker.failed(at)
    return breaker


def test_it_opens_after_failures_in_a_row_only() -> None:
    breaker = Breaker(Dice(1.0))
    for _ in range(3 * FAILURES):
        breaker.failed(0.0)
        breaker.succeeded()
    assert breaker.closed
    assert breaker.wait(0.0, TRIAL) == 0


@pytest.mark.parametrize(("dice", "pause"), [(0.0, 0.75 * FIRST_PAUSE), (1.0, FIRST_PAUSE)])
def test_open_it_lets_nothing_through_until_the_pause_is_over(dice: float, pause: float) -> None:
    breaker = _opened(dice=dice)
    assert not breaker.closed
    assert breaker.wait(0.0, TRIAL) == pytest.approx(pause)
    assert breaker.wait(pause - 0.1, TRIAL) == pytest.approx(0.1)


def test_half_open_it_lets_one_through() -> None:
    breaker = _opened()
    assert [breaker.wait(FIRST_PAUSE, TRIAL) for _ in range(3)] == [0, TRIAL, TRIAL]
    breaker.succeeded()
    assert [breaker.wait(FIRST_PAUSE, TRIAL) for _ in range(3)] == [0, 0, 0]


def test_a_trial_that_never_ends_or_is_given_up_makes_room_for_another() -> None:
    breaker = _opened()
    assert breaker.wait(10.0, TRIAL) == 0
    assert breaker.wait(10.0 + TRIAL, TRIAL) == 0
    assert breaker.wait(10.0 + TRIAL, TRIAL) > 0
    breaker.abandoned()
    assert breaker.wait(10.0 + TRIAL, TRIAL) == 0


def test_pauses_grow_to_a_bound_and_start_anew_after_a_success() -> None:
    breaker = _opened()
    at, pauses = 0.0, []
    for _ in range(12):
        pause = breaker.wait(at, TRIAL)
        pauses.append(pause)
        at += pause
        assert breaker.wait(at, TRIAL) == 0
        breaker.failed(at)
    assert pauses == [5.0, 10.0, 20.0, *[LONGEST_OWN_PAUSE] * 9]
    breaker.succeeded()
    assert _wait_after_failures(breaker, at) == FIRST_PAUSE


def test_it_waits_as_long_as_medusa_asks_within_bounds() -> None:
    for asked, waited in ((42.0, 42.0), (10_000.0, LONGEST_PAUSE), (-5.0, 0.0)):
        breaker = Breaker(Dice(1.0))
        breaker.hold(0.0, asked)
        assert breaker.wait(0.0, TRIAL) == waited


def test_a_shorter_wish_does_not_shorten_a_pause() -> None:
    breaker = Breaker(Dice(1.0))
    breaker.hold(0.0, 100.0)
    breaker.hold(0.0, 1.0)
    assert breaker.wait(0.0, TRIAL) == 100.0


def _wait_after_failures(breaker: Breaker, at: float) -> float:
    for _ in range(FAILURES):
        breaker.failed(at)
    return breaker.wait(at, TRIAL)
