"""The fitted model as it is served: neighbour rows are gathered and summed, nothing else; no SciPy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from appliance.recsys.base import Doubles, Floats, Ints, Longs, mapped, sums_at
from appliance.recsys.neighbours import NeighbourTable
from appliance.recsys.next_item.pools import WINDOW, scaled
from appliance.recsys.next_item.specs import PARTS, Choice

POPULAR = 100
"""The most popular items that every request considers."""
_BEHIND = np.float32(1e-9)


class Valued(NamedTuple):
    """Candidates of one request: ``rows`` int32[m] ascending, ``values`` float32[m, parts], ``scores`` float32[m]."""

    rows: Ints
    values: Floats
    scores: Floats


@dataclass(frozen=True)
class NextItemModel:
    """Answers what comes next. Tables and weights are by part; ``popularity`` is log(1 + support), float64[n]."""

    tables: dict[str, NeighbourTable]
    popularity: Doubles
    choice: Choice
    popular: Ints
    """The most popular rows, best first."""

    @property
    def size(self) -> int:
        """The number of items."""
        return len(self.popularity)

    @property
    def parts(self) -> tuple[str, ...]:
        """The columns of values and weights."""
        return tuple(part for part in PARTS if part in self.tables or part == "popularity")

    @property
    def weights(self) -> Floats:
        """The weights by bucket of history length, float32[buckets, parts]."""
        rows = [[bucket.weights[part] for part in self.parts] for bucket in self.choice.buckets]
        return np.array(rows, np.float32)

    @property
    def floors(self) -> Floats:
        """The least largest scores, float32[parts]."""
        return np.array([self.choice.floors[part] for part in self.parts], np.float32)

    def buckets(self, lengths: Longs) -> Longs:
        """Return the bucket of each length of history, int64[n]."""
        return bucket_of(lengths, self.choice)

    def values(self, history: Ints, exclude: Ints | None = None) -> Valued:
        """Return every candidate of a history (int32, oldest first) less the rows in ``exclude``, with its values."""
        recent = _newest_distinct(history)
        chosen = np.zeros(self.size, np.bool_)
        chosen[self.popular] = True
        sums: list[Doubles] = []
        for part in self.parts[:-1]:
            table = self.tables[part]
            ids = table.ids[recent.rows]
            worth = table.scores[recent.rows] * np.power(self.choice.specs.decay(part), recent.ages)[:, None]
            filled = ids >= 0
            chosen[ids[filled]] = True
            sums.append(sums_at(ids[filled], worth[filled], self.size))
        if exclude is not None:
            chosen[exclude] = False
        rows = np.flatnonzero(chosen).astype(np.int32)
        raw = np.stack([*(column[rows] for column in sums), self.popularity[rows]], axis=1).astype(np.float32)
        starts = np.array([0, len(rows)], np.int64)
        values = scaled(raw, starts, self.floors, self.choice.specs.power)
        weights = self.weights[self.buckets(np.array([len(history)]))[0]]
        return Valued(rows, values, weighted(values, weights))

    def recommend(self, history: Ints, k: int, exclude: Ints | None = None) -> tuple[Ints, Floats]:
        """Return the ``k`` best rows and their scores, best first, ties by row; fewer when nothing else scores."""
        found = self.values(history, exclude)
        order = best(found.scores, k)
        return found.rows[order], found.scores[order]

    def save(self, folder: Path) -> None:
        """Write tables as ``.npy`` and the choice as JSON."""
        for part, table in self.tables.items():
            table.save(folder, f"next_{part}")
        np.save(folder / "next_popularity.npy", self.popularity, allow_pickle=False)
        (folder / "next_item.json").write_bytes(msgspec.json.encode(self.choice))

    @classmethod
    def load(cls, folder: Path) -> NextItemModel:
        """Map a saved model."""
        choice = msgspec.json.decode((folder / "next_item.json").read_bytes(), type=Choice)
        tables = {
            part: NeighbourTable.load(folder, f"next_{part}")
            for part in PARTS
            if (folder / f"next_{part}_ids.npy").exists()
        }
        return cls.of(tables, mapped(folder / "next_popularity.npy"), choice)

    @classmethod
    def of(cls, tables: dict[str, NeighbourTable], popularity: Doubles, choice: Choice) -> NextItemModel:
        """Return the model of these tables."""
        popular = np.argsort(-popularity, kind="stable")[:POPULAR].astype(np.int32)
        return cls(tables, popularity, choice, popular)


def bucket_of(lengths: Longs, choice: Choice) -> Longs:
    """Return the bucket of each length of history, int64[n]."""
    edges = [bucket.longest for bucket in choice.buckets if bucket.longest]
    return np.searchsorted(np.array(edges, np.int64), lengths).astype(np.int64)


def weighted(values: Floats, weights: Floats) -> Floats:
    """Return Σ weight · value of each candidate, ``weights`` float32[parts] or one row a candidate.

    What nothing with a weight speaks for comes after all else, by popularity, so that there is always an answer.
    """
    scores: Floats = np.einsum("ij,ij->i", values, np.broadcast_to(weights, values.shape))
    return np.where(scores > 0, scores, _BEHIND * values[:, -1])


def best(scores: Floats, k: int) -> Longs:
    """Return the places of the ``k`` largest positive scores, best first, ties by place."""
    places = np.flatnonzero(scores > 0)
    if len(places) > k:
        least = np.partition(scores[places], len(places) - k)[len(places) - k]
        places = places[scores[places] >= least]
    return places[np.argsort(-scores[places], kind="stable")[:k]]


class _Recent(NamedTuple):
    rows: Ints
    ages: Longs


def _newest_distinct(history: Ints) -> _Recent:
    """Return the items of the window, each at its newest place, with the number of entries after it."""
    backwards = history[::-1][:WINDOW]
    rows, ages = np.unique(backwards, return_index=True)
    return _Recent(rows, ages)
