"""What is measured about a choice of weights: out of fold, with intervals, beside each part alone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from appliance.recsys.base import Doubles, Ints, Longs
from appliance.recsys.next_item.pools import Pools, places, subset
from appliance.recsys.next_item.specs import BucketChoice, Measured
from appliance.recsys.next_item.weights import Learned, learn_weights

CUT = 20
PROVEN = 0.9
"""The confidence that a blend needs over the best of its parts: a small shop's weights are mostly noise."""
_FOLDS = 5
_ROUNDS = 1000


class Evidence(NamedTuple):
    """The blend, its parts, and whether it beats the best of them."""

    blend: Measured
    parts: dict[str, Measured]
    difference: tuple[float, float]
    best: str
    """The best part alone."""
    confidence: float
    """The share of bootstrap rounds in which the blend is better than that."""


def graded(before: Doubles) -> Doubles:
    """Return NDCG@20 of each case from the number of candidates before its target."""
    with np.errstate(invalid="ignore"):
        gains: Doubles = np.where(before < CUT, 1.0 / np.log2(np.minimum(before, CUT) + 2.0), 0.0)
    return gains


def measure(pools: Pools, targets: Longs, buckets: Ints, count: int, parts: tuple[str, ...], seed: int) -> Evidence:
    """Return the evidence for weights learned from these cases: each fifth is judged by weights of the others."""
    random = np.random.default_rng(seed)
    fold = random.permutation(pools.requests) % _FOLDS
    before = np.full(pools.requests, np.inf)
    for held_out in range(_FOLDS):
        inside, outside = np.flatnonzero(fold == held_out), np.flatnonzero(fold != held_out)
        if not len(inside):
            continue
        learned = learn_weights(*subset(pools, targets, outside), buckets[outside], count)
        judged, wanted = subset(pools, targets, inside)
        before[inside] = places(judged, blended(judged, learned.by_bucket[buckets[inside]]), wanted)
    alone = {part: places(pools, pools.values[:, column], targets) for column, part in enumerate(parts)}
    best = max(alone, key=lambda part: float(graded(alone[part]).mean()))
    gains = _resampled(graded(before) - graded(alone[best]), random)
    low, high = np.quantile(gains, [0.025, 0.975])
    return Evidence(
        blend=_measured(before, random),
        parts={part: _measured(values, random) for part, values in alone.items()},
        difference=(round(float(low), 5), round(float(high), 5)),
        best=best,
        confidence=round(float((gains > 0).mean()), 3),
    )


def proven(learned: Learned, evidence: Evidence, parts: tuple[str, ...]) -> Learned:
    """Return the learned weights, or the best part alone where the blend did not prove better on other cases."""
    if evidence.confidence >= PROVEN:
        return learned
    alone = np.array([float(part == evidence.best) for part in parts])
    return Learned(np.tile(alone, (len(learned.by_bucket), 1)), alone, learned.cases)


def blended(pools: Pools, weights: Doubles) -> Doubles:
    """Return each candidate's score under its request's weights, float64[requests, parts]."""
    scores: Doubles = np.einsum("ij,ij->i", pools.values, weights[pools.owner()])
    return scores


def described(learned: Learned, longest: tuple[int, ...], parts: tuple[str, ...]) -> list[BucketChoice]:
    """Return the learned weights by bucket, in words."""
    return [
        BucketChoice(limit, int(cases), {part: round(float(w), 4) for part, w in zip(parts, row, strict=True)})
        for limit, cases, row in zip(longest, learned.cases, learned.by_bucket, strict=True)
    ]


def _measured(before: Doubles, random: np.random.Generator) -> Measured:
    values = graded(before)
    low, high = np.quantile(_resampled(values, random), [0.025, 0.975])
    return Measured(*(round(float(value), 5) for value in (values.mean(), (before < CUT).mean(), low, high)))


def _resampled(values: Doubles, random: np.random.Generator) -> Doubles:
    """Return the means of bootstrap samples, float64[rounds]."""
    drawn = random.integers(0, len(values), (_ROUNDS, len(values)), dtype=np.int32)
    means: Doubles = values[drawn].mean(axis=1)
    return means
