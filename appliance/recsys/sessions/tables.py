"""What all sessions say of an item: what follows it and what shares sessions with it. Training only.

Sequential rules (Ludewig & Jannach 2018):  rule(a → b) = Σ over sessions with a before b at distance d ≤ 10 of 1/d.
Companions (Sarwar et al. 2001):            cos(a, b) = n_ab / √(n_a n_b) over the sets of sessions.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from appliance.recsys.base import Floats, Ints, Longs, sums_at
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


def sequential_rules(sequences: Sequences, size: int, width: int = WIDTH) -> NeighbourTable:
    """Return for each item what follows it most; an item may follow itself."""
    from scipy.sparse import coo_array, csr_array

    owners = sequences.owner_of_entry()
    total: Any = csr_array((size, size), dtype=np.float32)
    for distance in range(1, REACH + 1):
        inside = owners[:-distance] == owners[distance:]
        pairs = (sequences.items[:-distance][inside], sequences.items[distance:][inside])
        weights: Floats = np.full(len(pairs[0]), 1.0 / distance, np.float32)
        total = total + csr_array(coo_array((weights, pairs), shape=(size, size)))
    blocks = range(0, size, _BLOCK)
    return stack([top_of_rows(total[start : start + _BLOCK], width) for start in blocks], width)


def companions(sequences: Sequences, size: int, width: int = WIDTH) -> NeighbourTable:
    """Return for each item the others with the largest cosine of common sessions."""
    matrix = sequences.matrix(size)
    counts = sums_at(matrix.indices, matrix.data, size)
    norms = 1.0 / np.sqrt(np.maximum(counts, 1.0))
    columns = matrix.T.tocsr()
    parts = []
    for start in range(0, size, _BLOCK):
        meetings = columns[start : start + _BLOCK] @ matrix
        rows = np.repeat(np.arange(start, start + meetings.shape[0]), np.diff(meetings.indptr))
        meetings.data = meetings.data * (norms[rows] * norms[meetings.indices]).astype(np.float32)
        meetings.data[rows == meetings.indices] = 0.0
        parts.append(top_of_rows(meetings, width))
    return stack(parts, width)


def demand(items: Ints, starts: Longs, size: int) -> Floats:
    """Return each item's share of the clicks in the newest tenth of the sessions (at least 1,000), float32[size].

    ``items`` and ``starts`` are those of an archive, the oldest session first.
    """
    sessions = len(starts) - 1
    first = max(0, sessions - max(_RECENT_LEAST, int(sessions * _RECENT_SHARE)))
    counts = np.bincount(items[starts[first] :], minlength=size) if sessions else np.zeros(size)
    shares: Floats = (counts / max(1.0, float(counts.sum()))).astype(np.float32)
    return shares
