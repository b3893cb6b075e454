"""Chooses settings and weights on a validation split of the training histories, and fits the model on all of them.

The newest item of every training history is hidden and predicted from the rest. Settings of a part are tried one at a
time and changed only where that part alone gets better by more than a standard error, so a small shop keeps what
holds elsewhere. Weights are learned by ``learn_weights``; the evidence is measured out of fold, and where a blend does
not prove better than the best of its parts, that part answers alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from appliance.recsys.base import Doubles, Floats, Ints
from appliance.recsys.neighbours import NeighbourTable
from appliance.recsys.next_item import evidence
from appliance.recsys.next_item.counts import as_matrix
from appliance.recsys.next_item.model import POPULAR, NextItemModel
from appliance.recsys.next_item.pools import (
    WINDOW,
    Pools,
    gathered,
    largest,
    places_alone,
    scaled,
    strongest_of,
    target_places,
)
from appliance.recsys.next_item.specs import BucketChoice, Choice, Specs
from appliance.recsys.next_item.tables import Workshop
from appliance.recsys.next_item.weights import CONSIDERED, learn_weights
from appliance.recsys.sequences import Sequences

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Tell = Callable[[float, str], None]

CASES = 2500
"""At most this many histories are validation cases."""
LONGEST = (1, 4, 9, 0)
"""The longest history of each bucket, 0 for no limit."""
_POWERS = (1.0, 0.7)
_OPTIONS: dict[str, dict[str, tuple[float, ...]]] = {
    "rules": {"decay": (0.4, 0.8), "reverse": (0.0, 1.0), "support": (0.1, 0.5), "shrink": (2.0,)},
    "follows": {"decay": (0.3,), "support": (0.3,)},
    "walk": {"decay": (0.4, 0.8), "support": (0.0, 0.3)},
    "neighbours": {"decay": (0.6, 1.0), "damping": (0.0, 1.0), "support": (0.1, 0.5), "shrink": (2.0,)},
    "content": {"decay": (0.4, 0.8), "idf": (1.0, 3.0), "popular": (0.0, 0.5)},
}


def fit(
    sequences: Sequences,
    size: int,
    *,
    content: csr_array[Any] | None = None,
    seed: int = 0,
    tell: Tell | None = None,
) -> NextItemModel:
    """Choose and fit on histories over ``size`` items; ``content`` is float32[size, features], 1 where one holds."""
    choice = choose(sequences, size, content=content, seed=seed, tell=tell)
    return build(sequences, size, choice, content=content)


def build(sequences: Sequences, size: int, choice: Choice, *, content: csr_array[Any] | None = None) -> NextItemModel:
    """Fit the tables on all histories under what was chosen."""
    shop = Workshop(sequences, size, content)
    tables = {part: shop.table(part, choice.specs) for part in shop.parts[:-1]}
    return NextItemModel.of(tables, shop.popularity(), choice)


def choose(
    sequences: Sequences,
    size: int,
    *,
    content: csr_array[Any] | None = None,
    seed: int = 0,
    tell: Tell | None = None,
) -> Choice:
    """Return settings, weights and their evidence, from the training histories alone."""
    report = tell or (lambda _share, _stage: None)
    long_enough = np.flatnonzero(sequences.lengths >= 2)
    known = sequences.without_last()
    if not len(long_enough):
        return _without_evidence(Workshop(known, size, content))
    random = np.random.default_rng(seed)
    owners = np.sort(random.choice(long_enough, min(CASES, len(long_enough)), replace=False))
    histories = known.take(owners)
    needed = np.zeros(size, np.bool_)
    needed[histories.newest(WINDOW).items] = True
    shop = Workshop(known, size, content, needed)
    cases = _Cases(shop, histories, sequences.last()[owners])
    specs = Specs()
    for number, part in enumerate(shop.parts[:-1]):
        report(0.7 * number / len(shop.parts), f"settings of {part}")
        specs = _settled(cases, part, specs)
    report(0.75, "weights")
    return _weighted(cases, specs, seed)


class _Cases(NamedTuple):
    shop: Workshop
    histories: Sequences
    targets: Ints

    def pools(self, tables: dict[str, NeighbourTable], specs: Specs) -> Pools:
        popularity = self.shop.popularity()
        popular = np.argsort(-popularity, kind="stable")[:POPULAR].astype(np.int32)
        sources = [(as_matrix(table), specs.decay(part)) for part, table in tables.items()]
        return gathered(self.histories, self.histories, self.shop.size, sources, popularity, popular)

    def alone(self, part: str, specs: Specs) -> Doubles:
        """Return the NDCG@20 of each case for one part."""
        matrix = as_matrix(self.shop.table(part, specs))
        before = places_alone(self.histories, self.targets, self.shop.size, matrix, specs.decay(part))
        return evidence.graded(before)


def _settled(cases: _Cases, part: str, specs: Specs) -> Specs:
    held = cases.alone(part, specs)
    for name, options in _OPTIONS[part].items():
        for option in options:
            changed = msgspec.structs.replace(getattr(specs, part), **{name: option})
            tried = msgspec.structs.replace(specs, **{part: changed})
            values = cases.alone(part, tried)
            gain = values - held
            if gain.mean() > gain.std() / np.sqrt(len(gain)):
                specs, held = tried, values
    return specs


def _weighted(cases: _Cases, specs: Specs, seed: int) -> Choice:
    shop = cases.shop
    raw = cases.pools({part: shop.table(part, specs) for part in shop.parts[:-1]}, specs)
    floors: Floats = np.quantile(largest(raw.values, raw.starts), 0.25, axis=0).astype(np.float32)
    buckets = np.searchsorted(np.array(LONGEST[:-1]), cases.histories.lengths).astype(np.int32)
    best: Choice | None = None
    for power in _POWERS:
        pools = raw._replace(values=scaled(raw.values, raw.starts, floors, power))
        targets = target_places(pools, cases.targets, shop.size)
        pools, targets = strongest_of(pools, targets, CONSIDERED, pools.values.sum(axis=1))
        learned = learn_weights(pools, targets, buckets, len(LONGEST))
        measured = evidence.measure(pools, targets, buckets, len(LONGEST), shop.parts, seed)
        if best is None or best.blend is None or measured.blend.ndcg > best.blend.ndcg:
            best = Choice(
                specs=msgspec.structs.replace(specs, power=power),
                buckets=evidence.described(evidence.proven(learned, measured, shop.parts), LONGEST, shop.parts),
                floors=dict(zip(shop.parts, map(float, floors), strict=True)),
                cases=len(cases.targets),
                blend=measured.blend,
                parts=measured.parts,
                difference=measured.difference,
                confidence=measured.confidence,
                note="" if measured.confidence >= evidence.PROVEN else f"no blend proved better than {measured.best}",
            )
    assert best is not None
    return best


def _without_evidence(shop: Workshop) -> Choice:
    """Return equal weights of content and popularity: nothing else can speak before anyone took two items."""
    speaking = [part for part in ("content", "popularity") if part in shop.parts]
    weights = {part: 1.0 / len(speaking) if part in speaking else 0.0 for part in shop.parts}
    return Choice(
        specs=Specs(),
        buckets=[BucketChoice(limit, 0, weights) for limit in LONGEST],
        floors=dict.fromkeys(shop.parts, 0.0),
        note="no history of two items to learn from",
    )
