"""Trains the recommender from an exported snapshot: products in, a folder of arrays out. The only user of SciPy.

Runs in a process of its own. The same snapshot and seed give the same arrays.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import structlog

from appliance.domain import InteractionType, Product
from appliance.recsys import (
    bought_together,
    content,
    exports,
    histories,
    hybrid,
    item_to_item,
    latent,
    tfidf,
    vectorise,
    vectors,
)
from appliance.recsys.base import Ints, ModelInfo, sums_at
from appliance.recsys.model import FORMAT, IDS_FILE, INFO_FILE, ModelFile
from appliance.recsys.neighbours import NeighbourTable
from appliance.recsys.tfidf import SparseRows
from appliance.recsys.trending import DAY, MAX_WINDOW_DAYS, DailyCounts
from appliance.settings import Recommender
from appliance.store.snapshot import InteractionArrays

PRODUCTS_FILE = "products.jsonl"
INTERACTIONS_FILE = "interactions.npz"
FACTS_FILE = "snapshot.json"

log = structlog.get_logger(__name__)

Progress = Callable[[float, str], None]
"""Told the share done, from 0 to 1, and the stage."""


class _Facts(msgspec.Struct, frozen=True):
    """What the model needs of ``snapshot.json``."""

    revision: int = -1


class _Stages:
    """Times the stages and tells the progress."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._name = ""
        self._from, self._to = 0.0, 0.0
        self._started = time.perf_counter()
        self.seconds: dict[str, float] = {}

    def begin(self, name: str, start: float, end: float) -> None:
        self.end()
        self._name, self._from, self._to, self._started = name, start, end, time.perf_counter()
        self.tell(0.0)

    def tell(self, share: float) -> None:
        if self._progress is not None:
            self._progress(self._from + share * (self._to - self._from), self._name)

    def end(self) -> None:
        if self._name:
            self.seconds[self._name] = round(time.perf_counter() - self._started, 3)
            self._name = ""


@dataclass(frozen=True, slots=True)
class _Content:
    """What the products' text gave."""

    ids: list[str]
    categories: exports.CategoryNames
    rows: SparseRows
    columns: int
    near: NeighbourTable
    index: str
    recall: float


@dataclass(frozen=True, slots=True)
class _Behaviour:
    """What the interactions gave."""

    events: histories.Events
    histories: int
    support: Ints
    met: NeighbourTable
    together: NeighbourTable
    daily: DailyCounts
    cutoff: float | None
    tastes: int


def train(
    snapshot: Path,
    out: Path,
    *,
    seed: int = 0,
    progress: Progress | None = None,
    settings: Recommender | None = None,
    now: Callable[[], float] = time.time,
) -> ModelInfo:
    """Build a model from ``products.jsonl`` and ``interactions.npz`` (which may be absent) into the folder ``out``.

    Raises ``ArtifactInvalid``, ``OSError`` or ``msgspec.MsgspecError`` for a snapshot that cannot be read.
    """
    out.mkdir(parents=True, exist_ok=True)
    settings = settings or Recommender()
    stages = _Stages(progress)
    content_part = _fit_content(snapshot, out, settings, seed, stages)
    stages.begin("behaviour", 0.75, 0.9)
    behaviour = _fit_behaviour(snapshot, out, content_part, settings)
    stages.begin("similar", 0.9, 1.0)
    similar = hybrid.fit(content_part.near, behaviour.met, content_part.rows, content_part.columns, behaviour.support)
    similar.save(out)
    stages.end()
    pairs = int((similar.ids >= 0).sum())
    info = _summary(content_part, behaviour, pairs, stages.seconds, _revision(snapshot), now())
    (out / IDS_FILE).write_bytes(msgspec.json.encode(content_part.ids))
    (out / INFO_FILE).write_bytes(msgspec.json.encode(ModelFile(FORMAT, info)))
    log.info("recommender_trained", products=info.products, interactions=info.interactions, seconds=info.timings)
    return info


