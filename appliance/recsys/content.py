"""Content neighbours: products that are alike by what they are, ranked by the exact cosine of their sparse rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from appliance.recsys.base import Floats, Ints, Longs
from appliance.recsys.neighbours import NeighbourTable
from appliance.recsys.tfidf import SparseRows
from appliance.recsys.vectors import VectorIndex, all_neighbours

EXACT_UP_TO = 60_000
"""Products up to which all pairs are compared at training; beyond, the index proposes (quadratic cost)."""
POOL_FACTOR = 3
"""Proposals of the latent space for one neighbour kept."""
_STEP = 2000


def fit(
    rows: SparseRows, index: VectorIndex, columns: int, width: int, progress: Callable[[float], None]
) -> NeighbourTable:
    """Return the ``width`` nearest products of each by cosine; ``progress`` is told the share done."""
    size = len(rows.columns)
    exact = size <= EXACT_UP_TO or index.kind == "exact"
    pools = all_neighbours(np.asarray(index.vectors), POOL_FACTOR * width) if exact else None
    table = NeighbourTable.empty(size, width)
    for row in range(size):
        pool = pools[row] if pools is not None else index.neighbours(row, POOL_FACTOR * width)
        ids, scores = best(rows.cosines(row, pool, columns), pool, width)
        table.ids[row, : len(ids)] = ids
        table.scores[row, : len(ids)] = scores
        if row % _STEP == 0:
            progress(row / size)
    return table


def best(scores: Floats, pool: Longs, width: int) -> tuple[Ints, Floats]:
    """Return the pool's ``width`` best positive entries, best first; ties go to the smaller row."""
    order = np.lexsort((pool, -scores))[:width]
    order = order[scores[order] > 0]
    return pool[order].astype(np.int32), scores[order]
