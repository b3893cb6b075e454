"""Sparse TF-IDF vectors of products and their cosine (Salton & Buckley 1988; idf as in BM25, Robertson 1994).

For a token of block b in product d: (1 + ln tf) · idf, where idf = ln(1 + (N - df + ½) / (df + ½)). Each block is
scaled to unit length and to the square root of its weight, the whole to unit length; then the dot product of two rows
is their cosine. Only the heaviest ``WIDTH`` features of a product are kept, in arrays of fixed width: row ``i`` has the
columns ``columns[i]`` (-1 pads) with weights ``values[i]``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from appliance.domain import Product
from appliance.recsys.base import Doubles, Flags, Floats, Ints, Longs, mapped
from appliance.recsys.features import BLOCKS, token_blocks, token_hash

WIDTH = 96
_FILES = ("vocabulary", "idf", "tag_columns", "columns", "values")


class SparseRows(NamedTuple):
    """Fixed-width sparse rows, each of unit length: ``columns`` int32[n, WIDTH] and ``values`` float32[n, WIDTH]."""

    columns: Ints
    values: Floats

    def cosines(self, row: int, others: Longs | Ints, size: int) -> Floats:
        """Return the cosine of one row against some others; ``size`` is the number of columns."""
        return self.against(self.columns[row], self.values[row], others, size)

    def against(self, columns: Ints, values: Floats, others: Longs | Ints, size: int) -> Floats:
        """Return the cosine of a vector that is not among the rows against some of them."""
        spread = np.zeros(size + 1, np.float32)
        spread[columns] = values
        spread[-1] = 0.0  # padding points here
        product: Floats = np.einsum("ij,ij->i", spread[self.columns[others]], self.values[others])
        return product


class Vectoriser(NamedTuple):
    """Turns a product into a sparse row with a vocabulary fixed at training."""

    vocabulary: np.ndarray[tuple[int], np.dtype[np.uint64]]
    """Sorted hashes of the known tokens; a token's column is its place here."""
    idf: Floats
    tags: Flags
    """Which columns are tags; bool[columns]."""

    @property
    def size(self) -> int:
        """The number of columns."""
        return len(self.vocabulary)

    def transform(self, product: Product) -> tuple[Ints, Floats]:
        """Return the product's columns and values, each of length ``WIDTH``; unknown tokens are left out."""
        columns: list[Longs] = []
        values: list[Doubles] = []
        for block, counts in zip(BLOCKS, token_blocks(product), strict=True):
            found, weights = self._block(counts, block.idf)
            length = float(np.sqrt((weights**2).sum()))
            if length > 0:
                columns.append(found)
                values.append(weights * (np.sqrt(block.weight) / length))
        if not columns:
            return np.full(WIDTH, -1, np.int32), np.zeros(WIDTH, np.float32)
        return widest(np.concatenate(columns), np.concatenate(values))

    def _block(self, counts: dict[str, float], idf: bool) -> tuple[Longs, Doubles]:
        if not counts or not self.size:
            return np.empty(0, np.int64), np.empty(0, np.float64)
        hashes = np.fromiter((token_hash(token) for token in counts), np.uint64, len(counts))
        weights = damp(np.fromiter(counts.values(), np.float64, len(counts)))
        places = np.minimum(np.searchsorted(self.vocabulary, hashes), self.size - 1)
        known = self.vocabulary[places] == hashes
        places, weights = places[known], weights[known]
        return places, weights * self.idf[places] if idf else weights

    @classmethod
    def load(cls, folder: Path) -> Vectoriser:
        """Read the vocabulary of a verified artifact, mapped into memory."""
        return cls(*(mapped(folder / f"{name}.npy") for name in _FILES[:3]))


def load_rows(folder: Path) -> SparseRows:
    """Read the products' rows of a verified artifact, mapped into memory."""
    columns, values = (mapped(folder / f"{name}.npy") for name in _FILES[3:])
    return SparseRows(columns, values)


def save(folder: Path, vectoriser: Vectoriser, rows: SparseRows) -> None:
    """Write vocabulary and rows as ``.npy`` files."""
    arrays: tuple[np.typing.NDArray[Any], ...] = (*vectoriser, *rows)
    for name, array in zip(_FILES, arrays, strict=True):
        np.save(folder / f"{name}.npy", array, allow_pickle=False)


def damp(counts: Doubles) -> Doubles:
    """Return 1 + ln tf for counts of one and more; fractions (price bands) stay as they are."""
    damped: Doubles = np.where(counts > 1.0, 1.0 + np.log(np.maximum(counts, 1.0)), counts)
    return damped


def inverse_document_frequency(frequencies: Longs, documents: int) -> Floats:
    """Return idf = ln(1 + (N - df + ½) / (df + ½)) by column."""
    idf: Doubles = np.log1p((documents - frequencies + 0.5) / (frequencies + 0.5))
    return idf.astype(np.float32)


def widest(columns: Longs, values: Doubles) -> tuple[Ints, Floats]:
    """Return the ``WIDTH`` heaviest features of one row, padded and of unit length."""
    if len(columns) > WIDTH:
        # Ties are settled by column, so that the same product gives the same row in every order of its tokens.
        kept = np.lexsort((columns, -values))[:WIDTH]
        columns, values = columns[kept], values[kept]
    out_columns, out_values = np.full(WIDTH, -1, np.int32), np.zeros(WIDTH, np.float32)
    out_columns[: len(columns)] = columns
    out_values[: len(columns)] = values / np.sqrt((values**2).sum())
    return out_columns, out_values


def unite(parts: Sequence[SparseRows]) -> SparseRows:
    """Return the rows of several batches as one."""
    return SparseRows(np.concatenate([part.columns for part in parts]), np.concatenate([part.values for part in parts]))
