"""EASE: the linear item-item model with a zero diagonal that least squares gives in closed form (Steck 2019).

    Ŵ = I − P̂ · diag(1 / diag(P̂)),    P̂ = (G + λ I)⁻¹,    G = XᵀX

which minimises ‖X − XW‖² + λ‖W‖² with diag(W) = 0. It needs the whole Gram matrix: n² numbers, n³ time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from appliance.recsys.base import Floats
from appliance.recsys.linear.operators import DenseWeights

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_COPIES = 3
"""Arrays of n² float32 that live at the peak: the Gram matrix, its inverse and the weights."""
_BAND = 1024


def memory_mb(items: int) -> float:
    """Return the peak memory of a fit in MiB."""
    return _COPIES * 4.0 * items * items / 2**20


def gram(matrix: csr_array[Any]) -> Floats:
    """Return G = XᵀX as float32[items, items]."""
    return np.asarray((matrix.T.tocsr() @ matrix).toarray(), np.float32)


def weights(products: Floats, penalty: float) -> Floats:
    """Return Ŵ of a Gram matrix, float32[items, items]; ``penalty`` λ > 0 is in units of G's diagonal."""
    from scipy.linalg.lapack import spotrf, spotri

    regular = np.array(products, np.float32, order="F")
    places = np.arange(len(regular))
    regular[places, places] += np.float32(penalty)
    factor, failed = spotrf(regular, lower=1, overwrite_a=1)
    if failed:
        raise np.linalg.LinAlgError(f"The Gram matrix with penalty {penalty} is not positive definite.")
    inverse, _ = spotri(factor, lower=1, overwrite_c=1)
    _mirror(inverse)
    out = inverse / -np.diag(inverse)[None, :]
    out[places, places] = 0.0
    return np.ascontiguousarray(out)


def fit(matrix: csr_array[Any], penalty: float) -> DenseWeights:
    """Return EASE of a matrix csr float32[users, items]; values are the weights of the interactions."""
    return DenseWeights(weights(gram(matrix), penalty))


def _mirror(array: Floats) -> None:
    """Copy the lower triangle that LAPACK fills to the upper one, a band at a time."""
    for start in range(0, len(array), _BAND):
        stop = start + _BAND
        array[start:stop, stop:] = array[stop:, start:stop].T
        corner = np.tril(array[start:stop, start:stop])
        array[start:stop, start:stop] = corner + np.tril(corner, -1).T
