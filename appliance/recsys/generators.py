"""Where candidates come from: neighbours by content, by common visitors, by common baskets, and what is in demand."""

from __future__ import annotations

from itertools import islice

import numpy as np

from appliance.recsys.base import Anchors, Candidates, Component, Context, Floats, Ints, no_candidates
from appliance.recsys.model import Model
from appliance.recsys.neighbours import NeighbourTable
from appliance.recsys.tail import Tail
from appliance.recsys.trending import Popularity

_Batch = tuple[Ints, Floats, Ints]
"""Codes, scores and the anchors that they follow from; the arrays align."""


class ContentGenerator:
    """Products that are like the anchors by what they are, new ones included."""

    component: Component = "content"

    def __init__(self, model: Model, tail: Tail) -> None:
        self._model = model
        self._tail = tail

    def propose(self, context: Context) -> Candidates:
        """Return the content neighbours of the anchors."""
        return _combined("content", [self.around(context.anchors)])

    def around(self, anchors: Anchors) -> _Batch:
        """Return the neighbours of some anchors with the cosines times the anchors' strengths."""
        fresh = [place for place, code in enumerate(anchors.codes.tolist()) if code in self._tail]
        kept = np.delete(np.arange(len(anchors)), fresh)
        batch = from_table(self._model, self._model.content, Anchors(anchors.codes[kept], anchors.strengths[kept]))
        parts = [batch]
        if len(self._tail):
            current = ~self._tail.outdated(batch[0])
            parts = [(batch[0][current], batch[1][current], batch[2][current])]
            for code, strength in zip(anchors.codes.tolist(), anchors.strengths.tolist(), strict=True):
                for found in (self._tail.own(code), self._tail.extras(code)):
                    if found is not None:
                        parts.append((found[0], found[1] * np.float32(strength), np.full(len(found[0]), code)))
        return _joined(parts)


class CollaborativeGenerator:
    """Products that people who looked at the anchors looked at too."""

    component: Component = "collaborative"

    def __init__(self, model: Model) -> None:
        self._model = model

    def propose(self, context: Context) -> Candidates:
        """Return the collaborative neighbours of the anchors."""
        return _combined("collaborative", [from_table(self._model, self._model.collaborative, context.anchors)])


class SessionGenerator:
    """Products near to what is being looked at right now, by content and by visitors together."""

    component: Component = "session"

    def __init__(self, model: Model, content: ContentGenerator) -> None:
        self._model = model
        self._content = content

    def propose(self, context: Context) -> Candidates:
        """Return the neighbours of the visit's last products."""
        if not len(context.recent):
            return no_candidates("session")
        met = from_table(self._model, self._model.collaborative, context.recent)
        return _combined("session", [self._content.around(context.recent), met])


class BoughtTogetherGenerator:
    """Products that shared a basket with the anchors."""

    component: Component = "bought_together"

    def __init__(self, model: Model) -> None:
        self._model = model

    def propose(self, context: Context) -> Candidates:
        """Return the anchors' companions."""
        return _combined("bought_together", [from_table(self._model, self._model.together, context.anchors)])


class TrendingGenerator:
    """What is in demand, in the category of the request or in the whole shop."""

    component: Component = "popularity"

    def __init__(self, popularity: Popularity, window_days: int) -> None:
        self._popularity = popularity
        self._window = window_days

    def propose(self, context: Context) -> Candidates:
        """Return the most popular products, scored 1 for the first of the shop."""
        found = list(islice(self._popularity.leaders(context.category, self._window), context.limit))
        if not found:
            return no_candidates("popularity")
        codes = np.array(found, np.int32)
        return Candidates("popularity", codes, self._popularity.scores(codes, self._window), np.full(len(codes), -1))


def from_table(model: Model, table: NeighbourTable, anchors: Anchors) -> _Batch:
    """Return the table's neighbours of the anchors that the model knows, weighted by the anchors' strengths."""
    rows = model.rows(anchors.codes)
    known = rows >= 0
    rows = rows[known]
    ids = table.ids[rows]
    filled = ids >= 0
    scores = table.scores[rows] * anchors.strengths[known][:, None]
    owners = np.repeat(anchors.codes[known], filled.sum(axis=1))
    return model.code_of_row[ids[filled]], scores[filled], owners


def _joined(parts: list[_Batch]) -> _Batch:
    if len(parts) == 1:
        return parts[0]
    codes, scores, anchors = zip(*parts, strict=True)
    return np.concatenate(codes), np.concatenate(scores), np.concatenate(anchors).astype(np.int32)


def _combined(component: Component, parts: list[_Batch]) -> Candidates:
    return Candidates(component, *_joined(parts))
