"""The parts of the next-item blend on histories small enough to work by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from appliance.recsys.next_item import counts
from appliance.recsys.next_item.pools import gathered, places, places_alone, target_places, weighted_history
from appliance.recsys.sequences import from_lists


def test_rules_count_by_distance_and_in_order() -> None:
    matrix = counts.following(from_lists([[0, 1, 2], [0, 2]]), 3).toarray()
    # 0 → 1 beside it; 0 → 2 at distance 2 in the first history and beside it in the second; 1 → 2 beside it.
    assert matrix.tolist() == [[0.0, 1.0, 1.5], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]]


def test_rules_do_not_cross_from_one_history_to_the_next_nor_follow_an_item_by_itself() -> None:
    matrix = counts.following(from_lists([[0, 0], [1]]), 2).toarray()
    assert not matrix.any()


def test_co_occurrence_is_damped_by_how_much_an_owner_has() -> None:
    matrix = counts.together(from_lists([[0, 1], [0, 1, 2, 3]]), 4, damping=0.5).toarray()
    assert matrix[0, 1] == pytest.approx(1 / np.sqrt(2) + 1 / 2)
    assert matrix[0, 2] == pytest.approx(1 / 2)
    assert matrix[0, 0] == 0.0
    assert (matrix == matrix.T).all()


def test_undamped_co_occurrence_over_root_supports_is_the_cosine() -> None:
    histories = from_lists([[0, 1], [0, 1], [0, 2], [1]])
    support = counts.support_of(histories, 3)
    scores = counts.normalised(counts.together(histories, 3, damping=0.0), support, other=0.5).toarray()
    assert scores[0, 1] == pytest.approx(2 / 3)
    assert scores[0, 2] == pytest.approx(1 / np.sqrt(3))


def test_shrinking_takes_more_from_rare_pairs() -> None:
    pairs = csr_array(np.array([[0.0, 1.0], [8.0, 0.0]], np.float32))
    shrunk = counts.normalised(pairs, np.ones(2), other=0.0, shrink=2.0).toarray()
    assert shrunk[0, 1] == pytest.approx(1 / 3)
    assert shrunk[1, 0] == pytest.approx(8 * 0.8)


def test_the_second_step_reaches_what_no_history_joins() -> None:
    rules = counts.strongest(
        csr_array(np.array([[0, 2, 0, 0], [0, 0, 3, 1], [0, 0, 0, 0], [0, 0, 0, 0]], np.float32)), 3
    )
    walk = counts.second_step(rules, 3)
    # From 0 all goes to 1, and from there 3 to item 2 and 1 to item 3.
    assert walk.ids[0].tolist() == [2, 3, -1]
    assert walk.scores[0].tolist() == [3.0, 1.0, 0.0]
    assert (walk.ids[1] == -1).all()


def test_content_is_the_cosine_of_rare_attributes_and_the_better_sold_leads_among_equals() -> None:
    features = csr_array(np.array([[1, 1], [1, 1], [1, 1], [0, 1]], np.float32))
    table = counts.similar(features, np.array([0.0, 0.0, 15.0, 0.0]), idf=1.0, popular=0.25, width=3)
    assert table.ids[0, :2].tolist() == [2, 1]
    assert table.scores[0, 0] == pytest.approx(2.0)
    assert table.scores[0, 1] == pytest.approx(1.0)
    # The attribute that every item has says nothing.
    assert (table.ids[3] == -1).all()


def test_cutting_long_rows_gives_what_sorting_them_gives() -> None:
    values = np.random.default_rng(3).integers(0, 5, (4, 60)).astype(np.float32)
    table = counts.strongest(csr_array(values), 7)
    expected = np.argsort(-values, axis=1, kind="stable")[:, :7]
    assert (table.ids == expected).all()


def test_a_repeated_item_speaks_once_with_its_newest_place() -> None:
    weights = weighted_history(from_lists([[4, 1, 4], []]), 5, 0.5).toarray()
    assert weights[0].tolist() == [0.0, 0.5, 0.0, 0.0, 1.0]
    assert not weights[1].any()


def test_ranking_one_part_without_pools_agrees_with_pools() -> None:
    random = np.random.default_rng(5)
    histories = from_lists([random.integers(0, 30, 6).tolist() for _ in range(40)])
    targets = random.integers(0, 30, 40).astype(np.int32)
    targets = np.where([target in histories.of(i) for i, target in enumerate(targets)], 30, targets).astype(np.int32)
    matrix = csr_array(np.where(random.random((31, 31)) < 0.3, random.integers(1, 4, (31, 31)), 0).astype(np.float32))
    pools = gathered(histories, histories, 31, [(matrix, 0.5)], np.zeros(31), np.empty(0, np.int32))
    pooled = places(pools, pools.values[:, 0], target_places(pools, targets, 31))
    assert places_alone(histories, targets, 31, matrix, 0.5).tolist() == pooled.tolist()
