"""Nearest neighbours by cosine: exact with NumPy, or Annoy for large catalogues where it is installed.

Annoy maps its file into memory and trusts it blindly, so a folder is loaded only after its manifest was verified.
"""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

from appliance.recsys.base import Floats, Longs, mapped

ANNOY_FILE = "vectors.ann"
VECTORS_FILE = "vectors.npy"
_MIN_EFFORT, _EFFORT = 320, 4
"""Nodes that Annoy looks at in each tree: at least, and for each neighbour wanted. Catalogues hold clusters of near
copies, where its usual effort of one a neighbour finds six in ten."""
_BATCH = 512
_SAMPLE_COLUMNS = 4096


def annoy_installed() -> bool:
    """Whether the optional package is there; it is not imported to find out."""
    return importlib.util.find_spec("annoy") is not None


class VectorIndex:
    """Unit vectors, float32[n, d], and the fastest way there is to search them."""

    def __init__(self, vectors: Floats, annoy: Any = None) -> None:
        self.vectors = vectors
        self._annoy = annoy

    @property
    def kind(self) -> str:
        """``annoy`` or ``exact``."""
        return "exact" if self._annoy is None else "annoy"

    @classmethod
    def load(cls, folder: Path) -> VectorIndex:
        """Open a verified folder, mapped into memory; without the package an Annoy file is left aside."""
        vectors = mapped(folder / VECTORS_FILE)
        file = folder / ANNOY_FILE
        if not file.exists() or not annoy_installed():
            return cls(vectors)
        annoy = _new_annoy(vectors.shape[1])
        annoy.load(str(file))
        return cls(vectors, annoy)

    def search(self, vector: Floats, count: int) -> tuple[Longs, Floats]:
        """Return the rows nearest to a unit vector and their cosines, the nearest first."""
        if self._annoy is None:
            scores = self.vectors @ vector
            rows = _top(scores, count)
        else:
            found = self._annoy.get_nns_by_vector(vector, count, self._effort(count))
            rows = np.array(found, np.int64)
            scores = np.zeros(len(self.vectors), np.float32)
            scores[rows] = self.vectors[rows] @ vector
            rows = rows[np.lexsort((rows, -scores[rows]))]
        return rows, scores[rows]

    def neighbours(self, row: int, count: int) -> Longs:
        """Return the rows nearest to one of the index's own, itself left out."""
        if self._annoy is None:
            rows, _ = self.search(self.vectors[row], count + 1)
        else:
            rows = np.array(self._annoy.get_nns_by_item(row, count + 1, self._effort(count)), np.int64)
        others: Longs = rows[rows != row][:count]
        return others

    def _effort(self, count: int) -> int:
        return int(self._annoy.get_n_trees() * max(_MIN_EFFORT, _EFFORT * count))


def build(vectors: Floats, folder: Path, *, annoy_from: int, trees: int, seed: int) -> tuple[str, float]:
    """Write the index files and return the kind built and its recall@20 against exact search on a sample."""
    np.save(folder / VECTORS_FILE, vectors, allow_pickle=False)
    if len(vectors) < annoy_from or not annoy_installed():
        return "exact", 1.0
    annoy = _new_annoy(vectors.shape[1])
    annoy.set_seed(seed)
    for row, vector in enumerate(vectors):
        annoy.add_item(row, vector)
    annoy.build(trees, n_jobs=1)
    annoy.save(str(folder / ANNOY_FILE))
    return "annoy", measure_recall(VectorIndex(vectors, annoy), seed=seed)


def measure_recall(index: VectorIndex, *, count: int = 20, sample: int = 200, seed: int = 0) -> float:
    """Return the share of the ``count`` nearest that the index finds, over a random sample of its rows.

    A row found counts when its cosine is no less than that of the last exact one: among equals any will do.
    """
    size = len(index.vectors)
    rows = np.random.default_rng(seed).choice(size, min(sample, size), replace=False)
    exact = VectorIndex(index.vectors)
    shares = []
    for row in rows.tolist():
        nearest = exact.neighbours(row, count)
        if len(nearest):
            found = index.neighbours(row, count)
            least = float(index.vectors[nearest[-1]] @ index.vectors[row])
            shares.append(float((index.vectors[found] @ index.vectors[row] >= least - 1e-5).sum()) / len(nearest))
    return min(1.0, float(np.mean(shares))) if shares else 1.0


def all_neighbours(vectors: Floats, count: int) -> Longs:
    """Return for each row the ``count`` others with the largest cosine, in no order; int64[n, min(count, n - 1)].

    A sample of the columns gives each row a threshold that about twice ``count`` columns pass, so that most of the
    selection is one comparison; rows that too few pass are selected in full. The result is exact either way.
    """
    size = len(vectors)
    count = min(count, size - 1)
    out = np.empty((size, max(0, count)), np.int64)
    if count <= 0:
        return out
    step = max(1, size // _SAMPLE_COLUMNS)
    rank = max(1, -(-2 * count // step))
    for start in range(0, size, _BATCH):
        scores = vectors[start : start + _BATCH] @ vectors.T
        scores[np.arange(len(scores)), np.arange(start, start + len(scores))] = -np.inf
        sample = scores[:, ::step]
        thresholds = np.full(len(scores), -np.inf, np.float32)
        if step > 1 and rank < sample.shape[1]:
            thresholds = np.partition(sample, sample.shape[1] - rank, axis=1)[:, sample.shape[1] - rank]
        for place, (line, threshold) in enumerate(zip(scores, thresholds, strict=True)):
            passing = np.flatnonzero(line >= threshold)
            if len(passing) < count or threshold == -np.inf:
                passing = np.arange(size)
            out[start + place] = passing[np.argpartition(-line[passing], count - 1)[:count]]
    return out


def _top(scores: Floats, count: int) -> Longs:
    count = min(count, len(scores))
    if count <= 0:
        return np.empty(0, np.int64)
    rows: Longs = np.argpartition(-scores, count - 1)[:count] if count < len(scores) else np.arange(len(scores))
    return rows[np.lexsort((rows, -scores[rows]))]


def _new_annoy(dimensions: int) -> Any:
    return importlib.import_module("annoy").AnnoyIndex(dimensions, "angular")
