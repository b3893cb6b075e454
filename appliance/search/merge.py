"""Merging segments into one without looking at the products again; deleted rows and their terms disappear."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from appliance.search import facets
from appliance.search.facet_values import FACETS
from appliance.search.segment import Segment

Alive = NDArray[np.bool_]


def merge_segments(parts: Sequence[tuple[Segment, Alive | None]]) -> Segment:
    """Merge segments in order, each with the mask of its rows to keep (``None`` keeps all).

    The result is the segment that building from the kept products in that order would give.
    """
    if len(parts) == 1 and parts[0][1] is None:
        return parts[0][0]
    kept = [np.arange(len(segment)) if alive is None else np.flatnonzero(alive) for segment, alive in parts]
    segments = [segment for segment, _ in parts]
    terms, offsets, docs, impacts = _merge_postings(segments, kept)
    return Segment(
        ids=[segment.ids[row] for segment, rows in zip(segments, kept, strict=True) for row in rows.tolist()],
        terms=terms,
        offsets=offsets,
        docs=docs,
        impacts=impacts,
        strength=np.maximum.reduceat(impacts, offsets[:-1]) if terms else impacts,
        price=np.concatenate([segment.price[rows] for segment, rows in zip(segments, kept, strict=True)]),
        in_stock=np.concatenate([segment.in_stock[rows] for segment, rows in zip(segments, kept, strict=True)]),
        created_at=np.concatenate([segment.created_at[rows] for segment, rows in zip(segments, kept, strict=True)]),
        tiebreak=np.concatenate([segment.tiebreak[rows] for segment, rows in zip(segments, kept, strict=True)]),
        facets={name: facets.merged([segment.facets[name] for segment in segments], kept) for name in FACETS},
    )


def _merge_postings(
    segments: Sequence[Segment], kept: Sequence[NDArray[np.intp]]
) -> tuple[list[str], NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
    terms = sorted(set().union(*(segment.terms for segment in segments)))
    number_of = {term: number for number, term in enumerate(terms)}
    numbers, docs, impacts = [], [], []
    first_row = 0
    for segment, rows in zip(segments, kept, strict=True):
        new_row = np.full(len(segment), -1, dtype=np.int32)
        new_row[rows] = np.arange(first_row, first_row + len(rows), dtype=np.int32)
        first_row += len(rows)
        mapping = np.fromiter(map(number_of.__getitem__, segment.terms), dtype=np.int32, count=len(segment.terms))
        moved = new_row[segment.docs]
        stays = moved >= 0
        numbers.append(np.repeat(mapping, np.diff(segment.offsets))[stays])
        docs.append(moved[stays])
        impacts.append(segment.impacts[stays])
    number = np.concatenate(numbers)
    order = np.argsort(number, kind="stable")
    frequency = np.bincount(number, minlength=len(terms))
    used = np.flatnonzero(frequency)
    offsets = np.zeros(len(used) + 1, dtype=np.int64)
    np.cumsum(frequency[used], out=offsets[1:])
    remaining = terms if len(used) == len(terms) else [terms[place] for place in used.tolist()]
    return remaining, offsets, np.concatenate(docs)[order], np.concatenate(impacts)[order]
