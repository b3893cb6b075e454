"""Blending and variety."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.recsys import latent, ranking
from appliance.recsys.base import Candidates, anchors_of, no_anchors
from appliance.recsys.blend import COMPONENTS, PRIOR, Blend, Bucket, Mix, weights_for


def _batch(component: str, pairs: dict[int, float], anchor: int = -1) -> Candidates:
    codes = np.array(list(pairs), np.int32)
    return Candidates(
        component, codes, np.array(list(pairs.values()), np.float32), np.full(len(codes), anchor, np.int32)
    )  # type: ignore[arg-type]


def _nothing(codes: np.ndarray) -> np.ndarray:
    return np.zeros(len(codes), np.float32)


WEIGHTS = Mix(0.5, 0.3, 0.0, 0.2, 0.0, 0.1)


def test_score_is_the_weighted_sum_of_the_shown_components() -> None:
    pool = ranking.blend(
        [_batch("content", {1: 0.8, 2: 0.4}), _batch("collaborative", {2: 0.3, 3: 0.1})], WEIGHTS, {}, _nothing, {}
    )
    assert pool.codes.tolist() == [1, 2, 3]
    assert pool.scores == pytest.approx(np.array(WEIGHTS, np.float32) @ pool.values)
    assert pool.values[COMPONENTS.index("content")].tolist() == pytest.approx([1.0, 0.5, 0.0])


def test_weak_evidence_is_not_blown_up() -> None:
    pool = ranking.blend([_batch("content", {1: 0.01})], WEIGHTS, {}, _nothing, {})
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
        {},
    )
    assert pool.anchors.tolist() == [8, 9]
    assert [COMPONENTS[source] for source in pool.sources] == ["content", "collaborative"]


def test_every_candidate_gets_its_popularity() -> None:
    pool = ranking.blend(
        [_batch("content", {1: 0.5, 2: 0.5})], WEIGHTS, {}, lambda codes: (codes == 2).astype(np.float32), {}
    )
    assert pool.scores[1] - pool.scores[0] == pytest.approx(WEIGHTS.popularity)


def test_weights_follow_what_is_known() -> None:
    learned = PRIOR._replace(content=0.1, collaborative=0.9)
    blend = Blend(buckets=(*Blend().buckets, Bucket(known=5, weights=learned)))
    unknown, some, much = (weights_for(blend, "home", known) for known in (0, 1, 7))
    assert unknown.popularity > 0 == unknown.content == unknown.collaborative
    assert (some.content, some.collaborative) == (PRIOR.content, PRIOR.collaborative)
    assert (much.content, much.collaborative) == (0.1, 0.9)


def test_every_placement_and_strategy_leans_its_own_way() -> None:
    cart, home = weights_for(Blend(), "cart", 3), weights_for(Blend(), "home", 3)
    assert max(cart) == cart.bought_together > 0 == home.bought_together
    assert weights_for(Blend(), "home", 3, "content").collaborative == 0
    assert sum(weights_for(Blend(), "home", 3, "popular")) == home.popularity


def test_collaborative_evidence_is_trusted_as_far_as_the_anchors_are_known() -> None:
    anchors = anchors_of([(1, 1.0), (2, 1.0)])
    assert ranking.trust_in(anchors, np.array([0, 0], np.int32)) == 0
    assert ranking.trust_in(anchors, np.array([10, 10], np.int32)) == pytest.approx(0.5)
    assert ranking.trust_in(no_anchors(), np.empty(0, np.int32)) == 0


def test_seen_products_fall_behind() -> None:
    pool = ranking.blend([_batch("content", {1: 0.9, 5: 0.5})], WEIGHTS, {}, _nothing, {})
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
