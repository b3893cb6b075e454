"""Learning the weights of components from cases."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.recsys.next_item.pools import Pools, largest, places, ranking, scaled, strongest_of, subset
from appliance.recsys.next_item.weights import learn_weights


def cases_where_first_part_knows(count: int, seed: int = 0) -> tuple[Pools, np.ndarray]:
    """Return pools of 20 candidates: the first part tells the target in three of four cases, the second never."""
    random = np.random.default_rng(seed)
    values = random.random((count * 20, 2)).astype(np.float32)
    targets = np.arange(count) * 20 + random.integers(0, 20, count)
    known = random.random(count) < 0.75
    values[targets[known], 0] = 1.0
    return Pools(np.arange(count + 1) * 20, np.tile(np.arange(20, dtype=np.int32), count), values), targets


def test_the_part_that_knows_gets_the_weight() -> None:
    pools, targets = cases_where_first_part_knows(400)
    learned = learn_weights(pools, targets, np.zeros(400, np.int32), 1)
    assert learned.pooled[0] > 0.8
    assert learned.pooled.sum() == pytest.approx(1.0)
    assert learned.cases.tolist() == [400]


def test_without_a_case_all_weigh_the_same() -> None:
    pools, _ = cases_where_first_part_knows(3)
    learned = learn_weights(pools, np.full(3, -1), np.zeros(3, np.int32), 2)
    assert learned.pooled.tolist() == [0.5, 0.5]
    assert learned.by_bucket.tolist() == [[0.5, 0.5], [0.5, 0.5]]


def test_a_bucket_without_cases_has_the_pooled_weights_and_a_small_one_stays_near() -> None:
    pools, targets = cases_where_first_part_knows(400)
    swapped, moved = cases_where_first_part_knows(3, seed=1)
    both = Pools(
        np.concatenate([pools.starts, swapped.starts[1:] + len(pools.rows)]),
        np.concatenate([pools.rows, swapped.rows]),
        np.concatenate([pools.values, swapped.values[:, ::-1]]),
    )
    buckets = np.repeat(np.array([0, 2], np.int32), [400, 3])
    learned = learn_weights(both, np.concatenate([targets, moved + len(pools.rows)]), buckets, 3)
    assert np.allclose(learned.by_bucket[1], learned.pooled)
    assert learned.by_bucket[2, 0] > 0.5


def test_a_bucket_with_many_cases_has_weights_of_its_own() -> None:
    first, targets = cases_where_first_part_knows(400)
    second, moved = cases_where_first_part_knows(400, seed=1)
    both = Pools(
        np.concatenate([first.starts, second.starts[1:] + len(first.rows)]),
        np.concatenate([first.rows, second.rows]),
        np.concatenate([first.values, second.values[:, ::-1]]),
    )
    learned = learn_weights(
        both, np.concatenate([targets, moved + len(first.rows)]), np.repeat(np.array([0, 1], np.int32), 400), 2
    )
    assert learned.by_bucket[0, 0] > 0.7
    assert learned.by_bucket[1, 1] > 0.7


def test_values_are_shares_of_the_best_and_weak_evidence_stays_weak() -> None:
    scores = np.array([[2.0], [1.0], [0.5]], np.float32)
    starts = np.array([0, 2, 3, 3])
    assert largest(scores, starts).ravel().tolist() == [2.0, 0.5, 0.0]
    assert scaled(scores, starts, np.array([1.0], np.float32), 1.0).ravel().tolist() == [1.0, 0.5, 0.5]
    assert scaled(scores, starts, np.array([1.0], np.float32), 2.0).ravel().tolist() == [1.0, 0.25, 0.25]


def test_ranking_leaves_out_what_scores_nothing_and_breaks_ties_by_row() -> None:
    pools = Pools(np.array([0, 4, 5]), np.array([3, 5, 7, 9, 2], np.int32), np.zeros((5, 1), np.float32))
    assert ranking(pools, np.array([0.5, 0.9, 0.5, 0.0, 0.0]), 3).tolist() == [[5, 3, 7], [-1, -1, -1]]


def test_places_count_ties_half_and_an_unproposed_target_is_nowhere() -> None:
    pools = Pools(np.array([0, 3, 4]), np.array([0, 1, 2, 0], np.int32), np.zeros((4, 1), np.float32))
    assert places(pools, np.array([3.0, 2.0, 2.0, 0.0]), np.array([1, 3])).tolist() == [1.5, np.inf]
    assert places(pools, np.array([3.0, 2.0, 2.0, 0.0]), np.array([0, -1])).tolist() == [0.0, np.inf]


def test_a_target_that_is_not_among_the_strongest_is_none() -> None:
    pools = Pools(
        np.array([0, 3, 5]), np.array([4, 6, 8, 1, 2], np.int32), np.array([[3], [1], [2], [5], [4]], np.float32)
    )
    kept, targets = strongest_of(pools, np.array([2, 4]), 2, pools.values[:, 0])
    assert kept.rows.tolist() == [4, 8, 1, 2]
    assert kept.starts.tolist() == [0, 2, 4]
    assert targets.tolist() == [1, 3]
    _, targets = strongest_of(pools, np.array([1, -1]), 2, pools.values[:, 0])
    assert targets.tolist() == [-1, -1]


def test_a_subset_keeps_each_target_with_its_request() -> None:
    pools = Pools(np.array([0, 2, 3, 6]), np.arange(6, dtype=np.int32), np.zeros((6, 1), np.float32))
    taken, targets = subset(pools, np.array([1, -1, 5]), np.array([2, 0]))
    assert taken.rows.tolist() == [3, 4, 5, 0, 1]
    assert targets.tolist() == [2, 4]
