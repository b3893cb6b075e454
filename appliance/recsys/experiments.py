"""Experiments: which visitor sees what, and a verdict that may be read every day.

Assignment is a keyed hash, so that a visitor keeps the arm without anything being stored about anybody. The verdict is
*always valid*: the probability that it ever names a winner where there is none is at most ``ALPHA``, however often the
owner looks and whenever the experiment ends. Pure functions; no clock, no store.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from appliance.domain import Arm

ALPHA = 0.05
"""How often an experiment between equal arms may name a winner."""
MIXTURE_SCALE = 0.02
"""τ: the difference of proportions at which the verdict is quickest. Any value fixed beforehand keeps the promise."""
MISMATCH_ALPHA = 0.001
"""How often a rightly divided experiment may be called wrongly divided."""
_HASH_DIGITS = 13
"""Hexadecimal digits that a float holds exactly."""

Outcome = Literal["a", "b", "none"]


class ArmCounts(NamedTuple):
    """The visitors of one arm, and how many of them did what is measured."""

    visitors: int
    successes: int


class Verdict(NamedTuple):
    """What is known after so many visitors. Rates and differences are proportions, ``difference`` is b minus a."""

    outcome: Outcome
    """Which arm is better; ``none`` while that cannot be told."""
    a: ArmCounts
    b: ArmCounts
    difference: float
    low: float
    high: float
    """The confidence sequence: with probability 1 - ``ALPHA`` the true difference is inside at every look."""
    p_value: float
    """Always valid; may be compared with any level at any look."""
    mismatch: bool
    """Whether the visitors are not divided as they should be: then the outcome is not to be trusted."""


def arm_of(digest: str, share: float) -> Arm:
    """Return the arm of a visitor: ``b`` for a part ``share`` of all.

    ``digest`` is a keyed hash of the experiment's id and the visitor's, at least 13 hexadecimal digits.
    """
    return "b" if int(digest[:_HASH_DIGITS], 16) < share * 16**_HASH_DIGITS else "a"


def rate(counts: ArmCounts) -> float:
    """Return the part of an arm's visitors who did what is measured; 0 where there were none."""
    return counts.successes / counts.visitors if counts.visitors else 0.0


def verdict(a: ArmCounts, b: ArmCounts, share: float = 0.5) -> Verdict:
    """Judge an experiment by its counts so far; ``share`` is the part of visitors that b should have.

    Mixture sequential probability ratio test of δ = p_b - p_a = 0 (Robbins 1970; Johari, Pekelis, Walsh, "Always valid
    inference", 2017): with the difference d, its variance V and δ ~ N(0, τ²),

        Λ = √(V / (V + τ²)) · exp(τ² d² / (2 V (V + τ²))),   p = min(1, 1 / Λ)

    and the confidence sequence (Howard, Ramdas, McAuliffe, Sekhon, Annals of Statistics 2021) of all δ that the test
    does not refuse: d ± √(V (V + τ²) / τ² · (2 ln(1/α) + ln((V + τ²) / V))).

    V takes the larger of the separate and the pooled estimate, each with one success and one failure added, because
    early on, with few successes, an arm without any would seem to vary by nothing.
    """
    if not a.visitors or not b.visitors:
        return Verdict("none", a, b, 0.0, -1.0, 1.0, 1.0, is_mismatched(a.visitors, b.visitors, share))
    difference = rate(b) - rate(a)
    variance = max(_spread(a) / a.visitors + _spread(b) / b.visitors, _pooled(a, b))
    mixture = MIXTURE_SCALE**2
    total = variance + mixture
    log_ratio = 0.5 * math.log(variance / total) + mixture * difference**2 / (2 * variance * total)
    margin = math.sqrt(variance * total / mixture * (2 * math.log(1 / ALPHA) + math.log(total / variance)))
    low, high = max(-1.0, difference - margin), min(1.0, difference + margin)
    outcome: Outcome = "b" if low > 0 else "a" if high < 0 else "none"
    p_value = min(1.0, math.exp(-log_ratio))
    mismatch = is_mismatched(a.visitors, b.visitors, share)
    return Verdict(outcome, a, b, difference, low, high, p_value, mismatch)


def is_mismatched(a: int, b: int, share: float) -> bool:
    """Tell whether visitors are divided otherwise than by ``share``, to be asked at any time.

    The Bayes factor of an unknown share, uniform on (0, 1), against the wanted one is a martingale when the share is
    right, so it exceeds 1 / ``MISMATCH_ALPHA`` at some time with no more than that probability (Lindon, Malek,
    "Anytime-valid inference for multinomial count data", 2022): B(a + 1, b + 1) / ((1 - share)^a · share^b).
    """
    log_beta = math.lgamma(a + 1) + math.lgamma(b + 1) - math.lgamma(a + b + 2)
    return log_beta - a * math.log1p(-share) - b * math.log(share) > -math.log(MISMATCH_ALPHA)


def _smoothed(visitors: int, successes: int) -> float:
    proportion = (successes + 1) / (visitors + 2)
    return proportion * (1 - proportion)


def _spread(arm: ArmCounts) -> float:
    return _smoothed(arm.visitors, arm.successes)


def _pooled(a: ArmCounts, b: ArmCounts) -> float:
    return _smoothed(a.visitors + b.visitors, a.successes + b.successes) * (1 / a.visitors + 1 / b.visitors)
