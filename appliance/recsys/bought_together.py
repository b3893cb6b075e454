"""Products bought together: the share of a product's recent baskets that held the other one too.

    score(j | i) = Σ decay of baskets with i and j / Σ decay of baskets with i · n_ij / (n_ij + κ)

Baskets fade with a half-life of 60 days; recency-weighted counts predict the rest of a basket better than lift or a
plain cosine, which rare pairs dominate.
"""

from __future__ import annotations

from appliance.recsys.base import Doubles, Ints, Longs, sums_at
from appliance.recsys.cooccurrence import neighbour_table
from appliance.recsys.histories import Entries
from appliance.recsys.neighbours import NeighbourTable

SHRINKAGE = 2.0


def fit(entries: Entries, size: int, width: int, shrinkage: float = SHRINKAGE) -> NeighbourTable:
    """Return the companions of each of ``size`` products from baskets."""
    totals = sums_at(entries.products, entries.values**2, size)
    totals[totals == 0] = 1.0

    def shrunk_share(meetings: Doubles, counts: Doubles, rows: Longs, _columns: Ints) -> Doubles:
        score: Doubles = meetings / totals[rows] * (counts / (counts + shrinkage))
        return score

    return neighbour_table(entries, size, width, shrunk_share)
