"""The demo catalogue: plausible, unique, bilingual, and the same for the same seed."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections import Counter

import pytest

from appliance.domain import ID_PATTERN, Product, Variant
from appliance.ops.demo.catalogue import generate_products, scale_products
from appliance.ops.demo.thumbnails import svg
from appliance.ops.demo.words import kind_of_category, kinds, personas, words
from appliance.text import clean_line, slug

NOW = 1_760_000_000.0
DAY = 86_400.0


@pytest.fixture(scope="module")
def products() -> list[Product]:
    return generate_products(7, NOW)


def test_there_are_300_products_with_unique_ids_handles_and_titles(products: list[Product]) -> None:
    assert len(products) == 300
    for field in ("id", "handle", "title", "title_en"):
        assert len({getattr(product, field) for product in products}) == 300, field
    variants = [variant for product in products for variant in product.variants]
    assert len({variant.id for variant in variants}) == len({variant.sku for variant in variants}) == len(variants)
    assert all(re.search(ID_PATTERN, name) for product in products for name in (product.id, product.handle))


def test_handles_are_ascii_and_say_the_title(products: list[Product]) -> None:
    for product in products:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", product.handle)
        assert product.handle == slug(product.title)


def test_every_kind_is_a_leaf_of_the_category_tree(products: list[Product]) -> None:
    counts = Counter(product.categories[-1] for product in products)
    assert set(counts) == set(kind_of_category())
    assert min(counts.values()) >= 4
    assert counts["Túi > Túi đeo chéo"] == 30
    assert {path.split(" > ")[0] for path in counts} == {
        "Balo",
        "Túi",
        "Ví",
        "Vali",
        "Giày",
        "Dép & sandal",
        "Phụ kiện",
    }


def test_prices_are_dong_as_people_write_them(products: list[Product]) -> None:
    prices = [variant.price for product in products for variant in product.variants]
    assert all(product.currency == "VND" for product in products)
    assert all(price is not None and price % 1000 == 0 and 29_000 <= price <= 4_000_000 for price in prices)
    nines = sum((product.price or 0) // 1000 % 10 == 9 for product in products)
    assert nines > len(products) * 0.6
    socks = [product.price or 0 for product in products if product.categories[-1] == "Phụ kiện > Vớ"]
    cases = [product.price or 0 for product in products if product.categories[-1] == "Vali > Vali kéo"]
    assert max(socks) < min(cases)


def test_larger_suitcases_cost_more_and_larger_shoes_do_not(products: list[Product]) -> None:
    for product in products:
        by_size: dict[str, set[int | None]] = {}
        for variant in product.variants:
            by_size.setdefault(variant.size, set()).add(variant.price)
        price = {size: min(prices, key=lambda value: value or 0) for size, prices in by_size.items()}
        if product.categories[-1] == "Vali > Vali kéo":
            assert (price["20 inch"] or 0) < (price["24 inch"] or 0) < (price["28 inch"] or 0)
        elif product.categories[-1].startswith("Giày"):
            assert len(set(price.values())) == 1


def test_some_are_sold_out_and_most_are_not(products: list[Product]) -> None:
    gone = sum(not product.in_stock for product in products)
    assert 6 <= gone <= 45
    assert any(variant.stock == 0 for product in products if product.in_stock for variant in product.variants)


def test_texts_are_vietnamese_and_english(products: list[Product]) -> None:
    for product in products:
        vietnamese, english = product.description.split("\n\n")
        assert sum(not letter.isascii() for letter in vietnamese) > 20
        assert product.title_en.isascii() and english.isascii() and english.endswith(".")
        assert len(vietnamese) > 120 and "{" not in product.description
        assert clean_line(product.title) == product.title
    assert len({product.description for product in products}) == 300


def test_attributes_carry_what_rules_and_models_use(products: list[Product]) -> None:
    known = words()
    for product in products:
        facts = product.attributes
        assert facts["brand"] in known.brands and facts["style"] in known.styles
        assert facts["gender"] in {"nam", "nữ", "unisex"} and facts["occasion"] in known.occasions
        assert 0.2 < float(facts["margin"]) < 0.7
        assert known.brands[facts["brand"]].gender in {"", facts["gender"]}
        if " da " in f" {product.title.lower()} ":
            assert facts["material"] in {"da bò thật", "da tổng hợp"}, product.title


def test_products_are_dated_before_now_and_some_are_new(products: list[Product]) -> None:
    ages = [(NOW - product.created_at) / DAY for product in products]
    assert min(ages) >= 1 and max(ages) <= 540
    assert 10 <= sum(age < 40 for age in ages) <= 60


def test_the_same_seed_gives_the_same_shop(products: list[Product]) -> None:
    assert generate_products(7, NOW) == products
    assert generate_products(8, NOW) != products


def test_the_benchmark_catalogue_grows_without_repeating() -> None:
    many = scale_products(12_000, seed=3)
    assert len(many) == 12_000
    for field in ("id", "handle", "title"):
        assert len({getattr(product, field) for product in many}) == 12_000, field
    assert scale_products(500, seed=3) == scale_products(500, seed=3)


def test_data_files_name_only_what_exists() -> None:
    every, shared = kinds(), words()
    for key, kind in every.kinds.items():
        assert kind.sizes in every.sizes, key
        assert set(kind.occasions) <= set(shared.occasions), key
        assert set(kind.complements) <= set(every.kinds) - {key}, key
        assert len(kind.features) >= 2 and kind.queries and kind.openings, key
        for form in kind.forms:
            assert set(form.materials or kind.materials) <= set(shared.materials), form.vi
            assert set(form.styles) <= set(shared.styles), form.vi
            assert form.gender in {"nam", "nữ", "unisex"}, form.vi
            for style in form.styles:
                makers = [brand for brand in shared.brands.values() if style in brand.styles]
                assert any(brand.gender in ("", form.gender) for brand in makers), (form.vi, style)
    assert all(set(style.colours) <= set(shared.colours) for style in shared.styles.values())
    assert set(shared.collections) <= set(shared.occasions)
    for persona in personas():
        assert set(persona.kinds) <= set(every.kinds) and set(persona.styles) <= set(shared.styles), persona.name


def test_pictures_are_deterministic_and_self_contained(products: list[Product]) -> None:
    for product in products:
        picture = svg(product)
        assert picture == svg(product)
        root = ElementTree.fromstring(picture)
        assert root.tag == "{http://www.w3.org/2000/svg}svg" and root.get("viewBox") == "0 0 400 400"
        assert not re.search(r"script|style=|href|url\(|\son\w+=|[{}]", picture)
    assert len({svg(product) for product in products}) > 150


def test_a_strange_product_still_gets_a_picture() -> None:
    strange = Product(id="x", handle="<script>", title="<b>", variants=(Variant(id="v", color='"/><script>'),))
    assert "script" not in svg(strange)
    assert ElementTree.fromstring(svg(Product(id="y", handle="y", title="y", categories=("Khác",)))) is not None
