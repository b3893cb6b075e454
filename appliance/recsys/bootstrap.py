"""How sure a mean is: percentile intervals over resampled cases (Efron 1979)."""

from __future__ import annotations

import numpy as np

from appliance.recsys.base import Doubles

ROUNDS = 1000


def resampled_means(values: Doubles, random: np.random.Generator, rounds: int = ROUNDS) -> Doubles:
    """Return the means of ``rounds`` samples with replacement, float64[rounds]; zeros for no values."""
    if not len(values):
        return np.zeros(rounds)
    return np.array([values[random.integers(0, len(values), len(values))].mean() for _ in range(rounds)])


def interval(values: Doubles, *, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % interval of the mean; (0, 0) for no values."""
    low, high = np.quantile(resampled_means(values, np.random.default_rng(seed)), [0.025, 0.975])
    return float(low), float(high)
