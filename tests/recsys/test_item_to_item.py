"""Collaborative neighbours and companions, on cases worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.domain import InteractionType
from appliance.recsys import bought_together, item_to_item
from appliance.recsys.histories import MAX_HISTORY, Entries, Events, baskets, support, taste_histories

DAY = 86_400.0
VIEW, CART, BUY = (
    list(InteractionType).index(kind)
    for kind in (InteractionType.VIEW, InteractionType.ADD_TO_CART, InteractionType.PURCHASE)
)


def _entries(*histories: tuple[int, ...]) -> Entries:
    owners = [owner for owner, history in enumerate(histories) for _ in history]
    products = [item for history in histories for item in history]
    return Entries(np.array(owners, np.int64), np.array(products, np.int64), np.ones(len(owners)))


def _events(*rows: tuple[int, int, int, int, float]) -> Events:
    """Rows are visitor, session, product, type, days."""
    columns = list(zip(*rows, strict=True))
    whole = [np.array(column, np.int64) for column in columns[:4]]
    return Events(*whole, np.ones(len(rows)), np.array(columns[4]) * DAY)


def test_worked_cosine_without_shrinkage() -> None:
    table = item_to_item.fit(_entries((0, 1), (0, 1), (0, 2)), 3, 5, shrinkage=0.0)
    assert table.ids[0, :2].tolist() == [1, 2]
    assert table.scores[0, :2].tolist() == pytest.approx([2 / np.sqrt(3 * 2), 1 / np.sqrt(3)])
    assert table.ids[0, 2] == -1


def test_shrinkage_puts_a_chance_meeting_behind_a_habit() -> None:
    often = [(0, 1)] * 20 + [(0, 3)] * 10 + [(1, 3)] * 5
    table = item_to_item.fit(_entries(*often, (0, 2)), 4, 5)
    assert table.ids[0, 0] == 1
    once = item_to_item.fit(_entries((0, 1)), 2, 5)
    assert once.scores[0, 0] == pytest.approx(1 / 11)


def test_no_histories_give_an_empty_table() -> None:
    table = item_to_item.fit(_entries(), 3, 5)
    assert table.ids.tolist() == [[-1] * 5] * 3
    assert table.filled == 0


def test_blocks_do_not_change_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(3)
    histories = [tuple(random.choice(40, 6, replace=False).tolist()) for _ in range(200)]
    whole = item_to_item.fit(_entries(*histories), 40, 10)
    monkeypatch.setattr("appliance.recsys.cooccurrence._BLOCK", 7)
    parts = item_to_item.fit(_entries(*histories), 40, 10)
    assert np.array_equal(whole.ids, parts.ids)
    assert whole.scores == pytest.approx(parts.scores)


def test_a_guest_counts_once_and_a_returning_customer_joins_the_visits() -> None:
    guest = taste_histories(_events((0, 0, 1, VIEW, 1), (0, 0, 2, VIEW, 1)))
    assert sorted(zip(guest.owners.tolist(), guest.products.tolist(), strict=True)) == [(0, 1), (0, 2)]
    customer = taste_histories(_events((0, 0, 1, VIEW, 1), (0, 1, 2, VIEW, 2)))
    assert sorted(customer.products.tolist()) == [1, 2]
    assert len(set(customer.owners.tolist())) == 1


def test_histories_of_one_product_and_of_nobody_are_left_out() -> None:
    entries = taste_histories(_events((0, 0, 1, VIEW, 1), (-1, -1, 2, VIEW, 1), (-1, -1, 3, VIEW, 1)))
    assert len(entries.owners) == 0


def test_a_robot_counts_with_its_newest_products_only() -> None:
    rows = [(0, 0, item, VIEW, float(item)) for item in range(MAX_HISTORY + 50)]
    entries = taste_histories(_events(*rows))
    assert sorted(entries.products.tolist()) == list(range(50, MAX_HISTORY + 50))


def test_support_counts_histories() -> None:
    assert support(_entries((0, 1), (0, 2)), 4).tolist() == [2, 1, 1, 0]


def test_companions_are_shares_of_baskets() -> None:
    table = bought_together.fit(_entries(*4 * [(0, 1)], *2 * [(0, 2)]), 4, 5, shrinkage=0.0)
    assert table.ids[0, :2].tolist() == [1, 2]
    assert table.scores[0, :2].tolist() == pytest.approx([2 / 3, 1 / 3])


def test_baskets_are_one_visit_on_one_day_and_purchases_say_more_than_carts() -> None:
    bought = baskets(_events((0, 0, 1, BUY, 1.1), (0, 0, 2, BUY, 1.2), (0, 0, 3, BUY, 9.0)))
    assert sorted(bought.products.tolist()) == [1, 2]
    twice = [(n, n, 1, CART, 1.1) for n in (0, 1)] + [(n, n, 2, CART, 1.1) for n in (0, 1)]
    twice += [(n, n, 1, BUY, 1.1) for n in (2, 3)] + [(n, n, 3, BUY, 1.1) for n in (2, 3)]
    carted = baskets(_events(*twice))
    table = bought_together.fit(carted, 4, 5)
    assert table.ids[1, :2].tolist() == [3, 2]
    assert len(baskets(_events((0, 0, 1, VIEW, 1), (0, 0, 2, VIEW, 1))).owners) == 0


def test_old_baskets_fade() -> None:
    old = [(n, n, product, BUY, 1) for n in (0, 1) for product in (1, 2)]
    entries = baskets(_events(*old, *[(n, n, product, BUY, 200) for n in (2, 3) for product in (1, 3)]))
    table = bought_together.fit(entries, 4, 5)
    assert table.ids[1, :2].tolist() == [3, 2]
