"""Plain BM25, the baseline that every search is shown beside.

    score(q, d) = Σ_{w ∈ q} idf(w) · tf (k₁ + 1) / (tf + k₁ (1 - b + b |d| / avg|d|))
    idf(w) = ln(1 + (N - n + ½) / (n + ½)), n the number of the N texts with the word

Robertson and Zaragoza 2009. Nothing is stemmed, corrected, translated or weighted by field.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from appliance.ops.evaluation.metrics import top_rows
from appliance.recsys.base import Floats, Ints

if TYPE_CHECKING:
    from scipy.sparse import csr_array

K1, B = 1.2, 0.75
_BATCH = 256


class Bm25:
    """An index over texts, one row a text; a text is the list of its terms (``words`` of it)."""

    def __init__(self, texts: Sequence[Sequence[str]]) -> None:
        """Count the terms of ``texts``."""
        from scipy.sparse import csr_array

        self._vocabulary: dict[str, int] = {}
        counted = [Counter(text) for text in texts]
        ends = np.cumsum([0, *(len(counts) for counts in counted)])
        columns = np.array(
            [self._vocabulary.setdefault(word, len(self._vocabulary)) for counts in counted for word in counts],
            np.int64,
        )
        tf = np.array([count for counts in counted for count in counts.values()], np.float64)
        lengths = np.array([counts.total() for counts in counted], np.float64)
        norm = K1 * (1 - B + B * lengths / max(1.0, float(lengths.mean()) if len(lengths) else 1.0))
        frequency = np.bincount(columns, minlength=len(self._vocabulary))
        idf = np.log1p((len(texts) - frequency + 0.5) / (frequency + 0.5))
        weights = tf * (K1 + 1) / (tf + np.repeat(norm, np.diff(ends))) * idf[columns]
        shape = (len(texts), max(1, len(self._vocabulary)))
        self.weights = csr_array((weights.astype(np.float32), columns, ends), shape=shape)
        self._by_word = self.weights.T.tocsr()

    def scores(self, queries: Sequence[Iterable[str]]) -> Floats:
        """Return the score of every text for each query, float32[q, n]; a query's terms count once each."""
        return np.asarray((self.asked(queries) @ self._by_word).toarray(), np.float32)

    def best(self, queries: Sequence[Iterable[str]], width: int) -> Ints:
        """Return the ``width`` best texts for each query, int32[q, width], -1 pads; never one without its terms."""
        starts = range(0, len(queries), _BATCH)
        parts = [positive_top(self.scores(queries[start : start + _BATCH]), width) for start in starts]
        return np.concatenate([np.empty((0, width), np.int32), *parts])

    def asked(self, queries: Sequence[Iterable[str]]) -> csr_array[Any]:
        """Return the queries as a matrix, float32[q, terms], 1 for each known term; times ``weights.T`` it scores."""
        from scipy.sparse import csr_array

        known = [
            [self._vocabulary[word] for word in dict.fromkeys(query) if word in self._vocabulary] for query in queries
        ]
        ends = np.cumsum([0, *map(len, known)])
        columns = np.array([column for row in known for column in row], np.int64)
        shape = (len(known), max(1, len(self._vocabulary)))
        return csr_array((np.ones(len(columns), np.float32), columns, ends), shape=shape)


def positive_top(scores: np.typing.NDArray[Any], width: int) -> Ints:
    """Return the columns of the ``width`` largest positive scores of each row, int32[n, width], -1 pads."""
    ranked = np.full((len(scores), width), -1, np.int32)
    top = top_rows(np.where(scores > 0, scores, -np.inf), width)
    ranked[:, : top.shape[1]] = top
    return ranked
