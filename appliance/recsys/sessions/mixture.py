"""Parts that each propose a next item, mixed as probabilities, and the shares of the parts learned from next clicks.

    P(item | session) = Σ_v w_v · s_v(item)^γ / Σ_j s_v(j)^γ

a linear interpolation whose weights w are those that make held-out clicks most likely, found by expectation
maximisation (Jelinek & Mercer 1980). Each term says how much a part contributed, which is what an explanation needs.
"""

from __future__ import annotations

import numpy as np

from appliance.recsys.base import Doubles

_ROUNDS = 80


def shares_of(scores: Doubles, sharpness: float) -> Doubles:
    """Return the parts' scores float64[items, parts] as distributions: every column that has any sums to 1."""
    sharp = scores if sharpness == 1.0 else scores * scores if sharpness == 2.0 else scores * np.sqrt(scores)
    totals = sharp.sum(axis=0)
    shares: Doubles = sharp / np.where(totals > 0, totals, 1.0)
    return shares


def learned_weights(of_targets: Doubles) -> Doubles:
    """Return the weights of the parts, float64[parts] summing to 1.

    ``of_targets`` float64[cases, parts] holds the probability that each part gave to what was clicked.
    """
    parts = of_targets.shape[1]
    weights = np.full(parts, 1.0 / parts)
    reached = of_targets[of_targets.any(axis=1)]
    if not len(reached):
        return weights
    for _ in range(_ROUNDS):
        owed = reached * weights
        weights = (owed / owed.sum(axis=1, keepdims=True)).mean(axis=0)
    weights[weights < 1e-4] = 0.0
    settled: Doubles = weights / weights.sum()
    return settled
