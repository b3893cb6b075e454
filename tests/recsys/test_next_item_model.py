"""The fitted next-item model: what it answers, that both paths agree, and that it survives a save."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array

from appliance.recsys.next_item import NextItemModel
from appliance.recsys.next_item.batches import batch_rankings
from appliance.recsys.next_item.choosing import build, choose, fit
from appliance.recsys.sequences import Sequences, from_lists

SIZE = 60


def chains(owners: int = 150, seed: int = 2) -> Sequences:
    """Return histories that mostly go from an item to the next one: 7, 8, 9, …"""
    random = np.random.default_rng(seed)
    rows = []
    for _ in range(owners):
        start, length = random.integers(0, SIZE), random.integers(2, 8)
        steps = np.where(random.random(length) < 0.85, 1, random.integers(2, SIZE, length))
        rows.append(((start + np.cumsum(steps)) % SIZE).tolist())
    return from_lists(rows)


@pytest.fixture(scope="module")
def model() -> NextItemModel:
    return fit(chains(), SIZE, seed=1)


def test_it_learns_that_order_counts(model: NextItemModel) -> None:
    rows, scores = model.recommend(np.array([20, 21], np.int32), 5, np.array([20, 21], np.int32))
    assert rows[0] == 22
    assert (np.diff(scores) <= 0).all()


def test_the_evidence_says_what_was_chosen_and_why(model: NextItemModel) -> None:
    choice = model.choice
    assert choice.cases == 150
    assert choice.blend is not None
    assert choice.blend.low <= choice.blend.ndcg <= choice.blend.high
    assert choice.parts["rules"].ndcg > choice.parts["popularity"].ndcg
    assert 0.0 <= choice.confidence <= 1.0
    for bucket in choice.buckets:
        assert sum(bucket.weights.values()) == pytest.approx(1.0, abs=0.001)
        assert bucket.weights["rules"] + bucket.weights["walk"] > bucket.weights["popularity"]


def test_what_is_excluded_never_shows_and_a_history_without_evidence_gets_what_sells(model: NextItemModel) -> None:
    barred = np.arange(0, SIZE, 2, dtype=np.int32)
    rows, _ = model.recommend(np.array([5], np.int32), SIZE, barred)
    assert len(rows)
    assert not np.isin(rows, barred).any()
    rows, _ = model.recommend(np.empty(0, np.int32), 3)
    assert rows[0] == model.popular[0]


def test_batch_and_serving_path_give_the_same_answers(model: NextItemModel) -> None:
    histories = chains(40, seed=9)
    ranked, parts = batch_rankings(model, histories, histories, 10)
    for case in range(histories.owners):
        history = histories.of(case)
        rows, _ = model.recommend(history, 10, history)
        assert ranked[case, : len(rows)].tolist() == rows.tolist()
    assert set(parts) == {"rules", "follows", "walk", "neighbours", "popularity"}


def test_a_saved_model_answers_the_same(model: NextItemModel, tmp_path: Path) -> None:
    model.save(tmp_path)
    again = NextItemModel.load(tmp_path)
    assert again.choice == model.choice
    history = np.array([3, 4, 5], np.int32)
    assert again.recommend(history, 10)[0].tolist() == model.recommend(history, 10)[0].tolist()


def test_the_same_seed_chooses_the_same() -> None:
    assert choose(chains(60), SIZE, seed=4) == choose(chains(60), SIZE, seed=4)


def test_content_carries_a_shop_whose_items_do_not_repeat() -> None:
    random = np.random.default_rng(0)
    kinds = np.arange(200) % 8
    rows = [random.choice(np.flatnonzero(kinds == random.integers(8)), 3, replace=False).tolist() for _ in range(60)]
    features = csr_array(np.eye(8, dtype=np.float32)[kinds])
    model = fit(from_lists(rows), 200, content=features, seed=0)
    assert all(bucket.weights["content"] > 0.5 for bucket in model.choice.buckets)
    first = int(np.flatnonzero(kinds == 3)[0])
    answer, _ = model.recommend(np.array([first], np.int32), 10, np.array([first], np.int32))
    assert (kinds[answer] == 3).all()


def test_a_shop_without_a_second_purchase_still_answers_by_content() -> None:
    features = csr_array(np.array([[1, 0], [1, 0], [0, 1], [0, 1]], np.float32))
    single = from_lists([[0], [2], [2]])
    model = build(single, 4, choose(single, 4, content=features), content=features)
    assert model.choice.note
    rows, _ = model.recommend(np.array([0], np.int32), 2, np.array([0], np.int32))
    assert rows[0] == 1


def test_an_empty_shop_answers_nothing() -> None:
    nobody = from_lists([])
    model = fit(nobody, 3)
    assert not len(model.recommend(np.empty(0, np.int32), 5)[0])
