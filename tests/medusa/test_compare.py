"""The comparison of a Medusa shop with its mirror: every kind of difference is seen, none is invented."""

from __future__ import annotations

import copy
import json
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from live_medusa import LiveMedusa


@pytest.fixture
def compare(scripts: Callable[[str], ModuleType]) -> ModuleType:
    return scripts("medusa_compare")


@pytest.fixture
def truth(scripts: Callable[[str], ModuleType]) -> ModuleType:
    return scripts("medusa_truth")


@pytest.fixture
def forms(scripts: Callable[[str], ModuleType]) -> ModuleType:
    return scripts("medusa_forms")


def test_equal_sides(compare: ModuleType) -> None:
    side = {"product": {"p1": {"title": "Balo", "tags": ["a"]}, "p2": {"title": "Túi", "tags": []}}}
    report = compare.compare(side, copy.deepcopy(side))
    assert report.is_equal
    assert {name: (count.equal, count.different) for name, count in report.counts["product"].items()} == {
        compare.EXISTS: (2, 0),
        "title": (2, 0),
        "tags": (2, 0),
    }


def test_a_field_a_missing_thing_and_a_thing_too_many(compare: ModuleType) -> None:
    said = {"product": {"p1": {"title": "Balo"}, "p2": {"title": "Túi"}}}
    kept = {"product": {"p1": {"title": "Ba lô"}, "p3": {"title": "Ví"}}}
    report = compare.compare(said, kept)
    found = [(one.id, one.field, one.medusa, one.appliance) for one in report.differences]
    assert found == [
        ("p1", "title", "Balo", "Ba lô"),
        ("p2", compare.EXISTS, True, False),
        ("p3", compare.EXISTS, False, True),
    ]
    assert not report.is_equal


def test_what_the_truth_does_not_know_is_not_compared(compare: ModuleType) -> None:
    report = compare.compare({"variant": {"v": {"sku": "A"}}}, {"variant": {"v": {"sku": "A", "price VND": 5}}})
    assert report.is_equal


def test_a_kind_that_the_appliance_does_not_offer_is_no_agreement(compare: ModuleType) -> None:
    report = compare.compare({"product": {}, "record: tag": {"t": {"value": "x"}}}, {"product": {}})
    assert (report.not_read, report.is_equal) == (["record: tag"], False)


def test_orders_may_outlive_medusas(compare: ModuleType) -> None:
    assert compare.compare({"order": {}}, {"order": {"o": {"status": "pending"}}}).is_equal
    assert not compare.compare({"product": {}}, {"product": {"p": {}}}).is_equal


def test_one_of_several_words_will_do(compare: ModuleType, truth: ModuleType) -> None:
    words = truth.order_words("pending", "captured", "partially_shipped")
    assert compare.agree(words, "shipped")
    assert not compare.agree(words, "delivered")
    assert truth.order_words("canceled", "canceled", "not_fulfilled") == {"canceled"}


def test_the_report_names_counts_and_first_differences(compare: ModuleType) -> None:
    said = {"product": {f"p{number}": {"title": "x"} for number in range(5)}}
    kept = {"product": {f"p{number}": {"title": "y"} for number in range(5)}}
    printed = "\n".join(compare.lines(compare.compare(said, kept), first=2))
    assert printed.count("Medusa    'x'") == 2
    assert "10 values compared, 5 different" in printed


@pytest.mark.parametrize(
    ("row", "items", "expected"),
    [
        ({"manage_inventory": False}, {}, None),
        ({"allow_backorder": True}, {}, None),
        ({"inventory_items": []}, {}, {}),
        ({}, {"i": [("hn", 9, 0), ("dn", 5, 2)]}, {"hn": 9, "dn": 3}),
        ({"required": 2}, {"i": [("hn", 9, 0)]}, {"hn": 4}),
        ({}, {"i": [("hn", 9, 0), ("dn", 5, 0)], "j": [("hn", 3, 1)]}, {"hn": 2, "dn": 0}),
    ],
)
def test_stock(
    truth: ModuleType, row: dict[str, Any], items: dict[str, list[tuple[str, int, int]]], expected: object
) -> None:
    required = row.pop("required", 1)
    links = [{"inventory_item_id": id_, "required_quantity": required} for id_ in items]
    names = ("location_id", "stocked_quantity", "reserved_quantity")
    stocked = {
        id_: {"location_levels": [dict(zip(names, level, strict=True)) for level in levels]}
        for id_, levels in items.items()
    }
    variant = {"manage_inventory": True, "allow_backorder": False, "inventory_items": links} | row
    assert truth.stock_of(variant, stocked) == expected


