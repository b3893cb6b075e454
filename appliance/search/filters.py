"""Filters and the facet counts beside them; each facet ignores its own filter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from appliance.search.facet_values import colour_key, size_key
from appliance.search.facets import BoolArray, FacetColumn, RowArray
from appliance.search.segment import NO_PRICE
from appliance.search.state import IndexState
from appliance.search.types import FacetValue, SearchQuery

MAX_VALUES = 100
"""Values of one facet that are returned, the most frequent ones."""


@dataclass(frozen=True)
class Filtered:
    """The rows that pass, for the items and for each facet by name."""

    rows: RowArray
    kept: BoolArray | None
    """Mask over the matching rows of those in ``rows``, ``None`` when no filter was set."""
    facet_rows: Mapping[str, RowArray]


def apply_filters(
    query: SearchQuery, rows: RowArray, state: IndexState, category_keys: Callable[[FacetColumn, str], list[str]]
) -> Filtered:
    """Filter matching rows. ``category_keys`` names the keys of a column that a category text means."""
    masks: dict[str, BoolArray] = {}
    if query.category:
        masks["categories"] = _having(rows, state, "categories", lambda column: category_keys(column, query.category))
    if query.color:
        masks["colors"] = _having(rows, state, "colors", lambda _: [colour_key(query.color)])
    if query.size:
        masks["sizes"] = _having(rows, state, "sizes", lambda _: [size_key(query.size)])
    if query.price_min is not None or query.price_max is not None:
        masks["price"] = _priced(rows, state, query.price_min, query.price_max)
    if query.in_stock is not None:
        masks["in_stock"] = state.in_stock[rows] == query.in_stock
    kept = _all(list(masks.values()), len(rows)) if masks else None
    passed = rows if kept is None else rows[kept]
    facet_rows = {
        name: rows[_all([mask for other, mask in masks.items() if other != name], len(rows))]
        if name in masks
        else passed
        for name in ("categories", "colors", "sizes", "price", "in_stock")
    }
    return Filtered(passed, kept, facet_rows)


def facet_counts(name: str, rows: RowArray, state: IndexState) -> list[FacetValue]:
    """Count the values of a column over ascending rows of all parts, the most frequent first."""
    counts: dict[str, int] = {}
    labels: dict[str, str] = {}
    bounds = np.searchsorted(rows, state.firsts)
    for number, part in enumerate(state.parts):
        column = part.segment.facets[name]
        local = rows[bounds[number] : bounds[number + 1]] - int(state.firsts[number])
        if not len(local) or not column.keys:
            continue
        found = column.counts(local)
        for code in np.flatnonzero(found).tolist():
            key, label = column.keys[code], column.labels[code]
            counts[key] = counts.get(key, 0) + int(found[code])
            labels[key] = min(label, labels.get(key, label))
    ordered = sorted(counts, key=lambda key: (-counts[key], key))[:MAX_VALUES]
    return [FacetValue(key, labels[key], counts[key]) for key in ordered]


def _having(rows: RowArray, state: IndexState, name: str, keys: Callable[[FacetColumn], list[str]]) -> BoolArray:
    columns = [part.segment.facets[name] for part in state.parts]
    mask: BoolArray = np.concatenate([column.having(keys(column)) for column in columns])
    return np.asarray(mask[rows], dtype=np.bool_)


def _priced(rows: RowArray, state: IndexState, low: int | None, high: int | None) -> BoolArray:
    price = state.price[rows]
    mask: BoolArray = np.asarray(price != NO_PRICE, dtype=np.bool_)
    if low is not None:
        mask &= price >= low
    if high is not None:
        mask &= price <= high
    return mask


def _all(masks: list[BoolArray], size: int) -> BoolArray:
    kept = np.ones(size, dtype=np.bool_)
    for mask in masks:
        kept &= mask
    return kept
