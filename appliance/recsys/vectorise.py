"""Fits the TF-IDF vocabulary and the products' rows. Used in training only: it needs SciPy and all products at once."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from appliance.domain import Product
from appliance.recsys.base import Doubles, Floats, Ints, Longs, sums_at
from appliance.recsys.features import BLOCKS, TEXT_BLOCKS, leaf_category, token_blocks, token_hash
from appliance.recsys.tfidf import WIDTH, SparseRows, Vectoriser, damp, inverse_document_frequency, unite
from appliance.text import words

if TYPE_CHECKING:
    from scipy.sparse import csr_array

MAX_COLUMNS = 65_536
SMALL_CATALOGUE = 200
"""Below this many products a token may occur only once and still be kept: a new product may share it."""
MAX_NGRAM_SHARE = 0.2
"""An n-gram in more of the products than this tells nothing and costs the most."""
KIND_AGREEMENT, NAME_WEIGHT = 0.2, 0.4
"""Two products with a word that share their leaf category this often make it a word for a kind, of full weight; a word
whose products never do keeps the least weight."""
_CHUNK = 4096


class _Counts:
    """Token counts of one block in growing compressed rows."""

    def __init__(self) -> None:
        self.tokens = array("i")
        self.counts = array("f")
        self.ends = array("q", [0])

    def add(self, tokens: Iterable[int], counts: Iterable[float]) -> None:
        self.tokens.extend(tokens)
        self.counts.extend(counts)
        self.ends.append(len(self.tokens))

    def matrix(self, columns: Ints, width: int) -> csr_array[Any]:
        """Return damped counts as products by columns; ``columns`` maps tokens to columns, -1 drops one."""
        from scipy.sparse import csr_array

        found = columns[np.frombuffer(self.tokens, np.int32)] if self.tokens else np.empty(0, np.int32)
        counts = damp(np.frombuffer(self.counts, np.float32).astype(np.float64)) if self.counts else np.empty(0)
        kept = found >= 0
        before = np.concatenate([[0], np.cumsum(kept)])
        ends = before[np.frombuffer(self.ends, np.int64)]
        return csr_array((counts[kept].astype(np.float32), found[kept], ends), shape=(len(ends) - 1, width))


def fit(products: Iterable[Product]) -> tuple[Vectoriser, SparseRows]:
    """Return the vocabulary of a catalogue and the row of each product, in order."""
    names: dict[str, int] = {}
    blocks = [_Counts() for _ in BLOCKS]
    total = 0
    leaves: dict[str, int] = {}
    leaf_of = array("i")
    for product in products:
        total += 1
        leaf_of.append(leaves.setdefault(leaf_category(product), len(leaves)))
        for block, counts in zip(blocks, token_blocks(product), strict=True):
            block.add([names.setdefault(token, len(names)) for token in counts], counts.values())
    vectoriser, columns = _vocabulary(names, blocks, total)
    kinds = kind_weights(blocks, np.frombuffer(leaf_of, np.int32) if total else np.empty(0, np.int32), len(names))
    kinds[_label_words(names)] = 1.0
    vectoriser.idf[columns[columns >= 0]] *= kinds[np.flatnonzero(columns[: len(names)] >= 0)]
    return vectoriser, _rows(vectoriser, blocks, columns, total)


def kind_weights(blocks: Sequence[_Counts], leaves: Ints, size: int) -> Floats:
    """Return a factor for the idf of each token: the less its products agree in their leaf category, the smaller.

    The agreement of a token in n products, n_c of them in leaf category c, is the chance that two of them share it:
    Σ_c n_c (n_c - 1) / (n (n - 1)), Simpson's index without bias. A model name runs through all kinds of products and
    makes none of them alike; ``balo`` does not.
    """
    weights = np.ones(max(1, size), np.float32)
    stride = int(leaves.max(initial=0)) + 1
    for definition, block in zip(BLOCKS, blocks, strict=True):
        if definition.name not in TEXT_BLOCKS or not block.tokens:
            continue
        tokens = np.frombuffer(block.tokens, np.int32).astype(np.int64)
        ends: Longs = np.frombuffer(block.ends, np.int64)
        rows = np.repeat(leaves.astype(np.int64), ends[1:] - ends[:-1])
        keys, counts = np.unique(tokens * stride + rows, return_counts=True)
        token = keys // stride
        together = np.bincount(token, weights=counts * (counts - 1.0), minlength=len(weights))
        number = np.bincount(token, weights=counts, minlength=len(weights))
        several = np.flatnonzero(number > 1)
        agreement = together[several] / (number[several] * (number[several] - 1.0))
        weights[several] = NAME_WEIGHT + (1 - NAME_WEIGHT) * np.minimum(1.0, agreement / KIND_AGREEMENT)
    return weights


def _label_words(names: dict[str, int]) -> list[int]:
    """Return the text tokens whose word stands in a tag or category too: ``da`` is in all kinds and still no name."""
    labels = {word for token in names if token.startswith(("t:", "c:")) for word in words(token[2:])}
    return [number for token, number in names.items() if token.startswith(("w:", "d:")) and token[2:] in labels]


def _vocabulary(names: dict[str, int], blocks: list[_Counts], total: int) -> tuple[Vectoriser, Ints]:
    frequencies = np.zeros(len(names), np.int64)
    for block in blocks:
        if block.tokens:
            frequencies += np.bincount(np.frombuffer(block.tokens, np.int32), minlength=len(names))
    keep = frequencies >= (2 if total >= SMALL_CATALOGUE else 1)
    ngrams = np.fromiter((token.startswith("n:") for token in names), np.bool_, len(names))
    keep &= ~(ngrams & (frequencies > max(2.0, MAX_NGRAM_SHARE * total)))
    kept = np.flatnonzero(keep)
    if len(kept) > MAX_COLUMNS:
        kept = kept[np.argsort(-frequencies[kept], kind="stable")[:MAX_COLUMNS]]
    wanted = set(kept.tolist())
    hashes = np.fromiter((token_hash(t) for t, number in names.items() if number in wanted), np.uint64, len(kept))
    numbers = np.sort(kept)  # dicts keep insertion order, which is the tokens' numbering
    order = np.argsort(hashes, kind="stable")
    columns = np.full(max(1, len(names)), -1, np.int32)
    columns[numbers[order]] = np.arange(len(order), dtype=np.int32)
    idf = inverse_document_frequency(frequencies[numbers[order]], total)
    tags = np.fromiter((token.startswith("t:") for token in names), np.bool_, len(names))
    return Vectoriser(hashes[order], idf, tags[numbers[order]]), columns


def _rows(vectoriser: Vectoriser, blocks: list[_Counts], columns: Ints, total: int) -> SparseRows:
    matrices = []
    for definition, block in zip(BLOCKS, blocks, strict=True):
        matrix = block.matrix(columns, max(1, vectoriser.size))
        if definition.idf and matrix.nnz:
            matrix.data *= vectoriser.idf[matrix.indices]
        _scale_rows(matrix, definition.weight**0.5)
        matrices.append(matrix)
    parts = []
    for start in range(0, total, _CHUNK):
        together = sum((matrix[start : start + _CHUNK] for matrix in matrices[1:]), matrices[0][start : start + _CHUNK])
        parts.append(_fixed_width(together.tocsr()))
    return unite(parts) if parts else SparseRows(np.empty((0, WIDTH), np.int32), np.empty((0, WIDTH), np.float32))


def _scale_rows(matrix: csr_array[Any], length: float) -> None:
    sizes = np.diff(matrix.indptr)
    rows = np.repeat(np.arange(len(sizes)), sizes)
    squares = sums_at(rows, matrix.data.astype(np.float64) ** 2, len(sizes))
    factors: Doubles = np.divide(length, np.sqrt(squares), out=np.zeros_like(squares), where=squares > 0)
    matrix.data *= factors[rows].astype(np.float32)


def _fixed_width(matrix: csr_array[Any]) -> SparseRows:
    """Return the heaviest features of each row, padded and scaled to unit length."""
    count = matrix.shape[0]
    rows: Longs = np.repeat(np.arange(count), np.diff(matrix.indptr))
    order = np.lexsort((matrix.indices, -matrix.data, rows))
    place = np.arange(len(order)) - matrix.indptr[rows]
    inside = place < WIDTH
    columns, values = np.full((count, WIDTH), -1, np.int32), np.zeros((count, WIDTH), np.float32)
    columns[rows[inside], place[inside]] = matrix.indices[order][inside]
    values[rows[inside], place[inside]] = matrix.data[order][inside]
    lengths: Floats = np.sqrt((values**2).sum(axis=1, keepdims=True))
    return SparseRows(columns, np.divide(values, lengths, out=values, where=lengths > 0))


def to_csr(rows: SparseRows, size: int) -> csr_array[Any]:
    """Return fixed-width rows as a SciPy matrix of ``size`` columns."""
    from scipy.sparse import csr_array

    used = rows.columns >= 0
    ends = np.concatenate([[0], np.cumsum(used.sum(axis=1))])
    return csr_array((rows.values[used], rows.columns[used], ends), shape=(len(rows.columns), max(1, size)))
