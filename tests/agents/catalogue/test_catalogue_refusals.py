"""What a shopper does not want is left out of searches and advice, and said back in words."""

from __future__ import annotations

from typing import Any

import pytest
from catalogue_shop import AgentShop, after

from appliance.agents.catalogue.unwanted import unwanted
from appliance.agents.types import Mention, Outcome
from appliance.domain import Product, ProductCard
from appliance.messages import Locale
from appliance.search.facet_values import colour_key


def titles(outcome: Outcome) -> set[str]:
    return {product.title for product in outcome.products}


def card(title: str) -> ProductCard:
    return ProductCard("p", "p", title, "", 1000, "VND", True, (), (), 0.0)


@pytest.mark.parametrize(("word", "locale"), [("len", "vi"), ("wool", "en")])
@pytest.mark.parametrize("intent", ["product_recommend", "product_search"])
def test_an_allergy_leaves_the_material_out(fixture_shop: AgentShop, word: str, locale: Locale, intent: str) -> None:
    for key in ("", "top", "sweater", "jacket"):
        slots: dict[str, Any] = {"category": key} if key else {}
        found = fixture_shop.ask(intent, locale=locale, without=word, **slots)
        assert not titles(found) & {"Áo len cổ tròn", "Crew-neck sweater", "Áo khoác dạ nữ", "Women's wool coat"}


@pytest.mark.parametrize("word", ["da", "leather"])
def test_leather_in_either_language_leaves_out_leather(fixture_shop: AgentShop, word: str) -> None:
    found = fixture_shop.ask("product_search", category="bag", without=word)
    assert titles(found) == {"Túi Tote"}


def test_marks_tell_leather_from_felt() -> None:
    leather, felt = unwanted("da"), unwanted("dạ")
    assert (leather.material, felt.material) == ("leather", "felt")
    assert leather.in_card(card("Áo khoác da nam"))
    assert not leather.in_card(card("Áo khoác dạ nữ"))
    assert felt.in_card(card("Áo khoác dạ nữ"))
    assert leather.in_card(card("Ao khoac da nam"))
    assert not leather.in_card(card("Giày đá bóng"))
    assert leather.in_product(Product(id="p", handle="p", title="Túi", attributes={"material": "da bò"}))


@pytest.mark.parametrize("colour", ["den", "đen", "black", "màu đen"])
def test_a_colour_is_no_material(colour: str) -> None:
    assert unwanted(colour).color == colour_key("black")


def test_a_refused_colour_is_said_in_words_and_offered_on_no_chip(fixture_shop: AgentShop) -> None:
    mentions = (Mention("category", "jacket", 0, 2), Mention("without", "den", 5, 6))
    found = fixture_shop.ask(
        "product_search", "áo khoác không phải màu đen", category="jacket", without="den", mentions=mentions
    )
    assert "áo khoác không phải màu đen" in fixture_shop.say(found)
    assert "=Màu đen" not in found.quick_replies
    assert found.filters == {"category": "jacket", "without": "đen"}
    english = fixture_shop.ask("product_search", locale="en", category="jacket", without="black")
    assert "jackets in colours other than black" in fixture_shop.say(english, "en")


def test_a_particle_within_a_groups_name_stays_with_it(fixture_shop: AgentShop) -> None:
    """Elsewhere "nghe" is a particle; of "tai nghe" no "tai" may stay behind as a filter."""
    found = fixture_shop.ask(
        "product_search", "tai nghe", category="headphones", mentions=(Mention("category", "headphones", 0, 2),)
    )
    assert found.filters == {"category": "headphones"}
    cut = fixture_shop.ask("product_search", category="headphones", product="tai", state=after(found))
    assert cut.filters == {"category": "headphones"}
    assert len(cut.products) == 3


def test_a_group_with_a_material_is_searched_without_the_material(fixture_shop: AgentShop) -> None:
    found = fixture_shop.ask("product_search", "i don't want leather shoes", locale="en", without="leather shoes")
    assert titles(found) == {"Air Run running shoes"}


def test_a_refused_group_is_left_out(fixture_shop: AgentShop) -> None:
    found = fixture_shop.ask("product_recommend", "quà", without="ao")
    assert found.products
    assert not any("Áo" in title for title in titles(found))


def test_what_joins_a_name_to_the_rest_is_not_said_back(fixture_shop: AgentShop) -> None:
    found = fixture_shop.ask("product_search", locale="en", category="jacket", product="jacket but", without="black")
    assert "but" not in fixture_shop.say(found, "en").split()


def test_a_group_that_is_all_of_the_material_is_left_for_the_wider_one(fixture_shop: AgentShop) -> None:
    found = fixture_shop.ask("product_search", category="sweater", without="len", modifier="more")
    assert found.products
    assert not titles(found) & {"Áo len cổ tròn", "Áo khoác dạ nữ"}
    assert "áo không có len" in fixture_shop.say(found)
