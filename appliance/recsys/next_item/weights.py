"""Learns how much each component weighs, from cases whose right answer is known.

The weights w ≥ 0 of a conditional logit (McFadden 1974): the probability that candidate j of a request is taken is
softmax_j(w · v_j). Maximum likelihood with a quadratic penalty, first for all cases towards equal weights, then for
each bucket towards the pooled weights: with few cases a bucket keeps what all cases say, and with very few the
weights stay equal (hierarchical shrinkage). Only proportions matter to a ranking, so they are returned with sum 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from appliance.recsys.base import Doubles, Floats, Ints, Longs
from appliance.recsys.next_item.pools import Pools

TO_EQUAL = 1.0
"""The penalty that holds the pooled weights to equal ones."""
TO_POOLED = 10.0
"""The penalty that holds a bucket's weights to the pooled ones: buckets differ less than shops do."""


class Learned(NamedTuple):
    """Weights by bucket, float64[buckets, parts], each row summing to 1, and those of all cases, float64[parts]."""

    by_bucket: Doubles
    pooled: Doubles
    cases: Longs
    """int64[buckets], the cases whose target was a candidate."""


def learn_weights(pools: Pools, targets: Longs, buckets: Ints, count: int) -> Learned:
    """Return the weights of ``count`` buckets from cases.

    ``pools.values`` are the components' values from 0 to 1, ``targets`` int64[n] the place of the taken candidate in
    the flat arrays (-1 when it was no candidate: such a case says nothing about weights), ``buckets`` int32[n] the
    bucket of each case.
    """
    usable = np.flatnonzero(targets >= 0)
    parts = pools.values.shape[1]
    equal = np.full(parts, 1.0 / parts)
    cases = np.bincount(buckets[usable], minlength=count).astype(np.int64)
    if not len(usable):
        return Learned(np.tile(equal, (count, 1)), equal, cases)
    scale = _fit(pools, targets, usable, np.zeros(1), 0.0, tied=True)[0]
    pooled = _fit(pools, targets, usable, np.full(parts, scale), TO_EQUAL, tied=False)
    rows = [
        _fit(pools, targets, usable[buckets[usable] == bucket], pooled, TO_POOLED, tied=False)
        for bucket in range(count)
    ]
    return Learned(np.array([_proportions(row, equal) for row in rows]), _proportions(pooled, equal), cases)


def _proportions(weights: Doubles, fallback: Doubles) -> Doubles:
    total = weights.sum()
    return weights / total if total > 0 else fallback


def _fit(pools: Pools, targets: Longs, chosen: Longs, prior: Doubles, strength: float, *, tied: bool) -> Doubles:
    """Minimise −Σ log p(target) + strength/2 · |w − prior|² over w ≥ 0; ``tied`` has one weight for all parts."""
    from scipy.optimize import minimize

    if not len(chosen):
        return prior
    lengths = np.diff(pools.starts)[chosen]
    starts = np.concatenate([[0], np.cumsum(lengths)])[:-1]
    places = np.arange(lengths.sum()) - np.repeat(starts - pools.starts[:-1][chosen], lengths)
    values = pools.values[places]
    taken = pools.values[targets[chosen]]
    if tied:
        values, taken = values.sum(axis=1, keepdims=True), taken.sum(axis=1, keepdims=True)

    def loss(weights: Doubles) -> tuple[float, Doubles]:
        return _loss(weights, values, taken, starts, lengths, prior, strength)

    found = minimize(loss, np.maximum(prior, 1.0), jac=True, method="L-BFGS-B", bounds=[(0.0, 60.0)] * values.shape[1])
    out: Doubles = found.x
    return out


def _loss(
    weights: Doubles, values: Floats, taken: Floats, starts: Longs, lengths: Longs, prior: Doubles, strength: float
) -> tuple[float, Doubles]:
    utility = np.einsum("ij,j->i", values, weights)
    top = np.maximum.reduceat(utility, starts)
    odds = np.exp(utility - np.repeat(top, lengths))
    total = np.add.reduceat(odds, starts)
    share = odds / np.repeat(total, lengths)
    log_likelihood = float((taken @ weights).sum() - (np.log(total) + top).sum())
    gradient = taken.sum(axis=0) - np.einsum("i,ij->j", share, values)
    away = weights - prior
    return -log_likelihood + 0.5 * strength * float(away @ away), -gradient + strength * away
