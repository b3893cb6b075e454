"""The validation split of a matrix, and the measure that chooses between models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from appliance.recsys.base import Doubles, Floats, Ints, Longs

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from appliance.recsys.linear.operators import LinearModel

SHARE = 0.2
MOST_USERS = 2000
_LEAST_HISTORY = 2
_SCORES_AT_ONCE = 8_000_000


class HoldOut(NamedTuple):
    """A training matrix and what was hidden from it for some of its users."""

    train: csr_array[Any]
    """csr float32[users, items]."""
    users: Longs
    """The users that are judged."""
    histories: csr_array[Any]
    """csr float32[judged, items], their rows of ``train``."""
    hidden: csr_array[Any]
    """csr float32[judged, items], what they had besides."""


def hold_out(matrix: csr_array[Any], *, seed: int, share: float = SHARE, most: int = MOST_USERS) -> HoldOut:
    """Hide a share of every user's items at random, at least one of those with two or more; judge ``most`` users."""
    from scipy.sparse import csr_array

    random = np.random.default_rng(seed)
    lengths = np.diff(matrix.indptr)
    owners = np.repeat(np.arange(matrix.shape[0]), lengths)
    order = np.lexsort((random.random(matrix.nnz), owners))
    place = np.arange(matrix.nnz) - np.repeat(matrix.indptr[:-1], lengths)
    quota = np.where(lengths >= _LEAST_HISTORY, np.maximum(1, np.floor(lengths * share)), 0)
    hidden = np.zeros(matrix.nnz, np.bool_)
    hidden[order] = place < quota[owners]

    def part(chosen: Any) -> csr_array[Any]:
        values = matrix.data[chosen].astype(np.float32)
        return csr_array((values, (owners[chosen], matrix.indices[chosen])), shape=matrix.shape)

    train, rest = part(~hidden), part(hidden)
    users = np.flatnonzero(np.diff(rest.indptr) > 0)
    if len(users) > most:
        users = np.sort(random.choice(users, most, replace=False))
    return HoldOut(train, users, train[users], rest[users])


def top_unseen(scores: Floats, histories: csr_array[Any], k: int) -> Ints:
    """Return the ``k`` best columns of each row that the history lacks, best first, -1 pads, int32[n, k]."""
    hide_seen(scores, histories)
    width = min(k, scores.shape[1])
    if width < scores.shape[1]:
        columns = np.argpartition(scores, scores.shape[1] - width, axis=1)[:, -width:]
    else:
        columns = np.tile(np.arange(scores.shape[1]), (len(scores), 1))
    values = np.take_along_axis(scores, columns, axis=1)
    order = np.lexsort((columns, -values), axis=1)
    ranked = np.full((len(scores), k), -1, np.int32)
    best = np.take_along_axis(values, order, axis=1)
    ranked[:, :width] = np.where(np.isneginf(best), -1, np.take_along_axis(columns, order, axis=1))
    return ranked


def best_columns(scores: Floats, k: int) -> Longs:
    """Return the ``k`` largest of one history's scores float32[items], best first, ties by column, int64[k]."""
    width = min(k, len(scores))
    columns = np.sort(np.argpartition(scores, len(scores) - width)[len(scores) - width :])
    best: Longs = columns[np.argsort(-scores[columns], kind="stable")]
    return best[~np.isneginf(scores[best])]


def hide_seen(scores: Floats, histories: csr_array[Any]) -> None:
    """Set the scores of the items of each history to -inf, in place."""
    owners = np.repeat(np.arange(histories.shape[0]), np.diff(histories.indptr))
    scores[owners, histories.indices] = -np.inf


def blocks(rows: int, size: int) -> Iterator[slice]:
    """Yield slices of ``rows`` histories whose scores of ``size`` items fit in a modest block of memory."""
    step = max(1, min(512, _SCORES_AT_ONCE // max(size, 1)))
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))


def rank(model: LinearModel, histories: csr_array[Any], k: int) -> Ints:
    """Return the answers of a model to histories csr float32[n, items], int32[n, k]."""
    parts = [
        top_unseen(model.scores(histories[part]), histories[part], k)
        for part in blocks(histories.shape[0], histories.shape[1])
    ]
    return np.concatenate(parts) if parts else np.empty((0, k), np.int32)


def recall(ranked: Ints, hidden: csr_array[Any]) -> Doubles:
    """Return for each row the share of the hidden items among the ranked ones, float64[n]."""
    stride = np.int64(hidden.shape[1])
    owners = np.repeat(np.arange(hidden.shape[0]), np.diff(hidden.indptr))
    right = owners * stride + hidden.indices
    found = np.isin(np.arange(len(ranked))[:, None] * stride + ranked, right) & (ranked >= 0)
    shares: Doubles = found.sum(axis=1) / np.maximum(np.diff(hidden.indptr), 1)
    return shares
