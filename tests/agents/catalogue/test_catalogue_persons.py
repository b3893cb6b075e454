"""Presents for somebody, "cheaper" after "about", how to buy, and what the sentences sound like."""

from __future__ import annotations

from typing import Any

import pytest
from catalogue_shop import AgentShop, OpenShop, after, heard

from appliance.agents.catalogue.persons import person_of
from appliance.agents.types import DialogueState, Outcome, Pending
from appliance.domain import Product, Variant
from appliance.messages import Locale


def product(number: int, title: str, group: str, *tags: str, title_en: str = "") -> Product:
    return Product(
        id=f"p{number}",
        handle=f"p-{number}",
        title=title,
        title_en=title_en,
        categories=(group,),
        tags=tags,
        variants=(Variant(id=f"v{number}", sku=f"s{number}", price=100_000 + number, stock=5),),
    )


GOODS = (
    product(1, "Ví da nam", "wallet"),
    product(2, "Túi Hoa", "bag", "nữ"),
    product(3, "Đầm dự tiệc", "dress"),
    product(4, "Chân váy xếp ly", "skirt"),
    product(5, "Sơ mi công sở", "shirt", "nam"),
    product(6, "Ly sứ", "mug"),
    product(7, "Đồ chơi xếp hình", "toy"),
    product(8, "Áo thun bé yêu", "tshirt", "trẻ em"),
)
FOR_MEN = {"Ví da nam", "Sơ mi công sở"}
FOR_WOMEN = {"Túi Hoa", "Đầm dự tiệc", "Chân váy xếp ly"}
FOR_KIDS = {"Đồ chơi xếp hình", "Áo thun bé yêu"}


def titles(outcome: Outcome) -> set[str]:
    return {product.title for product in outcome.products}


@pytest.mark.parametrize(
    ("said", "locale", "gender"),
    [
        ("gifts for my dad", "en", "men"),
        ("something for my girlfriend", "en", "women"),
        ("gift for me", "en", ""),
        ("gift for mom and dad", "en", ""),
        ("quà cho ba", "vi", "men"),
        ("quà cho bà", "vi", "women"),
        ("qua cho ban trai", "vi", "men"),
        ("quà tặng mẹ chồng", "vi", "women"),
        ("quà cho bố vợ", "vi", "men"),
        ("quà cho ba mẹ", "vi", ""),
        ("quà cho sếp nam", "vi", "men"),
        ("quà cho sếp", "vi", ""),
        ("quà cho cháu trai", "vi", "kids"),
        ("ba cái áo", "vi", ""),
        ("", "vi", ""),
    ],
)
def test_who_a_present_is_for(said: str, locale: Locale, gender: str) -> None:
    assert person_of(heard(said, locale)) == gender


@pytest.mark.parametrize(("said", "locale"), [("quà cho chồng", "vi"), ("gifts for my dad", "en")])
def test_a_man_is_given_nothing_of_womens(open_shop: OpenShop, said: str, locale: Locale) -> None:
    found = open_shop().stock(GOODS).ask("product_recommend", said, locale=locale)
    assert titles(found) >= FOR_MEN
    assert not titles(found) & (FOR_WOMEN | FOR_KIDS)


@pytest.mark.parametrize(("said", "locale"), [("quà cho mẹ", "vi"), ("gift for my girlfriend", "en")])
def test_a_woman_is_given_nothing_of_mens(open_shop: OpenShop, said: str, locale: Locale) -> None:
    found = open_shop().stock(GOODS).ask("product_recommend", said, locale=locale)
    assert titles(found) >= FOR_WOMEN
    assert not titles(found) & (FOR_MEN | FOR_KIDS)


def test_children_get_toys_first_and_nothing_for_grown_ups(open_shop: OpenShop) -> None:
    found = open_shop().stock(GOODS).ask("product_recommend", "quà cho bé", gender="kids")
    assert {one.title for one in found.products[:2]} == FOR_KIDS
    assert not titles(found) & (FOR_MEN | FOR_WOMEN)


def test_a_shop_without_things_for_children_says_so(fixture_shop: AgentShop) -> None:
    found = fixture_shop.ask("product_recommend", "quà cho bé", gender="kids")
    assert found.parts[0].message == "search.no_gender"
    assert not {"Áo thun Basic", "Ví da nam", "Váy hoa nhí"} & titles(found)


