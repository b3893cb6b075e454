"""A linear model over hashed n-grams: idf weights, ridge regression on the labels, weights of one byte.

For the row x of a message (each family idf-weighted and of length 1, all families together of length 1) the scores
are s = x W + b. W minimises |X W - Y|² + λ |W|² for the centred 0/1 labels Y (regularised least-squares classification,
Rifkin, Yeo & Poggio 2003), found by conjugate gradients for all labels at once. Run time needs numpy alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from appliance.agents.intent.features import FAMILIES, Features, Floats, Keys

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_ITERATIONS, _ENOUGH = 200, 1e-4
_SHARE = 1.0 / len(FAMILIES) ** 0.5


class Row(NamedTuple):
    """What a model knows of one message."""

    columns: npt.NDArray[np.intp]
    values: Floats
    known: float
    """Share of the n-grams, by weight, that the training texts hold; 0 to 1."""


class Vectoriser(NamedTuple):
    """Which n-grams a model knows, and how much each tells."""

    keys: Keys
    """Ascending, uint32[features]."""
    idf: Floats
    """ln((1 + texts) / (1 + texts with it)) + 1, float32[features]."""
    unknown: float
    """The idf of an n-gram that no training text holds."""

    @classmethod
    def fit(cls, rows: Sequence[Features], *, least: int = 1) -> Vectoriser:
        """Learn the n-grams that at least ``least`` texts hold."""
        every = [family.keys for row in rows for family in row]
        keys, counts = np.unique(np.concatenate(every or [np.empty(0, np.uint32)]), return_counts=True)
        kept = counts >= least
        idf = np.log((1 + len(rows)) / (1 + counts[kept])) + 1
        return cls(keys[kept], idf.astype(np.float32), float(np.log(1 + len(rows)) + 1))

    def row(self, message: Features) -> Row:
        """Return the columns and values of one message; unknown n-grams count in no length."""
        columns, values, weights, found = [], [], 0.0, 0.0
        for family in message:
            at = np.searchsorted(self.keys, family.keys)
            at[at == len(self.keys)] = 0
            here = self.keys[at] == family.keys if len(self.keys) else np.zeros(len(at), np.bool_)
            at, weight = at[here], family.weights[here]
            value = weight * self.idf[at]
            length = float(np.sqrt(value @ value))
            columns.append(at)
            values.append(value * np.float32(_SHARE / length if length else 0.0))
            weights += float(family.weights.sum()) or 0.0
            found += float(weight.sum())
        return Row(np.concatenate(columns), np.concatenate(values), found / weights if weights else 0.0)

    def matrix(self, rows: Sequence[Features]) -> csr_matrix:
        """Return the rows of many messages, float32[messages, features]."""
        from scipy.sparse import csr_matrix

        found = [self.row(row) for row in rows]
        ends = np.cumsum([0, *(len(row.columns) for row in found)])
        empty = Row(np.empty(0, np.intp), np.empty(0, np.float32), 0.0)
        columns = np.concatenate([row.columns for row in found or [empty]])
        values = np.concatenate([row.values for row in found or [empty]])
        return csr_matrix((values, columns, ends), shape=(len(found), len(self.keys)))


class Weights(NamedTuple):
    """The weights of all labels, a byte each."""

    codes: npt.NDArray[np.int8]
    """int8[features, labels]."""
    scale: Floats
    """What a step is worth, by feature."""
    bias: Floats
    """By label."""

    @classmethod
    def pack(cls, weights: Floats, bias: Floats) -> Weights:
        """Round weights to 15 steps of the largest of their feature; finer ones only make the file larger."""
        scale = np.abs(weights).max(1, initial=0.0) / 15.0
        codes = np.rint(weights / np.maximum(scale, 1e-12)[:, None]).astype(np.int8)
        return cls(codes, scale.astype(np.float32), bias.astype(np.float32))

    def scores(self, row: Row) -> Floats:
        """Return the score of every label for one message."""
        found: Floats = (row.values * self.scale[row.columns]) @ self.codes[row.columns].astype(np.float32)
        return found + self.bias


def ridge(matrix: csr_matrix, targets: Floats, penalty: float, dense: Floats | None = None) -> tuple[Floats, Floats]:
    """Return the weights and intercepts for 0/1 ``targets[rows, labels]``.

    ``dense`` holds further columns, whose weights stand below those of the matrix.
    """
    bias = targets.mean(0)
    width = matrix.shape[1]
    transposed = matrix.T.tocsr()

    def forward(weights: Floats) -> Floats:
        product: Floats = matrix @ weights[:width]
        return product if dense is None else product + dense @ weights[width:]

    def backward(errors: Floats) -> Floats:
        product: Floats = transposed @ errors
        return product if dense is None else np.concatenate([product, dense.T @ errors])

    rest = backward(targets - bias)
    weights, direction = np.zeros_like(rest), rest.copy()
    norm = (rest * rest).sum(0)
    least = norm * _ENOUGH**2
    for _ in range(_ITERATIONS):
        image = backward(forward(direction)) + np.float32(penalty) * direction
        step = norm / np.maximum((direction * image).sum(0), 1e-20)
        weights += step * direction
        rest -= step * image
        after = (rest * rest).sum(0)
        if (after <= least).all():
            break
        direction = rest + (after / np.maximum(norm, 1e-20)) * direction
        norm = after
    return weights, bias
