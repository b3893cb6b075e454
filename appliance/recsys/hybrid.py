"""Similar products for product pages: content and collaborative cosines in one table.

    score(i, j) = w_content(i) · content(i, j) + w_collab(i) · collaborative(i, j)

The collaborative weight of a product grows with its support, n / (n + 20), up to ``COLLABORATIVE_WEIGHT``; what it does
not take is left to content. A product that nobody looked at yet is compared by content alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from appliance.recsys.base import Doubles, Floats, Ints, mapped
from appliance.recsys.neighbours import NeighbourTable
from appliance.recsys.similarity import ContentSpace

COLLABORATIVE_WEIGHT = 0.6
SUPPORT_HALF = 20.0
"""Histories with a product at which its collaborative weight is half of its most."""
_FILES = ("similar_ids", "similar_scores", "similar_content", "similar_collaborative")


class SimilarTable(NamedTuple):
    """Neighbours with their component scores: four arrays [n, k], best first, ids -1 pad."""

    ids: Ints
    scores: Floats
    content: Floats
    collaborative: Floats

    def save(self, folder: Path) -> None:
        """Write the table as ``.npy`` files."""
        for name, array in zip(_FILES, self, strict=True):
            np.save(folder / f"{name}.npy", array, allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> SimilarTable:
        """Map the table of a verified artifact."""
        return cls(*(mapped(folder / f"{name}.npy") for name in _FILES))


def empty() -> SimilarTable:
    """Return a table of no products."""
    return SimilarTable(np.empty((0, 0), np.int32), *(np.empty((0, 0), np.float32) for _ in range(3)))


def collaborative_weights(support: Ints) -> Doubles:
    """Return w_collab by product from the number of histories it occurs in."""
    weights: Doubles = COLLABORATIVE_WEIGHT * support / (support + SUPPORT_HALF)
    return weights


def fit(content: NeighbourTable, collaborative: NeighbourTable, space: ContentSpace, support: Ints) -> SimilarTable:
    """Return the union of both tables' neighbours, scored by both, as many per product as the content table has."""
    size, width = content.ids.shape
    weights = collaborative_weights(support)
    table = SimilarTable(np.full((size, width), -1, np.int32), *(np.zeros((size, width), np.float32) for _ in range(3)))
    for row in range(size):
        ids, similar, together = _pair_scores(content, collaborative, space, row)
        scores = (1 - weights[row]) * similar + weights[row] * together
        order = np.argsort(-scores, kind="stable")[:width]  # ties stay as content had them
        for column, values in zip(table, (ids, scores, similar, together), strict=True):
            column[row, : len(order)] = values[order]
    return table


def _pair_scores(
    content: NeighbourTable, collaborative: NeighbourTable, space: ContentSpace, row: int
) -> tuple[Ints, Floats, Floats]:
    near, met = content.ids[row], collaborative.ids[row]
    near, met = near[near >= 0], met[met >= 0]
    known = np.isin(met, near)
    ids = np.concatenate([near, met[~known]])
    similar = np.concatenate([content.scores[row, : len(near)], space.between(row, met[~known])])
    together = np.zeros(len(ids), np.float32)
    order = np.argsort(ids)
    together[order[np.searchsorted(ids, met, sorter=order)]] = collaborative.scores[row, : len(met)]
    return ids, similar, together
