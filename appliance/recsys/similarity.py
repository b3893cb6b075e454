"""How alike two products are by what they are: the sparse cosine, and that of sentence embeddings where they exist.

    content(i, j) = (1 - w) · tfidf(i, j) + w · max(0, embedding(i, j))

for two products that both have an embedding, and the sparse cosine alone otherwise (late fusion by weighted sum, Fox &
Shaw 1994). The words an owner chose keep most of the weight: they are exact about brands, sizes and materials, where
an encoder is vague.

Tags count in the cosine as sets do, |A ∩ B| / √(|A|·|B|); among products that are alike to the same degree the overlap
of their tags decides, |A ∩ B| / |A ∪ B| (Jaccard 1901), which a long list of tags lowers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from appliance.recsys.base import Flags, Floats, Ints, Longs
from appliance.recsys.tfidf import SparseRows

EMBEDDING_WEIGHT = 0.4
"""w: the share of the embedding where both products have one."""


class ContentSpace(NamedTuple):
    """The products of a model as content sees them."""

    rows: SparseRows
    columns: int
    """The number of columns of the sparse space."""
    meanings: Floats
    """float32[n, d]: embeddings of any length greater than zero, a row of zeros for none; d is 0 without an encoder."""

    tags: Flags | None = None
    """Which columns are tags; ``None`` where overlap is not asked for."""

    def tag_overlap(self, row: int, others: Longs | Ints) -> Floats:
        """Return the Jaccard index of the tags of one product and of some others; 0 where neither has one."""
        if self.tags is None or not len(self.tags):
            return np.zeros(len(others), np.float32)
        columns = self.rows.columns[others]
        theirs = self.tags[columns] & (columns >= 0)
        mine = self.rows.columns[row]
        mine = mine[(mine >= 0) & self.tags[mine]]
        shared = (theirs & np.isin(columns, mine)).sum(axis=1)
        union = theirs.sum(axis=1) + len(mine) - shared
        overlap: Floats = np.divide(shared, union, out=np.zeros(len(others)), where=union > 0).astype(np.float32)
        return overlap

    def between(self, row: int, others: Longs | Ints) -> Floats:
        """Return the content similarity of one product to some others, from 0 to 1."""
        return self.against(self.rows.columns[row], self.rows.values[row], self.meanings[row], others)

    def against(self, columns: Ints, values: Floats, meaning: Floats, others: Longs | Ints) -> Floats:
        """Return the content similarity to some products of one that is not among them."""
        sparse = self.rows.against(columns, values, others, self.columns)
        length = float(np.sqrt(meaning @ meaning)) if self.meanings.shape[1] else 0.0
        if not length:
            return sparse
        theirs = self.meanings[others]
        lengths = np.sqrt(np.einsum("ij,ij->i", theirs, theirs)) * np.float32(length)
        both = lengths > 0
        alike = np.divide(theirs @ meaning, lengths, out=np.zeros_like(lengths), where=both)
        fused = (1 - EMBEDDING_WEIGHT) * sparse + EMBEDDING_WEIGHT * np.maximum(alike, 0.0)
        scores: Floats = np.where(both, fused, sparse).astype(np.float32)
        return scores


def joined(points: Floats, meanings: Floats) -> Floats:
    """Return the vectors that propose candidates: both spaces side by side, weighted so that the dot product is theirs.

    ``points`` float32[n, a] and ``meanings`` float32[n, b] have rows of unit length or zeros; the result is
    float32[n, a + b] with rows of unit length. A row without an embedding keeps its latent part at full length.
    """
    if not meanings.shape[1]:
        return points
    vectors = np.concatenate(
        [points * np.float32((1 - EMBEDDING_WEIGHT) ** 0.5), meanings * np.float32(EMBEDDING_WEIGHT**0.5)], axis=1
    )
    lengths = np.sqrt((vectors**2).sum(axis=1, keepdims=True))
    unit: Floats = np.divide(vectors, lengths, out=vectors, where=lengths > 0)
    return unit
