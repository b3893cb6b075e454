"""Latent semantic space: the sparse rows projected to at most 128 dimensions, where neighbours are found quickly.

Truncated singular value decomposition by random projection with power iterations (Halko, Martinsson & Tropp 2011,
algorithms 4.4 and 5.1). The space proposes candidates only; they are ranked again by the exact sparse cosine.
"""

from __future__ import annotations

import numpy as np

from appliance.recsys.base import Floats, Ints
from appliance.recsys.tfidf import SparseRows

DIMENSIONS = 128
_OVERSAMPLING = 12
_POWER_ITERATIONS = 3
_MAX_SAMPLE = 20_000
"""Products from which the axes are learned; more change them little and cost in proportion."""


def fit(rows: SparseRows, size: int, seed: int) -> tuple[Floats, Floats]:
    """Return the axes, float32[size, d], and the products' unit vectors, float32[n, d]; deterministic in ``seed``."""
    from appliance.recsys.vectorise import to_csr

    count = len(rows.columns)
    dimensions = max(1, min(DIMENSIONS, count, size))
    if not count or not size:
        return np.zeros((max(1, size), dimensions), np.float32), np.zeros((count, dimensions), np.float32)
    random = np.random.default_rng(seed)
    matrix = to_csr(rows, size)
    chosen = np.sort(random.choice(count, _MAX_SAMPLE, replace=False)) if count > _MAX_SAMPLE else np.arange(count)
    sample = matrix[chosen] if len(chosen) < count else matrix
    width = min(dimensions + _OVERSAMPLING, len(chosen), size)
    basis = random.standard_normal((size, width), dtype=np.float32)
    for _ in range(_POWER_ITERATIONS):
        basis = _orthonormal(np.asarray(sample.T @ _orthonormal(np.asarray(sample @ basis))))
    _, _, rotation = np.linalg.svd(np.asarray(sample @ basis), full_matrices=False)
    axes: Floats = np.ascontiguousarray((basis @ rotation.T)[:, :dimensions], np.float32)
    return axes, unit(np.asarray(matrix @ axes, np.float32))


def _orthonormal(vectors: Floats) -> Floats:
    """Return orthonormal columns of the same span, by the eigenvectors of their Gram matrix.

    A tall QR takes most of the time of the whole fit. Directions in which nothing is left become columns of zeros.
    """
    tall = vectors.astype(np.float64)
    values, rotation = np.linalg.eigh(tall.T @ tall)
    kept = values > values[-1] * 1e-12
    scales = np.divide(1.0, np.sqrt(np.maximum(values, 0.0)), out=np.zeros_like(values), where=kept)
    basis: Floats = (tall @ (rotation * scales)).astype(np.float32)
    return basis


def project(columns: Ints, values: Floats, axes: Floats) -> Floats:
    """Return the unit vector of one sparse row."""
    used = columns >= 0
    vector: Floats = values[used] @ axes[columns[used]]
    only: Floats = unit(vector[None, :])[0]
    return only


def unit(vectors: Floats) -> Floats:
    """Return the rows scaled to unit length; rows of zeros stay so."""
    lengths = np.sqrt((vectors**2).sum(axis=1, keepdims=True))
    scaled: Floats = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return scaled
