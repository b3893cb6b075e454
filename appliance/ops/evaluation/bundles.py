"""``evaluate bundle``: completing bundles, and finding their products by what a person says they are for.

*Completion*: every product of every bundle is hidden once and looked for among all products that are not given, from
the others of its bundle. The sessions that bundles were seen in are dealt into five folds; the bundles of a fold are
answered by what the other four and the sessions without bundles say. Power and weights are chosen for each fold by
cross-validation within its four, so no bundle takes part in answering itself. Bundles of one product have nothing to
complete. A case has one right answer: hit@k is whether it is among the first k, and recall@20 is hit@20.

*Search*: each intent is asked of the shop's own search, whose index holds titles and categories; all products of the
bundle are right. hit@k is the share of bundles with any of them among the first k, recall@20 and ndcg@k are means over
bundles. Nothing is fitted to the intents; a bundle without one is not counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from appliance.errors import InvalidInput
from appliance.ops.evaluation import completion
from appliance.ops.evaluation.bm25 import Bm25, positive_top
from appliance.ops.evaluation.bundle_files import BundleSet, read_bundles
from appliance.ops.evaluation.completion import PARTS, Cases, Chosen
from appliance.ops.evaluation.metrics import (
    coverage,
    hit_at,
    intervals,
    ndcg_at,
    recall_at,
    summary,
)
from appliance.ops.evaluation.report import Clock, Outcome, Tell, named, silent
from appliance.ops.evaluation.searching import RECALL_AT, answers
from appliance.ops.evaluation.shop_search import ShopSearch
from appliance.recsys.base import Doubles, Ints, Longs
from appliance.recsys.sequences import Sequences, from_lists
from appliance.text import words

FOLDS = 5
SEED = 0
_BATCH = 256
_TIMED = 100


class _Answered(NamedTuple):
    """One task: its part of the report and its lines of predictions."""

    report: dict[str, Any]
    predictions: list[dict[str, Any]]


def evaluate(folder: Path, *, k: int = 10, tell: Tell = silent) -> Outcome:
    """Judge both tasks on a folder in the layout of ``bundle_files``. Raises ``InvalidInput`` for unusable files."""
    bundles = read_bundles(folder)
    searched = _search(bundles, k, lambda share, stage: tell(0.3 * share, stage))
    completed = _completion(bundles, k, lambda share, stage: tell(0.3 + 0.7 * share, stage))
    report = {
        "bundles": len(bundles.bundles),
        "products": len(bundles.products),
        "completion": completed.report,
        "search": searched.report,
    }
    return Outcome(report, [*completed.predictions, *searched.predictions])


def folds_of(session_of: list[int], sessions: int) -> Longs:
    """Deal the sessions with bundles into ``FOLDS`` folds at random with a fixed seed, int64[sessions], -1 for none."""
    folds = np.full(sessions, -1, np.int64)
    seen = np.unique(np.array(session_of, np.int64))
    folds[np.random.default_rng(SEED).permutation(seen)] = np.arange(len(seen)) % FOLDS
    return folds


def _search(bundles: BundleSet, k: int, tell: Tell) -> _Answered:
    clock, width = Clock(), max(k, RECALL_AT)
    asked = np.array([place for place, intent in enumerate(bundles.intents) if intent is not None], np.int64)
    intents = [intent for intent in bundles.intents if intent is not None]
    relevant = bundles.contents.take(asked)
    tell(0.1, "fit")
    with clock.stage("fit"):
        engine = ShopSearch(bundles.products)
    ranked = answers(engine, intents, width, clock, lambda share: tell(0.2 + 0.6 * share, "query"))
    titles = [words(product.title) for product in bundles.products]
    labelled = [[*title, *words(" ".join(p.categories))] for title, p in zip(titles, bundles.products, strict=True)]
    typed = [words(intent) for intent in intents]
    baselines = {
        "bm25_title": Bm25(titles).best(typed, width),
        "bm25_title_categories": Bm25(labelled).best(typed, width),
    }
    report = {
        "queries": len(intents),
        **_judged(ranked, relevant, k, len(bundles.products), clock),
        "model": {"engine": "the shop's search index", **engine.facts},
        "baselines": {name: summary(_values(answer, relevant, k)) for name, answer in baselines.items()},
    }
    ids = [product.id for product in bundles.products]
    lines = [
        {"task": "search", "query_id": bundles.bundles[place], "items": named(ids, row.tolist())}
        for place, row in zip(asked.tolist(), ranked, strict=True)
    ]
    return _Answered(report, lines)


def _completion(bundles: BundleSet, k: int, tell: Tell) -> _Answered:
    clock, width = Clock(), max(k, RECALL_AT)
    seen_in = np.array(bundles.session_of, np.int64)
    folds = folds_of(bundles.session_of, bundles.sessions.owners)
    tell(0.0, "fit")
    with clock.stage("fit"):
        content = completion.content_tables(bundles.products)
    answered: list[tuple[Longs, Cases, Ints, Ints]] = []
    chosen: list[Chosen] = []
    for fold in range(FOLDS):
        tell((fold + 0.2) / FOLDS, "select")
        with clock.stage("select"):
            chosen.append(completion.choose(content, _known(bundles, folds, fold)))
        with clock.stage("fit"):
            past = _past(bundles, folds, {fold})
            tables = [*completion.sharpened(content, chosen[-1].power), *past]
        places, cases = _cases(bundles.contents, np.flatnonzero(folds[seen_in] == fold))
        _time_some(clock, tables, chosen[-1].weights, cases.given)
        ranked = completion.complete(tables, chosen[-1].weights, cases.given, width)
        alone = completion.complete([past[0]], np.ones(1), cases.given, width)
        answered.append((places, cases, ranked, alone))
    return _completed(bundles, answered, chosen, k, clock)


def _time_some(clock: Clock, tables: Any, weights: Doubles, given: Sequences) -> None:
    """Time single requests; all together they are answered in batches."""
    for case in range(0, given.owners, max(1, given.owners // _TIMED)):
        with clock.query():
            completion.complete(tables, weights, given.take(np.array([case])), RECALL_AT)


def _completed(
    bundles: BundleSet, answered: list[tuple[Longs, Cases, Ints, Ints]], chosen: list[Chosen], k: int, clock: Clock
) -> _Answered:
    places = np.concatenate([part[0] for part in answered])
    hidden = np.concatenate([part[1].hidden for part in answered])
    if not len(hidden):
        raise InvalidInput("No bundle holds two known products.", hint="Check bundle_item and item_titles.")
    relevant = from_lists(hidden[:, None].tolist())
    ranked = np.concatenate([part[2] for part in answered])
    baselines = {
        "bm25_title": np.concatenate([_bm25_completion(bundles, part[1], ranked.shape[1]) for part in answered]),
        "item_knn": np.concatenate([part[3] for part in answered]),
    }
    report = {
        "cases": len(hidden),
        **_judged(ranked, relevant, k, len(bundles.products), clock),
        "model": {
            "folds": [
                {"power": one.power, "weights": _shares(one.weights), "validation_ndcg@10": round(one.ndcg, 6)}
                for one in chosen
            ],
            "why": "the best NDCG@10 of a cross-validation within the training folds",
        },
        "baselines": {name: summary(_values(answer, relevant, k)) for name, answer in baselines.items()},
    }
    ids = [product.id for product in bundles.products]
    lines = [
        {
            "task": "completion",
            "query_id": bundles.bundles[place],
            "hidden": ids[product],
            "items": named(ids, row.tolist()),
        }
        for place, product, row in zip(places.tolist(), hidden.tolist(), ranked, strict=True)
    ]
    return _Answered(report, lines)


def _known(bundles: BundleSet, folds: Longs, test: int) -> Iterator[tuple[Any, Cases]]:
    """Yield each training fold's cases with behaviour tables that know neither it nor the test fold."""
    seen_in = np.array(bundles.session_of, np.int64)
    for fold in range(FOLDS):
        if fold != test:
            _, cases = _cases(bundles.contents, np.flatnonzero(folds[seen_in] == fold))
            yield _past(bundles, folds, {test, fold}), cases


