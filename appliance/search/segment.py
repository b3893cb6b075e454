"""One immutable part of the index: vocabulary, postings with precomputed impacts, and columns to filter and sort by.

The impact of a term in a product is its BM25F score without the inverse document frequency (Robertson, Zaragoza and
Taylor 2004). Field lengths are normalised by fixed reference lengths instead of the shop's averages, so an impact
depends on its product alone and products added later score exactly as in a full rebuild. The document frequency is
counted when a query is answered.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from appliance.errors import ArtifactInvalid
from appliance.search.facet_values import FACETS
from appliance.search.facets import FacetColumn
from appliance.search.spellings import Spellings

SCHEMA = 2
STRONG = 2.0 / (1.2 + 2.0)
"""Impacts from here on come from a title, a label or an attribute; a description alone stays below."""
NO_PRICE = -1
_META = "index.json"
_ARRAYS = ("offsets", "docs", "impacts", "strength", "price", "in_stock", "created_at", "tiebreak")
_LAST = "\U0010ffff"

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]


class _FacetNames(msgspec.Struct):
    keys: list[str]
    labels: list[str]


class _Meta(msgspec.Struct):
    schema: int
    revision: int
    ids: list[str]
    terms: list[str]
    facets: dict[str, _FacetNames]


@dataclass(frozen=True)
class Segment:
    """Products are rows 0…n-1, terms are positions in the sorted vocabulary."""

    ids: list[str]
    terms: list[str]
    """Sorted by code point."""
    offsets: NDArray[np.int64]
    """Postings of term ``t`` are ``offsets[t]:offsets[t + 1]``."""
    docs: Ints
    """Row of each posting, ascending within a term."""
    impacts: Floats
    """Impact of each posting, in (0, 1)."""
    strength: Floats
    """Greatest impact of each term."""
    price: NDArray[np.int64]
    """Lowest variant price in the smallest unit, ``NO_PRICE`` where there is none."""
    in_stock: NDArray[np.bool_]
    created_at: NDArray[np.float64]
    tiebreak: NDArray[np.uint64]
    """A hash of the product id: the same order among equals in every segment and after every rebuild."""
    facets: dict[str, FacetColumn]

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def row_of(self) -> dict[str, int]:
        """Product id to row."""
        return {product_id: row for row, product_id in enumerate(self.ids)}

    @cached_property
    def term_of(self) -> dict[str, int]:
        """Term to its number."""
        return {term: number for number, term in enumerate(self.terms)}

    @cached_property
    def words_by_length(self) -> dict[int, list[str]]:
        """Words outside descriptions that a typed word may be corrected to, by their length."""
        found: dict[int, list[str]] = {}
        for number in np.flatnonzero(self.strength >= STRONG).tolist():
            word = self.terms[number]
            if word.isalpha():
                found.setdefault(len(word), []).append(word)
        return found

    @cached_property
    def spellings(self) -> Spellings:
        """The words outside descriptions by how they are spelt."""
        return Spellings(sorted(word for words in self.words_by_length.values() for word in words))

    def postings(self, term: str) -> tuple[Ints, Floats] | None:
        """Return rows and impacts of a term, ``None`` where no product has it."""
        number = self.term_of.get(term)
        if number is None:
            return None
        start, end = self.offsets[number], self.offsets[number + 1]
        return self.docs[start:end], self.impacts[start:end]

    def starting_with(self, prefix: str, limit: int) -> list[str]:
        """Return the terms that start so and stand outside descriptions, the most frequent first."""
        low, high = bisect_left(self.terms, prefix), bisect_left(self.terms, prefix + _LAST)
        numbers = low + np.flatnonzero(self.strength[low:high] >= STRONG)
        frequency = self.offsets[numbers + 1] - self.offsets[numbers]
        order = np.argsort(-frequency, kind="stable")[:limit]
        return [self.terms[number] for number in numbers[order].tolist()]

    def save(self, folder: Path, revision: int) -> None:
        """Write the segment into a folder as plain arrays and one JSON file."""
        facets = {name: _FacetNames(column.keys, column.labels) for name, column in self.facets.items()}
        meta = _Meta(SCHEMA, revision, self.ids, self.terms, facets)
        folder.mkdir(parents=True, exist_ok=True)
        for name, array in self._arrays().items():
            np.save(folder / f"{name}.npy", array, allow_pickle=False)
        (folder / _META).write_bytes(msgspec.json.encode(meta))

    def _arrays(self) -> dict[str, NDArray[Any]]:
        arrays: dict[str, NDArray[Any]] = {name: getattr(self, name) for name in _ARRAYS}
        for name, column in self.facets.items():
            arrays |= {f"{name}_codes": column.codes, f"{name}_offsets": column.offsets}
        return arrays


def load_segment(folder: Path) -> tuple[Segment, int]:
    """Map a saved segment into memory and return it with the catalogue revision it was built from.

    Raises ``ArtifactInvalid`` when a file is missing, from another version, or does not fit the others.
    """
    try:
        meta = msgspec.json.decode((folder / _META).read_bytes(), type=_Meta)
        if meta.schema != SCHEMA:
            raise _invalid(folder, f"has schema {meta.schema}, this version reads {SCHEMA}")
        segment = _assemble(meta, lambda name: _mapped(folder / f"{name}.npy"))
    except (OSError, ValueError, KeyError) as error:
        # msgspec's errors and numpy's format errors are ValueErrors.
        raise _invalid(folder, f"cannot be read: {error}") from error
    if not _consistent(segment):
        raise _invalid(folder, "has files that do not belong together")
    return segment, meta.revision


def _assemble(meta: _Meta, array: Callable[[str], NDArray[Any]]) -> Segment:
    facets = {}
    for name in FACETS:
        codes, offsets = array(f"{name}_codes"), array(f"{name}_offsets")
        rows = np.repeat(np.arange(len(offsets) - 1, dtype=np.int32), np.diff(offsets))
        facets[name] = FacetColumn(meta.facets[name].keys, meta.facets[name].labels, rows, codes, offsets)
    return Segment(meta.ids, meta.terms, **{name: array(name) for name in _ARRAYS}, facets=facets)


def _mapped(file: Path) -> NDArray[Any]:
    if file.stat().st_size <= 4096:
        return np.asarray(np.load(file, allow_pickle=False))
    # The plain view avoids the bookkeeping that numpy's memmap class adds to every slice.
    return np.asarray(np.load(file, mmap_mode="r", allow_pickle=False))


def _consistent(segment: Segment) -> bool:
    products, terms, postings = len(segment.ids), len(segment.terms), len(segment.docs)
    per_product = (segment.price, segment.in_stock, segment.created_at, segment.tiebreak)
    return (
        all(len(column) == products for column in per_product)
        and len(segment.offsets) == terms + 1
        and len(segment.strength) == terms
        and len(segment.impacts) == postings == int(segment.offsets[-1])
        and bool(np.all(np.diff(segment.offsets) >= 0))
        and (postings == 0 or 0 <= int(segment.docs.min()) <= int(segment.docs.max()) < products)
        and all(_column_consistent(column, products) for column in segment.facets.values())
    )


def _column_consistent(column: FacetColumn, products: int) -> bool:
    entries = len(column.codes)
    return (
        len(column.offsets) == products + 1
        and int(column.offsets[-1]) == entries == len(column.rows)
        and len(column.keys) == len(column.labels)
        and (entries == 0 or 0 <= int(column.codes.min()) <= int(column.codes.max()) < len(column.keys))
    )


def _invalid(folder: Path, reason: str) -> ArtifactInvalid:
    return ArtifactInvalid(f"The search index {folder.name} {reason}.", hint="Build it again: appliance train")
