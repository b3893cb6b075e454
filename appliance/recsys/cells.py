"""Nearest neighbours of every vector at once, at a cost that grows with their number: an inverted file of cells.

The vectors are divided into cells by spherical k-means (Dhillon & Modha 2001) and each is compared with those of the
cells nearest to its own (Sivic & Zisserman 2003; Jégou, Douze & Schmid 2011), a matrix product a cell. A cell holds at
most ``CELL`` vectors whatever the data, so n vectors cost n · PROBES · CELL products.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from appliance.recsys.base import Floats, Longs

CELL = 512
"""Vectors of one cell, at most."""
PROBES = 16
"""Cells that a vector is compared with, its own included."""
_PER_MEAN = 256
_SAMPLE, _ROUNDS = 20_000, 8


def near_by_cells(vectors: Floats, count: int, seed: int, progress: Callable[[float], None]) -> Longs:
    """Return for each unit vector the ``count`` others of the largest cosine that its cells hold, in no order.

    int64[n, count]; -1 pads where the cells hold fewer.
    """
    found = np.full((len(vectors), count), -1, np.int64)
    cells = divide(vectors, np.random.default_rng(seed))
    means = _unit(np.stack([vectors[cell].mean(axis=0) for cell in cells])) if cells else vectors[:0]
    for number, cell in enumerate(cells):
        near = np.argsort(-(means @ means[number]), kind="stable")[:PROBES]
        others = np.concatenate([cells[place] for place in near.tolist()])
        scores = vectors[cell] @ vectors[others].T
        scores[others[None, :] == cell[:, None]] = -np.inf
        kept = min(count, len(others) - 1)
        if kept > 0:
            best = np.argpartition(-scores, kept - 1, axis=1)[:, :kept]
            found[cell, :kept] = others[best]
        progress((number + 1) / len(cells))
    return found


def divide(vectors: Floats, random: np.random.Generator) -> list[Longs]:
    """Return the rows of each cell; every row is in exactly one and no cell has more than ``CELL``."""
    size = len(vectors)
    number = max(1, size // _PER_MEAN)
    sample = vectors[np.sort(random.choice(size, min(size, _SAMPLE), replace=False))]
    means = sample[random.choice(len(sample), min(number, len(sample)), replace=False)]
    for _ in range(_ROUNDS):
        order, starts, used = _grouped(_nearest(sample, means), len(means))
        # A mean that nothing is nearest to is dropped.
        means = _unit(np.add.reduceat(sample[order], starts[used], axis=0)) if len(sample) else means
    order, starts, used = _grouped(_nearest(vectors, means), len(means))
    ends = np.append(starts[1:], size)
    return [
        order[start : min(start + CELL, ends[mean])]
        for mean in used.tolist()
        for start in range(int(starts[mean]), int(ends[mean]), CELL)
    ]


def _nearest(vectors: Floats, means: Floats) -> Longs:
    step = 8192
    parts = [np.argmax(vectors[at : at + step] @ means.T, axis=1) for at in range(0, len(vectors), step)]
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def _grouped(owner: Longs, number: int) -> tuple[Longs, Longs, Longs]:
    """Return the rows in order of their group, where each group starts, and the groups that have rows."""
    order = np.argsort(owner, kind="stable")
    sizes = np.bincount(owner, minlength=number)
    return order, np.cumsum(sizes) - sizes, np.flatnonzero(sizes)


def _unit(vectors: Floats) -> Floats:
    lengths = np.sqrt((vectors**2).sum(axis=1, keepdims=True))
    scaled: Floats = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return scaled
