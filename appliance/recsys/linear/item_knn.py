"""Item-kNN with damping: cosine-like similarity of items, shrunk by support (Sarwar et al. 2001; Koren 2008, §2.2).

    sim(i, j) = Σ_u r_ui r_uj / d_u^2a  /  (d_i^b d_j^c)  · n_ij / (n_ij + κ)

``d`` are the sums of rows and columns. a = ½ lets a visitor with many items say less about each pair (the damped user
norm); c < b favours popular targets. Each target keeps its best sources.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from appliance.recsys.linear.normalise import damped, item_degrees, power
from appliance.recsys.linear.operators import SparseWeights
from appliance.recsys.neighbours import NeighbourTable, stack

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_BLOCK = 512


class Damping(NamedTuple):
    """The exponents a, b, c and the shrinkage κ of the similarity."""

    user: float = 0.5
    source: float = 0.5
    target: float = 0.5
    shrinkage: float = 0.0


def fit(matrix: csr_array[Any], damping: Damping, neighbours: int) -> SparseWeights:
    """Return the model of a matrix csr float32[users, items] with the ``neighbours`` best sources of each target."""
    return model_of(nearest(matrix, damping, neighbours), neighbours)


def nearest(matrix: csr_array[Any], damping: Damping, width: int) -> NeighbourTable:
    """Return for each *target* its ``width`` best sources, best first. Memory is that of a block of similarities."""
    return stack([_best_of_rows(block, width) for block in _similarities(matrix, damping)], width)


def model_of(sources: NeighbourTable, neighbours: int) -> SparseWeights:
    """Return the model that weighs the first ``neighbours`` sources of each target."""
    from scipy.sparse import csr_array

    ids, values = sources.ids[:, :neighbours], sources.scores[:, :neighbours]
    filled = ids >= 0
    targets = np.repeat(np.arange(len(ids)), filled.sum(axis=1))
    return SparseWeights(csr_array((values[filled], (ids[filled], targets)), shape=(len(ids), len(ids))))


def _similarities(matrix: csr_array[Any], damping: Damping) -> Iterator[csr_array[Any]]:
    """Yield csr float32[targets, sources] of one block of targets after the other, without self-similarity."""
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
            meetings = support[0][first : first + _BLOCK] @ support[1]
            for product in (block, meetings):
                product.sort_indices()
            block.data *= meetings.data / (meetings.data + np.float32(damping.shrinkage))
            targets = first + np.repeat(np.arange(block.shape[0]), np.diff(block.indptr))
        block.data[block.indices == targets] = 0.0
        yield block


def _support(matrix: csr_array[Any]) -> tuple[csr_array[Any], csr_array[Any]]:
    from scipy.sparse import csr_array

    plain = csr_array((np.ones(matrix.nnz, np.float32), matrix.indices, matrix.indptr), shape=matrix.shape)
    return plain.T.tocsr(), plain


def _best_of_rows(block: csr_array[Any], width: int) -> NeighbourTable:
    """Return the ``width`` largest positive entries of each row, best first, ties by column."""
    table = NeighbourTable.empty(block.shape[0], width)
    for row in range(block.shape[0]):
        # Row by row, because sorting the whole of a dense block would cost several times the product itself.
        inside = slice(block.indptr[row], block.indptr[row + 1])
        columns, values = block.indices[inside], block.data[inside]
        if len(values) > width:
            floor = np.partition(values, len(values) - width)[len(values) - width]
            columns, values = columns[values >= floor], values[values >= floor]
        order = np.lexsort((columns, -values))[:width]
        order = order[values[order] > 0]
        table.ids[row, : len(order)] = columns[order]
        table.scores[row, : len(order)] = values[order]
    return table
