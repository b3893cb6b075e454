"""Plain BM25, the baseline that every search is shown beside.

    score(q, d) = Σ_{w ∈ q} idf(w) · tf (k₁ + 1) / (tf + k₁ (1 - b + b |d| / avg|d|))
    idf(w) = ln(1 + (N - n + ½) / (n + ½)), n the number of the N texts with the word

Robertson and Zaragoza 2009. Words are folded; nothing is stemmed, corrected, translated or weighted by field.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from appliance.recsys.base import Floats
from appliance.text import words

if TYPE_CHECKING:
    from scipy.sparse import csr_array

K1, B = 1.2, 0.75


class Bm25:
    """An index over texts, one row a text."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Count the words of ``texts``."""
        from scipy.sparse import csr_array

        self._vocabulary: dict[str, int] = {}
        counted = [Counter(words(text)) for text in texts]
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
        """Return the score of every text for each query, float32[q, n]; a query is its words, each counting once."""
        return np.asarray((self._asked(queries) @ self._by_word).toarray(), np.float32)

    def _asked(self, queries: Sequence[Iterable[str]]) -> csr_array[Any]:
        from scipy.sparse import csr_array

        known = [
            [self._vocabulary[word] for word in dict.fromkeys(query) if word in self._vocabulary] for query in queries
        ]
        ends = np.cumsum([0, *map(len, known)])
        columns = np.array([column for row in known for column in row], np.int64)
        shape = (len(known), max(1, len(self._vocabulary)))
        return csr_array((np.ones(len(columns), np.float32), columns, ends), shape=shape)
