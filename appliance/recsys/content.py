"""Content neighbours: products that are alike by what they are, proposed by two cheap searches and ranked exactly.

The dense space proposes what is alike in kind, the rare tokens what shares a name, a brand or an unusual word; the
union is ranked by the exact similarity. Up to ``EXACT_UP_TO`` products the dense search compares all pairs, beyond it
those of neighbouring cells, so that the cost stays in proportion to the catalogue. What this loses against ranking
every pair is measured (``measure_recall``) and stored with the model.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from appliance.recsys.base import Floats, Ints, Longs
from appliance.recsys.cells import near_by_cells
from appliance.recsys.neighbours import NeighbourTable
from appliance.recsys.postings import near_by_rare_tokens
from appliance.recsys.similarity import ContentSpace
from appliance.recsys.vectors import all_neighbours

EXACT_UP_TO = 20_000
"""Products up to which the dense search compares all pairs."""
KIND_FACTOR, WORDS_FACTOR = 3, 5
"""Proposals of the dense space and of the rare tokens for one neighbour kept."""
_STEP = 2000


def fit(
    space: ContentSpace, vectors: Floats, width: int, progress: Callable[[float], None], seed: int = 0
) -> NeighbourTable:
    """Return the ``width`` most similar products of each; ``progress`` is told the share done.

    ``vectors`` float32[n, d] are the rows of unit length that propose.
    """
    size, of_kind, of_words = len(vectors), KIND_FACTOR * width, WORDS_FACTOR * width
    table = NeighbourTable.empty(size, width)
    if not size:
        return table
    by_words = near_by_rare_tokens(space.rows, space.columns, of_words, lambda share: progress(0.3 * share))
    if size <= EXACT_UP_TO:
        by_kind = all_neighbours(vectors, of_kind)
    else:
        by_kind = near_by_cells(vectors, of_kind, seed, lambda share: progress(0.3 + 0.3 * share))
    for row in range(size):
        others = np.unique(np.concatenate([by_words[row], by_kind[row]]))
        others = others[others >= 0]
        ids, scores = _best(space, row, others, width)
        table.ids[row, : len(ids)] = ids
        table.scores[row, : len(ids)] = scores
        if row % _STEP == 0:
            progress(0.6 + 0.4 * row / size)
    return table


def _best(space: ContentSpace, row: int, pool: Longs, width: int) -> tuple[Ints, Floats]:
    """Return the pool's ``width`` best positive entries, best first.

    Ties go to the larger overlap of tags, then to the smaller row.
    """
    scores = np.round(space.between(row, pool), 6)
    least = np.partition(scores, len(scores) - width)[len(scores) - width] if len(scores) > width else 0.0
    kept = np.flatnonzero((scores >= least) & (scores > 0))
    pool, scores = pool[kept], scores[kept]
    order = np.lexsort((pool, -space.tag_overlap(row, pool), -scores))[:width]
    return pool[order].astype(np.int32), scores[order]


def measure_recall(
    space: ContentSpace, table: NeighbourTable, *, count: int = 20, sample: int = 100, seed: int = 0
) -> float:
    """Return the share of the ``count`` most similar of all products that the table has, over a random sample.

    One found counts when it is no less similar than the last exact one: among equals any will do.
    """
    size = len(table.ids)
    count = min(count, table.ids.shape[1], size - 1)
    everything, shares = np.arange(size), []
    for row in np.random.default_rng(seed).choice(size, min(sample, size), replace=False).tolist() if count > 0 else ():
        scores = space.between(row, everything)
        scores[row] = 0.0
        least = float(np.partition(scores, size - count)[size - count])
        wanted = min(count, int((scores > 0).sum()))
        if wanted:
            has = table.scores[row, :count]
            shares.append(min(1.0, int(((has > 0) & (has >= least - 1e-5)).sum()) / wanted))
    return float(np.mean(shares)) if shares else 1.0
