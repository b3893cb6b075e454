"""Popularity bias, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.recsys.bias import Bias, damp, gini, measure, percentiles, typical_support

SUPPORT = np.array([100, 10, 10, 0])


def test_percentiles_share_the_middle_of_ties() -> None:
    assert percentiles(SUPPORT).tolist() == [0.875, 0.5, 0.5, 0.125]


@pytest.mark.parametrize(
    ("times", "expected"), [([1, 1, 1, 1], 0.0), ([0, 0, 0, 4], 0.75), ([0, 2, 0, 2], 0.5), ([0, 0], 0.0), ([], 0.0)]
)
def test_gini(times: list[int], expected: float) -> None:
    assert gini(np.array(times)) == pytest.approx(expected)


def test_bias_of_lists() -> None:
    lists = np.array([[0, 1], [0, -1], [0, 3]], np.int32)
    found = measure(lists, SUPPORT)
    assert found.percentile == pytest.approx((3 * 0.875 + 0.5 + 0.125) / 5)
    assert found.gini == pytest.approx(gini(np.array([3, 1, 0, 1])))
    assert found.coverage == 0.75
    assert measure(np.full((2, 2), -1, np.int32), SUPPORT) == Bias(0.0, 0.0, 0.0)


def test_damping_lowers_what_is_popular() -> None:
    scores = np.array([1.0, 0.6, 0.5, 0.4], np.float32)
    assert damp(scores, SUPPORT, 0.0, 10.0) is scores
    damped = damp(scores, SUPPORT, 0.5, 10.0)
    assert damped == pytest.approx([1 / np.sqrt(11), 0.6 / np.sqrt(2), 0.5 / np.sqrt(2), 0.4])
    assert damped.dtype == np.float32


def test_more_damping_means_less_popular_lists() -> None:
    random = np.random.default_rng(0)
    support = (1000 * random.pareto(1.2, 500)).astype(np.int64)
    scores = (support / support.max()) ** 0.3 * random.random((200, 500))

    def bias(amount: float) -> Bias:
        damped = damp(scores.astype(np.float32), support, amount, typical_support(support))
        return measure(np.argsort(-damped, axis=1)[:, :10].astype(np.int32), support)

    plain, some, more = bias(0.0), bias(0.1), bias(0.3)
    assert plain.percentile > some.percentile > more.percentile
    assert plain.gini > some.gini > more.gini
    assert plain.coverage < more.coverage


def test_typical_support() -> None:
    assert typical_support(SUPPORT) == 10.0
    assert typical_support(np.zeros(3)) == 1.0
