"""The sessions of the past as mapped arrays: their items in order, and for each item the newest sessions with it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from appliance.recsys.base import Doubles, Ints, Longs, mapped
from appliance.recsys.sequences import Sequences

MAX_LENGTH = 50
"""Newest clicks kept of one session; robots have thousands."""
MAX_POSTINGS = 2500
"""Newest sessions kept for one item, so that a query costs the same however large the log is."""


class Archive(NamedTuple):
    """Sessions numbered by their newest click, the oldest first, so that a larger number is a newer session."""

    starts: Longs
    """int64[n + 1], session ``i`` has ``items[starts[i]:starts[i + 1]]``."""
    items: Ints
    """int32[m], rows, oldest first."""
    times: Doubles
    """float64[n], the newest click of each session."""
    distinct: Ints
    """int32[n], different items of each session."""
    posting_starts: Longs
    """int64[size + 1], item ``i`` has the postings ``posting_starts[i]:posting_starts[i + 1]``, the newest first."""
    posting_sessions: Ints
    """int32[p]."""
    posting_places: Ints
    """int32[p], where the item stood last in that session."""

    @property
    def sessions(self) -> int:
        """The number of sessions."""
        return len(self.times)

    @property
    def size(self) -> int:
        """The number of item rows."""
        return len(self.posting_starts) - 1

    def fade(self, recency: float) -> float:
        """Return in how many seconds a session comes to weigh 1/e: a share of what the sessions span."""
        return recency * float(self.times[-1] - self.times[0]) if len(self.times) else 0.0

    def freshness(self, recency: float) -> Doubles:
        """Return the weight of each session by its age, 1 for the newest, float64[n]; all 1 where ``recency`` is 0."""
        fade = self.fade(recency)
        fresh: Doubles = np.exp((self.times - self.times[-1]) / fade) if fade else np.ones(len(self.times))
        return fresh

    def save(self, folder: Path) -> None:
        """Write every array as an ``.npy`` file."""
        for name, values in self._asdict().items():
            np.save(folder / f"sessions_{name}.npy", values, allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> Archive:
        """Map the arrays of a verified artifact."""
        return cls(*(mapped(folder / f"sessions_{name}.npy") for name in cls._fields))


def build(sequences: Sequences, size: int) -> Archive:
    """Return the archive of sessions over ``size`` item rows; empty sessions are left out."""
    filled = sequences.take(np.flatnonzero(sequences.lengths > 0))
    newest: Doubles = filled.times[filled.starts[1:] - 1] if filled.owners else np.empty(0)
    ordered = filled.take(np.argsort(newest, kind="stable")).newest(MAX_LENGTH)
    owners = ordered.owner_of_entry()
    places = np.arange(len(ordered.items)) - ordered.starts[owners]
    order = np.lexsort((-places, -owners, ordered.items))
    items, sessions = ordered.items[order], owners[order]
    first = np.ones(len(order), np.bool_)
    first[1:] = (np.diff(items) != 0) | (np.diff(sessions) != 0)
    items, sessions, places = items[first], sessions[first], places[order][first]
    distinct = np.bincount(sessions, minlength=ordered.owners)
    counts = np.bincount(items, minlength=size)
    rank = np.arange(len(items)) - np.repeat(np.cumsum(counts) - counts, counts)
    kept = rank < MAX_POSTINGS
    return Archive(
        starts=ordered.starts,
        items=ordered.items,
        times=np.sort(newest, kind="stable"),
        distinct=distinct.astype(np.int32),
        posting_starts=np.concatenate([[0], np.cumsum(np.minimum(counts, MAX_POSTINGS))]).astype(np.int64),
        posting_sessions=sessions[kept].astype(np.int32),
        posting_places=places[kept].astype(np.int32),
    )
