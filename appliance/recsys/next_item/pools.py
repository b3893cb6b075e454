"""Candidate pools of many requests as flat arrays, their values, and the rankings that weights make of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from appliance.recsys.base import Doubles, Flags, Floats, Ints, Longs, sums_at
from appliance.recsys.sequences import Sequences

if TYPE_CHECKING:
    from scipy.sparse import csr_array

WINDOW = 30
"""The newest items of a history that speak: at a decay of 0.8 the next one would weigh 0.1 %."""


class Pools(NamedTuple):
    """The candidates of n requests; those of ``i`` are ``starts[i]:starts[i + 1]`` of the flat arrays."""

    starts: Longs
    """int64[n + 1]."""
    rows: Ints
    """int32[m], items, ascending within a request."""
    values: Floats
    """float32[m, parts], 0 where a part says nothing."""

    @property
    def requests(self) -> int:
        """The number of requests."""
        return len(self.starts) - 1

    def owner(self) -> Longs:
        """Return for each candidate whose it is, int64[m]."""
        return np.repeat(np.arange(self.requests), np.diff(self.starts))


def scaled(scores: Floats, starts: Longs, floors: Floats, power: float) -> Floats:
    """Return (score / max(largest score of the request, floor))^power, float32[m, parts]."""
    top = largest(scores, starts)
    divisor = np.repeat(np.maximum(np.maximum(top, floors), 1e-9), np.diff(starts), axis=0)
    values: Floats = np.power(scores / divisor, power, dtype=np.float32)
    return values


def largest(scores: Floats, starts: Longs) -> Floats:
    """Return the largest score of each request and part, float32[n, parts]; 0 for a request without candidates."""
    top = np.zeros((len(starts) - 1, scores.shape[1]), np.float32)
    filled = np.diff(starts) > 0
    if filled.any():
        top[filled] = np.maximum.reduceat(scores, starts[:-1][filled], axis=0)
    return top


def weighted_history(histories: Sequences, size: int, decay: float) -> csr_array[Any]:
    """Return decay^i for the i-th newest entry of each history, float32[n, size]; a repeated item has its newest."""
    from scipy.sparse import csr_array

    recent = histories.newest(WINDOW)
    owner = recent.owner_of_entry()
    age = np.repeat(recent.starts[1:], recent.lengths) - 1 - np.arange(len(recent.items))
    order = np.lexsort((age, recent.items, owner))
    first = np.ones(len(order), np.bool_)
    first[1:] = (owner[order][1:] != owner[order][:-1]) | (recent.items[order][1:] != recent.items[order][:-1])
    chosen = order[first]
    worth = (decay ** age[chosen]).astype(np.float32)
    return csr_array((worth, (owner[chosen], recent.items[chosen])), shape=(histories.owners, size))


def gathered(
    histories: Sequences,
    excluded: Sequences | None,
    size: int,
    sources: list[tuple[csr_array[Any], float]],
    popularity: Doubles,
    popular: Ints,
) -> Pools:
    """Return the pools of all histories with raw scores: ``sources`` are (item-item matrix, decay), popularity last.

    A pool is the union of what the sources propose and ``popular``, less the request's ``excluded`` items.
    """
    from scipy.sparse import csr_array

    matrices = [csr_array(weighted_history(histories, size, decay) @ matrix) for matrix, decay in sources]
    union = _everywhere(popular, histories.owners, size)
    for matrix in matrices:
        union = union + matrix
    keys, _ = _keys(union, size)
    if excluded is not None:
        gone = np.unique(excluded.owner_of_entry() * np.int64(size) + excluded.items)
        keys = keys[~_among(keys, gone)]
    scores = np.zeros((len(keys), len(sources) + 1), np.float32)
    for column, matrix in enumerate(matrices):
        found, worth = _keys(matrix, size)
        inside = _among(found, keys)
        scores[np.searchsorted(keys, found[inside]), column] = worth[inside]
    rows = (keys % size).astype(np.int32)
    scores[:, -1] = popularity[rows]
    starts = np.searchsorted(keys, np.arange(histories.owners + 1) * np.int64(size)).astype(np.int64)
    return Pools(starts, rows, scores)


def ranking(pools: Pools, scores: Doubles | Floats, k: int) -> Ints:
    """Return the ``k`` best candidates of each request, int32[n, k], ties by row, -1 pads; scores of 0 are left out."""
    owner = pools.owner()
    proposed = np.flatnonzero(scores > 0)
    order = proposed[np.lexsort((pools.rows[proposed], -scores[proposed], owner[proposed]))]
    sizes = np.bincount(owner[order], minlength=pools.requests)
    place = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    inside = place < k
    ranked = np.full((pools.requests, k), -1, np.int32)
    ranked[owner[order][inside], place[inside]] = pools.rows[order][inside]
    return ranked


def places(pools: Pools, scores: Doubles | Floats, targets: Longs) -> Doubles:
    """Return how many candidates stand before each target, float64[n]; infinite where the target is no candidate.

    ``targets`` are places in the flat arrays, -1 for none; ties count half.
    """
    known = targets >= 0
    at = np.where(known, scores[np.maximum(targets, 0)], 0.0)
    known &= at > 0
    owner = pools.owner()
    other = at[owner]
    before = np.bincount(owner, weights=(scores > other) + 0.5 * (scores == other), minlength=pools.requests) - 0.5
    out: Doubles = np.where(known, before, np.inf)
    return out


def places_alone(histories: Sequences, targets: Ints, size: int, matrix: csr_array[Any], decay: float) -> Doubles:
    """Return ``places`` for one item-item matrix, the histories' own items left out, without making pools."""
    from scipy.sparse import csr_array

    weighted = weighted_history(histories, size, decay)
    scores = csr_array(weighted @ matrix)
    rows = np.repeat(np.arange(histories.owners), np.diff(scores.indptr))
    aim = csr_array((np.ones(histories.owners), (np.arange(histories.owners), targets)), shape=scores.shape)
    at: Floats = np.asarray(scores.multiply(aim).sum(axis=1)).ravel().astype(np.float32)
    own = csr_array(scores.multiply(histories.matrix(size)))
    own_rows = np.repeat(np.arange(histories.owners), np.diff(own.indptr))
    before = _counted(rows, scores.data, at) - _counted(own_rows, own.data, at) - 0.5
    out: Doubles = np.where(at > 0, before, np.inf)
    return out


