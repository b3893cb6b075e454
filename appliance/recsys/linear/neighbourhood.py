"""Neighbourhood ridge: each target's weights from its own nearest items only, in closed form.

The sparse kin of EASE (fsSLIM, Ning & Karypis 2011, with the squared loss of Steck 2019) where items are too many for a
dense inverse. For a target j with its m nearest items N in the normalised matrix R̃:

    w_j = (G_NN + λ I)⁻¹ G_Nj,    G = R̃ᵀR̃

n·m numbers and n·m³ time: linear in the catalogue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from appliance.recsys.base import Floats, Longs
from appliance.recsys.linear.operators import SparseWeights

if TYPE_CHECKING:
    from scipy.sparse import csc_array, csr_array

_BLOCK = 256


def fit(normal: csr_array[Any], neighbours: Longs, penalty: float) -> SparseWeights:
    """Return the model for the penalty λ.

    ``normal`` is csr float32[users, items]; ``neighbours`` int64[items, m] are the sources of each target, -1 pads.
    """
    columns = normal.tocsc()
    places = np.arange(neighbours.shape[1])
    parts: list[Floats] = []
    for first in range(0, len(neighbours), _BLOCK):
        sources = neighbours[first : first + _BLOCK]
        products, rights = _grams(columns, sources, first)
        products[:, places, places] += np.float32(penalty)
        parts.append(np.linalg.solve(products, rights[:, :, None])[:, :, 0])
    return _sparse(neighbours, np.concatenate(parts))


def _grams(columns: csc_array[Any], sources: Longs, first: int) -> tuple[Floats, Floats]:
    count, width = sources.shape
    products = np.zeros((count, width, width), np.float32)
    rights = np.zeros((count, width), np.float32)
    for place in range(count):
        chosen = sources[place][sources[place] >= 0]
        filled = len(chosen)
        if not filled:
            continue
        of_sources = columns[:, chosen]
        products[place, :filled, :filled] = (of_sources.T @ of_sources).toarray()
        rights[place, :filled] = (of_sources.T @ columns[:, [first + place]]).toarray()[:, 0]
    return products, rights


def _sparse(neighbours: Longs, values: Floats) -> SparseWeights:
    from scipy.sparse import csr_array

    filled = neighbours >= 0
    targets = np.repeat(np.arange(len(neighbours)), filled.sum(axis=1))
    size = len(neighbours)
    return SparseWeights(csr_array((values[filled], (neighbours[filled], targets)), shape=(size, size)))
