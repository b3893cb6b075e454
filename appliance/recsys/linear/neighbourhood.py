"""Neighbourhood ridge: each target's weights from its own nearest items only, in closed form.

The sparse kin of EASE (fsSLIM, Ning & Karypis 2011, with the squared loss of Steck 2019) where items are too many for a
dense inverse. For a target j with its m nearest items N in the normalised matrix R̃:

    w_j = (G_NN + λ I)⁻¹ G_Nj,    G = R̃ᵀR̃

n·m numbers and n·m³ time: linear in the catalogue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from appliance.recsys.base import Floats, Ints
from appliance.recsys.linear.item_knn import model_of
from appliance.recsys.linear.operators import SparseWeights
from appliance.recsys.neighbours import NeighbourTable

if TYPE_CHECKING:
    from scipy.sparse import csc_array, csr_array

_BLOCK = 256


def fit(normal: csr_array[Any], neighbours: Ints, penalty: float) -> SparseWeights:
    """Return the model for the penalty λ.

    ``normal`` is csr float32[users, items]; ``neighbours`` int32[items, m] are the sources of each target, -1 pads.
    """
    columns = normal.tocsc()
    places = np.arange(neighbours.shape[1])
    parts: list[Floats] = []
    for first in range(0, len(neighbours), _BLOCK):
        sources = neighbours[first : first + _BLOCK]
        products, rights = _grams(columns, sources, first)
        products[:, places, places] += np.float32(penalty)
        parts.append(np.linalg.solve(products, rights[:, :, None])[:, :, 0])
    return model_of(NeighbourTable(neighbours, np.concatenate(parts)), neighbours.shape[1])


def _grams(columns: csc_array[Any], sources: Ints, first: int) -> tuple[Floats, Floats]:
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
