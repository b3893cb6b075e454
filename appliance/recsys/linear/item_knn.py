"""Item-kNN with damping: cosine-like similarity of items, shrunk by support (Sarwar et al. 2001; Koren 2008, §2.2).

    sim(i, j) = Σ_u r_ui r_uj / d_u^2a  /  (d_i^b d_j^c)  · n_ij / (n_ij + κ)

``d`` are the sums of rows and columns. a = ½ lets a visitor with many items say less about each pair (the damped user
norm); c < b favours popular targets. Each target keeps its ``neighbours`` best sources.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from appliance.recsys.base import Longs
from appliance.recsys.linear.normalise import damped, item_degrees, power
from appliance.recsys.linear.operators import SparseWeights
from appliance.recsys.neighbours import top_of_rows

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_BLOCK = 512


class Damping(NamedTuple):
    """The exponents and the shrinkage κ of the similarity."""

    user: float = 0.5
    source: float = 0.5
    target: float = 0.5
    shrinkage: float = 0.0


def fit(matrix: csr_array[Any], damping: Damping, neighbours: int) -> SparseWeights:
    """Return the model of a matrix csr float32[users, items]."""
    from scipy.sparse import vstack

    parts = [_best_sources(block, neighbours) for _, block in similarity_blocks(matrix, damping)]
    return SparseWeights(vstack(parts, format="csr").T.tocsr())


def similarity_blocks(matrix: csr_array[Any], damping: Damping) -> Iterator[tuple[int, csr_array[Any]]]:
    """Yield the first target and csr float32[targets, sources] of each block of targets, without self-similarity."""
    half = damped(matrix, damping.user, 0.0)
    columns = half.T.tocsr()
    support = _support(matrix) if damping.shrinkage else None
    degrees = item_degrees(matrix)
    to_source, to_target = power(degrees, -damping.source), power(degrees, -damping.target)
    for first in range(0, matrix.shape[1], _BLOCK):
        block = columns[first : first + _BLOCK] @ half
        targets = first + np.repeat(np.arange(block.shape[0]), np.diff(block.indptr))
        block.data *= to_source[block.indices] * to_target[targets]
        if support is not None:
            block.sort_indices()
            meetings = support[0][first : first + _BLOCK] @ support[1]
            meetings.sort_indices()
            block.data *= meetings.data / (meetings.data + np.float32(damping.shrinkage))
        block.data[block.indices == targets] = 0.0
        yield first, block


def best_columns(block: csr_array[Any], width: int) -> Longs:
    """Return the columns of the ``width`` largest positive entries of each row, int64[n, width], -1 pads."""
    table = top_of_rows(block, width)
    return table.ids.astype(np.int64)


def _support(matrix: csr_array[Any]) -> tuple[csr_array[Any], csr_array[Any]]:
    from scipy.sparse import csr_array

    plain = csr_array((np.ones(matrix.nnz, np.float32), matrix.indices, matrix.indptr), shape=matrix.shape)
    return plain.T.tocsr(), plain


def _best_sources(block: csr_array[Any], neighbours: int) -> csr_array[Any]:
    from scipy.sparse import csr_array

    table = top_of_rows(block, neighbours)
    filled = table.ids >= 0
    rows = np.repeat(np.arange(block.shape[0]), filled.sum(axis=1))
    return csr_array((table.scores[filled], (rows, table.ids[filled])), shape=block.shape)
