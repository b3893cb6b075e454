"""The price facet: range and round buckets that each hold a fair share of the products."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from appliance.domain import to_main
from appliance.search.segment import NO_PRICE
from appliance.search.types import FacetValue, PriceFacet

BUCKETS = 5
_SAMPLE = 2048
"""Prices looked at to place the borders; the counts are exact whatever the borders are."""


def price_facet(prices: NDArray[np.int64], currency: str) -> PriceFacet:
    """Return the facet over prices in the smallest unit; products without a price are not counted."""
    known = prices[prices != NO_PRICE]
    if not len(known):
        return PriceFacet(None, None, [])
    low, high = int(known.min()), int(known.max())
    borders = _borders(known, low, high)
    lows, highs = [low, *borders], [*(border - 1 for border in borders), high]
    counts = np.bincount(np.searchsorted(borders, known, side="right"), minlength=len(lows)).tolist()
    buckets = [
        FacetValue(f"{first}-{last}", f"{to_main(first, currency)}–{to_main(last, currency)}", count)
        for first, last, count in zip(lows, highs, counts, strict=True)
        if count
    ]
    return PriceFacet(low, high, buckets)


def _borders(known: NDArray[np.int64], low: int, high: int) -> list[int]:
    sample = np.sort(known[:: max(1, len(known) // _SAMPLE)])
    places = (np.arange(1, BUCKETS) * len(sample)) // BUCKETS
    return sorted({border for price in sample[places].tolist() if low < (border := _rounded(price)) < high})


def _rounded(price: int) -> int:
    """Round to half of the leading decimal place: 215,000 to 200,000 and 1,380,000 to 1,500,000."""
    if price < 1:
        return 0
    step = max(1, int(10 ** math.floor(math.log10(price))) // 2)
    return round(price / step) * step
