"""Trains the recommender from an exported snapshot: products in, a folder of arrays out. The only user of SciPy.

Runs in a process of its own. The same snapshot and seed give the same arrays.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import structlog

from appliance.domain import Product
from appliance.recsys import behaviour as behaviours
from appliance.recsys import (
    content,
    embeddings,
    exports,
    histories,
    hybrid,
    latent,
    tfidf,
    tuning,
    vectorise,
    vectors,
)
from appliance.recsys.base import Floats, ModelInfo
from appliance.recsys.behaviour import Behaviour
from appliance.recsys.blend import Blend, Decays
from appliance.recsys.memory import peak_rss_mb
from appliance.recsys.model import FORMAT, IDS_FILE, INFO_FILE, Model, ModelFile
from appliance.recsys.neighbours import NeighbourTable
from appliance.recsys.similarity import ContentSpace, joined
from appliance.recsys.tfidf import Vectoriser
from appliance.recsys.vectors import VectorIndex
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
    vectoriser: Vectoriser
    space: ContentSpace
    axes: Floats
    vectors: VectorIndex
    near: NeighbourTable
    recall: float
    """Recall@20 of the vector index against exact search."""
    near_recall: float
    """Recall@20 of the neighbours against ranking every pair."""
    embeddings: embeddings.Facts


@dataclass(frozen=True, slots=True)
class _Learned:
    """What the interactions gave: the tables, how much each weighs, and what was chosen on the way."""

    events: histories.Events
    behaviour: Behaviour
    choices: behaviours.Choices
    blend: Blend
    cutoff: float | None
    tastes: int


def train(
    snapshot: Path,
    out: Path,
    *,
    seed: int = 0,
    progress: Progress | None = None,
    settings: Recommender | None = None,
    tune: bool = True,
    now: Callable[[], float] = time.time,
) -> ModelInfo:
    """Build a model from ``products.jsonl`` and ``interactions.npz`` (which may be absent) into the folder ``out``.

    Without ``tune`` nothing is chosen or weighed by the shop's history: a first model, ready in seconds.

    Raises ``ArtifactInvalid``, ``OSError`` or ``msgspec.MsgspecError`` for a snapshot that cannot be read.
    """
    out.mkdir(parents=True, exist_ok=True)
    settings = settings or Recommender()
    stages = _Stages(progress)
    content_part = _fit_content(snapshot, out, settings, seed, stages)
    learned = _learn(snapshot, out, content_part, settings, seed, tune, stages)
    stages.begin("similar", 0.95, 1.0)
    behaviour = learned.behaviour
    similar = hybrid.fit(content_part.near, behaviour.met, content_part.space, behaviour.support)
    similar.save(out)
    stages.end()
    pairs = int((similar.ids >= 0).sum())
    info = msgspec.structs.replace(
        _summary(content_part, learned, pairs, stages.seconds),
        trained_at=now(),
        revision=_revision(snapshot),
        tuned=tune,
    )
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
    stages.begin("embeddings", 0.4, 0.5)
    meanings, facts = embeddings.fit(
        map(embeddings.text_of, _products(snapshot, [], exports.CategoryNames())),
        len(ids),
        out,
        model=settings.embedding_model,
        kept=snapshot / embeddings.KEPT_FOLDER,
        threads=max(1, (os.cpu_count() or 1) - 1),
        progress=stages.tell,
    )
    space, places = ContentSpace(rows, vectoriser.size, meanings, vectoriser.tags), joined(points, meanings)
    stages.begin("index", 0.5, 0.55)
    _, recall = vectors.build(places, out, annoy_from=settings.annoy_from, trees=settings.annoy_trees, seed=seed)
    index = vectors.VectorIndex.load(out)
    stages.begin("content", 0.55, 0.7)
    near = content.fit(space, places, settings.neighbours, stages.tell, seed)
    near.save(out, "content")
    near_recall = content.measure_recall(space, near, seed=seed)
    return _Content(ids, categories, vectoriser, space, axes, index, near, recall, near_recall, facts)


def _learn(
    snapshot: Path, out: Path, products: _Content, settings: Recommender, seed: int, tune: bool, stages: _Stages
) -> _Learned:
    """Choose and weigh on the newer visits with what the older ones teach, then fit on all."""
    stages.begin("choosing", 0.7, 0.8)
    file = snapshot / INTERACTIONS_FILE
    arrays = InteractionArrays.load(file) if file.exists() else InteractionArrays.empty()
    rows = {name: row for row, name in enumerate(products.ids)}
    events, size = histories.usable_events(arrays, rows), len(products.ids)
    split_at = tuning.split_time(events) if tune else None
    before = histories.before(events, split_at if split_at is not None else np.inf)
    choices = behaviours.Choices()
    if split_at is not None:
        choices = behaviours.choose(before, size, budget_mb=settings.training_memory_mb, seed=seed, tell=stages.tell)
    blend = Blend()
    if split_at is not None and size:
        judged = _model(products, behaviours.fit(before, size, settings.neighbours, choices))
        stages.begin("weighing", 0.8, 0.9)
        blend = tuning.learn(
            judged,
            events,
            arrays.visitors,
            split_at,
            decays=Decays(),
            settings=settings,
            seed=seed,
        )
    stages.begin("behaviour", 0.9, 0.95)
    behaviour = behaviours.fit(events, size, settings.neighbours, choices)
    behaviour.save(out)
    tastes = exports.save_preferences(out, events, arrays.visitors, products.categories)
    cutoff = float(arrays.occurred_at.max()) if len(arrays) else None
    return _Learned(events, behaviour, choices, blend, cutoff, tastes)


def _model(products: _Content, behaviour: Behaviour) -> Model:
    """Return a model in memory whose codes are its rows, for judging."""
    rows = np.arange(len(products.ids), dtype=np.int32)
    return Model(
        info=ModelInfo(),
        code_of_row=rows,
        row_of_code=rows,
        vectoriser=products.vectoriser,
        sparse=products.space.rows,
        axes=products.axes,
        index=products.vectors,
        content=products.near,
        collaborative=behaviour.collaborative,
        sequential=behaviour.sequential,
        sessions=behaviour.sessions,
        together=behaviour.together,
        similar=hybrid.empty(),
        support=behaviour.support,
        daily=behaviour.daily,
    )


def _summary(products: _Content, learned: _Learned, pairs: int, seconds: dict[str, float]) -> ModelInfo:
    behaviour = learned.behaviour
    return ModelInfo(
        products=len(products.ids),
        interactions=len(learned.events.times),
        histories=behaviour.histories,
        cutoff=learned.cutoff,
        blend=learned.blend,
        sessions=learned.choices.sessions,
        collaborative={} if learned.choices.linear is None else msgspec.to_builtins(learned.choices.linear),
        rows={
            "content": products.near.filled,
            "collaborative": behaviour.collaborative.filled,
            "sequential": behaviour.sequential.filled,
            "bought_together": behaviour.together.filled,
            "similar": pairs,
            "popular": len(behaviour.daily.rows),
            "preferences": learned.tastes,
        },
        index=products.vectors.kind,
        recall=round(products.recall, 4),
        content_recall=round(products.near_recall, 4),
        embedded=products.embeddings.products,
        embedding_problem=products.embeddings.problem,
        timings=seconds,
        peak_rss_mb=peak_rss_mb(),
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