def test_cheaper_presents_are_for_the_same_person(open_shop: OpenShop) -> None:
    shop = open_shop().stock((*GOODS, product(50, "Ví da bò", "wallet", "nam"), product(40, "Đầm hoa", "dress")))
    first = shop.ask("product_recommend", "quà cho chồng", price_min=100_045)
    assert first.filters is not None and first.filters["person"] == "men"
    cheaper = shop.ask("product_search", "rẻ hơn", state=after(first), modifier="cheaper", person="men")
    assert cheaper.products
    assert cheaper.filters is not None and cheaper.filters["person"] == "men"
    assert not titles(cheaper) & {*FOR_WOMEN, "Đầm hoa"}


def test_a_group_that_is_for_others_only_is_not_shown(fixture_shop: AgentShop) -> None:
    found = fixture_shop.ask("product_recommend", "a watch as a gift for my husband", locale="en", category="watch")
    assert "Classic women's watch" not in titles(found)
    assert "men's watches" in fixture_shop.say(found, "en")


def test_cheaper_than_about_looks_below_it(fixture_shop: AgentShop) -> None:
    first = fixture_shop.ask("product_search", "tai nghe tầm 900k", category="headphones", price_about=900_000)
    assert titles(first) == {"Tai nghe Pro"}
    cheaper = fixture_shop.ask(
        "product_search", "rẻ hơn", state=after(first), category="headphones", price_about=900_000, modifier="cheaper"
    )
    assert titles(cheaper) == {"Tai nghe Sport", "Tai nghe Lite"}
    dearer = fixture_shop.ask(
        "product_search",
        "đắt hơn",
        state=after(fixture_shop.ask("product_search", "", category="headphones", price_about=500_000)),
        category="headphones",
        price_about=500_000,
        modifier="more_expensive",
    )
    assert titles(dearer) == {"Tai nghe Pro"}


@pytest.mark.parametrize("locale", ["vi", "en"])
def test_how_to_buy_is_not_answered_twice_alike(fixture_shop: AgentShop, locale: Locale) -> None:
    first = fixture_shop.ask("order_place", "how do I order", locale=locale)
    again = fixture_shop.ask("order_place", "how do I order", locale=locale, state=after(first))
    assert [one.message for one in first.parts] == ["buy.how", "buy.which"]
    assert [one.message for one in again.parts] == ["buy.how_again"]
    assert again.pending is not None and again.pending.kind == "product"


def test_yes_to_what_is_sold_out_says_what_is_left(fixture_shop: AgentShop) -> None:
    wanted: dict[str, Any] = {"product": "Áo thun Basic", "size": "L", "color": "black"}
    first = fixture_shop.ask("order_place", "mua", **wanted)
    assert first.parts[0].message == "stock.version_out"
    pending = first.pending
    assert pending == Pending(kind="purchase", intent="order_place", slots={**wanted, "quantity": 1})
    yes = fixture_shop.ask("order_place", "ok", state=DialogueState(pending=pending), **wanted)
    assert "stock.version_out" not in [one.message for one in yes.parts]
    assert "trắng" in fixture_shop.say(yes)
    assert yes.parts[-1].message == "buy.pick_other"


@pytest.mark.parametrize("slots", [{"price_max": 200_000}, {"price_min": 200_000}, {"price_about": 200_000}])
def test_products_in_general_are_counted_as_products(fixture_shop: AgentShop, slots: dict[str, Any]) -> None:
    found = fixture_shop.ask("product_search", "", locale="en", **slots)
    said = fixture_shop.say(found, "en")
    assert "for products" not in said.lower()
    assert " products" in said


def test_what_is_cheapest_is_said_of_our_products(fixture_shop: AgentShop) -> None:
    first = fixture_shop.ask("product_search", "", locale="en", price_max=30_000)
    cheaper = fixture_shop.ask(
        "product_search", "cheaper", locale="en", state=after(first), modifier="cheaper", price_max=30_000
    )
    assert "for products" not in fixture_shop.say(cheaper, "en").lower()
