"""The serving form of a linear model: the best targets of each item, so that a query only gathers rows.

s_j = Σ_i h_i W_ij over the items i of the history, with the ``width`` largest |W_ij| of each row i. What speaks
against a target counts as what speaks for it: EASE without its negative weights loses 2 to 5 % of its recall.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from appliance.recsys.base import Floats, Ints, Longs
from appliance.recsys.linear.holdout import blocks, recall, top_unseen
from appliance.recsys.linear.operators import LinearModel, SparseWeights
from appliance.recsys.neighbours import NeighbourTable, stack, top_of_rows

if TYPE_CHECKING:
    from scipy.sparse import csr_array

MOST_LOST = 0.005
"""The largest share of the recall that the truncation may cost on the validation split; half of what it may in all."""
_SMALLEST = 25


def build(model: LinearModel, width: int, sources: Longs | None = None) -> NeighbourTable:
    """Return the table of a model's items, or of some ``sources`` (its rows then follow them), largest weights first.

    Unit vectors go through the model block by block; memory is that of a block of scores and of the table.
    """
    if isinstance(model, SparseWeights) and not np.any(model.weights.data < 0):
        return top_of_rows(model.weights if sources is None else model.weights[sources], width)
    chosen = np.arange(model.size) if sources is None else sources
    parts = [_best(model, chosen[part], width) for part in blocks(len(chosen), model.size)]
    return stack(parts, width)


def best_first(table: NeighbourTable) -> NeighbourTable:
    """Return the table with each row's highest scores first, as neighbours are shown; pads stay last."""
    order = np.argsort(np.where(table.ids >= 0, -table.scores, np.inf), axis=1, kind="stable")
    return NeighbourTable(np.take_along_axis(table.ids, order, axis=1), np.take_along_axis(table.scores, order, axis=1))


def scores(table: NeighbourTable, items: Ints | Longs, weights: Floats) -> Floats:
    """Return the scores of all items for one history, float32[items]: gathered rows, no matrix needed."""
    ids, values = table.ids[items], table.scores[items] * weights[:, None]
    filled = ids >= 0
    return np.bincount(ids[filled], weights=values[filled], minlength=len(table.ids)).astype(np.float32)


def weights_of(table: NeighbourTable, size: int, sources: Longs | None = None, width: int | None = None) -> Any:
    """Return a table, or its first ``width`` columns, as csr float32[size, size]."""
    from scipy.sparse import csr_array

    ids, values = table.ids[:, :width], table.scores[:, :width]
    filled = ids >= 0
    rows = np.arange(len(ids)) if sources is None else sources
    return csr_array((values[filled], (np.repeat(rows, filled.sum(axis=1)), ids[filled])), shape=(size, size))


def choose_width(
    model: LinearModel, histories: csr_array[Any], hidden: csr_array[Any], *, exact: float, widest: int, k: int
) -> tuple[int, dict[int, float]]:
    """Return the smallest width that loses at most ``MOST_LOST`` of the ``exact`` recall, and the share kept at each.

    Only the rows that these histories need are worked out. When no width suffices it is ``widest``.
    """
    sources = np.unique(histories.indices).astype(np.int64)
    table = build(model, widest, sources)
    kept: dict[int, float] = {}
    width = _SMALLEST
    while True:
        width = min(width, widest)
        served = SparseWeights(weights_of(table, model.size, sources, width))
        parts = [
            recall(top_unseen(served.scores(histories[part]), histories[part], k), hidden[part])
            for part in blocks(histories.shape[0], model.size)
        ]
        kept[width] = float(np.concatenate(parts).mean()) / exact if exact else 1.0
        if kept[width] >= 1.0 - MOST_LOST or width == widest:
            return width, kept
        width *= 2


def _best(model: LinearModel, sources: Longs, width: int) -> NeighbourTable:
    from scipy.sparse import csr_array

    ones = np.ones(len(sources), np.float32)
    units = csr_array((ones, sources, np.arange(len(sources) + 1)), shape=(len(sources), model.size))
    weights = model.scores(units)
    best = top_unseen(np.abs(weights), units, width)
    values = np.take_along_axis(weights, np.maximum(best, 0).astype(np.int64), axis=1)
    useful = (best >= 0) & (values != 0)
    return NeighbourTable(np.where(useful, best, -1).astype(np.int32), np.where(useful, values, 0.0).astype(np.float32))
