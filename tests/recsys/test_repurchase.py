"""When a bought product may be shown to its buyer again."""

from __future__ import annotations

import pytest

from appliance.domain import ProductCard, interval_of
from appliance.errors import InvalidSetting
from appliance.recsys.profiles import BOUGHT, CARTED, Entry
from appliance.recsys.repurchase import DAY, Repurchase
from appliance.settings import Recommender, parse_value

NOW = 1_760_000_000.0


def _card(*categories: str, days: float | None = None) -> ProductCard:
    return ProductCard("x", "x", "X", "", 1, "VND", True, categories, (), 0.0, repurchase_days=days)


SHOP = Repurchase(Recommender(repurchase_by_category=("ca-phe:14", "do-uong:20", "may-pha:3650")))


def test_the_products_own_interval_goes_before_its_categories_and_the_shops() -> None:
    assert SHOP.days(_card("ca-phe", days=7.0)) == 7.0
    assert SHOP.days(_card("do-uong", "ca-phe")) == 14.0
    assert SHOP.days(_card("may-pha")) == 3650.0
    assert SHOP.days(_card("tui")) == 30.0
    assert SHOP.days(_card("tui", days=0.0)) == 0.0


def test_a_bought_product_may_be_shown_again_after_its_interval() -> None:
    cards = {0: _card("tui"), 1: _card("ca-phe"), 2: _card(days=0.0), 3: _card("tui"), 5: _card("tui")}
    entries = [Entry(code, 5.0, NOW, BOUGHT, NOW - 20 * DAY) for code in (0, 1, 2, 4)]
    entries += [Entry(3, 3.0, NOW, CARTED), Entry(5, 5.0, NOW, BOUGHT, NOW - 31 * DAY)]
    assert SHOP.barred(entries, cards.get, NOW) == [0]
    assert SHOP.barred(entries, cards.get, NOW + 10 * DAY) == []


def test_a_categorys_interval_is_a_handle_with_days() -> None:
    assert interval_of("ca-phe: 14.5") == ("ca-phe", 14.5)
    assert parse_value("recommender.repurchase_by_category", "ca-phe:14, sua:3") == ("ca-phe:14", "sua:3")


@pytest.mark.parametrize("entry", ["ca-phe", "ca-phe:", ":14", "ca-phe:-1", "ca-phe:nan", "ca-phe:9999"])
def test_a_wrong_interval_is_refused_with_an_example(entry: str) -> None:
    with pytest.raises(InvalidSetting, match=r"as ca-phe:14"):
        parse_value("recommender.repurchase_by_category", entry)
