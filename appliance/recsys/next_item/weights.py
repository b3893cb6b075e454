"""Learns how much each component weighs, from cases whose right answer is known.

The weights w ≥ 0 of a conditional logit (McFadden 1974): the probability that candidate j of a request is taken is
softmax_j(w · v_j). Maximum likelihood with a quadratic penalty, first for all cases towards equal weights, then among
the candidates that those weights put in front (the order of what never shows is of no interest), then for each bucket
towards the pooled weights: with few cases a bucket keeps what all cases say, and with very few the weights stay equal
(hierarchical shrinkage). Only proportions matter to a ranking, so the weights are returned with sum 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from appliance.recsys.base import Doubles, Ints, Longs
from appliance.recsys.next_item.pools import Pools, strongest_of, subset

TO_PRIOR = 1.0
"""The penalty that holds the pooled weights to equal ones, and those of the contested places to the first ones."""
TO_POOLED = 30.0
"""The penalty that holds a bucket's weights to the pooled ones: buckets differ less than shops do."""

CONSIDERED = 300
"""The candidates of a case, strongest first, that the first weights are learned from."""
CONTESTED = 50
"""Those that the first weights put in front: the last weights are learned from who competes for the visible places."""
_ROUNDS = 2
_LARGEST = 60.0
_STEPS = 40
_FLAT = 1e-4
"""A gradient of less than this a case ends the search."""


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
    parts = pools.values.shape[1]
    equal = np.full(parts, 1.0 / parts)
    strong, wanted = strongest_of(pools, targets, CONSIDERED, pools.values.sum(axis=1))
    usable = np.flatnonzero(wanted >= 0)
    if not len(usable):
        return Learned(np.tile(equal, (count, 1)), equal, np.zeros(count, np.int64))
    scale = _fit(strong, wanted, usable, np.zeros(1), 0.0, tied=True)[0]
    prior = pooled = _fit(strong, wanted, usable, np.full(parts, scale), TO_PRIOR, tied=False)
    for _ in range(_ROUNDS):
        # The equal part orders candidates of which the weighted parts say nothing.
        scores = strong.values @ (pooled + 1e-4)
        contested, aims = strongest_of(strong, wanted, CONTESTED, scores)
        usable = np.flatnonzero(aims >= 0)
        pooled = _fit(contested, aims, usable, prior, TO_PRIOR, tied=False)
    rows = [
        _fit(contested, aims, usable[buckets[usable] == bucket], pooled, TO_POOLED, tied=False)
        for bucket in range(count)
    ]
    shares = _proportions(pooled, equal)
    cases = np.bincount(buckets[usable], minlength=count).astype(np.int64)
    return Learned(np.array([_proportions(row, shares) for row in rows]), shares, cases)


def _proportions(weights: Doubles, fallback: Doubles) -> Doubles:
    total = weights.sum()
    return weights / total if total > 0 else fallback


def _fit(pools: Pools, targets: Longs, chosen: Longs, prior: Doubles, strength: float, *, tied: bool) -> Doubles:
    """Minimise −Σ log p(target) + strength/2 · |w − prior|² over 0 ≤ w ≤ ``_LARGEST`` (Bertsekas 1982).

    ``tied`` has one weight for all parts.
    """
    if not len(chosen):
        return prior
    problem = _problem(pools, targets, chosen, prior, strength, tied=tied)
    weights = np.clip(prior, 1.0, _LARGEST)
    loss, gradient, curvature = _derivatives(problem, weights)
    for _ in range(_STEPS):
        free = ~(((weights <= 0) & (gradient > 0)) | ((weights >= _LARGEST) & (gradient < 0)))
        if not free.any() or np.abs(gradient[free]).max() < _FLAT * len(chosen):
            break
        step = np.zeros(len(weights))
        damped = curvature[np.ix_(free, free)] + 1e-6 * np.eye(int(free.sum()))
        step[free] = -np.linalg.solve(damped, gradient[free])
        # At a bound the Newton step may point outwards; the scaled gradient always leads down (Bertsekas 1982).
        shorter = _shortened(problem, weights, step, loss, gradient)
        if shorter is None:
            shorter = _shortened(problem, weights, -gradient / np.diag(curvature).clip(1e-6), loss, gradient)
        if shorter is None:
            break
        weights = shorter
        loss, gradient, curvature = _derivatives(problem, weights)
    return weights


class _Problem(NamedTuple):
    values: Doubles
    taken: Doubles
    starts: Longs
    lengths: Longs
    prior: Doubles
    strength: float


def _problem(pools: Pools, targets: Longs, chosen: Longs, prior: Doubles, strength: float, *, tied: bool) -> _Problem:
    part, wanted = subset(pools, targets, chosen)
    values = part.values.astype(np.float64)
    if tied:
        values = values.sum(axis=1, keepdims=True)
    return _Problem(values, values[wanted], part.starts[:-1], np.diff(part.starts), prior, strength)


def _shortened(problem: _Problem, weights: Doubles, step: Doubles, loss: float, gradient: Doubles) -> Doubles | None:
    """Return where a step of at most this length lowers the loss enough (Armijo), ``None`` where none does."""
    for halvings in range(20):
        tried: Doubles = np.clip(weights + 0.5**halvings * step, 0.0, _LARGEST)
        if _loss(problem, tried) <= loss + 1e-4 * float(gradient @ (tried - weights)):
            return tried
    return None


def _chances(problem: _Problem, weights: Doubles) -> tuple[Doubles, float]:
    """Return the probability of every candidate, and the log-likelihood of the targets."""
    utility = np.einsum("ij,j->i", problem.values, weights)
    top = np.maximum.reduceat(utility, problem.starts)
    odds = np.exp(utility - np.repeat(top, problem.lengths))
    total = np.add.reduceat(odds, problem.starts)
    likelihood = float((problem.taken @ weights).sum() - (np.log(total) + top).sum())
    return odds / np.repeat(total, problem.lengths), likelihood


def _loss(problem: _Problem, weights: Doubles) -> float:
    away = weights - problem.prior
    return 0.5 * problem.strength * float(away @ away) - _chances(problem, weights)[1]


def _derivatives(problem: _Problem, weights: Doubles) -> tuple[float, Doubles, Doubles]:
    """Return the loss, its gradient float64[parts] and its Hessian float64[parts, parts]."""
    away = weights - problem.prior
    chances, likelihood = _chances(problem, weights)
    weighted = problem.values * chances[:, None]
    means = np.add.reduceat(weighted, problem.starts, axis=0)
    gradient = means.sum(axis=0) - problem.taken.sum(axis=0) + problem.strength * away
    curvature = weighted.T @ problem.values - means.T @ means + problem.strength * np.eye(len(weights))
    return 0.5 * problem.strength * float(away @ away) - likelihood, gradient, curvature
