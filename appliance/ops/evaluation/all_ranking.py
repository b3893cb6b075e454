"""``evaluate recsys``: all items ranked for each user of a test file, those of the training file left out.

The protocol of the LightGCN tables (He et al. 2020): recall@k = hits / the user's test items, NDCG with equal gains and
an ideal over min(k, test items); users without test items are skipped. Items that only the test file knows can never be
hit and still count. The family and its settings are chosen on a validation split of the training file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from appliance.errors import InvalidInput
from appliance.ops.evaluation import metrics
from appliance.ops.evaluation.readers import Histories, read_histories, rows_of
from appliance.ops.evaluation.report import Clock, Outcome, Tell, silent
from appliance.recsys.base import Doubles, Floats, Ints, Longs
from appliance.recsys.linear import holdout, item_knn, select, table
from appliance.recsys.linear.operators import LinearModel, SparseWeights
from appliance.recsys.sequences import Sequences

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_TIMED_EXACT = 100
_TIMED_SERVED = 1000
_BASELINE = item_knn.Damping(user=0.0, source=0.5, target=0.5)
_BASELINE_NEIGHBOURS = 100


class _Cases(NamedTuple):
    """The users that are judged."""

    users: list[str]
    histories: csr_array[Any]
    """csr float32[n, items], empty for a user that training does not know."""
    relevant: Sequences


def evaluate(
    train: Path,
    test: Path,
    *,
    k: int = 20,
    budget_mb: float = select.DEFAULT_BUDGET_MB,
    seed: int = 0,
    tell: Tell = silent,
) -> Outcome:
    """Choose, fit and judge; ``budget_mb`` bounds the memory of the fits.

    Raises ``InvalidInput`` for unusable files, and where no user of the test file has an item.
    """
    known = read_histories(train)
    asked = read_histories(test, known.items)
    matrix = select.prepared(known.sequences.matrix(known.size))
    cases = _cases(known, asked, matrix, test)
    fit = select.fit_best(matrix, budget_mb=budget_mb, seed=seed, tell=lambda share, stage: tell(0.7 * share, stage))
    popular = _popularity(matrix)
    clock = Clock()
    ranked = _ranked(fit.model, cases, popular, k, lambda share: tell(0.5 + 0.4 * share, "answering"))
    _time_queries(fit.scores, cases, k, clock, _TIMED_EXACT, seed)
    values = _values(ranked, cases.relevant, k)
    report: dict[str, Any] = {
        "users": len(cases.users),
        "items": known.size,
        **metrics.summary(values),
        "intervals": metrics.intervals(values, seed=seed),
        "coverage": round(metrics.coverage(ranked, known.size), 6),
    }
    report |= clock.costs() | {"fit_s": round(fit.fit_s, 3), "select_s": fit.choice.select_s}
    report["serving"] = _serving(fit, cases, popular, k, values, seed)
    report["model"] = {**msgspec.to_builtins(fit.choice), "table_s": round(fit.table_s, 3)}
    report |= _baselines(matrix, cases, popular, k, values, seed)
    tell(1.0, "done")
    return Outcome(report, _predictions(cases, known.items, ranked))


def _cases(known: Histories, asked: Histories, matrix: csr_array[Any], test: Path) -> _Cases:
    from scipy.sparse import csr_array, vstack

    judged = np.flatnonzero(asked.sequences.lengths > 0)
    if not len(judged):
        raise InvalidInput(f"No line of {test} has an item.", hint="Write `user item item …`, one user a line.")
    users = [asked.users[row] for row in judged]
    rows = rows_of(users, known.users)
    nobody = csr_array((1, matrix.shape[1]), dtype=np.float32)
    histories = vstack([matrix, nobody], format="csr")[np.where(rows >= 0, rows, matrix.shape[0])]
    return _Cases(users, histories, _once_each(asked.sequences.take(judged)))


def _once_each(sequences: Sequences) -> Sequences:
    stride = np.int64(sequences.items.max(initial=0)) + 1
    _, first = np.unique(sequences.owner_of_entry() * stride + sequences.items, return_index=True)
    chosen = np.zeros(len(sequences.items), np.bool_)
    chosen[first] = True
    return sequences.keep(chosen)


def _popularity(matrix: csr_array[Any]) -> Floats:
    return np.asarray(matrix.sum(axis=0), np.float32).ravel()


def _ranked(
    model: LinearModel | None, cases: _Cases, popular: Floats, k: int, told: Callable[[float], None] | None = None
) -> Ints:
    """Return the answers of a model, or of popularity alone; who has no history gets what is popular."""
    count = len(cases.users)
    parts: list[Ints] = []
    for part in holdout.blocks(count, len(popular)):
        histories = cases.histories[part]
        scores = np.tile(popular, (histories.shape[0], 1)) if model is None else model.scores(histories)
        scores[np.diff(histories.indptr) == 0] = popular
        parts.append(holdout.top_unseen(scores, histories, k))
        if told is not None:
            told(part.stop / count)
    return np.concatenate(parts)


def _values(ranked: Ints, relevant: Sequences, k: int) -> dict[str, Doubles]:
    return {
        f"recall@{k}": metrics.recall_at(ranked, relevant, k),
        f"ndcg@{k}": metrics.ndcg_at(ranked, relevant, k),
        f"hit@{k}": metrics.hit_at(ranked, relevant, k),
    }


def _time_queries(
    scores: Callable[[csr_array[Any]], Floats], cases: _Cases, k: int, clock: Clock, count: int, seed: int
) -> None:
    for user in _drawn(cases, count, seed):
        history = cases.histories[[int(user)]]
        with clock.query():
            holdout.top_unseen(scores(history), history, k)


def _drawn(cases: _Cases, count: int, seed: int) -> Longs:
    total = len(cases.users)
    return np.random.default_rng(seed).choice(total, min(count, total), replace=False).astype(np.int64)


def _serving(
    fit: select.LinearFit, cases: _Cases, popular: Floats, k: int, exact: dict[str, Doubles], seed: int
) -> dict[str, Any]:
    """Return what the table that a shop serves from is worth, and what a query of it costs."""
    weights = SparseWeights(table.weights_of(fit.table, len(popular)))
    values = _values(_ranked(weights, cases, popular, k), cases.relevant, k)
    clock = Clock()
    for user in _drawn(cases, _TIMED_SERVED, seed):
        history = cases.histories[[int(user)]]
        items, strengths = history.indices, history.data
        with clock.query():
            scores = table.scores(fit.table, items, strengths)
            scores[items] = -np.inf
            holdout.best_columns(scores, k)
    costs = clock.costs()
    reached = float(exact[f"recall@{k}"].mean())
    return {
        **metrics.summary(values),
        "kept": round(float(values[f"recall@{k}"].mean()) / reached, 6) if reached else 1.0,
        "neighbours": int(fit.table.ids.shape[1]),
        "table_mb": round((fit.table.ids.nbytes + fit.table.scores.nbytes) / 2**20, 1),
        "query_p50_ms": costs["query_p50_ms"],
        "query_p99_ms": costs["query_p99_ms"],
    }


def _baselines(
    matrix: csr_array[Any], cases: _Cases, popular: Floats, k: int, values: dict[str, Doubles], seed: int
) -> dict[str, Any]:
    knn = item_knn.fit(matrix, _BASELINE, _BASELINE_NEIGHBOURS)
    measured = {
        "popularity": _values(_ranked(None, cases, popular, k), cases.relevant, k),
        "item_knn": _values(_ranked(knn, cases, popular, k), cases.relevant, k),
    }
    lead = {
        name: {
            metric: [round(bound, 6) for bound in metrics.bootstrap_difference(column, other[metric], seed=seed)]
            for metric, column in values.items()
        }
        for name, other in measured.items()
    }
    return {"baselines": {name: metrics.summary(other) for name, other in measured.items()}, "lead": lead}


def _predictions(cases: _Cases, items: list[str], ranked: Ints) -> Iterator[dict[str, Any]]:
    for user, rows in zip(cases.users, ranked, strict=True):
        yield {"user_id": user, "items": [items[row] for row in rows if row >= 0]}
