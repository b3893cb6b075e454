"""Where candidates come from: neighbours by content, by common visitors, by common baskets, and what is in demand."""

from __future__ import annotations

from itertools import islice

import numpy as np

from appliance.recsys.base import Anchors, Candidates, Context, Floats, Ints, no_candidates
from appliance.recsys.blend import Component
from appliance.recsys.model import Model
from appliance.recsys.neighbours import NeighbourTable
from appliance.recsys.sessions.index import SessionIndex
from appliance.recsys.tail import Tail
from appliance.recsys.trending import Popularity

MAX_TRAIL = 10
"""Products of the trail that the sequential rules start from."""
MAX_SESSION = 150
"""Candidates that the session model proposes."""
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
        return _combined("content", [self.around(context.content)])

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
        return _combined("collaborative", [from_table(self._model, self._model.collaborative, context.collaborative)])


class SequentialGenerator:
    """Products that people went on to from what this visitor did last."""

    component: Component = "sequential"

    def __init__(self, model: Model) -> None:
        self._model = model
        self._decay = model.info.blend.decays.sequential

    def propose(self, context: Context) -> Candidates:
        """Return what follows the visitor's products, the newest counting most."""
        trail = context.trail[::-1][:MAX_TRAIL]
        strengths = (self._decay ** np.arange(len(trail))).astype(np.float32)
        return _combined("sequential", [from_table(self._model, self._model.sequential, Anchors(trail, strengths))])


class SessionGenerator:
    """Products that visits like this one went on to, those of a minute ago included."""

    component: Component = "session"

    def __init__(self, model: Model, sessions: SessionIndex) -> None:
        self._model = model
        self._sessions = sessions

    def propose(self, context: Context) -> Candidates:
        """Return the likeliest next products of the visit."""
        if not len(context.session):
            return no_candidates("session")
        rows = session_rows(self._model, context.session)
        found = self._sessions.recommend(rows, MAX_SESSION, session_key=context.session_key)
        codes = codes_of(self._model, found.rows)
        anchors = np.where(found.evidence.anchors >= 0, codes_of(self._model, found.evidence.anchors), -1)
        # People do return to what they looked at, but a shelf is there to show them something else.
        other = ~np.isin(codes, context.trail)
        return Candidates("session", codes[other], found.scores[other], anchors[other].astype(np.int32))


class BoughtTogetherGenerator:
    """Products that shared a basket with the anchors."""

    component: Component = "bought_together"

    def __init__(self, model: Model) -> None:
        self._model = model

    def propose(self, context: Context) -> Candidates:
        """Return the anchors' companions."""
        return _combined("bought_together", [from_table(self._model, self._model.together, context.collaborative)])


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


def session_rows(model: Model, codes: Ints) -> Ints:
    """Return the session model's rows of products: those newer than the model stand behind its own."""
    rows = model.rows(codes)
    return np.where(rows >= 0, rows, len(model.code_of_row) + codes).astype(np.int32)


def codes_of(model: Model, rows: Ints) -> Ints:
    """Return the codes of the session model's rows; the inverse of ``session_rows``."""
    size = len(model.code_of_row)
    inside = (rows >= 0) & (rows < size)
    codes = model.code_of_row[np.where(inside, rows, 0)] if size else np.zeros(len(rows), np.int32)
    return np.where(inside, codes, rows - size).astype(np.int32)


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
