"""Companions are what baskets show beyond chance."""

from __future__ import annotations

import math

import numpy as np
import pytest

from appliance.recsys.bought_together import fit, log_likelihood_ratio
from appliance.recsys.histories import Entries


def _baskets(*baskets: tuple[int, ...]) -> Entries:
    owners = np.repeat(np.arange(len(baskets)), [len(basket) for basket in baskets])
    products = np.array([product for basket in baskets for product in basket], np.int64)
    return Entries(owners.astype(np.int64), products, np.ones(len(products)))


def test_the_log_likelihood_ratio_of_a_table_worked_by_hand() -> None:
    # 10 baskets: 4 with both, 1 with the first alone, 1 with the second alone, 4 with neither.
    cells, expected = (4, 1, 1, 4), (2.5, 2.5, 2.5, 2.5)
    by_hand = 2 * sum(seen * math.log(seen / chance) for seen, chance in zip(cells, expected, strict=True))
    found = log_likelihood_ratio(np.array([4.0]), np.array([5.0]), np.array([5.0]), 10.0)
    assert found[0] == pytest.approx(by_hand)
    independent = log_likelihood_ratio(np.array([2.5]), np.array([5.0]), np.array([5.0]), 10.0)
    assert independent[0] == pytest.approx(0.0)


def test_a_pair_that_met_once_is_no_companion_and_one_that_keeps_meeting_is() -> None:
    entries = _baskets((0, 1), (0, 1), (0, 1), (2, 3), (2, 4), (3, 5), (4, 5), (0, 2))
    table = fit(entries, 6, 5)
    assert table.ids[0].tolist() == [1, -1, -1, -1, -1]
    # Three of the four baskets with 0 held 1 too, shrunk by 3 / (3 + 2).
    assert table.scores[0, 0] == pytest.approx(3 / 4 * 3 / 5)
    assert set(table.ids[2].tolist()) == {-1}


def test_what_lies_in_every_basket_is_the_companion_of_nothing() -> None:
    baskets = [(9, number % 8) for number in range(200)]
    table = fit(_baskets(*baskets), 10, 5)
    assert 9 not in table.ids[0].tolist()
    assert set(table.ids[9].tolist()) == {-1}
