"""The pipeline of one request: generators → blend → what may be shown → variety. Rules and reasons follow outside.

``Serving`` binds one model to the live state (tail, popularity, shelves). It is replaced as a whole when a new model is
loaded; a request that began with the old one ends with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from appliance.domain import ProductCard
from appliance.recsys import ranking
from appliance.recsys.base import Anchors, Context, Floats, Generator, Ints, RecommendRequest
from appliance.recsys.bias import damp, typical_support
from appliance.recsys.blend import COMPONENTS, EMPHASIS, Blend, Component, weights_for
from appliance.recsys.codes import ProductCodes
from appliance.recsys.generators import (
    BoughtTogetherGenerator,
    CollaborativeGenerator,
    ContentGenerator,
    SequentialGenerator,
    SessionGenerator,
    TrendingGenerator,
    session_rows,
)
from appliance.recsys.model import Model
from appliance.recsys.rules import Ranked
from appliance.recsys.sessions.index import SessionIndex
from appliance.recsys.shelves import Shelves
from appliance.recsys.tail import Tail
from appliance.recsys.trending import Popularity
from appliance.recsys.visits import Visit
from appliance.settings import Recommender

POOL_FACTOR = 4
"""Available candidates taken to the last stages for one place of the list."""
MIN_POOL = 40
_LEADERS = 40
_STEP = 64


class Serving:
    """A model in use, or none: without one there are only popularity and newness, on the same path."""

    def __init__(
        self,
        model: Model | None,
        codes: ProductCodes,
        shelves: Shelves,
        popularity: Popularity,
        window_days: int,
        settings: Recommender,
    ) -> None:
        self.model = model
        self.blend = Blend() if model is None else model.info.blend
        self.tail = None if model is None else Tail(model)
        self._codes = codes
        self._shelves = shelves
        self._popularity = popularity
        self._window = window_days
        self._diversity, self._damping = settings.diversity, settings.popularity_damping
        self._typical = 1.0 if model is None else typical_support(model.support)
        self.sessions = None if model is None else SessionIndex(model.sessions)
        self._generators: list[Generator] = [TrendingGenerator(popularity, window_days)]
        if model is not None and self.tail is not None and self.sessions is not None:
            content = ContentGenerator(model, self.tail)
            self._generators += [
                content,
                CollaborativeGenerator(model),
                SequentialGenerator(model),
                SessionGenerator(model, self.sessions),
                BoughtTogetherGenerator(model),
            ]

    def rank(self, request: RecommendRequest, visit: Visit, show: Callable[[str], ProductCard | None]) -> list[Ranked]:
        """Return the varied list of what may be shown, longer than asked for, so that rules have what to move."""
        wanted = max(MIN_POOL, POOL_FACTOR * request.limit)
        pool = self.pool(request, visit)
        chosen: list[tuple[int, ProductCard]] = []
        for place, code in _best_first(pool):
            if code in visit.barred or (request.category and not self._shelves.has(request.category, code)):
                continue
            card = show(self._codes.id(code))
            if card is not None:
                chosen.append((place, card))
                if len(chosen) == wanted:
                    break
        listed = self._varied(self._ranked(pool, chosen), request.limit)
        present = {code for code, _ in listed}
        missing = request.limit - len(listed)
        if missing > 0:
            listed += self.fill(request.category, missing, present.union(visit.barred), show)
        return [item for _, item in listed]

    def note(self, session_key: str, code: int, at: float) -> None:
        """Let the session model know of a step of a visit; those of the model's time it knows already."""
        if self.model is not None and self.sessions is not None and at > (self.model.info.cutoff or 0.0):
            row = int(session_rows(self.model, np.array([code], np.int32))[0])
            self.sessions.add(session_key, row, at)

    def fill(
        self,
        category: str,
        count: int,
        barred: Iterable[int],
        show: Callable[[str], ProductCard | None],
        window_days: int = 0,
    ) -> list[tuple[int, Ranked]]:
        """Return up to ``count`` products in demand, then the newest: there is always something to show."""
        out: list[tuple[int, Ranked]] = []
        taken = set(barred)
        window = window_days or self._window
        sources: tuple[tuple[str, Iterator[int]], ...] = (
            ("popularity", self._popularity.leaders(category, window)),
            ("newest", self._shelves.newest(category)),
        )
        for source, codes in sources:
            for code in codes:
                if len(out) == count:
                    return out
                if code in taken:
                    continue
                card = show(self._codes.id(code))
                if card is not None:
                    taken.add(code)
                    out.append((code, self._filler(source, code, card, window)))
        return out

    def _filler(self, source: str, code: int, card: ProductCard, window_days: int) -> Ranked:
        value = float(self._popularity.scores(np.array([code], np.int32), window_days)[0])
        score = EMPHASIS["home"].popularity * value
        return Ranked(card, score, {"popularity": value} if value else {}, source)

    def pool(self, request: RecommendRequest, visit: Visit) -> ranking.Pool:
        """Return every candidate of a request with its components and score, before anything is left out."""
        context = Context(
            visit.content,
            visit.collaborative,
            visit.trail,
            visit.session,
            request.session_id,
            request.category,
            max(_LEADERS, 2 * request.limit),
        )
        weights = weights_for(self.blend, request.placement, visit.known, request.strategy)
        batches = [
            generator.propose(context)
            for generator in self._generators
            if generator.component == "popularity" or getattr(weights, generator.component) > 0
        ]
        pool = ranking.blend(
            batches,
            weights,
            self._strengths(visit),
            lambda codes: self._popularity.scores(codes, self._window),
            self.trust(visit),
        )
        ranking.demote_seen(pool, visit.seen)
        if not self._damping:
            return pool
        return pool._replace(scores=damp(pool.scores, self._support(pool.codes), self._damping, self._typical))

    def _strengths(self, visit: Visit) -> dict[Component, float]:
        collaborative = float(np.linalg.norm(visit.collaborative.strengths))
        return {
            "content": float(np.linalg.norm(visit.content.strengths)),
            "collaborative": collaborative,
            "bought_together": collaborative,
        }

    def trust(self, visit: Visit) -> dict[Component, float]:
        """Return how far the evidence of each component carries, by how much others looked at the same."""
        trust = ranking.trust_in(visit.collaborative, self._support(visit.collaborative.codes))
        newest = Anchors(visit.trail[-1:], np.ones(len(visit.trail[-1:]), np.float32))
        return {"collaborative": trust, "sequential": ranking.trust_in(newest, self._support(newest.codes))}

    def _support(self, codes: Ints) -> Ints:
        if self.model is None:
            return np.zeros(len(codes), np.int32)
        rows = self.model.rows(codes)
        found: Ints = np.where(rows >= 0, self.model.support[np.maximum(rows, 0)], 0) if len(rows) else rows
        return found

    def _ranked(self, pool: ranking.Pool, chosen: Sequence[tuple[int, ProductCard]]) -> list[tuple[int, Ranked]]:
        places = np.array([place for place, _ in chosen], np.int64)
        columns = (column[places].tolist() for column in (pool.codes, pool.scores))
        evidence = pool.evidence.of(places)
        out = []
        for (place, card), code, score, values in zip(chosen, *columns, pool.values[:, places].T.tolist(), strict=True):
            components: dict[str, float] = {
                name: value for name, value in zip(COMPONENTS, values, strict=True) if value > 0
            }
            (source, anchor), *others = [
                (str(COMPONENTS[source]), self._codes.id(anchor) if anchor >= 0 else "")
                for source, anchor in evidence[place]
            ]
            out.append((code, Ranked(card, score, components, source, anchor, tuple(others))))
        return out

    def _varied(self, chosen: list[tuple[int, Ranked]], limit: int) -> list[tuple[int, Ranked]]:
        if self.model is None or len(chosen) <= 2:
            return chosen
        scores = np.array([item.score for _, item in chosen], np.float32)
        vectors = self.vectors(np.array([code for code, _ in chosen], np.int32))
        return [chosen[place] for place in ranking.diversify(scores, vectors, self._diversity, limit)]

    def vectors(self, codes: Ints) -> Floats:
        """Return the latent vectors of products, float32[n, d]; zeros where there is none."""
        if self.model is None or self.tail is None:
            return np.zeros((len(codes), 1), np.float32)
        rows = self.model.rows(codes)
        found: Floats = np.zeros((len(codes), self.model.index.vectors.shape[1]), np.float32)
        found[rows >= 0] = self.model.index.vectors[rows[rows >= 0]]
        for place, code in enumerate(codes.tolist()) if len(self.tail) else ():
            fresh = self.tail.vector(code)
            if fresh is not None:
                found[place] = fresh
        return found


def _best_first(pool: ranking.Pool) -> Iterator[tuple[int, int]]:
    """Yield the places of the pool with their codes, the highest score first; few are needed as a rule."""
    order = np.argsort(-pool.scores, kind="stable")
    for start in range(0, len(order), _STEP):
        part = order[start : start + _STEP]
        yield from zip(part.tolist(), pool.codes[part].tolist(), strict=True)
