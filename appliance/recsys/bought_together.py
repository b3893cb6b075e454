"""Products bought together: the share of a product's recent baskets that held the other one too, where it is no chance.

    score(j | i) = Σ decay of baskets with i and j / Σ decay of baskets with i · n_ij / (n_ij + κ)

Baskets fade with a half-life of 60 days; recency-weighted counts predict the rest of a basket better than lift or a
plain cosine, which rare pairs dominate. A pair counts only when it met at least twice, oftener than two independent
products would, and the log-likelihood ratio of the 2 × 2 table of baskets says so at 5 % (G², Dunning 1993):

    G² = 2 Σ_cells observed · ln(observed / expected) ≥ 3.84

Ten baskets with neither are added to the table: first shops have few, and a pair that is in all of six is no chance.
"""

from __future__ import annotations

import numpy as np

from appliance.recsys.base import Doubles, Ints, Longs, sums_at
from appliance.recsys.cooccurrence import neighbour_table
from appliance.recsys.histories import Entries, owners_count
from appliance.recsys.neighbours import NeighbourTable

SHRINKAGE = 2.0
LEAST_MEETINGS = 2
SIGNIFICANT = 3.84
"""The 95 % point of χ² with one degree of freedom."""
_PRIOR_BASKETS = 10.0


def fit(entries: Entries, size: int, width: int, shrinkage: float = SHRINKAGE) -> NeighbourTable:
    """Return the companions of each of ``size`` products from baskets."""
    totals = sums_at(entries.products, entries.values**2, size)
    totals[totals == 0] = 1.0
    baskets_with = np.bincount(entries.products, minlength=size).astype(np.float64)
    baskets = owners_count(entries) + _PRIOR_BASKETS

    def shrunk_share(meetings: Doubles, counts: Doubles, rows: Longs, columns: Ints) -> Doubles:
        score: Doubles = meetings / totals[rows] * (counts / (counts + shrinkage))
        first, second = baskets_with[rows], baskets_with[columns]
        by_chance = (counts < LEAST_MEETINGS) | (counts * baskets <= first * second)
        by_chance |= log_likelihood_ratio(counts, first, second, baskets) < SIGNIFICANT
        score[by_chance] = 0.0
        return score

    return neighbour_table(entries, size, width, shrunk_share)


def log_likelihood_ratio(both: Doubles, first: Doubles, second: Doubles, total: float) -> Doubles:
    """Return G² for pairs that met in ``both`` of ``total`` baskets, of which ``first`` and ``second`` held each."""
    observed = np.stack([both, first - both, second - both, total - first - second + both])
    expected = np.stack([first * second, first * (total - second), (total - first) * second])
    expected = np.concatenate([expected, [(total - first) * (total - second)]]) / total
    ratio = np.divide(observed, expected, out=np.ones_like(observed), where=(observed > 0) & (expected > 0))
    statistic: Doubles = 2.0 * (observed * np.log(ratio)).sum(axis=0)
    return statistic
