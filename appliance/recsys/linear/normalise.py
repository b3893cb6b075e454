"""Degree normalisation of the matrix of who has what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from appliance.recsys.base import Floats

if TYPE_CHECKING:
    from scipy.sparse import csr_array


def item_degrees(matrix: csr_array[Any]) -> Floats:
    """Return the sum of each column, float32[items]."""
    return np.asarray(matrix.sum(axis=0), np.float32).ravel()


def power(degrees: Floats, exponent: float) -> Floats:
    """Return ``degrees ** exponent``, 0 where the degree is 0, float32."""
    out = np.zeros(len(degrees), np.float32)
    filled = degrees > 0
    out[filled] = degrees[filled] ** np.float32(exponent)
    return out


def damped(matrix: csr_array[Any], user_power: float, item_power: float) -> csr_array[Any]:
    """Return D_u^-user_power · R · D_i^-item_power, csr float32[users, items]; D are the sums of rows and columns.

    Powers of ½ give the normalised matrix of GF-CF, whose largest singular value is 1.
    """
    from scipy.sparse import csr_array

    rows = power(np.asarray(matrix.sum(axis=1), np.float32).ravel(), -user_power)
    columns = power(item_degrees(matrix), -item_power)
    lengths = np.diff(matrix.indptr)
    values = matrix.data * np.repeat(rows, lengths) * columns[matrix.indices]
    return csr_array((values.astype(np.float32), matrix.indices, matrix.indptr), shape=matrix.shape)
