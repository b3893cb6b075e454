"""What all sessions say of an item: what follows it and what shares sessions with it. Training only.

Sequential rules (Ludewig & Jannach 2018):  rule(a → b) = Σ over sessions with a before b at distance d ≤ 10 of 1/d.
Companions (Sarwar et al. 2001):            cos(a, b) = n_ab / √(n_a n_b) over the sets of sessions.
Walk (Nikolakopoulos & Karypis 2019):       P², where P goes from an item along its rules or its companions, one as
likely as the other; it reaches what never met the item.

Every count weighs a session by its freshness, ``weights`` float64[sessions].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from appliance.recsys.base import Doubles, Floats, Ints, Longs, sums_at
from appliance.recsys.neighbours import NeighbourTable, stack, top_of_rows
from appliance.recsys.sequences import Sequences

WIDTH = 100
"""Neighbours kept of one item."""
REACH = 10
"""The largest distance of a rule."""
POPULAR = 100
"""Items in demand that are proposed to everyone."""
_RECENT_SHARE = 0.1
_RECENT_LEAST = 1000
_BLOCK = 4096
_BRANCHES = 30


def sequential_rules(sequences: Sequences, size: int, weights: Doubles, width: int = WIDTH) -> NeighbourTable:
    """Return for each item what follows it most; an item may follow itself."""
    from scipy.sparse import coo_array, csr_array

    owners = sequences.owner_of_entry()
    of_entry = weights[owners]
    total: Any = csr_array((size, size), dtype=np.float32)
    for distance in range(1, REACH + 1):
        inside = owners[:-distance] == owners[distance:]
        pairs = (sequences.items[:-distance][inside], sequences.items[distance:][inside])
        values = (of_entry[:-distance][inside] / distance).astype(np.float32)
        total = total + csr_array(coo_array((values, pairs), shape=(size, size)))
    blocks = range(0, size, _BLOCK)
    return stack([top_of_rows(total[start : start + _BLOCK], width) for start in blocks], width)


def companions(sequences: Sequences, size: int, weights: Doubles, width: int = WIDTH) -> NeighbourTable:
    """Return for each item the others with the largest cosine of common sessions."""
    from scipy.sparse import diags_array

    matrix = diags_array(np.sqrt(weights).astype(np.float32)) @ sequences.matrix(size)
    counts = sums_at(matrix.indices, matrix.data**2, size)
    norms = 1.0 / np.sqrt(np.where(counts > 0, counts, 1.0))
    columns = matrix.T.tocsr()
    parts = []
    for start in range(0, size, _BLOCK):
        meetings = columns[start : start + _BLOCK] @ matrix
        rows = np.repeat(np.arange(start, start + meetings.shape[0]), np.diff(meetings.indptr))
        meetings.data = meetings.data * (norms[rows] * norms[meetings.indices]).astype(np.float32)
        meetings.data[rows == meetings.indices] = 0.0
        parts.append(top_of_rows(meetings, width))
    return stack(parts, width)


def two_steps(rules: NeighbourTable, near: NeighbourTable, width: int = WIDTH) -> NeighbourTable:
    """Return for each item where two steps lead most likely, along the best 30 rules and 30 companions of each."""
    size = len(rules.ids)
    step = _stochastic(_stochastic(_matrix(rules)) + _stochastic(_matrix(near)))
    return stack([top_of_rows(step[start : start + _BLOCK] @ step, width) for start in range(0, size, _BLOCK)], width)


def _matrix(table: NeighbourTable) -> Any:
    from scipy.sparse import csr_array

    ids, scores = table.ids[:, :_BRANCHES], table.scores[:, :_BRANCHES]
    filled = ids >= 0
    starts = np.concatenate([[0], np.cumsum(filled.sum(axis=1))])
    return csr_array((scores[filled], ids[filled], starts), shape=(len(ids), len(ids)))


def _stochastic(matrix: Any) -> Any:
    from scipy.sparse import csr_array, diags_array

    totals = matrix.sum(axis=1)
    return csr_array(diags_array((1.0 / np.where(totals > 0, totals, 1.0)).astype(np.float32)) @ matrix)


def demand(items: Ints, starts: Longs, size: int) -> Floats:
    """Return each item's share of the clicks in the newest tenth of the sessions (at least 1,000), float32[size].

    ``items`` and ``starts`` are those of an archive, the oldest session first.
    """
    sessions = len(starts) - 1
    first = max(0, sessions - max(_RECENT_LEAST, int(sessions * _RECENT_SHARE)))
    counts = np.bincount(items[starts[first] :], minlength=size) if sessions else np.zeros(size)
    shares: Floats = (counts / max(1.0, float(counts.sum()))).astype(np.float32)
    return shares
