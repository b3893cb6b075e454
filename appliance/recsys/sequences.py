"""Histories in order: what each visitor or session did, oldest first, as flat arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from appliance.recsys.base import Doubles, Flags, Floats, Ints, Longs

if TYPE_CHECKING:
    from scipy.sparse import csr_array


class Sequences(NamedTuple):
    """Histories of n owners (visitors or sessions): ``items[starts[i]:starts[i + 1]]`` are what ``i`` did, in order."""

    starts: Longs
    """int64[n + 1]."""
    items: Ints
    """int32[m], rows of the catalogue."""
    times: Doubles
    """float64[m], Unix seconds; where there are none, the place in the file."""

    @property
    def owners(self) -> int:
        """The number of histories."""
        return len(self.starts) - 1

    @property
    def lengths(self) -> Longs:
        """The length of each history, int64[n]."""
        return np.diff(self.starts)

    def of(self, owner: int) -> Ints:
        """Return the items of one owner, oldest first."""
        return self.items[self.starts[owner] : self.starts[owner + 1]]

    def owner_of_entry(self) -> Longs:
        """Return for each entry whose it is, int64[m]."""
        return np.repeat(np.arange(self.owners), self.lengths)

    def take(self, owners: Longs) -> Sequences:
        """Return the histories of some owners, in the order given."""
        lengths = self.lengths[owners]
        starts = _ends(lengths)
        places = np.arange(starts[-1]) - np.repeat(starts[:-1] - self.starts[owners], lengths)
        return Sequences(starts, self.items[places], self.times[places])

    def keep(self, chosen: Flags) -> Sequences:
        """Return the entries marked in ``chosen``, bool[m]; every owner stays, if with an empty history."""
        before = np.concatenate([[0], np.cumsum(chosen)])
        return Sequences(before[self.starts].astype(np.int64), self.items[chosen], self.times[chosen])

    def last(self) -> Ints:
        """Return the newest item of each owner, int32[n]; -1 for an empty history."""
        filled = self.lengths > 0
        out = np.full(self.owners, -1, np.int32)
        out[filled] = self.items[self.starts[1:][filled] - 1]
        return out

    def without_last(self) -> Sequences:
        """Return the histories less their newest item."""
        chosen = np.ones(len(self.items), np.bool_)
        chosen[self.starts[1:][self.lengths > 0] - 1] = False
        return self.keep(chosen)

    def newest(self, count: int) -> Sequences:
        """Return at most the ``count`` newest items of each owner."""
        place_from_end = np.repeat(self.starts[1:], self.lengths) - np.arange(len(self.items))
        return self.keep(place_from_end <= count)

    def matrix(self, size: int) -> csr_array[Any]:
        """Return who has what, float32[n, size], 1 where an owner has an item however often."""
        from scipy.sparse import csr_array

        ones: Floats = np.ones(len(self.items), np.float32)
        matrix = csr_array((ones, self.items.astype(np.int32), self.starts.copy()), shape=(self.owners, size))
        matrix.sum_duplicates()
        matrix.data[:] = 1.0
        return matrix


def from_lists(rows: Iterable[Sequence[int]], times: Iterable[Sequence[float]] | None = None) -> Sequences:
    """Return histories given as lists of items, oldest first; without ``times`` an entry's time is its place."""
    listed = [np.asarray(row, np.int32) for row in rows]
    starts = _ends(np.array([len(row) for row in listed], np.int64))
    items = np.concatenate(listed) if listed else np.empty(0, np.int32)
    if times is None:
        when: Doubles = np.arange(len(items), dtype=np.float64)
    else:
        parts = [np.asarray(row, np.float64) for row in times]
        when = np.concatenate(parts) if parts else np.empty(0)
    return Sequences(starts, items, when)


def from_entries(owners: Longs, items: Longs | Ints, times: Doubles, count: int) -> Sequences:
    """Return the histories of ``count`` owners from unordered entries; ties in time keep their given order."""
    order = np.lexsort((np.arange(len(times)), times, owners))
    return Sequences(
        _ends(np.bincount(owners, minlength=count).astype(np.int64)), items[order].astype(np.int32), times[order]
    )


def _ends(lengths: Longs) -> Longs:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
