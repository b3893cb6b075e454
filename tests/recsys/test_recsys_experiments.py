"""Experiments: stable division of the visitors, and a verdict that holds however often it is read."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import pytest

from appliance.recsys.experiments import ALPHA, ArmCounts, arm_of, is_mismatched, verdict

LOOK = 100
"""Visitors between two looks."""


def digest(visitor: int, experiment: str = "exp_1") -> str:
    return hashlib.blake2b(f"{experiment}/{visitor}".encode(), digest_size=16, key=b"k").hexdigest()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_visitors_are_divided_by_the_share(share: float) -> None:
    arms = [arm_of(digest(visitor), share) for visitor in range(20_000)]
    assert arms.count("b") / len(arms) == pytest.approx(share, abs=0.012)
    assert arms == [arm_of(digest(visitor), share) for visitor in range(20_000)]


def test_two_experiments_divide_independently() -> None:
    both = [(arm_of(digest(visitor, "one"), 0.5), arm_of(digest(visitor, "two"), 0.5)) for visitor in range(20_000)]
    for pair in (("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")):
        assert both.count(pair) / len(both) == pytest.approx(0.25, abs=0.012)


def test_a_larger_share_moves_nobody_out_of_b() -> None:
    for visitor in range(2000):
        if arm_of(digest(visitor), 0.2) == "b":
            assert arm_of(digest(visitor), 0.6) == "b"


def test_the_verdict_follows_the_formula() -> None:
    found = verdict(ArmCounts(998, 99), ArmCounts(998, 149))
    p_a, p_b, n, tau2 = 100 / 1000, 150 / 1000, 998, 0.02**2
    pooled = (249 / 1998) * (1749 / 1998) * 2 / n
    variance = max((p_a * (1 - p_a) + p_b * (1 - p_b)) / n, pooled)
    d = 50 / 998
    ratio = math.sqrt(variance / (variance + tau2)) * math.exp(tau2 * d**2 / (2 * variance * (variance + tau2)))
    margin = math.sqrt(
        variance * (variance + tau2) / tau2 * (2 * math.log(20) + math.log((variance + tau2) / variance))
    )
    assert found.p_value == pytest.approx(1 / ratio)
    assert (found.difference, found.low, found.high) == pytest.approx((d, d - margin, d + margin))
    assert found.outcome == "b"
    assert not found.mismatch


def test_the_interval_leaves_out_zero_exactly_when_the_test_refuses_it() -> None:
    rng = np.random.default_rng(3)
    for _ in range(500):
        n_a, n_b = rng.integers(50, 5000, 2)
        a, b = ArmCounts(int(n_a), int(rng.integers(0, n_a // 4))), ArmCounts(int(n_b), int(rng.integers(0, n_b // 4)))
        found = verdict(a, b)
        assert (found.outcome != "none") == (found.p_value < ALPHA)
        mirrored = verdict(b, a)
        assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low))


def test_nothing_is_said_of_nobody() -> None:
    for a, b in ((ArmCounts(0, 0), ArmCounts(0, 0)), (ArmCounts(5, 1), ArmCounts(0, 0))):
        found = verdict(a, b)
        assert (found.outcome, found.low, found.high, found.mismatch) == ("none", -1.0, 1.0, False)
    assert verdict(ArmCounts(20, 0), ArmCounts(20, 0)).outcome == "none"


def looks(rate_a: float, rate_b: float, share: float, runs: int, seed: int, peeks: int = 100) -> list[set[str]]:
    """Return the outcomes that each of many experiments would have shown, read after every ``LOOK`` visitors."""
    rng = np.random.default_rng(seed)
    n_b = rng.binomial(LOOK, share, (runs, peeks))
    s_a, s_b = rng.binomial(LOOK - n_b, rate_a).cumsum(1), rng.binomial(n_b, rate_b).cumsum(1)
    n_b = n_b.cumsum(1)
    n_a = np.arange(LOOK, LOOK * peeks + 1, LOOK) - n_b
    return [
        {
            verdict(ArmCounts(*a), ArmCounts(*b), share).outcome
            for a, b in zip(zip(*arm_a, strict=True), zip(*arm_b, strict=True), strict=True)
        }
        for arm_a, arm_b in zip(
            zip(n_a.tolist(), s_a.tolist(), strict=True), zip(n_b.tolist(), s_b.tolist(), strict=True), strict=True
        )
    ]


@pytest.mark.parametrize(
    ("rate", "share"), [(0.005, 0.5), (0.02, 0.5), (0.1, 0.5), (0.3, 0.5), (0.6, 0.5), (0.01, 0.1), (0.1, 0.2)]
)
def test_equal_arms_seldom_have_a_winner_however_often_one_looks(rate: float, share: float) -> None:
    runs = 400
    alarms = sum(bool(seen - {"none"}) for seen in looks(rate, rate, share, runs, seed=11))
    assert alarms / runs <= ALPHA


def test_a_naive_test_would_be_fooled_by_the_same_looks() -> None:
    rng = np.random.default_rng(11)
    s_a, s_b = (rng.binomial(LOOK // 2, 0.1, (400, 100)).cumsum(1) for _ in range(2))
    n = np.arange(LOOK // 2, LOOK // 2 * 101, LOOK // 2)
    pooled = (s_a + s_b) / (2 * n)
    z = np.abs(s_b - s_a) / n / np.sqrt(np.maximum(pooled * (1 - pooled), 1e-9) * 2 / n)
    assert (z > 1.96).any(axis=1).mean() > 0.25


@pytest.mark.parametrize(("rate_a", "rate_b", "better"), [(0.10, 0.14, "b"), (0.14, 0.10, "a"), (0.05, 0.08, "b")])
def test_a_real_lift_is_found_and_never_called_a_loss(rate_a: float, rate_b: float, better: str) -> None:
    seen = looks(rate_a, rate_b, 0.5, 200, seed=5)
    assert np.mean([better in outcomes for outcomes in seen]) > 0.95
    worse = "a" if better == "b" else "b"
    assert np.mean([worse in outcomes for outcomes in seen]) <= ALPHA / 2


def test_a_wrong_division_is_noticed_and_a_right_one_is_not_doubted() -> None:
    assert is_mismatched(5000, 4500, 0.5)
    assert not is_mismatched(5000, 4900, 0.5)
    assert not is_mismatched(9000, 1000, 0.1)
    assert is_mismatched(9000, 1400, 0.1)
    rng = np.random.default_rng(2)
    b = rng.binomial(LOOK, 0.5, (300, 100)).cumsum(1)
    alarms = [any(is_mismatched((place + 1) * LOOK - n, n, 0.5) for place, n in enumerate(run)) for run in b.tolist()]
    assert sum(alarms) <= 2
