"""The pipeline of one request: generators → blend → what may be shown → variety. Rules and reasons follow outside.

``Serving`` binds one model to the live state (tail, popularity, shelves). It is replaced as a whole when a new model is
loaded; a request that began with the old one ends with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from appliance.domain import ProductCard
from appliance.recsys import ranking
from appliance.recsys.base import (
    COMPONENTS,
    Anchors,
    Component,
    Context,
    Floats,
    Generator,
    Ints,
    RecommendRequest,
)
from appliance.recsys.codes import ProductCodes
from appliance.recsys.generators import (
    BoughtTogetherGenerator,
    CollaborativeGenerator,
    ContentGenerator,
    SessionGenerator,
    TrendingGenerator,
)
from appliance.recsys.model import Model
from appliance.recsys.rules import Ranked
from appliance.recsys.shelves import Shelves
from appliance.recsys.tail import Tail
from appliance.recsys.trending import Popularity

POOL_FACTOR = 4
"""Available candidates taken to the last stages for one place of the list."""
MIN_POOL = 40
_LEADERS = 40
_STEP = 64


class Visit(NamedTuple):
    """What one request starts from."""

    anchors: Anchors
    recent: Anchors
    seen: Ints
    """Codes of what the visitor looked at."""
    barred: frozenset[int]
    """Codes that must not be shown: the page's product, what was just bought, what lies in the cart."""


class Serving:
    """A model in use, or none: without one there are only popularity and newness, on the same path."""

    def __init__(
        self,
        model: Model | None,
        codes: ProductCodes,
        shelves: Shelves,
        popularity: Popularity,
        window_days: int,
        diversity: float,
    ) -> None:
        self.model = model
        self.tail = None if model is None else Tail(model)
        self._codes = codes
        self._shelves = shelves
        self._popularity = popularity
        self._window = window_days
        self._diversity = diversity
        self._generators: list[Generator] = [TrendingGenerator(popularity, window_days)]
        if model is not None and self.tail is not None:
            content = ContentGenerator(model, self.tail)
            self._generators += [
                content,
                CollaborativeGenerator(model),
                SessionGenerator(model, content),
                BoughtTogetherGenerator(model),
            ]

    def rank(self, request: RecommendRequest, visit: Visit, show: Callable[[str], ProductCard | None]) -> list[Ranked]:
        """Return the varied list of what may be shown, longer than asked for, so that rules have what to move."""
        wanted = max(MIN_POOL, POOL_FACTOR * request.limit)
        pool = self._pool(request, visit)
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
            listed += self.fill(request.category, missing, visit.barred | present, show)
        return [item for _, item in listed]

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
        score = ranking.MIXES["home"].popularity * value
        return Ranked(card, score, {"popularity": value} if value else {}, source)

    def _pool(self, request: RecommendRequest, visit: Visit) -> ranking.Pool:
        context = Context(visit.anchors, visit.recent, request.category, max(_LEADERS, 2 * request.limit))
        weights = ranking.weights_for(request.placement, visit.anchors, self._support(visit.anchors.codes))
        batches = [
            generator.propose(context) for generator in self._generators if getattr(weights, generator.component) > 0
        ]
        length = float(np.linalg.norm(visit.anchors.strengths))
        strengths: dict[Component, float] = {
            "content": length,
            "collaborative": length,
            "bought_together": length,
            "session": float(np.linalg.norm(visit.recent.strengths)),
        }
        pool = ranking.blend(batches, weights, strengths, lambda codes: self._popularity.scores(codes, self._window))
        ranking.demote_seen(pool, visit.seen)
        return pool

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
        found: Floats = np.zeros((len(codes), self.model.axes.shape[1]), np.float32)
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
