"""Filters, facets, sorting and paging against plain Python over the same products."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from search_shop import Opener, Shop, product

from appliance.domain import Product, Variant
from appliance.search.types import FacetValue
from appliance.text import slug

COLOURS = {"Đen": "den", "Black": "den", "Trắng": "trang", "white": "trang", "Xanh navy": "xanh-navy", "Đốm": "dom"}


def random_products(seed: int, count: int = 120) -> list[Product]:
    """Return products with every mixture of missing price, stock, colour, size and category."""
    rng = random.Random(seed)
    kinds = ["Túi > Túi xách", "Túi > Balo", "Túi", "Giày > Giày nữ", "Giày", ""]
    products = []
    for number in range(count):
        offered = [
            Variant(
                id=f"v{place}",
                size=rng.choice(["36", "37", "M", "m", ""]),
                color=rng.choice([*COLOURS, ""]),
                price=rng.choice([None, rng.randrange(50, 2000) * 1000]),
                stock=rng.choice([0, 0, 3, None]),
            )
            for place in range(rng.randint(0, 4))
        ]
        title = " ".join(rng.sample(["Balo", "da", "nữ", "mini", "túi", "giày", "đẹp"], rng.randint(1, 4)))
        products.append(
            product(
                f"p{number}", title, rng.choice(kinds), variants=tuple(offered), created_at=float(1 + rng.randrange(50))
            )
        )
    return products


def colours(item: Product) -> set[str]:
    return {COLOURS[variant.color] for variant in item.variants if variant.color}


def sizes(item: Product) -> set[str]:
    return {variant.size.lower() for variant in item.variants if variant.size}


def categories(item: Product) -> set[str]:
    return {slug(level) for path in item.categories for level in path.split(" > ")}


def in_price(item: Product, low: int | None, high: int | None) -> bool:
    if low is None and high is None:
        return True
    return item.price is not None and (low is None or item.price >= low) and (high is None or item.price <= high)


def as_counts(values: list[FacetValue]) -> dict[str, int]:
    return {value.value: value.count for value in values}


CASES: list[dict[str, Any]] = [
    {},
    {"category": "tui"},
    {"category": "Túi"},
    {"category": "TÚI XÁCH", "in_stock": True},
    {"color": "black"},
    {"color": "đen", "size": "M"},
    {"color": "trang", "price_min": 200_000},
    {"size": "37", "price_max": 900_000, "in_stock": False},
    {"price_min": 300_000, "price_max": 1_200_000, "category": "giay", "color": "Đen", "size": "36", "in_stock": True},
]
FACETS = ("categories", "colors", "sizes", "price", "in_stock")


def passes(item: Product, facet: str, case: dict[str, Any]) -> bool:
    """Tell whether a product passes the filter that belongs to a facet."""
    if facet == "categories":
        return "category" not in case or slug(case["category"]) in categories(item)
    if facet == "colors":
        return "color" not in case or {"black": "den", "đen": "den", "Đen": "den", "trang": "trang"}[
            case["color"]
        ] in colours(item)
    if facet == "sizes":
        return "size" not in case or case["size"].lower() in sizes(item)
    if facet == "price":
        return in_price(item, case.get("price_min"), case.get("price_max"))
    return "in_stock" not in case or item.in_stock is case["in_stock"]


def passing(matching: list[Product], case: dict[str, Any], without: str = "") -> list[Product]:
    """Return the products that pass all filters but one."""
    kept = [facet for facet in FACETS if facet != without]
    return [item for item in matching if all(passes(item, facet, case) for facet in kept)]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("q", ["", "balo", "túi da"])
def test_filters_and_facets_equal_a_count_by_hand(open_shop: Opener, seed: int, q: str) -> None:
    products = random_products(seed)
    shop = open_shop(products)
    matching = [item for item in products if item.id in set(shop.ids(q, limit=1000))]
    for case in CASES:
        result = shop.ask(q, limit=1000, **case)
        by_hand = {facet: passing(matching, case, without=facet) for facet in FACETS}
        assert {hit.product_id for hit in result.items} == {item.id for item in passing(matching, case)}, case
        assert result.total == len(result.items)
        facets = result.facets
        assert as_counts(facets.categories) == Counter(c for item in by_hand["categories"] for c in categories(item))
        assert as_counts(facets.colors) == Counter(c for item in by_hand["colors"] for c in colours(item))
        assert as_counts(facets.sizes) == Counter(s for item in by_hand["sizes"] for s in sizes(item))
        assert as_counts(facets.in_stock) == Counter(str(item.in_stock).lower() for item in by_hand["in_stock"])
        prices = [item.price for item in by_hand["price"] if item.price is not None]
        assert (facets.price.min, facets.price.max) == (min(prices, default=None), max(prices, default=None))
        assert sum(bucket.count for bucket in facets.price.buckets) == len(prices)
        for bucket in facets.price.buckets:
            low, high = map(int, bucket.value.split("-"))
            assert bucket.count == sum(low <= price <= high for price in prices)


def test_facet_labels_are_words_for_people(shop: Shop) -> None:
    facets = shop.ask("").facets
    assert FacetValue("den", "đen", 4) in facets.colors
    assert ("tui-xach", "Túi xách") in {(value.value, value.label) for value in facets.categories}
    assert [value.label for value in facets.in_stock] == ["Còn hàng", "Hết hàng"]
    assert [value.count for value in facets.colors] == sorted((value.count for value in facets.colors), reverse=True)


def test_a_category_filter_takes_handle_name_and_descendants(shop: Shop) -> None:
    bags = set(shop.ids("", category="tui"))
    assert bags == {"balo-da", "ba-lo-da", "balo-laptop", "tui-cheo", "tui-xach"}
    assert set(shop.ids("", category="TÚI")) == set(shop.ids("", category="Túi")) == bags
    assert shop.ids("", category="Túi > Túi xách") == ["tui-xach"]
    assert shop.ids("", category="không có") == []


def test_two_branches_with_one_name_stay_apart(open_shop: Opener) -> None:
    twins = open_shop([product("a", "Giày A", "Nam > Giày"), product("b", "Giày B", "Nữ > Giày")])
    values = twins.ask("").facets.categories
    handles = {value.value for value in values if value.label == "Giày"}
    assert len(handles) == 2
    assert sorted(found for handle in handles for found in twins.ids("", category=handle)) == ["a", "b"]


@pytest.mark.parametrize("q", ["", "balo da"])
@pytest.mark.parametrize("sort", ["relevance", "price_asc", "price_desc", "newest", "best_selling"])
def test_pages_join_to_the_whole_in_one_stable_order(open_shop: Opener, sort: str, q: str) -> None:
    shop = open_shop(random_products(5))
    shop.search.set_popularity({f"p{number}": float(number % 7) for number in range(120)})
    whole = shop.ids(q, sort=sort, limit=1000)
    assert len(whole) == shop.ask(q).total == len(set(whole))
    pages = [shop.ids(q, sort=sort, limit=7, offset=offset) for offset in range(0, len(whole) + 7, 7)]
    assert [found for page in pages for found in page] == whole


def test_sorting(open_shop: Opener) -> None:
    products = random_products(6)
    by_id = {item.id: item for item in products}
    shop = open_shop(products)
    shop.search.set_popularity({"p3": 9.0, "p7": 4.0})

    def prices(sort: str) -> list[int | None]:
        return [by_id[found].price for found in shop.ids("", sort=sort, limit=1000)]

    ascending, descending = prices("price_asc"), prices("price_desc")
    known = sorted(price for price in ascending if price is not None)
    assert ascending[: len(known)] == known
    assert descending[: len(known)] == known[::-1]
    newest = [by_id[found].created_at for found in shop.ids("", sort="newest", limit=1000)]
    assert newest == sorted(newest, reverse=True)
    assert shop.ids("", sort="best_selling")[:2] == ["p3", "p7"]
    assert shop.ids("")[:2] == ["p3", "p7"]


def test_a_page_beyond_the_end_is_empty_and_the_total_stays(shop: Shop) -> None:
    result = shop.ask("balo", offset=50)
    assert (result.items, result.total) == ([], 3)
    assert shop.ask("balo", limit=0).items == []


def test_category_facets_name_the_category_above(shop: Shop) -> None:
    categories = {value.value: value.parent for value in shop.ask("").facets.categories}
    assert categories["tui"] == ""
    assert categories["balo"] == "tui"
