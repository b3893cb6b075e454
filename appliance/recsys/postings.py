"""Candidates that share rare tokens: sparse rows multiplied through an inverted index without its long lists.

A token in many products says little and costs the most (the length of its list, squared, over all products). Leaving
out lists longer than ``LONGEST`` and all but the ``HEAVIEST`` tokens of a product bounds the work of one product by
their product, so that all products cost in proportion to their number (static index pruning, Carmel et al. 2001).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from appliance.recsys.base import Longs
from appliance.recsys.tfidf import SparseRows

LONGEST = 2048
"""Products in a token's list up to which it proposes candidates."""
HEAVIEST = 24
"""Tokens of one product that propose candidates."""
_STEP = 256
"""Rows multiplied at once: bounds the memory where every list is as long as may be."""


def near_by_rare_tokens(rows: SparseRows, columns: int, count: int, progress: Callable[[float], None]) -> Longs:
    """Return for each row the ``count`` others of the largest product over rare tokens, in no order.

    int64[n, count]; -1 pads where fewer share one.
    """
    from scipy.sparse import csr_array

    size = len(rows.columns)
    found = np.full((size, count), -1, np.int64)
    used = rows.columns >= 0
    lists = np.bincount(rows.columns[used], minlength=max(1, columns))[rows.columns]
    used &= (lists <= LONGEST) & (lists > 1)
    used &= np.cumsum(used, axis=1) <= HEAVIEST  # the columns of a row are heaviest first
    ends = np.concatenate([[0], np.cumsum(used.sum(axis=1))])
    rare = csr_array((rows.values[used], rows.columns[used], ends), shape=(size, max(1, columns)))
    index = rare.T.tocsr()
    for start in range(0, size, _STEP):
        shared = rare[start : start + _STEP] @ index
        for place in range(shared.shape[0]):
            line = slice(shared.indptr[place], shared.indptr[place + 1])
            others, scores = shared.indices[line], shared.data[line]
            row = start + place
            if len(others) > count + 1:
                best = np.argpartition(-scores, count)[: count + 1]
                others = others[best]
            others = others[others != row][:count]
            found[row, : len(others)] = others
        progress(min(1.0, (start + _STEP) / size))
    return found
