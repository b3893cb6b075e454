"""Products that came or changed after training: their content neighbours, found at once beside the model.

The index takes no new vectors after it was built, so the tail is searched exactly beside it until the next training.
It is bounded; past the bound the model is due for training and says so.
"""

from __future__ import annotations

import threading

import numpy as np
import structlog

from appliance.domain import Product
from appliance.errors import ArtifactInvalid
from appliance.recsys import latent
from appliance.recsys.base import Flags, Floats, Ints
from appliance.recsys.embeddings import text_of
from appliance.recsys.model import Model
from appliance.recsys.similarity import ContentSpace, joined
from appliance.recsys.tfidf import WIDTH, SparseRows

LIMIT = 2000
"""Products that the tail holds."""
_MAX_EXTRAS = 24
"""New neighbours remembered for one product."""
_POOL_FACTOR = 3
_AT_ONCE = 32
"""Texts that go through the encoder at once."""

log = structlog.get_logger(__name__)

Neighbours = tuple[Ints, Floats]
"""Codes and cosines, best first."""


class Tail:
    """Content vectors and neighbours of products newer than the model. One writer at a time; readers need no lock."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._lock = threading.Lock()
        self._places: dict[int, int] = {}
        self._codes = np.full(LIMIT, -1, np.int32)
        self._vectors = np.zeros((LIMIT, model.index.vectors.shape[1]), np.float32)
        self._known = model.space
        self._space = ContentSpace(
            SparseRows(np.full((LIMIT, WIDTH), -1, np.int32), np.zeros((LIMIT, WIDTH), np.float32)),
            self._known.columns,
            self._vectors[:, model.axes.shape[1] :],
        )
        self._waiting: dict[int, str] = {}
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

    @property
    def waiting(self) -> bool:
        """Whether texts wait for the encoder."""
        return bool(self._waiting)

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
            self._space.rows.columns[place], self._space.rows.values[place] = columns, values
            self._set(code, place, self._meaning(code, product))
            return True

    def enrich(self) -> bool:
        """Give the embeddings of some texts that wait for theirs; whether it could. Takes as long as the encoder does.

        Until then, and for good where the encoder is not there any more, such products are compared by words alone.
        """
        reduction = self._model.reduction
        with self._lock:
            some = dict(list(self._waiting.items())[:_AT_ONCE])
        if reduction is None or not some:
            return False
        try:
            meanings = reduction.embed(list(some.values()))
        except (ArtifactInvalid, OSError) as error:
            log.warning("embeddings_off", error=str(error))
            with self._lock:
                self._waiting.clear()
            return False
        for (code, text), meaning in zip(some.items(), meanings, strict=True):
            with self._lock:
                if self._waiting.get(code) == text:
                    del self._waiting[code]
                    self._set(code, self._places[code], meaning)
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

    def _meaning(self, code: int, product: Product) -> Floats:
        """Return the embedding of a text that the model knows; for another, zeros until it has been through."""
        nothing: Floats = np.zeros(self._space.meanings.shape[1], np.float32)
        self._waiting.pop(code, None)
        if self._model.reduction is None:
            return nothing
        text = text_of(product)
        known = self._model.reduction.known(text)
        if known is None:
            self._waiting[code] = text
            return nothing
        return known

    def _set(self, code: int, place: int, meaning: Floats) -> None:
        rows = self._space.rows
        point = latent.project(rows.columns[place], rows.values[place], self._model.axes)
        self._vectors[place] = joined(point[None, :], meaning[None, :])[0]
        self._codes[place] = code
        for other in self._own[code][0].tolist() if code in self._own else ():
            self._forget(other, code)
        neighbours = self._find(code, place)
        self._own[code] = neighbours
        self._extras.pop(code, None)  # the search above saw the whole tail
        for other, score in zip(neighbours[0].tolist(), neighbours[1].tolist(), strict=True):
            self._extras[other] = _merged(self._extras.get(other), code, score)

    def _unchanged(self, code: int, columns: Ints, values: Floats) -> bool:
        row = self._model.row(code)
        if row < 0:
            return False
        known = self._model.sparse
        # The fit sums in another order, so equal features may stand in another order and differ in the last digit.
        cosine = known.against(columns, values, np.array([row]), self._model.vectoriser.size)[0]
        return bool(cosine > 0.9999) or not (values.any() or known.values[row].any())

    def _forget(self, code: int, neighbour: int) -> None:
        if code in self._extras:
            codes, scores = self._extras[code]
            self._extras[code] = codes[codes != neighbour], scores[codes != neighbour]

    def _find(self, code: int, place: int) -> Neighbours:
        model = self._model
        width = model.content.ids.shape[1]
        of_product = self._space.rows.columns[place], self._space.rows.values[place], self._space.meanings[place]
        pool, _ = model.index.search(self._vectors[place], _POOL_FACTOR * width)
        members = np.arange(len(self._places))
        codes = np.concatenate([model.code_of_row[pool], self._codes[members]])
        scores = np.concatenate(
            [
                self._known.against(*of_product, pool),
                self._space.against(*of_product, members),
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
