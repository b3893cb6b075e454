"""Choosing one page of the matching products in a fixed total order, without sorting those that are not on it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from appliance.search.facets import RowArray
from appliance.search.scoring import Matches
from appliance.search.segment import NO_PRICE
from appliance.search.state import IndexState
from appliance.search.types import Sort


def page(
    matches: Matches, sort: Sort, state: IndexState, offset: int, limit: int
) -> tuple[RowArray, NDArray[np.float64]]:
    """Return the rows of a page in order, and their relevance. Equals follow the order of the plain listing."""
    wanted = offset + limit
    if limit <= 0 or offset >= len(matches.rows):
        return matches.rows[:0], matches.relevance[:0]
    keys = _keys(matches, sort, state)
    chosen = _best(keys, state.order[matches.rows], wanted)[offset:wanted]
    return matches.rows[chosen], matches.relevance[chosen]


def _keys(matches: Matches, sort: Sort, state: IndexState) -> NDArray[np.float64]:
    """Return what to sort by, the greatest first. Products without a price come last in both price orders."""
    rows = matches.rows
    if sort == "relevance":
        return matches.relevance
    if sort == "newest":
        return state.created_at[rows]
    if sort == "best_selling":
        return state.popularity[rows].astype(np.float64)
    price = state.price[rows].astype(np.float64)
    return np.where(price == NO_PRICE, -np.inf, -price if sort == "price_asc" else price)


def _best(keys: NDArray[np.float64], places: NDArray[np.int32], wanted: int) -> NDArray[np.intp]:
    """Return the positions of the ``wanted`` greatest keys in order, equal keys by place."""
    if wanted < len(keys):
        limit = np.partition(keys, len(keys) - wanted)[len(keys) - wanted]
        above = np.flatnonzero(keys > limit)
        equal = np.flatnonzero(keys == limit)
        missing = wanted - len(above)
        if missing < len(equal):
            equal = equal[np.argpartition(places[equal], missing)[:missing]]
        candidates = np.concatenate((above, equal))
    else:
        candidates = np.arange(len(keys))
    return candidates[np.lexsort((places[candidates], -keys[candidates]))]
