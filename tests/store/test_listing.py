"""The owner's product list."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.domain import Product, Variant
from appliance.errors import InvalidInput
from appliance.store.catalogue import Catalogue
from appliance.store.listing import Sort, match_expression
from appliance.store.migrations.catalogue import MIGRATIONS
from appliance.store.sqlite import SqliteStore

ORDERS: list[Sort] = ["id", "title", "-title", "price", "-price", "created_at", "-created_at"]


def _product(number: int) -> Product:
    price = None if number % 7 == 0 else (number % 5) * 100_000
    return Product(
        id=f"p{number:02}",
        handle=f"h{number}",
        title=["Ba lô da", "Túi đeo chéo", "Giày nữ", "Ví da"][number % 4],
        description="Da thật",
        categories=("Phụ kiện > Đường may",) if number % 2 else (),
        tags=("nâu",) if number % 3 else ("đen",),
        variants=(Variant(id="v", sku=f"SKU-{number}", price=price),),
        status="draft" if number % 10 == 9 else "published",
        created_at=float(1 + number % 6),
    )


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    store = SqliteStore(tmp_path_factory.mktemp("shop") / "catalogue.db", MIGRATIONS)
    catalogue = Catalogue(store)
    catalogue.upsert([_product(number) for number in range(40)])
    yield catalogue
    store.close()


@pytest.mark.parametrize("sort", ORDERS)
@pytest.mark.parametrize("query", ["", "da"])
def test_pages_join_to_the_whole_list_in_order(catalogue: Catalogue, sort: Sort, query: str) -> None:
    whole = catalogue.page(sort=sort, query=query, limit=500)
    joined: list[Product] = []
    cursor = ""
    while True:
        page = catalogue.page(sort=sort, query=query, limit=7, cursor=cursor)
        assert page.total == whole.total == 40
        joined += page.items
        cursor = page.next_cursor
        if not cursor:
            break
    assert joined == whole.items
    assert len({product.id for product in joined}) == 40
    prices = [product.price for product in joined if product.price is not None]
    if sort in ("price", "-price"):
        assert prices == sorted(prices, reverse=sort == "-price")
        assert all(product.price is None for product in joined[len(prices) :])


def test_a_page_that_ends_exactly_has_no_next(catalogue: Catalogue) -> None:
    assert catalogue.page(limit=40).next_cursor == ""
    assert catalogue.page(limit=39).next_cursor != ""


@pytest.mark.parametrize(
    ("query", "total"),
    [
        ("ba lo", 10),
        ("BA LÔ DA", 10),
        ("túi ché", 10),
        ("tui cheo", 10),
        ("duong may", 20),
        ("đường", 20),
        ("SKU-17", 1),
        ("sku 1", 11),
        ("nâu giày", 7),
        ("xe đạp", 0),
        ("***", 0),
        ("   ", 40),
    ],
)
def test_words_find_titles_tags_categories_descriptions_and_codes(catalogue: Catalogue, query: str, total: int) -> None:
    page = catalogue.page(query=query)
    assert page.total == len(page.items) == total


def test_status_filters(catalogue: Catalogue) -> None:
    assert catalogue.page(status="draft").total == 4
    assert catalogue.page(status="published", query="da").total == 36


@pytest.mark.parametrize(
    "asked",
    [
        {"sort": "stock"},
        {"sort": "id; drop table products"},
        {"status": "gone"},
        {"limit": 0},
        {"limit": 501},
        {"cursor": "x"},
        {"cursor": "đ"},
        {"cursor": "W10"},
        {"cursor": "bnVsbA"},
        {"cursor": "\ud800"},
    ],
)
def test_what_the_list_does_not_know_is_refused(catalogue: Catalogue, asked: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        catalogue.page(**asked)
    assert caught.value.fields


def test_a_cursor_belongs_to_its_order(catalogue: Catalogue) -> None:
    cursor = catalogue.page(limit=5, sort="title").next_cursor
    with pytest.raises(InvalidInput):
        catalogue.page(limit=5, sort="price", cursor=cursor)


@pytest.mark.parametrize(
    "text",
    [
        '" OR *',
        "NEAR(da da)",
        "title:da",
        "da*",
        "-da",
        "(((",
        '"',
        "a AND",
        "NOT",
        "{title}: x",
        "^da",
        "\x00",
        "da + túi",
    ],
)
def test_operators_are_words_or_nothing(catalogue: Catalogue, text: str) -> None:
    assert catalogue.page(query=text).total >= 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(max_size=50))
def test_no_query_breaks_the_list(catalogue: Catalogue, text: str) -> None:
    page = catalogue.page(query=text)
    assert page.total <= 40
    assert set(match_expression(text)) & set("()^:+-{}") == set()


def test_two_shops_with_equal_keys_page_by_id(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "catalogue.db", MIGRATIONS)
    catalogue = Catalogue(store)
    catalogue.upsert([Product(id=f"p{n}", handle=f"p{n}", title="Như nhau", created_at=1.0) for n in range(10)])
    seen: list[str] = []
    cursor = ""
    for _ in range(10):
        page = catalogue.page(sort="-created_at", limit=1, cursor=cursor)
        seen += [product.id for product in page.items]
        cursor = page.next_cursor
    assert seen == [f"p{n}" for n in reversed(range(10))]
    assert cursor == ""
    store.close()
