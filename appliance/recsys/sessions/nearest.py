"""The sessions most like this one, past and live, and what their items say.

V-SKNN and STAN (Ludewig & Jannach 2018; Garg et al. 2019): for a session s and a neighbour n with common items C

    sim(s, n) = Σ_{i ∈ C} exp(−d_i / λ₁) · |n|^−p · exp(−age(n) / λ₂)

where d_i is how many clicks ago s had i. Only the newest sessions of each item are looked at: the cost is bounded
(Kersbergen et al. 2022). The age counts from the newest session of the archive: parts are normalised afterwards, and
so the moment of asking would cancel out.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from appliance.recsys.base import Doubles, Flags, Ints, Longs, sums_at
from appliance.recsys.sessions.archive import MAX_LENGTH, Archive
from appliance.recsys.sessions.choice import AFTER, BEFORE, NEXT, Parameters
from appliance.recsys.sessions.live import LiveSessions

_MOST_FRESHNESS = 5.0
"""Largest exponent of a session newer than the archive, so that an old archive is not silenced."""


class Walk(NamedTuple):
    """The distinct items of a session, the newest first, with how many clicks ago each was looked at."""

    items: Ints
    steps: Longs

    def newest(self, count: int) -> Walk:
        """Return the ``count`` newest items of the walk."""
        return Walk(self.items[:count], self.steps[:count])


class Entries(NamedTuple):
    """Single statements: ``voice`` of ``VOICES`` gives an item a value, following from the walk's item ``anchor``."""

    items: npt.NDArray[Any]
    voices: npt.NDArray[Any]
    values: Doubles
    anchors: npt.NDArray[Any]
    """Places in the walk, -1 for none."""