def _counted(rows: Longs, scores: Floats, at: Floats) -> Doubles:
    """Return for each request how many scores are above its target's, ties counted half."""
    return sums_at(rows, (scores > at[rows]) + 0.5 * (scores == at[rows]), len(at))


def target_places(pools: Pools, targets: Ints, size: int) -> Longs:
    """Return where each request's target stands in the flat arrays, int64[n], -1 where it is no candidate."""
    keys = pools.owner() * np.int64(size) + pools.rows
    wanted = np.arange(pools.requests) * np.int64(size) + targets
    at = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    found: Longs = np.where(keys[at] == wanted, at, -1) if len(keys) else np.full(pools.requests, -1, np.int64)
    return found


def strongest_of(pools: Pools, targets: Longs, count: int, strength: Doubles | Floats) -> tuple[Pools, Longs]:
    """Return each request's ``count`` candidates of most strength, float[m], and where its target stands in them.

    What ties with the last of them stays. A weaker target is none (-1): kept, it would teach that strength does not
    matter.
    """
    least = np.full(pools.requests, -np.inf)
    for request in np.flatnonzero(np.diff(pools.starts) > count):
        own = strength[pools.starts[request] : pools.starts[request + 1]]
        least[request] = np.partition(own, len(own) - count)[len(own) - count]
    keep = strength >= np.repeat(least, np.diff(pools.starts))
    before = np.concatenate([[0], np.cumsum(keep)])
    safe = np.maximum(targets, 0)
    moved = np.where((targets >= 0) & keep[safe], before[safe], -1) if len(keep) else targets
    return Pools(before[pools.starts], pools.rows[keep], pools.values[keep]), moved


def subset(pools: Pools, targets: Longs, requests: Longs) -> tuple[Pools, Longs]:
    """Return some requests, in the order given, and where their targets stand now."""
    lengths = np.diff(pools.starts)[requests]
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    offset = pools.starts[:-1][requests] - starts[:-1]
    at = np.arange(starts[-1]) + np.repeat(offset, lengths)
    moved = np.where(targets[requests] >= 0, targets[requests] - offset, -1)
    return Pools(starts, pools.rows[at], pools.values[at]), moved


def _everywhere(rows: Ints, requests: int, size: int) -> csr_array[Any]:
    """Return 1 at the given columns of every row, float32[requests, size]."""
    from scipy.sparse import csr_array

    columns = np.tile(np.sort(rows), requests)
    starts = np.arange(requests + 1) * len(rows)
    return csr_array((np.ones(len(columns), np.float32), columns, starts), shape=(requests, size))


def _keys(matrix: csr_array[Any], size: int) -> tuple[Longs, Floats]:
    """Return the positive entries of a matrix as (row · size + column, value), ascending."""
    matrix.sort_indices()
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    positive = matrix.data > 0
    return (rows * np.int64(size) + matrix.indices)[positive], matrix.data[positive]


def _among(keys: Longs, sorted_keys: Longs) -> Flags:
    if not len(sorted_keys):
        return np.zeros(len(keys), np.bool_)
    at = np.minimum(np.searchsorted(sorted_keys, keys), len(sorted_keys) - 1)
    out: Flags = sorted_keys[at] == keys
    return out