def test_plain_prices_leave_out_tiers_and_regions(truth: ModuleType) -> None:
    prices = [
        {"amount": 100000, "currency_code": "vnd"},
        {"amount": 90000, "currency_code": "vnd", "min_quantity": 10},
        {"amount": 80000, "currency_code": "vnd", "rules": {"region_id": "r"}},
        {"amount": Decimal("4.575"), "currency_code": "usd", "min_quantity": 1},
    ]
    assert truth.plain_prices(prices) == {"VND": 100000, "USD": 458}


def test_a_hidden_category_takes_what_is_below_along(truth: ModuleType) -> None:
    def row(name: str, parent: str | None, is_active: bool = True) -> dict[str, object]:
        return {"name": name, "parent_category_id": parent, "is_active": is_active, "is_internal": False}

    tree = {"a": row("Túi", None), "b": row("Tote", "a"), "c": row("Cũ", "a", is_active=False), "d": row("Rất cũ", "c")}
    assert [truth.category_path(id_, tree) for id_ in "abcd"] == ["Túi", "Túi > Tote", "", ""]


def test_a_mirror_may_write_records_shorter(forms: ModuleType) -> None:
    medusa: dict[str, Any] = {
        "title": "Balo", "subtitle": None, "metadata": {}, "created_at": "2026-11-22T10:51:45.838Z",
        "categories": [{"id": "c2"}, {"id": "c1"}], "tags": [{"value": "t"}],
        "images": [{"id": "2", "url": "b", "rank": 1}, {"id": "1", "url": "a", "rank": 0}],
    }  # fmt: skip
    ours = {
        "title": "Balo", "created_at": "2026-11-22T10:51:45.838000+00:00",
        "categories": ["c1", "c2"], "tags": ["t"], "images": ["a", "b"],
    }  # fmt: skip
    assert forms.formed("product", medusa) == forms.formed("product", ours)
    assert forms.formed("product", medusa) != forms.formed("product", ours | {"images": ["b", "a"]})


def test_prices_are_equal_whatever_their_form_and_order(forms: ModuleType) -> None:
    one = {"amount": 116000, "currency_code": "vnd", "min_quantity": None, "rules": {}}
    two = {"amount": Decimal("4.57"), "currency_code": "usd", "rules": {"region_id": "r"}}
    ours = [
        {"amount": "4.57", "currency_code": "usd", "rules": {"region_id": "r"}},
        {"amount": "116000.0", "currency_code": "vnd"},
    ]
    assert forms.prices({"prices": [one, two]}) == forms.prices({"prices": ours})
    assert forms.prices({"prices": [one]}) != forms.prices({"prices": [one | {"min_quantity": 2}]})


