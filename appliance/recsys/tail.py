"""Products that came or changed after training: their content neighbours, found at once beside the model.

The index takes no new vectors after it was built, so the tail is searched exactly beside it until the next training.
It is bounded; past the bound the model is due for training and says so.
"""

from __future__ import annotations

import threading

import numpy as np

from appliance.domain import Product
from appliance.recsys import latent
from appliance.recsys.base import Flags, Floats, Ints
from appliance.recsys.model import Model
from appliance.recsys.tfidf import WIDTH, SparseRows

LIMIT = 2000
"""Products that the tail holds."""
_MAX_EXTRAS = 24
"""New neighbours remembered for one product."""
_POOL_FACTOR = 3

Neighbours = tuple[Ints, Floats]
"""Codes and cosines, best first."""


class Tail:
    """Content vectors and neighbours of products newer than the model. One writer at a time; readers need no lock."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._lock = threading.Lock()
        self._places: dict[int, int] = {}
        self._codes = np.full(LIMIT, -1, np.int32)
        self._sparse = SparseRows(np.full((LIMIT, WIDTH), -1, np.int32), np.zeros((LIMIT, WIDTH), np.float32))
        self._vectors = np.zeros((LIMIT, model.axes.shape[1]), np.float32)
        self._own: dict[int, Neighbours] = {}
        self._extras: dict[int, Neighbours] = {}

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, code: int) -> bool:
        return code in self._own

    @property
    def full(self) -> bool:
        """Whether no further product fits."""
        return len(self._places) >= LIMIT

    def add(self, code: int, product: Product) -> bool:
        """Take in a product if its content differs from the model's; false when it does but there is no room."""
        columns, values = self._model.vectoriser.transform(product)
        with self._lock:
            if code not in self._places:
                if self._unchanged(code, columns, values):
                    return True
                if self.full:
                    return False
            place = self._places.setdefault(code, len(self._places))
            self._sparse.columns[place], self._sparse.values[place] = columns, values
            self._vectors[place] = latent.project(columns, values, self._model.axes)
            self._codes[place] = code
            neighbours = self._find(code, place)
            self._own[code] = neighbours
            self._extras.pop(code, None)  # the search above saw the whole tail
            for other, score in zip(neighbours[0].tolist(), neighbours[1].tolist(), strict=True):
                self._extras[other] = _merged(self._extras.get(other), code, score)
            return True

    def own(self, code: int) -> Neighbours | None:
        """Return the neighbours of a product of the tail."""
        return self._own.get(code)

    def extras(self, code: int) -> Neighbours | None:
        """Return the products of the tail that are near to any product."""
        return self._extras.get(code)

    def outdated(self, codes: Ints) -> Flags:
        """Return which of the codes are in the tail, so that what the model says of their content is out of date."""
        return np.isin(codes, self._codes[: len(self._places)])

    def vector(self, code: int) -> Floats | None:
        """Return the latent vector of a product of the tail."""
        place = self._places.get(code)
        return None if place is None else self._vectors[place]

    def _unchanged(self, code: int, columns: Ints, values: Floats) -> bool:
        row = self._model.row(code)
        if row < 0:
            return False
        known = self._model.sparse
        # The fit sums in another order, so equal features may stand in another order and differ in the last digit.
        cosine = known.against(columns, values, np.array([row]), self._model.vectoriser.size)[0]
        return bool(cosine > 0.9999) or not (values.any() or known.values[row].any())

    def _find(self, code: int, place: int) -> Neighbours:
        model = self._model
        width = model.content.ids.shape[1]
        columns, values = self._sparse.columns[place], self._sparse.values[place]
        pool, _ = model.index.search(self._vectors[place], _POOL_FACTOR * width)
        members = np.arange(len(self._places))
        codes = np.concatenate([model.code_of_row[pool], self._codes[members]])
        scores = np.concatenate(
            [
                model.sparse.against(columns, values, pool, model.vectoriser.size),
                self._sparse.against(columns, values, members, model.vectoriser.size),
            ]
        )
        # A changed product counts as it is now, in the tail, not as it was.
        outdated = np.isin(codes[: len(pool)], self._codes[members])
        scores[: len(pool)][outdated] = 0.0
        scores[codes == code] = 0.0
        order = np.lexsort((codes, -scores))[:width]
        order = order[scores[order] > 0]
        return codes[order].astype(np.int32), scores[order].astype(np.float32)


def _merged(known: Neighbours | None, code: int, score: float) -> Neighbours:
    codes, scores = known if known is not None else (np.empty(0, np.int32), np.empty(0, np.float32))
    kept = codes != code
    codes, scores = np.append(codes[kept], np.int32(code)), np.append(scores[kept], np.float32(score))
    order = np.lexsort((codes, -scores))[:_MAX_EXTRAS]
    return codes[order], scores[order]
