"""Blends the generators' proposals into one score and keeps the list varied.

    score = Σ over components of weight · value
    value = trust · Σ over anchors of strength · similarity, scaled to at most 1 within the request

The weights come from ``blend.py``. Collaborative evidence is trusted in so far as the anchors were looked at by others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from appliance.recsys.base import Anchors, Candidates, Floats, Ints, Longs, sums_at
from appliance.recsys.blend import COMPONENTS, Component, Mix

FLOORS: dict[Component, float] = {
    "content": 0.10,
    "collaborative": 0.02,
    "sequential": 0.02,
    "session": 0.10,
    "bought_together": 0.05,
    "popularity": 1.0,
}
"""Best values below these are not blown up to 1: weak evidence stays weak."""
SUPPORT_HALF = 10.0
"""Histories with an anchor at which collaborative evidence counts half."""
SEEN_FACTOR = 0.35
"""What remains of the score of a product that the visitor has looked at already."""
_POPULARITY = COMPONENTS.index("popularity")


class Evidence(NamedTuple):
    """All single proposals behind a pool; the arrays align."""

    places: Ints
    """Place of the candidate in the pool."""
    contributions: Floats
    """What the proposal adds to the candidate's score."""
    sources: Ints
    anchors: Ints

    def of(self, places: Longs) -> dict[int, list[tuple[int, int]]]:
        """Return for some candidates the (source, anchor) of each anchor, by what the anchor adds in all, most first.

        The source is that of the anchor's strongest proposal.
        """
        weighed = self.weighed(places)
        return {place: [(source, anchor) for source, anchor, _ in of] for place, of in weighed.items()}

    def weighed(self, places: Longs) -> dict[int, list[tuple[int, int, float]]]:
        """Return the same with what each anchor adds, (source, anchor, contribution)."""
        wanted = np.flatnonzero(np.isin(self.places, places))
        wanted = wanted[np.argsort(-self.contributions[wanted], kind="stable")]
        sums: dict[int, dict[int, list[float]]] = {}
        columns = (column[wanted].tolist() for column in self)
        for place, contribution, source, anchor in zip(*columns, strict=True):
            known = sums.setdefault(place, {}).setdefault(anchor, [0.0, source])
            known[0] += contribution
        return {
            place: [
                (int(source), anchor, total)
                for anchor, (total, source) in sorted(of.items(), key=lambda item: -item[1][0])
            ]
            for place, of in sums.items()
        }


class Pool(NamedTuple):
    """Distinct candidates and for each where its best evidence lies."""

    codes: Ints
    """In rising order."""
    values: Floats
    """Components by candidates, each value from 0 to 1."""
    scores: Floats
    sources: Ints
    """Index into ``COMPONENTS``."""
    anchors: Ints
    """Code of the product that speaks most for the candidate, -1 for none."""
    evidence: Evidence


def trust_in(anchors: Anchors, support: Ints) -> float:
    """Return from 0 to 1 how far the anchors' collaborative evidence carries, by the histories with each of them."""
    total = float(anchors.strengths.sum()) if len(anchors) else 0.0
    return float((anchors.strengths * (support / (support + SUPPORT_HALF))).sum()) / total if total > 0 else 0.0


def blend(
    batches: Sequence[Candidates],
    weights: Mix,
    strengths: Mapping[Component, float],
    popularity: Callable[[Ints], Floats],
    trust: Mapping[Component, float],
) -> Pool:
    """Return all proposals as one pool.

    ``strengths`` is the length of each component's anchor strengths (1 where absent), ``trust`` how far its evidence
    carries (1 where absent); ``popularity`` scores any product, 1 at most.
    """
    codes, where = np.unique(np.concatenate([batch.codes for batch in batches]), return_inverse=True)
    size = len(codes)
    values = np.zeros((len(COMPONENTS), size), np.float32)
    contributions, sources = [], []
    start = 0
    for batch in batches:
        place = COMPONENTS.index(batch.component)
        part = where[start : start + len(batch.codes)]
        start += len(batch.codes)
        raw = batch.scores / max(strengths.get(batch.component, 1.0), 1e-9)
        sums = sums_at(part, raw, size)[:size]
        scale = trust.get(batch.component, 1.0) / max(float(sums.max(initial=0.0)), FLOORS[batch.component])
        values[place] = sums * scale
        contributions.append(raw * (weights[place] * scale))
        sources.append(np.full(len(batch.codes), place, np.int32))
    # Assigning in rising order leaves each candidate with the entry that contributes most.
    order = np.argsort(np.concatenate(contributions), kind="stable")
    best = np.zeros(size, np.int64)
    best[where[order]] = order
    values[_POPULARITY] = popularity(codes)
    scores = (np.array(weights, np.float32) @ values).astype(np.float32)
    evidence = Evidence(
        where.astype(np.int32),
        np.concatenate(contributions),
        np.concatenate(sources),
        np.concatenate([batch.anchors for batch in batches]).astype(np.int32),
    )
    return Pool(codes.astype(np.int32), values, scores, evidence.sources[best], evidence.anchors[best], evidence)


def demote_seen(pool: Pool, seen: Ints) -> None:
    """Lower the scores of products that the visitor has looked at already."""
    if not len(seen) or not len(pool.codes):
        return
    places = np.minimum(np.searchsorted(pool.codes, seen), len(pool.codes) - 1)
    pool.scores[places[pool.codes[places] == seen]] *= SEEN_FACTOR


def diversify(scores: Floats, vectors: Floats, amount: float, count: int) -> list[int]:
    """Return the places of the first ``count`` by maximal marginal relevance , then the rest.

    Each pick maximises (1 - amount) · score - amount · (largest cosine to those picked), see Carbonell & Goldstein
    1998. ``vectors`` are unit vectors
    or zeros; ``scores`` are in falling order and not negative.
    """
    size = len(scores)
    if amount <= 0 or size <= 2:
        return list(range(size))
    relevance = (1.0 - amount) * scores / max(float(scores[0]), 1e-9)
    nearest = np.zeros(size, np.float32)
    available = np.ones(size, np.bool_)
    picked: list[int] = []
    for _ in range(min(count, size)):
        place = int(np.argmax(np.where(available, relevance - amount * nearest, -np.inf)))
        picked.append(place)
        available[place] = False
        np.maximum(nearest, vectors @ vectors[place], out=nearest)
    return picked + np.flatnonzero(available).tolist()
