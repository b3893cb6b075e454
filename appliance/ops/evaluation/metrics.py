"""Ranking metrics by case, bootstrap intervals of their means, and F1 of labels.

``ranked`` is int32[n, w]: the answer to each case, best first, -1 pads. ``relevant`` holds the right answers of each
case (each once). Every function returns float64[n], one value from 0 to 1 a case. Definitions as in the LightGCN and
session-rec evaluations:

    recall@k = hits / |relevant|                      hit@k = 1 if hits > 0
    ndcg@k   = Σ_{hits} 1/log₂(place + 1) / Σ_{i ≤ min(k, |relevant|)} 1/log₂(i + 1)      (Järvelin & Kekäläinen 2002)
    mrr@k    = 1 / place of the first hit, 0 without one
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from appliance.recsys.base import Doubles, Flags, Ints
from appliance.recsys.bootstrap import interval as bootstrap
from appliance.recsys.sequences import Sequences


def relevance(ranked: Ints, relevant: Sequences) -> Flags:
    """Return which places of the answers are right, bool[n, w]."""
    if not ranked.size or not len(relevant.items):
        return np.zeros(ranked.shape, np.bool_)
    stride = np.int64(max(int(ranked.max(initial=0)), int(relevant.items.max(initial=0))) + 1)
    right = np.unique(relevant.owner_of_entry() * stride + relevant.items)
    keys = np.arange(len(ranked))[:, None] * stride + ranked
    places = np.minimum(np.searchsorted(right, keys), len(right) - 1)
    found: Flags = (right[places] == keys) & (ranked >= 0)
    return found


def recall_at(ranked: Ints, relevant: Sequences, k: int) -> Doubles:
    """Return the share of each case's right answers that stand among the first ``k``."""
    hits = np.count_nonzero(relevance(ranked[:, :k], relevant), axis=1)
    shares: Doubles = hits / np.maximum(relevant.lengths, 1)
    return shares


def hit_at(ranked: Ints, relevant: Sequences, k: int) -> Doubles:
    """Return whether any right answer stands among the first ``k``."""
    return (recall_at(ranked, relevant, k) > 0).astype(np.float64)


def ndcg_at(ranked: Ints, relevant: Sequences, k: int) -> Doubles:
    """Return the normalised discounted cumulative gain with equal gains."""
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    found = relevance(ranked[:, :k], relevant)
    gained = found @ discounts[: found.shape[1]]
    ideal = np.concatenate([[1.0], np.cumsum(discounts)])[np.minimum(relevant.lengths, k)]
    ideal[relevant.lengths == 0] = 1.0
    values: Doubles = gained / ideal
    return values


def mrr_at(ranked: Ints, relevant: Sequences, k: int) -> Doubles:
    """Return the reciprocal place of the first right answer."""
    found = relevance(ranked[:, :k], relevant)
    values: Doubles = np.where(found.any(axis=1), 1.0 / (found.argmax(axis=1) + 1.0), 0.0)
    return values


def coverage(ranked: Ints, size: int) -> float:
    """Return the share of the catalogue's ``size`` items that occur in any answer."""
    return len(np.unique(ranked[ranked >= 0])) / size if size else 0.0


def bootstrap_difference(first: Doubles, second: Doubles, *, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % interval of the mean difference between two answers to the same cases."""
    return bootstrap(first - second, seed=seed)


def summary(values: dict[str, Doubles]) -> dict[str, float]:
    """Return the means, rounded to what a reader can use."""
    return {name: round(float(column.mean()), 6) if len(column) else 0.0 for name, column in values.items()}


def intervals(values: dict[str, Doubles], *, seed: int = 0) -> dict[str, list[float]]:
    """Return the bootstrap interval of each mean."""
    return {name: [round(bound, 6) for bound in bootstrap(column, seed=seed)] for name, column in values.items()}


def macro_f1(labels: Sequence[tuple[str, str]]) -> float:
    """Return the mean over the true labels of F1 = 2TP / (2TP + FP + FN), from pairs of the true and the given one."""
    truth, given = Counter(label for label, _ in labels), Counter(label for _, label in labels)
    hits = Counter(label for label, said in labels if label == said)
    return sum(2 * hits[label] / (truth[label] + given[label]) for label in sorted(truth)) / max(len(truth), 1)


def top_rows(scores: np.typing.NDArray[Any], k: int) -> Ints:
    """Return the columns of the ``k`` largest scores of each row, best first, ties by column; -inf is never taken."""
    width = min(k, scores.shape[1])
    part = np.argpartition(-scores, width - 1, axis=1)[:, :width] if width < scores.shape[1] else None
    columns = np.tile(np.arange(scores.shape[1]), (len(scores), 1)) if part is None else np.sort(part, axis=1)
    values = np.take_along_axis(scores, columns, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")[:, :width]
    ranked = np.take_along_axis(columns, order, axis=1).astype(np.int32)
    ranked[np.isneginf(np.take_along_axis(values, order, axis=1))] = -1
    return ranked
