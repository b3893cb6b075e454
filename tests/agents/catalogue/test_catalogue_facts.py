"""Prices, stock, facts, comparisons, sizes and orders on the fixture shop."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from catalogue_shop import AgentShop, after

from appliance.agents.types import DialogueState, Outcome, ShownProduct

BAGS = DialogueState(shown=(ShownProduct("", "Túi Da", 550_000), ShownProduct("", "Túi Vải", 180_000)))
FOCUS = DialogueState(focus=ShownProduct("prod_006", "Hoodie Premium", 520_000))


def messages(outcome: Outcome) -> list[str]:
    return [part.message for part in outcome.parts]


def test_price_of_several_pieces_is_multiplied(fixture_shop: AgentShop) -> None:
    found = fixture_shop.ask("product_price", product="tất cổ ngắn", quantity=3)
    assert found.amounts == (75_000,)
    assert "75.000" in fixture_shop.say(found)
    assert found.sources[0].id == "prod_026"


def test_price_of_a_place_in_a_list_without_ids(fixture_shop: AgentShop) -> None:
    found = fixture_shop.ask("product_price", ref=1, state=BAGS)
    assert "550.000" in fixture_shop.say(found)
    assert found.focus == BAGS.shown[0]


def test_prices_of_two_are_added(fixture_shop: AgentShop) -> None:
    found = fixture_shop.ask("product_price", refs=[1, 2], state=BAGS)
    assert found.amounts == (730_000,)
    assert "730.000" in fixture_shop.say(found)


@pytest.mark.parametrize("ref", [0, -1, 3, 10**9])
def test_a_place_beyond_the_list_is_asked_again(fixture_shop: AgentShop, ref: int) -> None:
    found = fixture_shop.ask("product_price", ref=ref, state=BAGS)
    assert found.action == "clarify"
    assert messages(found) == ["which.place"]


@pytest.mark.parametrize("intent", ["product_price", "product_availability", "product_info", "product_compare"])
def test_without_any_product_it_is_asked_for(fixture_shop: AgentShop, intent: str) -> None:
    found = fixture_shop.ask(intent)
    assert found.action == "clarify"
    assert found.pending is not None
    assert found.pending.intent == intent


def test_stock_of_a_version(fixture_shop: AgentShop) -> None:
    there = fixture_shop.ask("product_availability", size="M", color="black", state=FOCUS)
    assert messages(there) == ["stock.counted_version"]
    assert there.parts[0].values["count"] == 6
    out = fixture_shop.ask("product_availability", size="L", color="black", state=FOCUS)
    assert messages(out) == ["stock.version_out", "stock.size_in_colors", "stock.color_in_sizes"]
    assert "nâu" in fixture_shop.say(out)


def test_a_version_that_is_not_made(fixture_shop: AgentShop) -> None:
    found = fixture_shop.ask("product_availability", size="XXL", state=FOCUS)
    assert messages(found) == ["stock.no_such_size"]
    assert "M, L, XL" in fixture_shop.say(found)
    found = fixture_shop.ask("product_availability", color="red", state=FOCUS)
    assert messages(found) == ["stock.no_such_color"]


def test_sold_out_shows_what_is_similar_and_in_stock(fixture_shop: AgentShop) -> None:
    found = fixture_shop.ask("product_availability", product="đồng hồ sport")
    assert messages(found)[0] == "stock.sold_out_but"
    assert [product.title for product in found.products] == ["Đồng hồ nữ Classic", "Đồng hồ Sport"]
    assert found.focus is not None
    assert found.focus.title == "Đồng hồ Sport"


def test_too_few_for_the_quantity(fixture_shop: AgentShop) -> None:
    found = fixture_shop.ask("product_availability", product="đèn ngủ", quantity=3)
    assert messages(found)[0] == "stock.too_few"


def test_an_attribute_is_told_as_the_shop_wrote_it(fixture_shop: AgentShop) -> None:
    found = fixture_shop.ask("product_info", product="tote", attribute="material", locale="en")
    assert "canvas" in fixture_shop.say(found, "en")
    assert found.answered


@pytest.mark.parametrize("attribute", ["origin", "battery", "warranty", "something else"])
def test_what_the_catalogue_lacks_is_not_guessed(fixture_shop: AgentShop, attribute: str) -> None:
    found = fixture_shop.ask("product_info", product="túi tote", attribute=attribute)
    assert not found.answered
    assert found.pending is not None
    assert found.pending.kind == "handoff"
    assert "person" in found.quick_replies


def test_colours_come_from_the_versions(fixture_shop: AgentShop) -> None:
    found = fixture_shop.ask("product_info", product="nón lưỡi trai", attribute="color_options")
    assert messages(found) == ["info.colors", "info.colors_out"]
    assert "be, đen" in fixture_shop.say(found)


def test_two_are_compared_with_the_difference(fixture_shop: AgentShop) -> None:
    found = fixture_shop.ask("product_compare", product="loa mini", product2="loa max")
    assert found.amounts == (900_000,)
    text = fixture_shop.say(found)
    assert all(word in text for word in ("390.000", "1.290.000", "900.000", "10 giờ", "24 giờ"))


def test_a_list_without_ids_is_compared_by_price(fixture_shop: AgentShop) -> None:
    found = fixture_shop.ask("product_compare", refs=[1, 2], state=BAGS)
    assert found.amounts == (370_000,)


def test_one_alone_is_asked_what_to_compare_with(fixture_shop: AgentShop) -> None:
    found = fixture_shop.ask("product_compare", product="loa mini")
    assert found.action == "clarify"
    assert found.pending is not None
    assert found.pending.slots == {"product2": "Loa Mini"}


@pytest.mark.parametrize(
    ("product", "slots", "size"),
    [
        ("váy hoa nhí", {"height_cm": 155, "weight_kg": 45}, "S"),
        ("quần jean slim", {"weight_kg": 70, "gender": "men"}, "32"),
        ("giày air run", {"foot_cm": 26}, "41"),
        ("hoodie premium", {"height_cm": 172, "weight_kg": 68, "gender": "men"}, "L"),
    ],
)
def test_sizes_are_those_that_the_product_has(
    fixture_shop: AgentShop, product: str, slots: dict[str, Any], size: str
) -> None:
    found = fixture_shop.ask("size_advice", product=product, **slots)
    assert found.parts[0].values["size"] == size
    assert "size.there" in messages(found)
    assert messages(found)[-1] == "size.caveat"


def test_a_size_that_is_not_made_gives_the_nearest(fixture_shop: AgentShop) -> None:
    found = fixture_shop.ask("size_advice", product="giày air run", foot_cm=22)
    assert messages(found) == ["size.shoe", "size.not_made", "size.caveat"]
    assert found.parts[1].values["near"] == "39"


def test_measures_are_asked_for(fixture_shop: AgentShop) -> None:
    found = fixture_shop.ask("size_advice", product="giày air run")
    assert (found.action, messages(found)[-1]) == ("clarify", "size.ask_foot")
    assert found.pending is not None
    assert found.pending.kind == "measures"


def test_without_gender_both_are_told(fixture_shop: AgentShop) -> None:
    found = fixture_shop.ask("size_advice", height_cm=160, weight_kg=50)
    assert found.action == "answer"
    assert messages(found) == ["size.both", "size.caveat"]


def test_an_order_is_totalled_and_its_version_asked(fixture_shop: AgentShop) -> None:
    found = fixture_shop.ask("order_place", product="hoodie basic", quantity=2)
    assert messages(found) == ["buy.many", "buy.choose_both"]
    assert found.amounts == (700_000,)
    assert found.pending is not None
    assert found.pending.kind == "purchase"
    ready = fixture_shop.ask(
        "order_place", product="hoodie basic", quantity=2, size="M", color="black", state=after(found)
    )
    assert messages(ready) == ["buy.many", "buy.open"]
    assert ready.pending is not None
    assert ready.pending.slots == {"product": "Hoodie Basic", "quantity": 2, "size": "M", "color": "black"}


def test_how_to_order_without_a_product(fixture_shop: AgentShop) -> None:
    found = fixture_shop.ask("order_place", "mình muốn mua hàng")
    assert found.action == "clarify_or_howto"
    assert messages(found) == ["buy.how", "buy.which"]


def test_a_quantity_beyond_the_stock_is_not_sold(fixture_shop: AgentShop) -> None:
    found = fixture_shop.ask("order_place", product="đèn ngủ", quantity=5)
    assert messages(found) == ["stock.too_few"]
    assert "person" in found.quick_replies
    shirts = fixture_shop.ask("order_place", product="áo thun basic", quantity=100)
    assert messages(shirts) == ["stock.too_few", "buy.wholesale"]
    assert shirts.amounts == ()
    assert "54" in fixture_shop.say(shirts)


def test_a_sum_beyond_the_stock_says_so(fixture_shop: AgentShop) -> None:
    found = fixture_shop.ask("product_price", product="áo thun basic", quantity=100)
    assert messages(found) == ["price.many", "stock.too_few", "buy.wholesale"]


POLOS = DialogueState(
    shown=(ShownProduct("prod_003", "Polo Slim Fit", 319_000), ShownProduct("prod_002", "Polo Classic", 289_000))
)


@pytest.mark.parametrize(
    "text", ["how much are they", "how much are both", "cả hai giá bao nhiêu", "2 cái giá thế nào"]
)
def test_the_price_of_all_that_were_shown(fixture_shop: AgentShop, text: str) -> None:
    found = fixture_shop.ask("product_price", text, state=POLOS)
    assert messages(found)[:2] == ["price.line", "price.line"]
    assert found.sources != ()


@pytest.mark.parametrize("phrase", ["tủ lạnh mini", "mini fridge", "laptop", "máy giặt mini"])
def test_what_there_is_not_is_not_replaced_by_anything(fixture_shop: AgentShop, phrase: str) -> None:
    priced = fixture_shop.ask("product_price", f"giá {phrase}", product=phrase)
    assert messages(priced) == ["which.none"]
    searched = fixture_shop.ask("product_search", phrase, product=phrase)
    assert messages(searched) == ["search.none"]
    assert searched.products == ()


def test_the_nearest_is_of_the_same_kind(fixture_shop: AgentShop) -> None:
    found = fixture_shop.ask("product_price", "giá balo leo núi siêu nhẹ", product="balo leo núi siêu nhẹ")
    assert messages(found)[0] in ("which.none_but", "which.several")
    assert all("Balo" in product.title for product in found.products)


@pytest.mark.parametrize("phrase", ["khiếu nại", "bảo hành", "return policy", "place", "nặng"])
@pytest.mark.parametrize("intent", ["order_place", "size_advice", "product_compare"])
def test_words_of_service_name_no_product(fixture_shop: AgentShop, intent: str, phrase: str) -> None:
    found = fixture_shop.ask(intent, phrase, product=phrase, state=FOCUS)
    assert not any(message.startswith("which.none") for message in messages(found))
    listed = fixture_shop.ask(intent, phrase, product=phrase, state=POLOS)
    assert not any(message.startswith("which.none") for message in messages(listed))


def test_that_nothing_is_labelled_for_men_is_said_once(fixture_shop: AgentShop) -> None:
    first = fixture_shop.ask("product_search", "sơ mi nam", category="shirt", gender="men")
    assert "search.no_gender" in messages(first)
    state = msgspec.structs.replace(after(first), last_reply=fixture_shop.say(first))
    again = fixture_shop.ask("product_search", "màu trắng", category="shirt", gender="men", color="white", state=state)
    assert "search.no_gender" not in messages(again)
    assert again.products == first.products


@pytest.mark.parametrize("phrase", ["nhẫn", "vở", "giỏ", "sách"])
def test_goods_that_sound_like_service_words_are_goods(fixture_shop: AgentShop, phrase: str) -> None:
    found = fixture_shop.ask("product_price", f"giá {phrase}", product=phrase, state=FOCUS)
    assert messages(found)[0].startswith("which.none")