class Scratch:
    """Room to group numbers without sorting them; used by one query at a time."""

    def __init__(self) -> None:
        self._marks: Ints = np.empty(0, np.int32)

    def group(self, numbers: npt.NDArray[Any], size: int) -> tuple[Longs, Ints]:
        """Return the places that stand for each different number, and for each place the one that stands for it.

        The first place of a number stands for it. ``numbers`` are below ``size``.
        """
        if len(self._marks) < size:
            self._marks = np.empty(size + size // 8, np.int32)
        places = np.arange(len(numbers), dtype=np.int32)
        # Written backwards, the first place of each number is written last and stays.
        self._marks[numbers[::-1]] = places[::-1]
        leaders = self._marks[numbers]
        return np.flatnonzero(leaders == places), leaders


class _Shared(NamedTuple):
    """Sessions with an item in common; live ones are numbered after those of the archive."""

    sessions: Longs
    weights: Doubles
    places: Longs
    """Where the item stood last; of live sessions it is looked up only for the nearest."""
    anchors: Longs

    def at(self, chosen: npt.NDArray[Any]) -> _Shared:
        return _Shared(*(column[chosen] for column in self))


def walk_of(items: npt.ArrayLike) -> Walk:
    """Return the distinct items among the newest 50 clicks of a session that is given oldest first."""
    newest = np.asarray(items, np.int64)[: -MAX_LENGTH - 1 : -1]
    seen: dict[int, int] = {}
    for step, item in enumerate(newest.tolist()):
        if item >= 0 and item not in seen:
            seen[item] = step
    return Walk(np.fromiter(seen.keys(), np.int32, len(seen)), np.fromiter(seen.values(), np.int64, len(seen)))


class NearestSessions:
    """Finds neighbours in an archive and the live sessions."""

    def __init__(self, archive: Archive, live: LiveSessions, parameters: Parameters) -> None:
        self._archive = archive
        self._live = live
        self._parameters = parameters
        self._newest = float(archive.times[-1]) if archive.sessions else 0.0
        self._fade = archive.fade(parameters.recency)
        self._freshness = archive.freshness(parameters.recency)
        self._norms = np.arange(MAX_LENGTH + 1, dtype=np.float64).clip(1) ** -parameters.length_norm

    def entries(self, walk: Walk, scratch: Scratch, own: int) -> list[Entries]:
        """Return what the nearest sessions say; the live session with serial ``own`` is the asking one."""
        shared = self._shared(walk, own)
        if shared is None:
            return []
        nearest = self._nearest(shared, scratch)
        past = nearest.sessions < self._archive.sessions
        parts = [self._past(nearest.at(past))] if past.any() else []
        if not past.all():
            parts.append(self._present(nearest.at(~past), walk))
        return [voice for part in parts for voice in self._voices(*part)]

    def _shared(self, walk: Walk, own: int) -> _Shared | None:
        archive, sample = self._archive, self._parameters.sample
        parts: list[tuple[npt.NDArray[Any], ...]] = []
        for anchor, item in enumerate(walk.items.tolist()):
            if item < archive.size:
                start = int(archive.posting_starts[item])
                end = min(int(archive.posting_starts[item + 1]), start + sample)
                if end > start:
                    columns = archive.posting_sessions[start:end], archive.posting_places[start:end]
                    parts.append((*columns, np.full(end - start, anchor)))
            serials = self._live.find(item, sample)
            serials = serials[serials != own]
            if len(serials):
                parts.append((serials + archive.sessions, serials, np.full(len(serials), anchor)))
        if not parts:
            return None
        sessions, places, anchors = (np.concatenate(column) for column in zip(*parts, strict=True))
        weights = np.exp(-walk.steps / self._parameters.position_decay)
        return _Shared(sessions.astype(np.int64), weights[anchors], places, anchors)

    def _nearest(self, shared: _Shared, scratch: Scratch) -> _Shared:
        """Fold the items in common, keep the newest sessions, of these the most similar."""
        parameters, base, capacity = self._parameters, self._archive.sessions, self._live.capacity
        # Serials grow for ever; those alive at one time differ modulo the capacity.
        sessions = shared.sessions
        folded = (
            np.where(sessions < base, sessions, base + (sessions - base) % capacity) if len(self._live) else sessions
        )
        leaders, group = scratch.group(folded, base + capacity)
        nearest = shared.at(leaders)._replace(weights=sums_at(group, shared.weights, 0)[leaders])
        most = 2 * parameters.sample
        if len(leaders) > most:
            nearest = nearest.at(np.argpartition(-nearest.sessions, most)[:most])
        nearest = nearest._replace(weights=nearest.weights * self._standing(nearest.sessions))
        if len(nearest.weights) > parameters.neighbours:
            nearest = nearest.at(np.argpartition(-nearest.weights, parameters.neighbours)[: parameters.neighbours])
        return nearest

    def _standing(self, sessions: Longs) -> Doubles:
        """Return what a session weighs by its own length and age, float64[n]."""
        base = self._archive.sessions
        standing = np.empty(len(sessions))
        past = sessions < base
        chosen = sessions[past]
        standing[past] = self._norms[self._archive.distinct[chosen]] * self._freshness[chosen]
        if len(chosen) < len(sessions):
            distinct, times = self._live.sizes(sessions[~past] - base)
            standing[~past] = self._norms[distinct]
            if self._fade:
                ages = np.minimum((times - self._newest) / self._fade, _MOST_FRESHNESS)
                standing[~past] *= np.exp(ages)
        return standing

    def _past(self, nearest: _Shared) -> tuple[Ints, Longs, Doubles, Longs]:
        starts = self._archive.starts[nearest.sessions]
        lengths = self._archive.starts[nearest.sessions + 1] - starts
        ends = np.cumsum(lengths)
        inside = np.arange(ends[-1]) - np.repeat(ends - lengths, lengths)
        items = self._archive.items[inside + np.repeat(starts, lengths)]
        distances = inside - np.repeat(nearest.places, lengths)
        return items, distances, np.repeat(nearest.weights, lengths), np.repeat(nearest.anchors, lengths)

    def _present(self, nearest: _Shared, walk: Walk) -> tuple[Ints, Longs, Doubles, Longs]:
        rows, lengths = self._live.rows(nearest.sessions - self._archive.sessions)
        width = np.arange(rows.shape[1])
        filled = width < lengths[:, None]
        common = filled & (rows == walk.items[nearest.anchors][:, None])
        places = rows.shape[1] - 1 - np.argmax(common[:, ::-1], axis=1)
        # A session that has made room since it was found has nothing in common any more.
        filled &= common.any(axis=1)[:, None]
        lengths = filled.sum(axis=1)
        distances = (width - places[:, None])[filled]
        return rows[filled], distances, np.repeat(nearest.weights, lengths), np.repeat(nearest.anchors, lengths)

    def _voices(self, items: Ints, distances: Longs, weights: Doubles, anchors: Longs) -> list[Entries]:
        fade = np.exp(-(np.abs(distances) - 1) / self._parameters.distance_decay)
        chosen: tuple[tuple[int, Flags, Doubles], ...] = (
            (AFTER, distances > 0, weights * fade),
            (NEXT, distances == 1, weights),
            (BEFORE, distances < 0, weights * fade),
        )
        return [
            Entries(items[where], np.full(int(where.sum()), voice), values[where], anchors[where])
            for voice, where, values in chosen
        ]