def _past(bundles: BundleSet, folds: Longs, without: set[int]) -> Any:
    sessions = np.flatnonzero(~np.isin(folds, list(without)))
    kept = np.flatnonzero(np.isin(np.array(bundles.session_of, np.int64), sessions))
    return completion.behaviour_tables(
        bundles.sessions.take(sessions), bundles.contents.take(kept), len(bundles.products)
    )


def _cases(contents: Sequences, chosen: Longs) -> tuple[Longs, Cases]:
    """Return the bundle of each case and the cases: each product of each chosen bundle hidden once."""
    listed = [(bundle, contents.of(bundle).tolist()) for bundle in chosen.tolist()]
    triples = [
        (bundle, [item for item in items if item != hidden], hidden)
        for bundle, items in listed
        if len(items) > 1
        for hidden in items
    ]
    given = from_lists([given for _, given, _ in triples])
    hidden = np.array([hidden for _, _, hidden in triples], np.int32)
    return np.array([bundle for bundle, _, _ in triples], np.int64), Cases(given, hidden)


def _bm25_completion(bundles: BundleSet, cases: Cases, width: int) -> Ints:
    """Return what BM25 answers to the titles of the given products, its scores summed over them."""
    titles = [words(product.title) for product in bundles.products]
    index = Bm25(titles)
    parts = [np.empty((0, width), np.int32)]
    for start in range(0, cases.given.owners, _BATCH):
        some = cases.given.take(np.arange(start, min(start + _BATCH, cases.given.owners)))
        scores = np.add.reduceat(index.scores([titles[row] for row in some.items.tolist()]), some.starts[:-1], axis=0)
        scores[some.owner_of_entry(), some.items] = 0.0
        parts.append(positive_top(scores, width))
    return np.concatenate(parts)


def _judged(ranked: Ints, relevant: Sequences, k: int, size: int, clock: Clock) -> dict[str, Any]:
    values = _values(ranked, relevant, k)
    return {
        **summary(values),
        "coverage": round(coverage(ranked[:, :k], size), 6),
        **clock.costs(),
        "intervals": intervals(values),
    }


def _values(ranked: Ints, relevant: Sequences, k: int) -> dict[str, Doubles]:
    return {
        f"hit@{k}": hit_at(ranked, relevant, k),
        f"ndcg@{k}": ndcg_at(ranked, relevant, k),
        f"recall@{RECALL_AT}": recall_at(ranked, relevant, RECALL_AT),
    }


def _shares(weights: Doubles) -> dict[str, float]:
    return {part: round(float(weight), 4) for part, weight in zip(PARTS, weights / weights.sum(), strict=True)}
