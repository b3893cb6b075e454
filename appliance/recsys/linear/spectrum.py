"""The leading right singular vectors of a sparse matrix, by subspace iteration with Chebyshev filters.

Each round applies a Chebyshev polynomial of P = RᵀR that stays small on the unwanted part [0, a] of the spectrum and
grows fast above it, then makes the block orthonormal from its Gram matrix (Zhou, Saad, Tiago & Chelikowsky 2006;
Halko, Martinsson & Tropp 2011 for the random start). Sparse products are nearly all of the work, where Lanczos would
spend most of its time on keeping vectors orthogonal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from appliance.recsys.base import Doubles, Floats

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_OVERSAMPLING = 16
_FLOOR = 1e-10
_DENSE = 2000
"""Up to so many items a whole eigendecomposition of RᵀR is quicker than it is to be clever."""
_SMALLEST_EDGE = 1e-6


class Spectrum(NamedTuple):
    """The leading part of a singular value decomposition."""

    values: Floats
    """float32[d], singular values, largest first."""
    vectors: Floats
    """float32[items, d], right singular vectors in columns."""

    def leading(self, count: int) -> Spectrum:
        """Return the first ``count`` of them."""
        return Spectrum(self.values[:count], np.ascontiguousarray(self.vectors[:, :count]))


def leading_spectrum(matrix: csr_array[Any], count: int, *, seed: int, rounds: int = 2, degree: int = 8) -> Spectrum:
    """Return the ``count`` leading singular values and right vectors, fewer where the matrix is smaller.

    Deterministic for a seed. Memory is about four blocks of float32[items, 1.1 · count].
    """
    count = min(count, min(matrix.shape))
    transposed = matrix.T.tocsr()
    if matrix.shape[1] <= _DENSE:
        return _leading(*np.linalg.eigh((transposed @ matrix).toarray().astype(np.float64)), count)
    block = min(matrix.shape[1], count + max(_OVERSAMPLING, count // 10))
    start = np.random.default_rng(seed).standard_normal((matrix.shape[1], block), np.float32)
    vectors = _orthonormal(transposed @ (matrix @ start))
    eigenvalues, rotation = _ritz(matrix, vectors)
    for _ in range(rounds):
        edge = max(float(eigenvalues[0]), _SMALLEST_EDGE)
        # From Ritz vectors the filter gives columns that are nearly orthogonal, which their Gram matrix needs.
        vectors = vectors @ rotation.astype(np.float32)
        vectors = _orthonormal(_filtered(matrix, transposed, vectors, edge, float(eigenvalues[-1]), degree))
        eigenvalues, rotation = _ritz(matrix, vectors)
    leading = _leading(eigenvalues, rotation, count)
    return Spectrum(leading.values, vectors @ leading.vectors)


def _leading(eigenvalues: Doubles, vectors: Doubles, count: int) -> Spectrum:
    largest = np.argsort(-eigenvalues, kind="stable")[:count]
    values = np.sqrt(np.maximum(eigenvalues[largest], 0.0)).astype(np.float32)
    return Spectrum(values, vectors[:, largest].astype(np.float32))


def _ritz(matrix: csr_array[Any], vectors: Floats) -> tuple[Doubles, Doubles]:
    image = matrix @ vectors
    eigenvalues, rotation = np.linalg.eigh((image.T @ image).astype(np.float64))
    return eigenvalues, rotation


def _filtered(
    matrix: csr_array[Any], transposed: csr_array[Any], vectors: Floats, edge: float, top: float, degree: int
) -> Floats:
    """Return the scaled Chebyshev polynomial of P, damped on [0, edge], times the block."""
    centre = half = edge / 2
    first = half / (centre - max(top, edge * 1.01))
    scale, before = first, vectors
    now: Floats = (transposed @ (matrix @ vectors) - np.float32(centre) * vectors) * np.float32(first / half)
    for _ in range(2, degree + 1):
        following = 1.0 / (2.0 / first - scale)
        after = (transposed @ (matrix @ now) - np.float32(centre) * now) * np.float32(2.0 * following / half)
        after -= np.float32(scale * following) * before
        before, now, scale = now, after, following
    return now


def _orthonormal(block: Floats) -> Floats:
    lengths = np.linalg.norm(block, axis=0)
    block = np.asarray(block / np.where(lengths > 0, lengths, 1.0), np.float32)
    # Twice, because once leaves an error of the order of the condition number.
    for _ in range(2):
        eigenvalues, rotation = np.linalg.eigh((block.T @ block).astype(np.float64))
        floor = max(float(eigenvalues[-1]), 1.0) * _FLOOR
        block = block @ (rotation / np.sqrt(np.maximum(eigenvalues, floor))).astype(np.float32)
    return block
