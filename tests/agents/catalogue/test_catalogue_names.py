"""How a phrase finds the product it names."""

from __future__ import annotations

import pytest
from catalogue_shop import AgentShop

from appliance.agents.catalogue.categories import groups, keys_of_handles, shop_category
from appliance.agents.catalogue.names import read_name, title_likeness
from appliance.agents.types import DialogueState, ShownProduct
from appliance.messages import catalogue


@pytest.mark.parametrize(
    ("phrase", "title"),
    [
        ("áo polo classic", "Polo Classic"),
        ("ao polo classic", "Polo Classic"),
        ("mũ lưỡi trai", "Nón lưỡi trai"),
        ("quần bò slim", "Quần jean slim"),
        ("sạc dự phòng 20000mAh", "Sạc dự phòng 20000"),
        ("pin dự phòng 10000", "Sạc dự phòng 10000"),
        ("áo khoác gió nam", "Áo khoác gió"),
        ("giày street 2", "Sneaker Street 2"),
        ("den ngu", "Đèn ngủ mặt trăng"),
        ("binh giu nhiet", "Bình giữ nhiệt 500ml"),
        ("gối", "Gối Memory Foam"),
        ("headphones pro", "Tai nghe Pro"),
        ("windbreaker", "Áo khoác gió"),
        ("leather wallet", "Ví da nam"),
        ("ốp iphone 15", "Ốp lưng iPhone 15"),
        ("CLASSIC   POLO!!", "Polo Classic"),
    ],
)
def test_words_for_a_product_find_it(fixture_shop: AgentShop, phrase: str, title: str) -> None:
    found = fixture_shop.ask("product_price", phrase, product=phrase)
    assert [product.title for product in found.products] == [title]
    assert found.action == "answer"


@pytest.mark.parametrize(
    "phrase", ["tủ lạnh mini", "máy giặt", "washing machine", "iphone 15", "đồng hồ thông minh", "loa jbl", "nước hoa"]
)
def test_what_is_not_there_is_denied(fixture_shop: AgentShop, phrase: str) -> None:
    found = fixture_shop.ask("product_price", phrase, product=phrase)
    assert found.parts[0].message in ("which.none", "which.none_but")
    assert found.action == "answer"


@pytest.mark.parametrize(("phrase", "count"), [("balo", 3), ("hoodie", 2), ("power bank", 2), ("tai nghe", 3)])
def test_a_name_that_fits_several_asks_which(fixture_shop: AgentShop, phrase: str, count: int) -> None:
    found = fixture_shop.ask("product_price", phrase, product=phrase)
    assert found.action == "clarify"
    assert len(found.products) == len(found.quick_replies) == count
    assert found.pending is not None
    assert (found.pending.kind, found.pending.intent) == ("product", "product_price")


def test_what_was_shown_is_meant_first(fixture_shop: AgentShop) -> None:
    state = DialogueState(shown=(ShownProduct("", "Túi Da", 550_000), ShownProduct("", "Túi Vải", 180_000)))
    found = fixture_shop.ask("product_price", "túi da", product="túi da", state=state)
    assert [product.title for product in found.products] == ["Túi Da"]


def test_other_marks_are_another_word() -> None:
    assert title_likeness(read_name("bàn phím"), "Bán phím").phrase < 1
    assert title_likeness(read_name("ban phim"), "Bàn phím cơ").phrase == 1
    assert title_likeness(read_name("đen"), "Đèn ngủ").phrase < 0.5


def test_shop_categories_are_found_by_key_whatever_they_are_called(fixture_shop: AgentShop) -> None:
    assert shop_category(fixture_shop.catalogue, "power_bank") == "power-bank"
    assert shop_category(fixture_shop.catalogue, "hat") == "hat"
    assert shop_category(fixture_shop.catalogue, "umbrella") == ""
    assert {"sneakers", "shoes"} <= keys_of_handles(("giay-the-thao",))
    assert "backpack" in keys_of_handles(("balo", "balo-laptop"))


def test_every_category_key_has_a_name_in_both_languages() -> None:
    for key in groups().by_key:
        assert f"chat.category.{key}" in catalogue("vi")
        assert f"chat.category.{key}" in catalogue("en")
