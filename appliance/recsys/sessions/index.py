"""Next items for a session, from the trained model and from what visitors do right now."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from appliance.recsys.base import Doubles, Floats, Ints, Longs, sums_at
from appliance.recsys.neighbours import NeighbourTable
from appliance.recsys.sessions.archive import MAX_LENGTH
from appliance.recsys.sessions.choice import (
    COMPANIONS,
    CURRENT,
    POPULAR,
    RETURNING,
    RULES,
    VOICES,
    WALK,
    Choice,
    Parameters,
)
from appliance.recsys.sessions.live import CAPACITY, LiveSessions
from appliance.recsys.sessions.mixture import shares_of
from appliance.recsys.sessions.model import SessionModel
from appliance.recsys.sessions.nearest import Entries, NearestSessions, Scratch, Walk, walk_of


class Evidence(NamedTuple):
    """Why: ``anchors`` int32[k], the item of the session that speaks most for each answer, -1 for none; ``parts``
    float32[k, 9], what each of ``VOICES`` adds to its score."""

    anchors: Ints
    parts: Floats


class NextItems(NamedTuple):
    """``rows`` int32[k] best first, ``scores`` float32[k], the probability of each as the next click."""

    rows: Ints
    scores: Floats
    evidence: Evidence


class Weighed(NamedTuple):
    """All that was proposed for one session: ``scores`` float64[n, 9] by part, before parts are compared."""

    items: Longs
    scores: Doubles
    allowed: Doubles
    """float64[n], 0 for what the session has and may not be proposed again, else 1."""
    entries: Entries
    leaders: Ints
    """For each entry the entry that stands for its item."""
    places: Longs
    """For each item the entry that stands for it."""


class SessionIndex:
    """Answers from a model and live sessions together; safe to use from several threads."""

    def __init__(self, model: SessionModel, live: LiveSessions | None = None) -> None:
        self.model = model
        self.live = LiveSessions() if live is None else live
        self._parameters = model.choice.parameters
        self._weights: Doubles = np.array([model.choice.weights.get(name, 0.0) for name in VOICES])
        self._nearest = NearestSessions(model.archive, self.live, self._parameters)
        # One for each query at the same time: taken and given back without a lock.
        self._scratches: deque[tuple[Scratch, Scratch]] = deque()

    @classmethod
    def load(cls, folder: Path, capacity: int = CAPACITY) -> SessionIndex:
        """Map a verified artifact; live sessions start empty."""
        return cls(SessionModel.load(folder), LiveSessions(capacity))

    @property
    def choice(self) -> Choice:
        """Return what was chosen at training and why."""
        return self.model.choice

    def add(self, session_key: str, item: int, at: float) -> None:
        """Note a click on an item row at a Unix time; the next answer, whoever asks, knows of it.

        Rows at and above the model's size are products that came after training.
        """
        self.live.add(session_key, item, at)

    def recommend(self, items: Sequence[int] | Ints, k: int, *, session_key: str = "") -> NextItems:
        """Return the ``k`` likeliest next items of a session whose items are given oldest first.

        ``session_key`` names the asking session, which is not its own neighbour. With no known item the answer is what
        is in demand.
        """
        walk = walk_of(items)
        weighed = self.weigh(items, walk, session_key)
        shares = shares_of(weighed.scores, self._parameters.sharpness) * self._weights
        totals = shares.sum(axis=1) * weighed.allowed
        best = _best(totals, k)
        evidence = Evidence(_anchors(weighed, shares, best, walk), shares[best].astype(np.float32))
        return NextItems(weighed.items[best].astype(np.int32), totals[best].astype(np.float32), evidence)

    def weigh(self, items: Sequence[int] | Ints, walk: Walk, session_key: str = "") -> Weighed:
        """Return what every part says about every item that any part proposes."""
        own = self.live.serial(session_key) if session_key else -1
        pair = self._scratches.pop() if self._scratches else (Scratch(), Scratch())
        try:
            entries = self._entries(items, walk, pair[0], own)
            top = max(self.model.size, int(entries.items.max(initial=-1)) + 1)
            places, leaders = pair[1].group(entries.items, top)
        finally:
            self._scratches.append(pair)
        compact = np.cumsum(leaders == np.arange(len(leaders))) - 1
        keys = compact[leaders] * len(VOICES) + entries.voices
        scores = sums_at(keys, entries.values, len(places) * len(VOICES)).reshape(len(places), len(VOICES))
        found = entries.items[places].astype(np.int64)
        known = found < self.model.size
        scores[known, POPULAR] = self.model.demand[found[known]]
        return Weighed(found, scores, self._allowed(found, walk), entries, leaders, places)

    def _entries(self, items: Sequence[int] | Ints, walk: Walk, scratch: Scratch, own: int) -> Entries:
        model, parameters = self.model, self._parameters
        newest = walk.newest(parameters.memory)
        by_order = _powers(parameters.rule_decay, len(newest.items))
        by_step = np.exp(-newest.steps / parameters.position_decay)
        popular = model.popular
        parts = [
            *self._nearest.entries(newest, scratch, own),
            _table_entries(model.rules, RULES, newest, by_order),
            _table_entries(model.companions, COMPANIONS, newest, by_step),
            _table_entries(model.walk, WALK, newest, by_step),
            *_own_entries(items, walk, parameters),
            Entries(popular, np.full(len(popular), POPULAR), np.zeros(len(popular)), np.full(len(popular), -1)),
        ]
        return Entries(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def _allowed(self, found: Longs, walk: Walk) -> Doubles:
        allowed = np.ones(len(found))
        if self._parameters.repeats == "not_current":
            allowed[np.isin(found, walk.items[:1])] = 0.0
        elif self._parameters.repeats == "none":
            allowed[np.isin(found, walk.items)] = 0.0
        return allowed


def _table_entries(table: NeighbourTable, voice: int, walk: Walk, weights: Doubles) -> Entries:
    known = np.flatnonzero(walk.items < len(table.ids))
    rows = walk.items[known]
    ids = table.ids[rows]
    filled = ids >= 0
    values = (table.scores[rows] * weights[known][:, None])[filled]
    anchors = np.repeat(known, filled.sum(axis=1))
    return Entries(ids[filled], np.full(len(anchors), voice), values.astype(np.float64), anchors)


def _powers(factor: float, count: int) -> Doubles:
    return np.power(factor, np.arange(count, dtype=np.float64))


def _own_entries(items: Sequence[int] | Ints, walk: Walk, parameters: Parameters) -> list[Entries]:
    if not len(walk.items):
        return []
    newest = np.asarray(items, np.int64)[: -MAX_LENGTH - 1 : -1]
    steps = np.flatnonzero(newest >= 0)
    place = {item: anchor for anchor, item in enumerate(walk.items.tolist())}
    anchors = np.array([place[item] for item in newest[steps].tolist()], np.int64)
    values = np.exp(-steps / parameters.return_decay)
    returning = Entries(newest[steps], np.full(len(steps), RETURNING), values, anchors)
    return [returning, Entries(walk.items[:1], np.full(1, CURRENT), np.ones(1), anchors[:1])]


def _best(totals: Doubles, k: int) -> Longs:
    """Return the places of the ``k`` largest positive totals, the largest first, ties in the order given."""
    places = np.flatnonzero(totals > 0)
    if len(places) > k:
        places = places[np.sort(np.argpartition(-totals[places], k - 1)[:k])]
    return places[np.argsort(-totals[places], kind="stable")]


def _anchors(weighed: Weighed, shares: Doubles, best: Longs, walk: Walk) -> Ints:
    """Return for each of the best the item of the walk with the largest part in its score."""
    if not len(walk.items) or not len(best):
        return np.full(len(best), -1, np.int32)
    place_of = np.full(len(weighed.leaders), -1, np.int64)
    place_of[weighed.places[best]] = np.arange(len(best))
    places = place_of[weighed.leaders]
    told = (places >= 0) & (weighed.entries.anchors >= 0)
    places, voices, anchors = places[told], weighed.entries.voices[told], weighed.entries.anchors[told]
    scores = weighed.scores[best]
    rates = np.divide(shares[best], scores, out=np.zeros_like(scores), where=scores > 0)
    width = len(walk.items)
    values = weighed.entries.values[told] * rates[places, voices]
    sums = np.bincount(places * width + anchors, weights=values, minlength=len(best) * width).reshape(len(best), width)
    winners = sums.argmax(axis=1)
    return np.where(sums[np.arange(len(best)), winners] > 0, walk.items[winners], -1).astype(np.int32)