TABLES = """
create table products (id, handle, title, description, status, attributes, collection_id, thumbnail);
create table collections (id, title);
create table variants (product_id, id, sku, title);
create table prices (product_id, variant_id, currency, amount);
create table stock_levels (product_id, variant_id, location_id, quantity);
create table stock_locations (id, name);
create table categories (id, handle, name, parent_id);
create table product_categories (product_id, category_id, position);
create table product_tags (product_id, tag);
create table product_images (product_id, position, url);
create table customers (id, has_account);
create table orders (id, display_id, status, currency, customer_id);
create table order_items (order_id, product_id, variant_id, quantity, total);
create table medusa_records (kind, id, body);
insert into collections values ('tet', 'Quà Tết');
insert into products values ('p', 'balo', 'Balo', '', 'published', '{"type": "Balo"}', 'tet', 'x.png');
insert into variants values ('p', 'v', 'A-1', 'Đen'), ('p', 'w', 'A-2', 'Đỏ');
insert into prices values ('p', 'v', 'VND', 100000), ('p', 'v', 'USD', 457);
insert into stock_levels values ('p', 'v', 'hn', 3), ('p', 'v', 'dn', 0), ('p', 'v', 'default', 1);
insert into stock_locations values ('default', ''), ('hn', 'Hà Nội');
insert into categories values ('a', 'tui', 'Túi', null), ('b', 'tote', 'Tote', 'a');
insert into product_categories values ('p', 'b', 0);
insert into product_tags values ('p', 'mới');
insert into product_images values ('p', 1, 'b.png'), ('p', 0, 'a.png');
insert into customers values ('c', 1);
insert into orders values ('o', '7', 'pending', 'VND', 'c');
insert into order_items values ('o', 'p', 'v', 2, 200000);
"""


def test_the_appliances_tables(tmp_path: Path, scripts: Callable[[str], ModuleType]) -> None:
    body = {"id": "p", "title": "Balo", "variants": [{"id": "v", "sku": "A-1", "prices": []}]}
    with sqlite3.connect(tmp_path / "catalogue.db") as db:
        db.executescript(TABLES)
        db.execute("insert into medusa_records values ('product', 'p', ?), ('store', 's', '{}')", [json.dumps(body)])
    side = scripts("medusa_mirror").read_tables(tmp_path, "VND")
    product = side["product"]["p"]
    assert product["categories"] == ["Túi > Tote"]
    assert (product["images"], product["collection"], product["variants"]) == (
        ["a.png", "b.png"],
        "Quà Tết",
        ["v", "w"],
    )
    first, second = side["variant"]["v"], side["variant"]["w"]
    assert (first["price VND"], first["other prices"]) == (100000, {"USD": 457})
    assert (first["stock"], first["stock in all"]) == ({"hn": 3}, 4)
    assert (second["price VND"], second["stock"], second["stock in all"]) == (None, None, None)
    assert side["order"]["o"]["items"] == [("p", "v", 2, 200000)]
    assert side["location"] == {"hn": {"name": "Hà Nội"}}
    assert side["record: variant"]["v"]["sku"] == "A-1"
    assert set(side["record: product"]) == {"p"}


def test_a_real_shop_read_on_its_own(medusa: LiveMedusa, compare: ModuleType, truth: ModuleType) -> None:
    access = truth.Access(medusa.base_url, medusa.secret_key, medusa.publishable_key, medusa.region_id)
    reader = truth.Medusa(access)
    side = truth.read_truth(reader)
    assert reader.currency == "VND"
    handles = {product["handle"]: product for product in side["product"].values()}

    def variant(handle: str) -> dict[str, Any]:
        found: dict[str, Any] = side["variant"][handles[f"edge-{handle}"]["variants"][0]]
        return found

    assert handles["edge-ngoai-kenh"]["status"] == "draft"
    assert handles["edge-danh-muc-ngung"]["categories"] == []
    prices = {name: variant(name)["price VND"] for name in ("giam-gia", "gia-theo-vung", "gia-si", "khong-gia-vnd")}
    assert prices == {"giam-gia": 299_000, "gia-theo-vung": 110_000, "gia-si": 100_000, "khong-gia-vnd": None}
    assert (variant("bo-doi")["stock in all"], variant("khong-muc-kho")["stock"]) == (4, {})
    counted = [one for one in side["variant"].values() if one["stock"] is not None]
    assert [one["sku"] for one in counted if sum(one["stock"].values()) != one["stock in all"]] == []
    mirror = copy.deepcopy(side)
    for order in mirror["order"].values():
        order["status"] = min(order["status"])
    assert compare.compare(side, mirror).is_equal
    mirror["variant"][handles["edge-giam-gia"]["variants"][0]]["price VND"] = 400_000
    assert [one.field for one in compare.compare(side, mirror).differences] == ["price VND"]