def _fit_content(snapshot: Path, out: Path, settings: Recommender, seed: int, stages: _Stages) -> _Content:
    ids: list[str] = []
    categories = exports.CategoryNames()
    stages.begin("text", 0.0, 0.3)
    vectoriser, rows = vectorise.fit(_products(snapshot, ids, categories))
    tfidf.save(out, vectoriser, rows)
    stages.begin("space", 0.3, 0.4)
    axes, points = latent.fit(rows, vectoriser.size, seed)
    np.save(out / "axes.npy", axes, allow_pickle=False)
    stages.begin("index", 0.4, 0.5)
    kind, recall = vectors.build(points, out, annoy_from=settings.annoy_from, trees=settings.annoy_trees, seed=seed)
    stages.begin("content", 0.5, 0.75)
    index = vectors.VectorIndex.load(out)
    near = content.fit(rows, index, vectoriser.size, settings.neighbours, stages.tell)
    near.save(out, "content")
    return _Content(ids, categories, rows, vectoriser.size, near, kind, recall)


def _fit_behaviour(snapshot: Path, out: Path, products: _Content, settings: Recommender) -> _Behaviour:
    file = snapshot / INTERACTIONS_FILE
    arrays = InteractionArrays.load(file) if file.exists() else InteractionArrays.empty()
    events, size = (
        histories.usable_events(arrays, {name: row for row, name in enumerate(products.ids)}),
        len(products.ids),
    )
    entries = histories.taste_histories(events)
    met = item_to_item.fit(entries, size, settings.neighbours)
    met.save(out, "collaborative")
    together = bought_together.fit(histories.baskets(events), size, settings.neighbours)
    together.save(out, "together")
    support = histories.support(entries, size)
    np.save(out / "support.npy", support, allow_pickle=False)
    daily = _daily(events)
    daily.save(out)
    tastes = exports.save_preferences(out, events, arrays.visitors, products.categories)
    cutoff = float(arrays.occurred_at.max()) if len(arrays) else None
    return _Behaviour(events, histories.owners_count(entries), support, met, together, daily, cutoff, tastes)


def _daily(events: histories.Events) -> DailyCounts:
    """Return the sums by product and day of the last days that a window may ask for.

    Each visitor counts once a product, type and day, by the heaviest event; those of nobody are one visitor together.
    """
    recent = np.flatnonzero(events.times > events.times.max(initial=0.0) - (MAX_WINDOW_DAYS + 1) * DAY)
    recent = recent[histories.heaviest_of_each(events, recent)]
    products, days = events.products[recent], (events.times[recent] // DAY).astype(np.int64)
    sold = events.types[recent] == list(InteractionType).index(InteractionType.PURCHASE)
    span = int(days.max(initial=0)) + 1
    keys, where = np.unique(products * span + days, return_inverse=True)
    return DailyCounts(
        rows=(keys // span).astype(np.int32),
        days=(keys % span).astype(np.int32),
        weights=sums_at(where, events.weights[recent], len(keys)).astype(np.float32),
        sold=sums_at(where, sold, len(keys)).astype(np.float32),
    )


def _summary(
    products: _Content, behaviour: _Behaviour, pairs: int, seconds: dict[str, float], revision: int, now: float
) -> ModelInfo:
    heaviest = float(hybrid.collaborative_weights(behaviour.support).max(initial=0.0))
    return ModelInfo(
        trained_at=now,
        revision=revision,
        products=len(products.ids),
        interactions=len(behaviour.events.times),
        histories=behaviour.histories,
        cutoff=behaviour.cutoff,
        weights={"content": 1.0, "collaborative": round(heaviest, 4)},
        rows={
            "content": products.near.filled,
            "collaborative": behaviour.met.filled,
            "bought_together": behaviour.together.filled,
            "similar": pairs,
            "popular": len(behaviour.daily.rows),
            "preferences": behaviour.tastes,
        },
        index=products.index,
        recall=round(products.recall, 4),
        timings=seconds,
        peak_rss_mb=_peak_rss_mb(),
    )


def _products(snapshot: Path, ids: list[str], categories: exports.CategoryNames) -> Iterator[Product]:
    """Yield the published products, noting their ids; a draft that is published later joins as a new product."""
    decoder = msgspec.json.Decoder(Product)
    with (snapshot / PRODUCTS_FILE).open("rb") as file:
        for line in file:
            product = decoder.decode(line)
            if product.status == "published":
                ids.append(product.id)
                categories.add(product)
                yield product


def _revision(snapshot: Path) -> int:
    file = snapshot / FACTS_FILE
    return msgspec.json.decode(file.read_bytes(), type=_Facts).revision if file.exists() else -1


def _peak_rss_mb() -> float:
    """Return this process's largest resident memory so far, 0 where the system does not tell."""
    try:
        import resource
    except ImportError:
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1 << 20 if sys.platform == "darwin" else 1 << 10), 1)
