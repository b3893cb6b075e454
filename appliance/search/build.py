"""Building index segments from products; the same code makes the whole index and a single changed product's part."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from appliance.domain import Product
from appliance.search.analyzer import Analyzer, FieldTerms
from appliance.search.facet_values import category_values, colour_values, size_values
from appliance.search.facets import column_of
from appliance.search.lexicon import lexicon
from appliance.search.merge import merge_segments
from appliance.search.segment import NO_PRICE, Segment

CHUNK = 5000
"""Products analysed at once, which bounds the memory of a build."""
K1 = 1.2
"""BM25's saturation: repetitions count less and less."""


class Field(NamedTuple):
    """How much a field says. A term's part is weight · min(tf, most) / norm, norm = 1 - b + b · length / reference.

    The bounds of the norm keep every title, label and attribute above ``segment.STRONG`` and descriptions below.
    """

    weight: float
    most: int
    """Repetitions that count."""
    b: float
    reference: float
    """Words a field of usual length has."""
    norm_min: float
    norm_max: float


FIELDS = (
    Field(6.0, 1, 0.6, 8, 0.7, 2.0),  # title
    Field(5.0, 1, 0.6, 8, 0.7, 2.0),  # English title
    Field(3.0, 1, 0.3, 8, 0.85, 1.4),  # categories, tags, collection
    Field(2.5, 1, 0.3, 20, 0.85, 1.2),  # attributes, colours, sizes, codes
    Field(0.5, 3, 0.6, 60, 0.8, 3.0),  # description
)


class _Vocabulary(dict[str, int]):
    """Term to number, numbered as met."""

    def __missing__(self, term: str) -> int:
        number = self[term] = len(self)
        return number


def build_index(
    products: Iterable[Product],
    out: Path,
    progress: Callable[[float, str], None] | None = None,
    *,
    revision: int = 0,
    total: int | None = None,
) -> dict[str, Any]:
    """Build the index of all published products in a folder and return facts about it.

    ``revision`` is the catalogue's before the products were read: what changed later is applied after loading.
    ``total`` only serves the progress, a share from 0 to 1.
    """
    started = time.perf_counter()
    analyzer = Analyzer(lexicon().compounds)
    parts: list[Segment] = []
    done = 0
    for chunk in _chunks(products):
        parts.append(build_segment([product for product in chunk if product.status == "published"], analyzer))
        done += len(chunk)
        if progress:
            progress(0.9 * min(1.0, done / total) if total else 0.0, "search")
    segment = merge_segments([(part, None) for part in parts] or [(build_segment([]), None)])
    segment.save(out, revision)
    if progress:
        progress(1.0, "search")
    return {
        "revision": revision,
        "products": len(segment),
        "terms": len(segment.terms),
        "postings": len(segment.docs),
        "bytes": sum(file.stat().st_size for file in out.iterdir()),
        "seconds": round(time.perf_counter() - started, 3),
    }


def build_segment(products: Sequence[Product], analyzer: Analyzer | None = None) -> Segment:
    """Build the part of the index that holds these products, whatever their status."""
    analyzer = analyzer or Analyzer(lexicon().compounds)
    vocabulary = _Vocabulary()
    number_of = vocabulary.__getitem__
    numbers = [array("i") for _ in FIELDS]
    counts = [array("i") for _ in FIELDS]
    lengths = [array("i") for _ in FIELDS]
    for product in products:
        for place, field in enumerate(analyzer.fields(product)):
            _append(field, numbers[place], counts[place], lengths[place], number_of)
    keys, parts = _contributions(numbers, counts, lengths, max(1, len(products)))
    return _segment(products, vocabulary, *_saturated(keys, parts))


def _append(
    field: FieldTerms, numbers: array[int], counts: array[int], lengths: array[int], number_of: Callable[[str], int]
) -> None:
    numbers.extend(map(number_of, field.terms))
    counts.append(len(field.terms))
    lengths.append(field.length)


def _contributions(
    numbers: list[array[int]], counts: list[array[int]], lengths: list[array[int]], products: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return each (term, product) of each field as term · products + product, with the field's weighted frequency."""
    keys, parts = [], []
    for field, terms, per_product, words in zip(FIELDS, numbers, counts, lengths, strict=True):
        rows = np.repeat(np.arange(len(per_product), dtype=np.int64), np.asarray(per_product, dtype=np.int64))
        key, tf = np.unique(np.asarray(terms, dtype=np.int64) * products + rows, return_counts=True)
        norm = 1 - field.b + field.b * np.asarray(words, dtype=np.float64) / field.reference
        norm = np.clip(norm, field.norm_min, field.norm_max)
        keys.append(key)
        parts.append(field.weight * np.minimum(tf, field.most) / norm[key % products])
    return np.concatenate(keys), np.concatenate(parts)


def _saturated(keys: NDArray[np.int64], parts: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Sum the fields of each (term, product) and apply BM25's saturation."""
    order = np.argsort(keys, kind="stable")
    keys, parts = keys[order], parts[order]
    starts = np.flatnonzero(np.diff(keys, prepend=-1))
    sums = np.add.reduceat(parts, starts) if len(starts) else parts
    return keys[starts], (sums / (K1 + sums)).astype(np.float32)


def _segment(
    products: Sequence[Product],
    vocabulary: _Vocabulary,
    keys: NDArray[np.int64],
    impacts: NDArray[np.float32],
) -> Segment:
    terms = sorted(vocabulary)
    rank = np.empty(len(terms), dtype=np.int64)
    rank[np.fromiter(map(vocabulary.__getitem__, terms), dtype=np.int64, count=len(terms))] = np.arange(len(terms))
    numbers, rows = np.divmod(keys, max(1, len(products)))
    numbers = rank[numbers]
    order = np.argsort(numbers, kind="stable")
    offsets = np.zeros(len(terms) + 1, dtype=np.int64)
    np.cumsum(np.bincount(numbers, minlength=len(terms)), out=offsets[1:])
    impacts = impacts[order]
    return Segment(
        ids=[product.id for product in products],
        terms=terms,
        offsets=offsets,
        docs=rows[order].astype(np.int32),
        impacts=impacts,
        strength=np.maximum.reduceat(impacts, offsets[:-1]) if len(terms) else impacts,
        price=np.asarray(
            [NO_PRICE if product.price is None else product.price for product in products], dtype=np.int64
        ),
        in_stock=np.asarray([product.in_stock for product in products], dtype=np.bool_),
        created_at=np.asarray([product.created_at for product in products], dtype=np.float64),
        tiebreak=np.asarray([_tiebreak(product.id) for product in products], dtype=np.uint64),
        facets={
            "categories": column_of(map(category_values, products)),
            "colors": column_of(map(colour_values, products)),
            "sizes": column_of(map(size_values, products)),
        },
    )


def _tiebreak(product_id: str) -> int:
    return int.from_bytes(blake2b(product_id.encode(), digest_size=8).digest(), "big")


def _chunks(products: Iterable[Product]) -> Iterator[list[Product]]:
    source = iter(products)
    while chunk := list(islice(source, CHUNK)):
        yield chunk
