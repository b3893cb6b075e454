"""What all linear models have in common: they map histories to scores of all items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from appliance.recsys.base import Doubles, Floats
from appliance.recsys.linear.normalise import power

if TYPE_CHECKING:
    from scipy.sparse import csr_array


class LinearModel(Protocol):
    """A fitted model s = h W."""

    @property
    def size(self) -> int:
        """The number of items."""
        ...

    def scores(self, rows: csr_array[Any]) -> Floats:
        """Return the exact scores of histories csr float32[n, items] as float32[n, items]; W's diagonal may be set."""
        ...


class SparseWeights:
    """W held as a sparse matrix of sources by targets, csr float32[items, items]."""

    def __init__(self, weights: csr_array[Any]) -> None:
        self.weights = weights

    @property
    def size(self) -> int:
        return int(self.weights.shape[0])

    def scores(self, rows: csr_array[Any]) -> Floats:
        return np.asarray((rows @ self.weights).toarray(), np.float32)


class DenseWeights:
    """W held as an array of sources by targets, float32[items, items]."""

    def __init__(self, weights: Floats) -> None:
        self.weights = weights

    @property
    def size(self) -> int:
        return len(self.weights)

    def scores(self, rows: csr_array[Any]) -> Floats:
        return np.asarray(rows @ self.weights, np.float32)


class FilterWeights:
    """W = p(P) + left · right, with P = RᵀR of a normalised matrix R and a polynomial p: never formed.

    ``polynomial`` holds the coefficients of p from the constant on, float64[degree + 1]; ``left`` float32[items, d] and
    ``right`` float32[d, items] may have no columns.
    """

    def __init__(self, normal: csr_array[Any], polynomial: Doubles, left: Floats, right: Floats) -> None:
        self._normal = normal
        self._transposed = normal.T.tocsr()
        self._polynomial = polynomial
        self._left = left
        self._right = right

    @property
    def size(self) -> int:
        return int(self._normal.shape[1])

    def scores(self, rows: csr_array[Any]) -> Floats:
        out: Floats = (rows @ self._left) @ self._right
        if len(self._polynomial) and self._polynomial[0]:
            out += np.float32(self._polynomial[0]) * rows.toarray()
        if len(self._polynomial) > 1:
            blurred = ((rows @ self._transposed) @ self._normal).toarray()
            out += self._higher(blurred) if len(self._polynomial) > 2 else np.float32(self._polynomial[1]) * blurred
        return out

    def _higher(self, blurred: Floats) -> Floats:
        # SciPy multiplies sparse by dense fastest with the histories in columns.
        state = np.ascontiguousarray(blurred.T)
        return apply_polynomial(self._normal, self._transposed, self._polynomial[1:], state).T


class Scaled:
    """Another model whose scores are multiplied by a power of each target's degree: W · D_i^exponent.

    Above 0 it favours popular targets, which symmetric normalisation holds down too far on most sets.
    """

    def __init__(self, model: LinearModel, degrees: Floats, exponent: float) -> None:
        self._model = model
        self._factors = power(degrees, exponent)

    @property
    def size(self) -> int:
        return self._model.size

    def scores(self, rows: csr_array[Any]) -> Floats:
        return self._model.scores(rows) * self._factors


def lifted(model: LinearModel, degrees: Floats, exponent: float) -> LinearModel:
    """Return W · D_i^exponent in the form of the model that is given."""
    from scipy.sparse import csr_array

    if not exponent:
        return model
    if isinstance(model, SparseWeights):
        weights = model.weights
        values = weights.data * power(degrees, exponent)[weights.indices]
        return SparseWeights(csr_array((values, weights.indices, weights.indptr), shape=weights.shape))
    return Scaled(model, degrees, exponent)


class Mixture:
    """The weighted sum of models: W = Σ wₘ Wₘ."""

    def __init__(self, parts: list[tuple[float, LinearModel]]) -> None:
        self._parts = parts

    @property
    def size(self) -> int:
        return self._parts[0][1].size

    def scores(self, rows: csr_array[Any]) -> Floats:
        (weight, model), *others = self._parts
        out = model.scores(rows) * np.float32(weight)
        for weight, other in others:
            out += other.scores(rows) * np.float32(weight)
        return out


def apply_polynomial(normal: csr_array[Any], transposed: csr_array[Any], polynomial: Doubles, block: Floats) -> Floats:
    """Return p(RᵀR) · block by Horner's rule, float32[items, n]; R is ``normal``, with its transpose beside it."""
    out = np.float32(polynomial[-1]) * block
    for coefficient in polynomial[-2::-1]:
        out = transposed @ (normal @ out)
        out += np.float32(coefficient) * block
    return out
