"""Completing a bundle: what goes with the given products, from the shop's content and co-occurrence components.

    score(j | G) = Σ over parts of weight · mean over i in G of value(i, j)

The values come from

- ``content``: the cosine of the shop's sparse rows over titles (``recsys.vectorise``);
- ``words``: BM25 of the title of i over the title of j, as a share of its score over itself;
- ``categories``: the cosine of the shop's sparse rows over category paths;
- ``sessions``: shrunk cosine co-occurrence in sessions (``recsys.item_to_item``);
- ``bundles``: the share of bundles with i that held j, shrunk (``recsys.bought_together``).

The content values s are scaled locally, s(i, j) / √(σ_i σ_j) with σ the mean likeness to the ten nearest (after Zelnik-
Manor and Perona 2004), and raised to a power: without that, products that resemble half of the shop crowd out the
few that truly go with the given one. Power and weights are chosen by NDCG@10 on cases whose answers are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from msgspec.structs import replace

from appliance.domain import Product
from appliance.ops.evaluation.bm25 import Bm25, positive_top
from appliance.recsys import bought_together, item_to_item, vectorise
from appliance.recsys.base import Doubles, Floats, Ints
from appliance.recsys.histories import Entries
from appliance.recsys.neighbours import NeighbourTable, stack, top_of_rows
from appliance.recsys.sequences import Sequences
from appliance.text import words

if TYPE_CHECKING:
    from scipy.sparse import csr_array

CONTENT = ("content", "words", "categories")
PARTS = (*CONTENT, "sessions", "bundles")
POWERS = (1.0, 1.5, 2.0, 3.0)
_START = np.array([1.0, 1.0, 0.1, 0.1, 0.1])
_STEPS = (0.0, 0.25, 0.5, 2.0, 4.0)
"""What a weight is tried times, with its start value where it is 0."""
_SWEEPS = 2
_WIDTH, _NEAREST = 300, 10
"""Neighbours kept of each product, and those that set its scale."""
_POOL = 200
"""Rivals of a hidden product that weights are compared on."""
_BATCH, _BLOCK = 256, 1024
_LEAST_SCALE = 1e-3


class Chosen(NamedTuple):
    """The power of the content values, the weight of each part, and the NDCG@10 that they were chosen for."""

    power: float
    weights: Doubles
    ndcg: float


class Cases(NamedTuple):
    """Known answers: ``hidden`` int32[n] goes with each history of ``given``."""

    given: Sequences
    hidden: Ints


class _Rivals(NamedTuple):
    """What weights are compared on: the hidden product of each case against the strongest others."""

    hidden: Floats
    """float32[parts, cases]."""
    others: Floats
    """float32[parts, cases, rivals], 0 where there are fewer."""


def content_tables(products: Sequence[Product]) -> list[csr_array[Any]]:
    """Return the locally scaled values of the parts in ``CONTENT``, each float32[products, products]."""
    bare = [Product(id=product.id, handle=product.handle, title="") for product in products]
    titled = [replace(one, title=product.title) for one, product in zip(bare, products, strict=True)]
    placed = [replace(one, categories=product.categories) for one, product in zip(bare, products, strict=True)]
    pairs = (_rows(titled), _shares([words(product.title) for product in products]), _rows(placed))
    return [_scaled(_nearest(left, right)) for left, right in pairs]


def behaviour_tables(sessions: Sequences, bundles: Sequences, size: int) -> list[csr_array[Any]]:
    """Return what past sessions and bundles say, in the order of ``PARTS``, each float32[size, size]."""
    companions = (
        item_to_item.fit(_entries(sessions), size, _WIDTH),
        bought_together.fit(_entries(bundles), size, _WIDTH),
    )
    return [_matrix(table, size) for table in companions]


def choose(content: Sequence[csr_array[Any]], known: Iterable[tuple[Sequence[csr_array[Any]], Cases]]) -> Chosen:
    """Return the power and weights with the best NDCG@10 on known cases.

    ``known`` are groups of cases, each with behaviour tables that have not seen them.
    """
    groups = list(known)
    found = [_weigh(power, _rivals(sharpened(content, power), groups)) for power in POWERS]
    return max(found, key=lambda choice: choice.ndcg)


def complete(tables: Sequence[csr_array[Any]], weights: Doubles, given: Sequences, k: int) -> Ints:
    """Return the ``k`` products that best go with each history, int32[n, k], -1 pads; never what is given."""
    ranked = [np.empty((0, k), np.int32)]
    for some, values in _batches(tables, given):
        scores: Floats = np.tensordot(weights.astype(np.float32), values, axes=1)
        scores[some.owner_of_entry(), some.items] = 0.0
        ranked.append(positive_top(scores, k))
    return np.concatenate(ranked)


def sharpened(content: Sequence[csr_array[Any]], power: float) -> list[csr_array[Any]]:
    """Return the content tables with every value raised to a power."""
    from scipy.sparse import csr_array

    return [csr_array((table.data**power, table.indices, table.indptr), shape=table.shape) for table in content]


def _rivals(content: Sequence[csr_array[Any]], groups: Sequence[tuple[Sequence[csr_array[Any]], Cases]]) -> _Rivals:
    """Return the values of the hidden products and of their strongest rivals by ``_START``."""
    hidden, others = [], []
    for behaviour, cases in groups:
        done = 0
        for some, values in _batches([*content, *behaviour], cases.given):
            answers = cases.hidden[done : done + some.owners]
            strength = np.tensordot(_START.astype(np.float32), values, axes=1)
            strength[some.owner_of_entry(), some.items] = -1.0
            strength[np.arange(some.owners), answers] = -1.0
            width = min(_POOL, strength.shape[1])
            rivals = np.argpartition(-strength, width - 1, axis=1)[:, :width]
            found = np.take_along_axis(values, rivals[None], axis=2)
            found[:, np.take_along_axis(strength, rivals, axis=1) < 0] = 0.0
            others.append(found)
            hidden.append(values[:, np.arange(some.owners), answers])
            done += some.owners
    return _Rivals(np.concatenate(hidden, axis=1), np.concatenate(others, axis=1))


def _weigh(power: float, rivals: _Rivals) -> Chosen:
    """Climb in one weight at a time from the best of ``_START`` and each part alone."""
    starts = [_START, *np.eye(len(PARTS))]
    best = max((Chosen(power, one, _ndcg(rivals, one)) for one in starts), key=lambda choice: choice.ndcg)
    for _ in range(_SWEEPS):
        for part in range(len(PARTS)):
            start = best.weights[part] or _START[part]
            for step in _STEPS:
                weights = best.weights.copy()
                weights[part] = start * step
                ndcg = _ndcg(rivals, weights)
                if ndcg > best.ndcg:
                    best = Chosen(power, weights, ndcg)
    return best


def _ndcg(rivals: _Rivals, weights: Doubles) -> float:
    """Return NDCG@10 where each case has one right answer: 1 / log₂(rivals before it + 2), ties counting half."""
    factors = weights.astype(np.float32)
    own = np.tensordot(factors, rivals.hidden, axes=1)[:, None]
    scores = np.tensordot(factors, rivals.others, axes=1)
    before = (scores > own).sum(axis=1) + 0.5 * (scores == own).sum(axis=1)
    gains = np.where((before < 10) & (own[:, 0] > 0), 1.0 / np.log2(before + 2.0), 0.0)
    return float(gains.mean()) if len(gains) else 0.0


def _batches(tables: Sequence[csr_array[Any]], given: Sequences) -> Iterator[tuple[Sequences, Floats]]:
    """Yield some requests and the mean values of what is given, float32[parts, requests, size]."""
    for start in range(0, given.owners, _BATCH):
        some = given.take(np.arange(start, min(start + _BATCH, given.owners)))
        matrix = some.matrix(tables[0].shape[0])
        lengths = np.diff(matrix.indptr)
        matrix.data /= np.repeat(np.maximum(lengths, 1), lengths).astype(np.float32)
        yield some, np.stack([(matrix @ table).toarray() for table in tables])


def _rows(products: Sequence[Product]) -> tuple[csr_array[Any], csr_array[Any]]:
    vectoriser, rows = vectorise.fit(products)
    matrix = vectorise.to_csr(rows, vectoriser.size).astype(np.float32)
    return matrix, matrix


def _shares(texts: Sequence[Sequence[str]]) -> tuple[csr_array[Any], csr_array[Any]]:
    index = Bm25(texts)
    asked = index.asked(texts)
    itself = np.asarray((asked * index.weights).sum(axis=1)).ravel()
    asked.data /= np.repeat(np.where(itself > 0, itself, 1.0), np.diff(asked.indptr)).astype(np.float32)
    return asked, index.weights


def _nearest(left: csr_array[Any], right: csr_array[Any]) -> csr_array[Any]:
    """Return the largest products of rows of ``left`` with rows of ``right``, less those of a row with itself."""
    size, columns, parts = left.shape[0], right.T.tocsr(), []
    for start in range(0, size, _BLOCK):
        block = (left[start : start + _BLOCK] @ columns).tocsr()
        block.data[block.indices == np.repeat(np.arange(block.shape[0]) + start, np.diff(block.indptr))] = 0.0
        parts.append(top_of_rows(block, _WIDTH))
    return _matrix(stack(parts, _WIDTH), size)


def _scaled(values: csr_array[Any]) -> csr_array[Any]:
    rows, columns = _scale(values), _scale(values.T.tocsr())
    owner = np.repeat(np.arange(values.shape[0]), np.diff(values.indptr))
    values.data /= np.sqrt(rows[owner] * columns[values.indices])
    return values


def _scale(values: csr_array[Any]) -> Floats:
    nearest = top_of_rows(values, _NEAREST).scores.sum(axis=1) / np.float32(_NEAREST)
    scale: Floats = np.maximum(nearest, np.float32(_LEAST_SCALE))
    return scale


def _matrix(table: NeighbourTable, size: int) -> csr_array[Any]:
    from scipy.sparse import csr_array

    used = table.ids >= 0
    ends = np.concatenate([[0], np.cumsum(used.sum(axis=1))])
    return csr_array((table.scores[used].astype(np.float32), table.ids[used], ends), shape=(len(table.ids), size))


def _entries(histories: Sequences) -> Entries:
    return Entries(histories.owner_of_entry(), histories.items.astype(np.int64), np.ones(len(histories.items)))
