"""Queries of reviewers on the demo shop's products, whose names are places and whose kinds are bags and shoes."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from search_shop import Opener, Shop, product, variants

from appliance.domain import Product
from appliance.ops.demo.catalogue import generate_products
from appliance.search.facet_values import size_label
from appliance.text import words


class _Demo:
    def __init__(self, shop: Shop, products: Iterable[Product]) -> None:
        self.shop = shop
        self.products = {product.id: product for product in products}

    def found(self, q: str) -> list[Product]:
        return [self.products[product_id] for product_id in self.shop.ids(q)]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterable[_Demo]:
    products = generate_products(7, 1_760_000_000.0)
    shop = Shop(tmp_path_factory.mktemp("demo"), products)
    yield _Demo(shop, products)
    shop.store.close()


def _colours(product: Product) -> set[str]:
    return {variant.color for variant in product.variants}


def _sizes(product: Product) -> set[str]:
    return {variant.size for variant in product.variants}


def test_an_unknown_word_does_not_hide_the_handbags(demo: _Demo) -> None:
    result = demo.shop.ask("túi xách hàng hiệu")
    assert result.corrections == {}
    assert result.total > 10
    assert all(product.title.startswith("Túi xách") for product in demo.found("túi xách hàng hiệu")[:5])


def test_a_word_with_other_diacritics_is_another_word(demo: _Demo) -> None:
    assert not any("Vớ" in product.title for product in demo.found("bốt nữ")[:10])
    assert all(
        "hồ" in product.title.lower() or "hồ" in product.description.lower() for product in demo.found("đồng hồ")
    )


@pytest.mark.parametrize(("q", "colour"), [("màu đỏ", "đỏ"), ("giày đỏ", "đỏ"), ("giày trắng", "trắng")])
def test_a_colour_means_the_products_of_that_colour_before_those_of_that_name(demo: _Demo, q: str, colour: str) -> None:
    assert all(colour in _colours(product) for product in demo.found(q)[:8])


def test_a_word_without_diacritics_comes_before_the_name_that_folds_to_it(open_shop: Opener) -> None:
    shop = open_shop(
        [product("name", "Balo Đà Lạt"), product("leather", "Balo dạo phố", attributes={"material": "da bò"})]
    )
    assert shop.ids("balo da") == ["leather", "name"]


def test_a_name_without_its_diacritics_in_the_english_title_is_not_the_plain_word(demo: _Demo) -> None:
    found = demo.found("balo da")
    assert all("da" in product.attributes["material"].split() for product in found[:8])


@pytest.mark.parametrize(("q", "size"), [("giay nu sz38", "38"), ("giày nữ cỡ 38", "38"), ("giày size 42", "42")])
def test_a_size_is_a_wish_for_that_size(demo: _Demo, q: str, size: str) -> None:
    found = demo.found(q)
    assert found
    assert all(size in _sizes(product) for product in found[:10])


def test_a_size_that_nothing_has_still_shows_the_shoes(demo: _Demo) -> None:
    assert all(words(product.categories[0])[0] == "giay" for product in demo.found("giày size 45")[:10])


def test_letter_sizes_and_ranges_are_wishes_too(open_shop: Opener) -> None:
    shop = open_shop(
        [
            product("m", "Áo thun", variants=variants("M,L", "")),
            product("s", "Áo thun tay dài", variants=variants("S", "")),
            product("socks", "Vớ cotton", variants=variants("36-39", "")),
            product("long-socks", "Vớ dài", variants=variants("40-44", "")),
        ]
    )
    assert shop.ids("áo size m") == ["m"]
    assert shop.ids("vớ size 38") == ["socks"]
    assert set(shop.ids("vớ có 3 đôi")) >= {"socks", "long-socks"}


def test_two_letters_mean_a_category(demo: _Demo) -> None:
    assert all(product.categories[0].startswith("Giày") for product in demo.found("gi")[:10])


def test_a_short_word_is_not_corrected_to_another_length_or_first_letter(open_shop: Opener) -> None:
    shop = open_shop([product("thu", "Balo Mùa Thu"), product("tinh", "Balo bình tĩnh"), product("ao", "Áo khoác")])
    assert shop.ask("áo thun").corrections == {}
    assert shop.ids("áo thun") == ["ao"]
    assert shop.ask("kính").total == 0


def test_a_guess_orders_the_results_but_hides_none(open_shop: Opener) -> None:
    shop = open_shop([product("plain", "Balo thể thao"), product("laptop", "Balo laptop"), product("mug", "Cốc sứ")])
    result = shop.ask("balo laptip")
    assert [hit.product_id for hit in result.items] == ["laptop", "plain"]
    assert result.corrections == {}
    assert shop.ask("laptip").corrections == {"laptip": "laptop"}


def test_a_word_typed_with_wrong_diacritics_alone_still_finds(open_shop: Opener) -> None:
    shop = open_shop([product("bag", "Túi vải"), product("shoe", "Giày vải")])
    assert shop.ids("tùi") == ["bag"]
    assert set(shop.ids("tùi vải")) == {"bag", "shoe"}


def test_a_title_without_diacritics_may_mean_the_word_with_them(open_shop: Opener) -> None:
    shop = open_shop([product("plain", "Giay the thao"), product("marked", "Giày thời trang"), product("x", "Mũ")])
    assert shop.ids("giày") == ["marked", "plain"]


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("xl", "XL"),
        ("m", "M"),
        ("2xl", "2XL"),
        ("s-m", "S-M"),
        ("500 ml", "500 ml"),
        ("24 inch", "24 inch"),
        ("38", "38"),
    ],
)
def test_only_letter_sizes_are_shown_in_capitals(name: str, label: str) -> None:
    assert size_label(name) == label
