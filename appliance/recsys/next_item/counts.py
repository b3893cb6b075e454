"""Item-item matrices from histories and attributes; SciPy, so for training only.

All costs are linear in the number of interactions: pairs reach a fixed distance, co-occurrence looks at the newest
items of a history, and the commonest attributes are left out where their pairs would not fit the work budget.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from appliance.recsys.base import Doubles, Flags, Longs
from appliance.recsys.neighbours import NeighbourTable, stack, top_of_rows
from appliance.recsys.sequences import Sequences

if TYPE_CHECKING:
    from scipy.sparse import csr_array

REACH = 20
"""Rules look this many items ahead."""
NEWEST = 100
"""Co-occurrence looks at this many newest items of a history."""
_PAIRS_AT_LEAST = 400_000_000
_PAIRS_PER_ITEM = 5_000
_BLOCK = 1024


def support_of(sequences: Sequences, size: int) -> Doubles:
    """Return how often each item was taken, float64[size]."""
    return np.bincount(sequences.items, minlength=size).astype(np.float64)


def following(sequences: Sequences, size: int, reach: int = REACH) -> csr_array[Any]:
    """Return Σ 1/d over all places where b stands d ≤ ``reach`` after a, float32[size, size]."""
    from scipy.sparse import csr_array

    owner, items = sequences.owner_of_entry(), sequences.items
    total = csr_array((size, size), dtype=np.float32)
    for distance in range(1, min(reach, int(sequences.lengths.max(initial=0)) - 1) + 1):
        chosen = (owner[distance:] == owner[:-distance]) & (items[distance:] != items[:-distance])
        worth = np.full(int(chosen.sum()), 1.0 / distance, np.float32)
        pairs = (items[:-distance][chosen], items[distance:][chosen])
        total = total + csr_array((worth, pairs), shape=(size, size))
    return csr_array(total)


def together(sequences: Sequences, size: int, damping: float) -> csr_array[Any]:
    """Return Σ_u 1/|u|^damping over the owners who have both items, float32[size, size], zero diagonal."""
    from scipy.sparse import csr_array, diags_array

    has = sequences.newest(NEWEST).matrix(size)
    worth = np.maximum(np.diff(has.indptr), 1.0) ** -damping
    counts = csr_array((diags_array(worth.astype(np.float32)) @ has).T @ has)
    return _off_diagonal(counts)


def normalised(counts: csr_array[Any], support: Doubles, *, other: float, shrink: float = 0.0) -> csr_array[Any]:
    """Return c · c/(c + shrink) / (√support_a · support_b^other) for counts c of a → b."""
    out = counts.copy()
    rows = np.repeat(np.arange(out.shape[0]), np.diff(out.indptr))
    safe = np.maximum(support, 1.0)
    values = out.data.astype(np.float64)
    if shrink > 0:
        values = values * values / (values + shrink)
    out.data = (values / (np.sqrt(safe)[rows] * safe[out.indices] ** other)).astype(np.float32)
    return out


def second_step(rules: NeighbourTable, width: int, rows: Flags | None = None) -> NeighbourTable:
    """Return the strongest of P·R, P being R with rows that sum to 1; the way back to the item itself is left out.

    Only the marked ``rows`` are worked out, all of them by default.
    """
    from scipy.sparse import csr_array, diags_array

    steps = as_matrix(rules)
    totals = np.asarray(steps.sum(axis=1)).ravel()
    first = csr_array(diags_array((1.0 / np.where(totals > 0, totals, 1.0)).astype(np.float32)) @ steps)
    return _strongest_product(only(first, rows), steps, width)


def similar(
    features: csr_array[Any],
    support: Doubles,
    *,
    idf: float,
    popular: float,
    width: int,
    rows: Flags | None = None,
) -> NeighbourTable:
    """Return the strongest cosines of attribute rows weighted log(n/df)^idf, times (support + 1)^popular."""
    from scipy.sparse import csr_array, diags_array

    count = features.shape[0]
    present = csr_array((features.data, features.indices, features.indptr), shape=features.shape)
    frequency = np.bincount(present.indices, minlength=present.shape[1]).astype(np.float64)
    weight = np.log((count + 1.0) / (frequency + 1.0)) ** idf * _affordable(frequency, count)
    weighted = csr_array(present @ diags_array(weight.astype(np.float32)))
    norms = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    unit = csr_array(diags_array((1.0 / np.where(norms > 0, norms, 1.0)).astype(np.float32)) @ weighted)
    unit.eliminate_zeros()
    raised = diags_array(((support + 1.0) ** popular).astype(np.float32))
    return _strongest_product(only(unit, rows), csr_array(unit.T @ raised), width)


def only(matrix: csr_array[Any], rows: Flags | None) -> csr_array[Any]:
    """Return the matrix with the rows that are not marked emptied."""
    from scipy.sparse import csr_array

    if rows is None:
        return matrix
    lengths = np.diff(matrix.indptr)
    keep = np.repeat(rows, lengths)
    starts = np.concatenate([[0], np.cumsum(np.where(rows, lengths, 0))])
    return csr_array((matrix.data[keep], matrix.indices[keep], starts), shape=matrix.shape)


def as_matrix(table: NeighbourTable) -> csr_array[Any]:
    """Return a table as float32[n, n]."""
    from scipy.sparse import csr_array

    filled = table.ids >= 0
    starts = np.concatenate([[0], np.cumsum(filled.sum(axis=1))])
    size = len(table.ids)
    return csr_array((table.scores[filled], table.ids[filled], starts), shape=(size, size))


def _affordable(frequency: Doubles, count: int) -> Doubles:
    """Return 1 for attributes whose pairs fit the budget, the rarest first, 0 for the others."""
    order = np.argsort(frequency, kind="stable")
    budget = max(_PAIRS_AT_LEAST, _PAIRS_PER_ITEM * count)
    allowed = np.zeros(len(frequency))
    allowed[order] = np.cumsum(frequency[order] ** 2) <= budget
    return allowed


def _strongest_product(left: csr_array[Any], right: csr_array[Any], width: int) -> NeighbourTable:
    from scipy.sparse import csr_array

    parts = []
    for start in range(0, left.shape[0], _BLOCK):
        block = csr_array(left[start : start + _BLOCK] @ right)
        rows = np.repeat(np.arange(block.shape[0]), np.diff(block.indptr)) + start
        block.data[rows == block.indices] = 0.0
        parts.append(strongest(block, width))
    return stack(parts, width)


def strongest(matrix: csr_array[Any], width: int) -> NeighbourTable:
    """Return the ``width`` largest entries of each row; long rows are cut before they are sorted."""
    from scipy.sparse import csr_array

    long_rows: Longs = np.flatnonzero(np.diff(matrix.indptr) > 2 * width)
    keep = np.ones(len(matrix.data), np.bool_)
    for row in long_rows:
        begin, end = matrix.indptr[row], matrix.indptr[row + 1]
        values = matrix.data[begin:end]
        # Entries that tie with the last one stay in, so that the order of ties does not depend on the partition.
        keep[begin:end] = values >= np.partition(values, len(values) - width)[len(values) - width]
    kept_before = np.concatenate([[0], np.cumsum(keep)])
    cut = csr_array((matrix.data[keep], matrix.indices[keep], kept_before[matrix.indptr]), shape=matrix.shape)
    return top_of_rows(cut, width)


def _off_diagonal(matrix: csr_array[Any]) -> csr_array[Any]:
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    matrix.data[rows == matrix.indices] = 0.0
    matrix.eliminate_zeros()
    return matrix
