"""Facet columns of a segment and counting over the products that match.

A column is a sparse matrix (products × values) as two arrays sorted by product, plus row offsets. Counting is one
``bincount``: over the rows of the matching products when they are few, over the whole column when they are many.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int32]
BoolArray = NDArray[np.bool_]
RowArray = NDArray[np.intp]


@dataclass(frozen=True)
class FacetColumn:
    """The values that each product of a segment has in one facet, each value once per product."""

    keys: list[str]
    """What the filter compares, one per code."""
    labels: list[str]
    rows: IntArray
    """Product of each entry, ascending."""
    codes: IntArray
    """Index into ``keys`` of each entry."""
    offsets: IntArray
    """Entries of product ``i`` are ``offsets[i]:offsets[i + 1]``."""
    by_key: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_key", {key: code for code, key in enumerate(self.keys)})

    def having(self, keys: Iterable[str]) -> BoolArray:
        """Return a mask of the products that have any of the keys."""
        mask = np.zeros(len(self.offsets) - 1, dtype=np.bool_)
        for key in keys:
            code = self.by_key.get(key)
            if code is not None:
                mask[self.rows[self.codes == code]] = True
        return mask

    def counts(self, matching: RowArray) -> NDArray[np.intp]:
        """Return how many of the matching products (ascending row numbers) have each value."""
        total = len(self.offsets) - 1
        if len(matching) == total:
            chosen = self.codes
        elif len(matching) * 4 > total:
            mask = np.zeros(total, dtype=np.bool_)
            mask[matching] = True
            chosen = self.codes[mask[self.rows]]
        else:
            chosen = self.codes[_entries(self.offsets, matching)]
        return np.bincount(chosen, minlength=len(self.keys))


def column_of(values: Iterable[Sequence[tuple[str, str]]]) -> FacetColumn:
    """Build a column from each product's (key, label) pairs; a key keeps the smallest of its labels."""
    codes_of: dict[str, int] = {}
    labels: list[str] = []
    codes: list[int] = []
    offsets = [0]
    for pairs in values:
        for key, label in dict(pairs).items():
            code = codes_of.setdefault(key, len(labels))
            if code == len(labels):
                labels.append(label)
            elif label < labels[code]:
                labels[code] = label
            codes.append(code)
        offsets.append(len(codes))
    starts = np.asarray(offsets, dtype=np.int32)
    rows = np.repeat(np.arange(len(offsets) - 1, dtype=np.int32), np.diff(starts))
    return FacetColumn(list(codes_of), labels, rows, np.asarray(codes, dtype=np.int32), starts)


def merged(columns: Sequence[FacetColumn], kept: Sequence[RowArray]) -> FacetColumn:
    """Concatenate columns, keeping the given rows of each and only the values that still occur."""
    best: dict[str, str] = {}
    codes: list[NDArray[np.intp]] = []
    lengths: list[IntArray] = [np.zeros(1, dtype=np.int32)]
    used: list[tuple[FacetColumn, IntArray]] = []
    for column, rows in zip(columns, kept, strict=True):
        entries = column.codes[_entries(column.offsets, rows)]
        used.append((column, entries))
        lengths.append(np.diff(column.offsets)[rows])
        for code in np.unique(entries).tolist():
            key, label = column.keys[code], column.labels[code]
            best[key] = min(label, best.get(key, label))
    code_of = {key: code for code, key in enumerate(best)}
    for column, entries in used:
        mapping = np.asarray([code_of.get(key, -1) for key in column.keys], dtype=np.intp)
        codes.append(mapping[entries])
    offsets: IntArray = np.cumsum(np.concatenate(lengths)).astype(np.int32)
    entry_rows: IntArray = np.repeat(np.arange(len(offsets) - 1, dtype=np.int32), np.diff(offsets))
    return FacetColumn(list(best), list(best.values()), entry_rows, np.concatenate(codes).astype(np.int32), offsets)


def _entries(offsets: IntArray, rows: RowArray) -> NDArray[np.intp]:
    """Return the positions of all entries of the given rows, in row order."""
    starts = offsets[rows].astype(np.intp)
    lengths = offsets[rows + 1].astype(np.intp) - starts
    ends = np.cumsum(lengths)
    if len(ends) == 0 or ends[-1] == 0:
        return np.zeros(0, dtype=np.intp)
    return np.repeat(starts - (ends - lengths), lengths) + np.arange(ends[-1])
