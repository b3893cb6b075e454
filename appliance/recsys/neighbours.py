"""Neighbour tables: for every product of a model the best others, worked out at training and mapped at serving."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from appliance.recsys.base import Floats, Ints, Longs, mapped

if TYPE_CHECKING:
    from scipy.sparse import csr_array


class NeighbourTable(NamedTuple):
    """``ids`` int32[n, k] are model rows, best first, -1 pads; ``scores`` float32[n, k] align."""

    ids: Ints
    scores: Floats

    @property
    def filled(self) -> int:
        """The number of pairs."""
        return int((self.ids >= 0).sum())

    def save(self, folder: Path, name: str) -> None:
        """Write the table as two ``.npy`` files."""
        np.save(folder / f"{name}_ids.npy", self.ids, allow_pickle=False)
        np.save(folder / f"{name}_scores.npy", self.scores, allow_pickle=False)

    @classmethod
    def load(cls, folder: Path, name: str) -> NeighbourTable:
        """Map the table of a verified artifact."""
        return cls(mapped(folder / f"{name}_ids.npy"), mapped(folder / f"{name}_scores.npy"))

    @classmethod
    def empty(cls, size: int, width: int) -> NeighbourTable:
        """Return a table without a pair."""
        return cls(np.full((size, width), -1, np.int32), np.zeros((size, width), np.float32))


def top_of_rows(matrix: csr_array[Any], width: int) -> NeighbourTable:
    """Return the ``width`` largest positive entries of each row of a SciPy matrix; ties go to the smaller column."""
    count = matrix.shape[0]
    positive = matrix.data > 0
    rows: Longs = np.repeat(np.arange(count), np.diff(matrix.indptr))[positive]
    columns, values = matrix.indices[positive], matrix.data[positive]
    order = np.lexsort((columns, -values, rows))
    sizes = np.bincount(rows, minlength=count)
    place = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    inside = place < width
    table = NeighbourTable.empty(count, width)
    table.ids[rows[inside], place[inside]] = columns[order][inside]
    table.scores[rows[inside], place[inside]] = values[order][inside]
    return table


def stack(parts: list[NeighbourTable], width: int) -> NeighbourTable:
    """Return the tables of consecutive rows as one."""
    if not parts:
        return NeighbourTable.empty(0, width)
    return NeighbourTable(np.concatenate([part.ids for part in parts]), np.concatenate([part.scores for part in parts]))
