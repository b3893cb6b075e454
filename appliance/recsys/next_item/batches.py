"""The model's answers to many histories at once, for evaluation; the same numbers as the serving path."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from appliance.recsys.base import Ints
from appliance.recsys.next_item.counts import as_matrix
from appliance.recsys.next_item.model import NextItemModel, weighted
from appliance.recsys.next_item.pools import Pools, gathered, ranking, scaled
from appliance.recsys.sequences import Sequences

_BLOCK = 1024


def batch_pools(model: NextItemModel, histories: Sequences, excluded: Sequences | None) -> Iterator[Pools]:
    """Yield the candidates of blocks of histories with their values, in order."""
    sources = [(as_matrix(table), model.choice.specs.decay(part)) for part, table in model.tables.items()]
    for start in range(0, histories.owners, _BLOCK):
        owners = np.arange(start, min(start + _BLOCK, histories.owners))
        gone = None if excluded is None else excluded.take(owners)
        raw = gathered(histories.take(owners), gone, model.size, sources, model.popularity, model.popular)
        yield raw._replace(values=scaled(raw.values, raw.starts, model.floors, model.choice.specs.power))


def batch_rankings(
    model: NextItemModel, histories: Sequences, excluded: Sequences | None, k: int
) -> tuple[Ints, dict[str, Ints]]:
    """Return the blend's ``k`` best for every history, int32[n, k], and those of each part alone."""
    blend: list[Ints] = []
    parts: dict[str, list[Ints]] = {part: [] for part in model.parts}
    buckets = model.buckets(histories.lengths)
    done = 0
    for pools in batch_pools(model, histories, excluded):
        weights = model.weights[buckets[done : done + pools.requests]]
        blend.append(ranking(pools, weighted(pools.values, weights[pools.owner()]), k))
        for column, part in enumerate(model.parts):
            parts[part].append(ranking(pools, pools.values[:, column], k))
        done += pools.requests
    return np.concatenate(blend), {part: np.concatenate(ranked) for part, ranked in parts.items()}
