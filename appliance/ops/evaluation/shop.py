"""``evaluate shop``: how well the shop's own recommender would have foreseen its last visits.

The log is split by time. Everything is trained on what came before, by the nightly training's own code, and published
into a scratch folder; then the visits after the split are lived through with the real service: before a visitor's step
to a product not seen before, the service is asked what it would show, then it observes the step. So each case knows the
clicks before it and nothing after (prequential evaluation, Dawid 1984).

Stock is taken as there was enough: what is sold out today may have been what people wanted then.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from appliance.errors import InvalidInput
from appliance.issues import IssueBoard
from appliance.metrics import Metrics
from appliance.ops.build import read_products
from appliance.ops.evaluation import metrics
from appliance.ops.evaluation.catalogue import FixedCatalogue
from appliance.ops.evaluation.replay import STRATEGIES, Past, Replay, Step
from appliance.ops.evaluation.report import Clock, Outcome, Tell, named, silent
from appliance.recsys import bias, histories, item_to_item
from appliance.recsys.base import Doubles, Ints, ModelInfo
from appliance.recsys.sequences import from_lists
from appliance.recsys.service import RecommendationService
from appliance.recsys.training import INTERACTIONS_FILE, PRODUCTS_FILE, train
from appliance.recsys.tuning import JUDGING_SHARE, sampled
from appliance.settings import Recommender, Settings
from appliance.store.artifacts import ArtifactStore
from appliance.store.snapshot import InteractionArrays

MAX_CASES = 1500
LEAST_EVENTS = 200
"""A shorter log says nothing that the next week could not turn round."""
_BASELINES = ("popularity", "item_knn")
_NEIGHBOURS = 100


def evaluate(
    snapshot: Path, scratch: Path, settings: Recommender, *, k: int = 20, seed: int = 0, tell: Tell = silent
) -> Outcome:
    """Judge the shop of an exported snapshot. ``scratch`` is an empty folder for what is trained on the way.

    Raises ``InvalidInput`` for a log that is too short.
    """
    file = snapshot / INTERACTIONS_FILE
    arrays = InteractionArrays.load(file) if file.exists() else InteractionArrays.empty()
    if len(arrays) < LEAST_EVENTS:
        raise InvalidInput(
            f"The log has {len(arrays)} events; at least {LEAST_EVENTS} are needed to judge the recommendations.",
            hint="Let the shop run for some days, or import its history: appliance import interactions.",
        )
    split_at = float(np.quantile(arrays.occurred_at, 1.0 - JUDGING_SHARE))
    first = int(np.searchsorted(arrays.occurred_at, split_at, side="right"))
    clock, now = Clock(), [split_at]
    on_sale = (product for product in read_products(snapshot) if product.status == "published")
    catalogue = FixedCatalogue(on_sale, always_in_stock=True)
    rows = {product_id: row for row, product_id in enumerate(catalogue.cards())}
    with clock.stage("fit"):
        service, info = _service(snapshot, scratch, arrays, first, catalogue, settings, now, tell)
    replay = Replay(service, arrays, rows, now)
    judged = sampled(replay.judgeable(first), MAX_CASES, seed)
    if not judged:
        raise InvalidInput(
            "No visitor of the last part of the log went on to a second product.",
            hint="Send session ids with the events, so that visits can be told.",
        )
    past, support = _past(arrays, first, rows)
    steps: list[Step] = []
    for step in replay.steps(first, judged, k, past, clock):
        steps.append(step)
        tell(0.7 + 0.3 * len(steps) / len(judged), "visits")
    service.close()
    report = _report(steps, k, len(rows), support, info, clock, split_at)
    ids = list(rows)
    lines = ({"user_id": step.visitor, "items": named(ids, step.shown["blend"])} for step in steps)
    return Outcome(report, lines)


def _service(
    snapshot: Path,
    scratch: Path,
    arrays: InteractionArrays,
    first: int,
    catalogue: FixedCatalogue,
    settings: Recommender,
    now: list[float],
    tell: Tell,
) -> tuple[RecommendationService, ModelInfo]:
    """Train on the events before the split and open the service over what came of it."""
    before = scratch / "before"
    before.mkdir(parents=True)
    (before / PRODUCTS_FILE).hardlink_to(snapshot / PRODUCTS_FILE)
    _cut(arrays, first).save(before / INTERACTIONS_FILE)
    artifacts = ArtifactStore(scratch / "models", now=lambda: now[0])
    folder = artifacts.begin("recommender")
    info = train(before, folder, settings=settings, now=lambda: now[0], progress=lambda s, name: tell(0.7 * s, name))
    artifacts.publish("recommender", folder, msgspec.to_builtins(info))
    service = RecommendationService(
        catalogue, list, Settings(recommender=settings), Metrics(), IssueBoard(), lambda: now[0]
    )
    service.load(artifacts.candidates("recommender")[0])
    return service, info


def _cut(arrays: InteractionArrays, first: int) -> InteractionArrays:
    columns = ("visitor", "session", "product", "type", "weight", "occurred_at")
    return replace(arrays, **{name: getattr(arrays, name)[:first] for name in columns})


def _past(arrays: InteractionArrays, first: int, rows: dict[str, int]) -> tuple[Past, Ints]:
    """Return the baselines fitted on the events before the split, and in how many histories each product occurs."""
    events = histories.usable_events(_cut(arrays, first), rows)
    entries = histories.taste_histories(events)
    counts = np.bincount(events.products, minlength=len(rows))
    near = item_to_item.fit(entries, len(rows), _NEIGHBOURS)
    return Past(np.argsort(-counts, kind="stable").astype(np.int32), near), histories.support(entries, len(rows))


def _report(
    steps: list[Step], k: int, size: int, support: Ints, info: ModelInfo, clock: Clock, split_at: float
) -> dict[str, Any]:
    relevant = from_lists([[step.target] for step in steps])
    ranked = {name: _padded([step.shown[name] for step in steps], k) for name in (*STRATEGIES, *_BASELINES)}

    def values(name: str) -> dict[str, Doubles]:
        return {
            f"hit@{k}": metrics.hit_at(ranked[name], relevant, k),
            f"ndcg@{k}": metrics.ndcg_at(ranked[name], relevant, k),
            f"mrr@{k}": metrics.mrr_at(ranked[name], relevant, k),
        }

    blend = values("blend")
    known = np.array([step.known for step in steps])
    spread = bias.measure(ranked["blend"], support)
    return {
        "users": len({step.visitor for step in steps}),
        "cases": len(steps),
        "split_at": split_at,
        **metrics.summary(blend),
        "intervals": metrics.intervals(blend),
        "coverage": round(metrics.coverage(ranked["blend"], size), 6),
        "popularity_percentile": round(spread.percentile, 4),
        "gini": round(spread.gini, 4),
        **clock.costs(),
        "by_known": {
            f"{low}+": round(float(blend[f"hit@{k}"][known >= low].mean()), 4)
            for low in (1, 2, 5, 10)
            if (known >= low).any()
        },
        "parts": {name: metrics.summary(values(name)) for name in STRATEGIES[1:]},
        "baselines": {name: metrics.summary(values(name)) for name in _BASELINES},
        "model": msgspec.to_builtins(info),
    }


def _padded(lists: list[list[int]], k: int) -> Ints:
    out = np.full((len(lists), k), -1, np.int32)
    for row, listed in zip(out, lists, strict=True):
        row[: len(listed)] = listed[:k]
    return out
