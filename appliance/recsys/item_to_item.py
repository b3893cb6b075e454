"""Item-to-item collaborative filtering: products that the same people looked at in the same time.

Cosine of the products' columns in the matrix of histories, shrunk by support (Sarwar et al. 2001; Koren 2008, §2.2):

    sim(i, j) = Σ_u a_ui a_uj / (‖a_i‖ ‖a_j‖) · n_ij / (n_ij + κ)

``n_ij`` is the number of histories with both. Unshrunk, a single chance meeting of two rare products would be a perfect
match, which is what spoils small shops.
"""

from __future__ import annotations

import numpy as np

from appliance.recsys.base import Doubles, Ints, Longs, sums_at
from appliance.recsys.cooccurrence import neighbour_table
from appliance.recsys.histories import Entries
from appliance.recsys.neighbours import NeighbourTable

SHRINKAGE = 10.0


def fit(entries: Entries, size: int, width: int, shrinkage: float = SHRINKAGE) -> NeighbourTable:
    """Return the neighbours of each of ``size`` products from taste histories."""
    norms = np.sqrt(sums_at(entries.products, entries.values**2, size))
    norms[norms == 0] = 1.0

    def shrunk_cosine(meetings: Doubles, counts: Doubles, rows: Longs, columns: Ints) -> Doubles:
        score: Doubles = meetings / (norms[rows] * norms[columns]) * (counts / (counts + shrinkage))
        return score

    return neighbour_table(entries, size, width, shrunk_cosine)
