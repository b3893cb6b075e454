"""Blending and variety."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.recsys import latent, ranking
from appliance.recsys.base import COMPONENTS, Anchors, Candidates, anchors_of, no_anchors


def _batch(component: str, pairs: dict[int, float], anchor: int = -1) -> Candidates:
    codes = np.array(list(pairs), np.int32)
    return Candidates(
        component, codes, np.array(list(pairs.values()), np.float32), np.full(len(codes), anchor, np.int32)
    )  # type: ignore[arg-type]


def _nothing(codes: np.ndarray) -> np.ndarray:
    return np.zeros(len(codes), np.float32)


WEIGHTS = ranking.Mix(0.5, 0.3, 0.2, 0.0, 0.1)


def test_score_is_the_weighted_sum_of_the_shown_components() -> None:
    pool = ranking.blend(
        [_batch("content", {1: 0.8, 2: 0.4}), _batch("collaborative", {2: 0.3, 3: 0.1})], WEIGHTS, {}, _nothing
    )
    assert pool.codes.tolist() == [1, 2, 3]
    assert pool.scores == pytest.approx(np.array(WEIGHTS, np.float32) @ pool.values)
    assert pool.values[COMPONENTS.index("content")].tolist() == pytest.approx([1.0, 0.5, 0.0])


def test_weak_evidence_is_not_blown_up() -> None:
    pool = ranking.blend([_batch("content", {1: 0.01})], WEIGHTS, {}, _nothing)
    assert pool.values.max() == pytest.approx(0.1)


def test_the_strongest_contribution_is_the_evidence() -> None:
    pool = ranking.blend(
        [
            _batch("content", {1: 0.5, 2: 0.2}, anchor=7),
            _batch("content", {1: 0.6}, anchor=8),
            _batch("collaborative", {2: 0.9}, anchor=9),
        ],
        WEIGHTS,
        {},
        _nothing,
    )
    assert pool.anchors.tolist() == [8, 9]
    assert [COMPONENTS[source] for source in pool.sources] == ["content", "collaborative"]


def test_every_candidate_gets_its_popularity() -> None:
    pool = ranking.blend(
        [_batch("content", {1: 0.5, 2: 0.5})], WEIGHTS, {}, lambda codes: (codes == 2).astype(np.float32)
    )
    assert pool.scores[1] - pool.scores[0] == pytest.approx(WEIGHTS.popularity)


def test_weights_follow_what_is_known() -> None:
    unknown = ranking.weights_for("home", no_anchors(), np.empty(0, np.int32))
    some = ranking.weights_for("home", anchors_of([(1, 1.0), (2, 1.0)]), np.array([0, 0], np.int32))
    much = ranking.weights_for("home", anchors_of([(1, 1.0), (2, 1.0)]), np.array([500, 500], np.int32))
    assert unknown.popularity > some.popularity
    assert (some.collaborative, unknown.collaborative) == (0.0, 0.0)
    assert much.collaborative == pytest.approx(0.5, rel=0.05)
    assert isinstance(anchors_of([]), Anchors)


def test_seen_products_fall_behind() -> None:
    pool = ranking.blend([_batch("content", {1: 0.9, 5: 0.5})], WEIGHTS, {}, _nothing)
    ranking.demote_seen(pool, np.array([1, 99], np.int32))
    assert pool.scores[1] > pool.scores[0]


def test_variety_prefers_something_else_over_a_near_copy() -> None:
    vectors = latent.unit(np.array([[1, 0], [1, 0.01], [0, 1]], np.float32))
    scores = np.array([1.0, 0.95, 0.8], np.float32)
    assert ranking.diversify(scores, vectors, 0.4, 3) == [0, 2, 1]
    assert ranking.diversify(scores, vectors, 0.0, 3) == [0, 1, 2]


@given(
    scores=st.lists(st.floats(0, 1, width=32), min_size=1, max_size=30),
    amount=st.floats(0, 1),
    count=st.integers(1, 40),
    seed=st.integers(0, 99),
)
def test_variety_loses_nobody_and_keeps_the_best_first(
    scores: list[float], amount: float, count: int, seed: int
) -> None:
    ordered = np.array(sorted(scores, reverse=True), np.float32)
    vectors = latent.unit(np.random.default_rng(seed).standard_normal((len(scores), 4)).astype(np.float32))
    order = ranking.diversify(ordered, vectors, amount, count)
    assert sorted(order) == list(range(len(scores)))
    if amount < 1:
        assert ordered[order[0]] == ordered[0]
