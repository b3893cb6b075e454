"""Two kinds of goods in one message, and wishes relative to the list that was shown last."""

from __future__ import annotations

import msgspec
from catalogue_shop import AgentShop, after

from appliance.agents.types import Mention, Outcome


def titles(outcome: Outcome) -> list[str]:
    return [product.title for product in outcome.products]


BOTH = (Mention("category", "headphones", 1, 3), Mention("category", "power_bank", 4, 7))


def test_two_kinds_are_both_looked_for(fixture_shop: AgentShop) -> None:
    found = fixture_shop.ask("product_search", "mua tai nghe và sạc dự phòng", category="power_bank", mentions=BOTH)
    assert sum("Tai nghe" in title for title in titles(found)) == 3
    assert sum("Sạc" in title for title in titles(found)) == 2
    said = fixture_shop.say(found)
    assert "Tai nghe (3 mẫu)" in said
    assert "4. Sạc dự phòng" in said
    assert found.filters == {}


def test_of_a_kind_that_is_not_there_it_is_said(fixture_shop: AgentShop) -> None:
    mentions = (Mention("category", "headphones", 0, 2), Mention("category", "umbrella", 3, 4))
    found = fixture_shop.ask("product_search", "tai nghe và dù", category="umbrella", mentions=mentions)
    assert len(found.products) == 3
    assert "Ô, dù: hiện shop chưa có" in fixture_shop.say(found)


def test_each_kind_keeps_its_own_colour_and_price(fixture_shop: AgentShop) -> None:
    mentions = (
        Mention("category", "bag", 0, 1),
        Mention("price_max", 200_000, 1, 3),
        Mention("category", "backpack", 4, 5),
        Mention("price_max", 400_000, 5, 7),
    )
    found = fixture_shop.ask(
        "product_search", "túi dưới 200k và balo dưới 400k", category="backpack", price_max=400_000, mentions=mentions
    )
    assert titles(found) == ["Túi Tote", "Balo Mini"]


def test_a_bag_for_a_laptop_is_one_kind(fixture_shop: AgentShop) -> None:
    mentions = (Mention("category", "backpack", 0, 1), Mention("category", "bottle", 2, 4))
    found = fixture_shop.ask("product_search", "balo đựng bình nước", category="backpack", mentions=mentions)
    assert "search.each" not in [part.message for part in found.parts]


def test_the_cheapest_after_a_comparison_is_one_of_the_compared(fixture_shop: AgentShop) -> None:
    compared = fixture_shop.ask("product_compare", product="loa mini", product2="loa max")
    state = msgspec.structs.replace(after(compared), last_intent="product_compare")
    found = fixture_shop.ask("product_search", "cái rẻ nhất", state=state, sort="price_asc")
    assert found.focus is not None
    assert found.focus.title == "Loa Mini"
    whole = fixture_shop.ask("product_search", "sản phẩm rẻ nhất shop", state=state, sort="price_asc")
    assert titles(whole)[0] == "Tất cổ ngắn"


def test_a_comparison_outside_the_filter_ends_it(fixture_shop: AgentShop) -> None:
    first = fixture_shop.ask("product_search", "áo khoác trên 1tr", category="jacket", price_min=1_000_000)
    compared = fixture_shop.ask(
        "product_compare", product="áo khoác gió", product2="áo khoác dạ nữ", state=after(first)
    )
    assert compared.filters == {"category": "jacket"}
    cheaper = fixture_shop.ask("product_search", state=after(compared), category="jacket", modifier="cheaper")
    assert "459.000" in fixture_shop.say(cheaper)
    cheapest = fixture_shop.ask("product_search", state=after(compared), category="jacket", sort="price_asc")
    assert titles(cheapest)[0] == "Áo khoác gió"


def test_a_comparison_within_the_filter_lets_it_run(fixture_shop: AgentShop) -> None:
    first = fixture_shop.ask("product_search", category="headphones", price_max=500_000)
    compared = fixture_shop.ask("product_compare", refs=[1, 2], state=after(first))
    assert compared.filters == {"category": "headphones", "price_max": 500_000}


def test_cheaper_after_two_kinds_stays_with_both(fixture_shop: AgentShop) -> None:
    mentions = (Mention("category", "shoes", 0, 1), Mention("category", "sandals", 2, 3))
    first = fixture_shop.ask("product_search", "giày hay dép", category="sandals", mentions=mentions)
    state = msgspec.structs.replace(after(first), last_intent="product_search", last_slots={"category": "sandals"})
    cheaper = fixture_shop.ask("product_search", "rẻ hơn", state=state, modifier="cheaper")
    assert titles(cheaper) == ["Giày Air Run", "Sneaker Street 2"]


def test_nothing_cheaper_of_either_names_the_cheapest(fixture_shop: AgentShop) -> None:
    first = fixture_shop.ask("product_search", "mua tai nghe và sạc dự phòng", category="power_bank", mentions=BOTH)
    state = msgspec.structs.replace(after(first), last_intent="product_search", last_slots={"category": "power_bank"})
    cheaper = fixture_shop.ask("product_search", "rẻ hơn", state=state, modifier="cheaper")
    assert "Tai nghe Lite" in fixture_shop.say(cheaper)
