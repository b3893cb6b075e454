"""Popularity bias: lowering it in scores, and measuring it in lists.

Who is shown is who is clicked, so that a recommender left to itself shows ever fewer products (Abdollahpouri et al.
2019). Damping divides a score by a small power of the product's support, which is the popularity-stratified weighting
of Steck (2011).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from appliance.recsys.base import Doubles, Floats, Ints


class Bias(NamedTuple):
    """How the recommended lists of many requests spread over a catalogue; every figure is from 0 to 1."""

    percentile: float
    """Average popularity percentile of the recommended products; 0.5 where popularity plays no part."""
    gini: float
    """Inequality of how often products are recommended: 0 all alike, 1 always the same few."""
    coverage: float
    """Share of the catalogue that is recommended to anyone."""


def damp(scores: Floats, support: npt.NDArray[Any], amount: float, typical: float) -> Floats:
    """Return scores · (1 + support / typical)^-amount, float32[n].

    ``support`` is how many visitors met each product and ``typical`` what is usual in the shop (above 0), so that a
    product that nobody met keeps its score. ``amount`` 0 changes nothing; the order of products of one support stays.
    """
    if amount <= 0:
        return scores
    damped: Floats = (scores * (1.0 + support / max(typical, 1e-9)) ** -amount).astype(np.float32)
    return damped


def typical_support(support: npt.NDArray[Any]) -> float:
    """Return the median support of the products that anyone met, 1 where nobody met any."""
    met = support[support > 0]
    return float(np.median(met)) if len(met) else 1.0


def percentiles(support: npt.NDArray[Any]) -> Doubles:
    """Return the share of the catalogue that is less popular than each product, float64[n]; ties share their middle."""
    ordered = np.sort(support)
    below = np.searchsorted(ordered, support, side="left")
    upto = np.searchsorted(ordered, support, side="right")
    share: Doubles = (below + upto) / (2.0 * max(len(support), 1))
    return share


def measure(lists: Ints, support: npt.NDArray[Any]) -> Bias:
    """Return the bias of recommended lists, int32[requests, k] of rows into ``support``, -1 where a list ends."""
    shown = lists[lists >= 0]
    if not len(shown) or not len(support):
        return Bias(0.0, 0.0, 0.0)
    times = np.bincount(shown, minlength=len(support))
    return Bias(float(percentiles(support)[shown].mean()), gini(times), float((times > 0).mean()))


def gini(times: npt.NDArray[Any]) -> float:
    """Return the Gini coefficient of counts that are not negative; 0 for none at all."""
    total, size = float(times.sum()), len(times)
    if total <= 0:
        return 0.0
    ranks = np.arange(1, size + 1)
    return float((2.0 * ranks - size - 1.0) @ np.sort(times) / (size * total))
