"""Counts which products meet in the same histories, block by block so that memory stays small. Training only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from appliance.recsys.base import Doubles, Ints, Longs
from appliance.recsys.histories import Entries, owners_count
from appliance.recsys.neighbours import NeighbourTable, stack, top_of_rows

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_BLOCK = 1024
Score = Callable[[Doubles, Doubles, Longs, Ints], Doubles]
"""(weighted meetings, number of meetings, rows, columns) of each pair to its score."""


def neighbour_table(entries: Entries, size: int, width: int, score: Score) -> NeighbourTable:
    """Return for each of ``size`` products the ``width`` best by ``score`` of their weighted and plain meetings."""
    if not len(entries.owners):
        return NeighbourTable.empty(size, width)
    return stack([top_of_rows(block, width) for block in _blocks(entries, size, score)], width)


def _blocks(entries: Entries, size: int, score: Score) -> Iterator[csr_array[Any]]:
    from scipy.sparse import csr_array

    shape = (owners_count(entries), size)
    weighted = csr_array((entries.values, (entries.owners, entries.products)), shape=shape)
    plain = csr_array((np.ones(len(entries.values)), weighted.indices, weighted.indptr), shape=shape)
    weighted_columns, plain_columns = weighted.T.tocsr(), plain.T.tocsr()
    for start in range(0, size, _BLOCK):
        meetings = weighted_columns[start : start + _BLOCK] @ weighted
        counts = plain_columns[start : start + _BLOCK] @ plain
        meetings.sort_indices()
        counts.sort_indices()
        rows = np.repeat(np.arange(start, start + meetings.shape[0]), np.diff(meetings.indptr))
        values = score(meetings.data, counts.data, rows, meetings.indices)
        values[rows == meetings.indices] = 0.0  # a product is not its own neighbour
        meetings.data = values
        yield meetings
