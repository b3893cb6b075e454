"""Searches of the catalogue agent on the fixture shop."""

from __future__ import annotations

import pytest
from catalogue_shop import AgentShop, OpenShop, after

from appliance.agents.types import DialogueState, Outcome, ShownProduct


def titles(outcome: Outcome) -> list[str]:
    return [product.title for product in outcome.products]


BAGS = DialogueState(shown=(ShownProduct("", "Túi Da", 550_000), ShownProduct("", "Túi Vải", 180_000)))


def test_category_and_price_find_what_fits(fixture_shop: AgentShop) -> None:
    found = fixture_shop.ask("product_search", "hoodie dưới 400k", category="hoodie", price_max=400_000)
    assert found.action == "answer"
    assert titles(found) == ["Hoodie Basic"]
    assert "350.000" in fixture_shop.say(found)
    assert found.filters == {"category": "hoodie", "price_max": 400_000}


def test_filters_are_said_back_in_the_readers_language(fixture_shop: AgentShop) -> None:
    found = fixture_shop.ask("product_search", "balo den", category="backpack", color="black", price_max=700_000)
    assert "balo màu đen" in fixture_shop.say(found)
    assert "700.000" in fixture_shop.say(found)
    english = fixture_shop.ask(
        "product_search", "black backpacks", locale="en", category="backpack", color="black", price_max=700_000
    )
    assert "black backpacks" in fixture_shop.say(english, "en")


def test_nothing_of_a_colour_shows_the_other_colours_and_says_so(fixture_shop: AgentShop) -> None:
    found = fixture_shop.ask("product_search", "đầm", category="dress", color="black")
    assert set(titles(found)) == {"Váy hoa nhí", "Váy maxi đi biển"}
    assert "chưa có váy màu đen" in fixture_shop.say(found)
    assert found.answered


def test_what_the_shop_does_not_have_is_not_pretended(fixture_shop: AgentShop) -> None:
    found = fixture_shop.ask("product_search", "tủ lạnh mini", product="tủ lạnh mini")
    assert "tủ lạnh mini" in fixture_shop.say(found)
    assert any(word in fixture_shop.say(found) for word in ("chưa có", "không có"))


def test_sneakers_are_shoes_too(fixture_shop: AgentShop) -> None:
    found = fixture_shop.ask("product_search", "giày tầm 650k", category="shoes", price_about=650_000)
    assert titles(found) == ["Sneaker Street 2"]


def test_sold_out_comes_last_or_is_said(fixture_shop: AgentShop) -> None:
    found = fixture_shop.ask("product_search", "đồng hồ", category="watch")
    assert titles(found) == ["Đồng hồ nữ Classic"]


def test_cheaper_than_what_was_shown(fixture_shop: AgentShop) -> None:
    first = fixture_shop.ask("product_search", "tai nghe", category="headphones")
    assert len(first.products) == 3
    asked = fixture_shop.ask("product_search", "rẻ hơn", state=after(first), category="headphones", modifier="cheaper")
    assert "Tai nghe Lite" in fixture_shop.say(asked)
    focus = DialogueState(focus=ShownProduct("prod_031", "Tai nghe Pro", 890_000))
    cheaper = fixture_shop.ask("product_search", "rẻ hơn", state=focus, category="headphones", modifier="cheaper")
    assert titles(cheaper) == ["Tai nghe Sport", "Tai nghe Lite"]
    assert cheaper.filters == {"category": "headphones", "price_max": 889_999}


def test_cheapest_of_a_list_without_ids_in_an_empty_shop(open_shop: OpenShop) -> None:
    shop = open_shop()
    found = shop.ask("product_search", "rẻ hơn", state=BAGS, category="bag", modifier="cheaper")
    assert found.action == "answer"
    assert "Túi Vải" in shop.say(found)
    assert "180.000" in shop.say(found)


@pytest.mark.parametrize("modifier", ["more", "other"])
def test_the_next_page_has_no_product_twice(fixture_shop: AgentShop, modifier: str) -> None:
    first = fixture_shop.ask("product_search", "cho xem hàng")
    assert len(first.products) == 5
    second = fixture_shop.ask("product_search", "xem thêm", state=after(first), modifier=modifier)
    assert len(second.products) == 5
    assert not set(titles(first)) & set(titles(second))
    assert second.offered >= 10


def test_the_end_of_a_list_is_said(fixture_shop: AgentShop) -> None:
    first = fixture_shop.ask("product_search", "ví", category="wallet")
    more = fixture_shop.ask("product_search", "xem thêm", state=after(first), category="wallet", modifier="more")
    assert more.products == ()
    assert "xem hết" in fixture_shop.say(more)


def test_nothing_is_called_best_selling_before_anything_was_sold(fixture_shop: AgentShop) -> None:
    found = fixture_shop.ask("product_search", "bán chạy nhất", sort="best_selling")
    assert len(found.products) == 5
    assert "bán chạy" not in fixture_shop.say(found)


def test_what_is_not_wanted_is_left_out(fixture_shop: AgentShop) -> None:
    found = fixture_shop.ask("product_search", "giày không phải da", category="shoes", without="da")
    assert titles(found) == ["Giày Air Run"]
    black = fixture_shop.ask("product_search", "túi không lấy màu đen", category="bag", without="black")
    assert set(titles(black)) == {"Túi Tote", "Túi da mini"}


def test_a_wish_within_a_budget_that_nothing_meets_shows_the_cheapest(fixture_shop: AgentShop) -> None:
    found = fixture_shop.ask("product_search", "balo", category="backpack", price_max=100_000)
    assert titles(found) == ["Balo Mini", "Balo City", "Balo Travel"]
    assert found.parts[0].message == "search.no_price"
