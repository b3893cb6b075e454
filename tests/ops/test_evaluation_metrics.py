"""Ranking metrics worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from appliance.ops.evaluation import metrics
from appliance.recsys.bootstrap import interval
from appliance.recsys.sequences import from_lists

RANKED = np.array([[3, 1, 2], [5, 4, -1], [7, 8, 9]], np.int32)
RELEVANT = from_lists([[1, 9], [4], [6]])


def test_recall_is_the_share_of_right_answers_found() -> None:
    assert metrics.recall_at(RANKED, RELEVANT, 3).tolist() == [0.5, 1.0, 0.0]
    assert metrics.recall_at(RANKED, RELEVANT, 1).tolist() == [0.0, 0.0, 0.0]


def test_hit_and_reciprocal_place() -> None:
    assert metrics.hit_at(RANKED, RELEVANT, 2).tolist() == [1.0, 1.0, 0.0]
    assert metrics.mrr_at(RANKED, RELEVANT, 3).tolist() == [0.5, 0.5, 0.0]


def test_ndcg_discounts_the_place_and_is_measured_against_the_best_order() -> None:
    second = 1 / math.log2(3)
    best_of_two = 1 + second
    assert metrics.ndcg_at(RANKED, RELEVANT, 3) == pytest.approx([second / best_of_two, second, 0.0])
    # With one place there is one right answer to find at most.
    assert metrics.ndcg_at(np.array([[9]], np.int32), from_lists([[1, 9]]), 1).tolist() == [1.0]


def test_a_case_without_right_answers_or_answers_counts_nothing() -> None:
    nothing = from_lists([[], [], []])
    assert metrics.recall_at(RANKED, nothing, 3).tolist() == [0.0, 0.0, 0.0]
    assert metrics.ndcg_at(np.full((1, 3), -1, np.int32), from_lists([[1]]), 3).tolist() == [0.0]


def test_coverage_counts_distinct_items() -> None:
    assert metrics.coverage(RANKED, 16) == 8 / 16


def test_top_rows_are_the_largest_ties_by_column_and_never_what_is_barred() -> None:
    scores = np.array([[0.5, 0.9, 0.5, -np.inf], [-np.inf, -np.inf, 0.1, -np.inf]])
    assert metrics.top_rows(scores, 3).tolist() == [[1, 0, 2], [2, -1, -1]]
    assert metrics.top_rows(scores, 10).tolist() == [[1, 0, 2, -1], [2, -1, -1, -1]]


def test_the_bootstrap_interval_holds_the_mean_and_narrows_with_more_cases() -> None:
    random = np.random.default_rng(1)
    few, many = random.random(50), random.random(5000)
    low, high = interval(few)
    assert low < few.mean() < high
    narrow_low, narrow_high = interval(many)
    # A mean of n uniform values has the standard error 1 / √(12 n).
    assert narrow_high - narrow_low == pytest.approx(2 * 1.96 / math.sqrt(12 * 5000), rel=0.15)
    assert narrow_high - narrow_low < high - low
    assert interval(few) == (low, high)


def test_a_difference_is_judged_case_by_case() -> None:
    base = np.random.default_rng(2).random(200)
    low, high = metrics.bootstrap_difference(base + 0.01, base)
    assert low == pytest.approx(0.01) == high


def test_macro_f1_is_the_mean_over_the_true_labels() -> None:
    # a: one hit of two true and two given; b: one of three true and two given; c is never true.
    pairs = [("a", "a"), ("a", "b"), ("b", "a"), ("b", "b"), ("b", "c")]
    assert metrics.macro_f1(pairs) == pytest.approx((2 / 4 + 2 / 5) / 2)
    assert metrics.macro_f1([]) == 0.0
