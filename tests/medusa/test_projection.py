"""From Medusa's records to the shop's product, by the shapes that the trap products of the real server have."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from fake_medusa import Row
from fake_rows import CHANNEL, DANANG, HANOI, OTHER_CHANNEL, REGION, category, price, product, stock, variant

from appliance import domain
from appliance.medusa import records
from appliance.medusa.merging import CoreRow, merged
from appliance.medusa.projection import (
    NOWHERE,
    ShopFacts,
    links,
    minor_units,
    project,
    public_categories,
    shop_facts,
)
from appliance.store.normalise import MAX_LINE, normalised

PLAIN = ShopFacts(currency="VND", region_id=REGION)


def shown(row: Row, *items: Row, facts: ShopFacts = PLAIN) -> domain.Product:
    """Return the product that the catalogue keeps."""
    core = msgspec.convert(row, CoreRow)
    belongings = msgspec.convert(row, records.ProductRelations)
    levels = {item["id"]: msgspec.convert(item, records.InventoryItem) for item in items}
    return normalised(project(merged(core, belongings), levels, facts))


def facts_of(*categories: Row, channels: frozenset[str] | None = None) -> ShopFacts:
    return shop_facts(
        currency="VND",
        region_id=REGION,
        channels=channels,
        categories=[msgspec.convert(row, records.Category) for row in categories],
        collections=[records.Collection(id="pcol_1", title="Mùa hè", handle="mua-he")],
        types=[records.ProductType(id="ptyp_1", value="Giày")],
        price_lists=[],
        now=0.0,
    )


def test_a_product_without_variants_is_kept() -> None:
    assert shown(product("prod_1")).variants == ()


@pytest.mark.parametrize(
    ("prices", "amount", "others"),
    [
        ([], None, {}),
        ([price(4.57, "usd")], None, {"USD": 457}),
        ([price(99_999)], 99_999, {}),
        ([price(0)], 0, {}),
        ([price(2_500_000_000)], 2_500_000_000, {}),
        ([price(120_000), price(110_000, rules={"region_id": REGION})], 110_000, {}),
        ([price(120_000), price(5.0, "usd"), price(1.0, "usd", rules={"region_id": REGION})], 120_000, {"USD": 500}),
        ([price(100_000), price(90_000, min_quantity=10)], 100_000, {}),
        ([price(-5)], None, {}),
    ],
)
def test_prices_are_in_smallest_units_by_currency(
    prices: list[Row], amount: int | None, others: dict[str, int]
) -> None:
    made = shown(product("prod_1", variant("variant_1", *prices))).variants[0]
    assert (made.price, made.prices or {}) == (amount, others)


@pytest.mark.parametrize(
    ("amount", "currency", "units"),
    [("116000.5", "VND", 116_001), ("116000.49", "VND", 116_000), ("4.565", "USD", 457), ("0", "VND", 0)],
)
def test_what_is_finer_than_a_unit_is_rounded_half_up(amount: str, currency: str, units: int) -> None:
    assert minor_units(Decimal(amount), currency) == units


ONE = [("iitem_1", 1)]
TWO = [("iitem_1", 1), ("iitem_2", 2)]


@pytest.mark.parametrize(
    ("given", "items", "total", "levels"),
    [
        pytest.param(
            {"items": ONE}, [stock("iitem_1", sloc_hn=7, sloc_dn=5)], 12, {HANOI: 7, DANANG: 5}, id="two places"
        ),
        pytest.param({"items": ONE}, [stock("iitem_1", sloc_hn=(7, 3))], 4, {HANOI: 4}, id="reserved"),
        pytest.param({"items": ONE}, [stock("iitem_1", sloc_hn=0)], 0, {HANOI: 0}, id="sold out"),
        pytest.param({"items": ONE}, [stock("iitem_1", sloc_hn=(1, 3))], -2, {HANOI: -2}, id="oversold"),
        pytest.param({"items": ONE}, [stock("iitem_1")], 0, {NOWHERE: 0}, id="no level"),
        pytest.param({"items": ONE}, [], 0, {NOWHERE: 0}, id="an item that is not known yet"),
        pytest.param({"items": []}, [], 0, {NOWHERE: 0}, id="no item"),
        pytest.param({"items": [("iitem_1", 2)]}, [stock("iitem_1", sloc_hn=9)], 4, {HANOI: 4}, id="a unit takes two"),
        pytest.param(
            {"items": [("iitem_1", 2)]},
            [stock("iitem_1", sloc_hn=3, sloc_dn=3)],
            3,
            {HANOI: 1, DANANG: 1, NOWHERE: 1},
            id="one more, put together from both places",
        ),
        pytest.param(
            {"items": TWO}, [stock("iitem_1", sloc_hn=9), stock("iitem_2", sloc_hn=5)], 2, {HANOI: 2}, id="the scarcer"
        ),
        pytest.param(
            {"items": TWO},
            [stock("iitem_1", sloc_hn=9), stock("iitem_2", sloc_dn=5)],
            2,
            {NOWHERE: 2},
            id="parts in different places",
        ),
        pytest.param({"items": TWO}, [stock("iitem_1", sloc_hn=9)], 0, {NOWHERE: 0}, id="a part is missing"),
        pytest.param(
            {"items": ONE, "allow_backorder": True}, [stock("iitem_1", sloc_hn=0)], None, None, id="backorder"
        ),
        pytest.param({"items": [], "manage_inventory": False}, [], None, None, id="not counted"),
    ],
)
def test_stock_is_what_can_be_sold(
    given: dict[str, Any], items: Sequence[Row], total: int | None, levels: dict[str, int] | None
) -> None:
    made = shown(product("prod_1", variant("variant_1", price(1), **given)), *items).variants[0]
    assert (made.stock, made.levels) == (total, levels)


@pytest.mark.parametrize(
    ("status", "channels", "facts", "wanted"),
    [
        ("published", [CHANNEL], None, "published"),
        ("draft", [CHANNEL], None, "draft"),
        ("proposed", [CHANNEL], None, "draft"),
        ("rejected", [CHANNEL], None, "draft"),
        ("published", [], None, "published"),
        ("published", [], frozenset({CHANNEL}), "draft"),
        ("published", [OTHER_CHANNEL], frozenset({CHANNEL}), "draft"),
        ("published", [OTHER_CHANNEL, CHANNEL], frozenset({CHANNEL}), "published"),
        ("draft", [CHANNEL], frozenset({CHANNEL}), "draft"),
    ],
)
def test_only_what_is_published_in_the_keys_channels_is_shown(
    status: str, channels: list[str], facts: frozenset[str] | None, wanted: str
) -> None:
    row = product("prod_1", status=status, sales_channels=[{"id": one} for one in channels])
    assert shown(row, facts=facts_of(channels=facts)).status == wanted


def test_texts_are_cleaned_and_bounded() -> None:
    decomposed = unicodedata.normalize("NFD", "Áo thun cổ tròn")
    row = product(
        "prod_1",
        variant("variant_1", title=None, sku=None),
        title=decomposed,
        description="<b>Đẹp</b>\x1b[31m\r\n" + "x" * 20_000,
        metadata={
            "title_en": "T-shirt",
            "note": "\x1b]0;x\x07ok",
            "on": True,
            "size": 4,
            "parts": [1],
            "appliance_x": "y",
        },
        tags=["hè", "x" * (MAX_LINE + 1)],
        thumbnail="data:image/png;base64," + "A" * MAX_LINE,
        images=[{"url": "data:" + "A" * MAX_LINE, "rank": 0}, {"url": "/static/a.png", "rank": 1}],
    )
    made = shown(row)
    assert made.title == "Áo thun cổ tròn" and made.title_en == "T-shirt"
    assert made.description.startswith("<b>Đẹp</b>") and "\x1b" not in made.description
    assert len(made.description) > 20_000
    assert made.attributes == {"note": "\ufffd]0;x\ufffdok", "on": "true", "size": "4"}
    assert [len(tag) for tag in made.tags] == [2, MAX_LINE]
    assert (made.thumbnail, made.images) == ("", ("/static/a.png",))


def test_facts_come_from_metadata_where_the_product_has_no_field_of_its_own() -> None:
    metadata = {"material": "da bò", "subtitle": "bền", "type": "Ví", "other": None}
    assert shown(product("prod_1", metadata=metadata)).attributes == {
        "material": "da bò",
        "subtitle": "bền",
        "type": "Ví",
    }
    own = product("prod_1", metadata=metadata, material="vải", type_id="ptyp_1", collection_id="pcol_1")
    made = shown(own, facts=facts_of())
    assert (made.attributes["material"], made.attributes["type"], made.collection) == ("vải", "Giày", "Mùa hè")


def test_sizes_and_colours_are_found_by_their_names() -> None:
    options = [{"value": "XL", "option": {"title": "Kích cỡ"}}, {"value": "Đỏ", "option": {"title": "MÀU SẮC"}}]
    made = shown(product("prod_1", variant("variant_1", options=[*options, {"value": "?", "option": None}])))
    assert (made.variants[0].size, made.variants[0].color) == ("XL", "Đỏ")


TREE = [
    category("pcat_1", "Túi"),
    category("pcat_2", "Ví", "pcat_1"),
    category("pcat_3", "Cũ", is_active=False),
    category("pcat_4", "Dưới cũ", "pcat_3"),
    category("pcat_5", "Kho", "pcat_1", is_internal=True),
    category("pcat_6", "Dưới kho", "pcat_5"),
    category("pcat_7", "Mồ côi", "pcat_gone"),
    category("pcat_8", "Vòng", "pcat_9"),
    category("pcat_9", "Vòng", "pcat_8"),
]


def test_hidden_categories_take_along_what_stands_below() -> None:
    given = [msgspec.convert(row, records.Category) for row in reversed(TREE)]
    assert [one.id for one in public_categories(given)] == ["pcat_1", "pcat_2"]
    row = product("prod_1", categories=[one["id"] for one in TREE])
    assert shown(row, facts=facts_of(*TREE)).categories == ("Túi", "Túi > Ví")


@pytest.mark.parametrize(
    ("tree", "wanted"),
    [
        pytest.param([category("pcat_1", "Áo > Quần")], {"pcat_1": "Áo Quần"}, id="a bracket in the name"),
        pytest.param([category("pcat_1", " > ")], {"pcat_1": "pcat_1"}, id="nothing but a bracket"),
        pytest.param(
            [category("pcat_1", "Áo"), category("pcat_2", "ÁO"), category("pcat_3", "Len", "pcat_2")],
            {"pcat_1": "pcat_1", "pcat_2": "pcat_2", "pcat_3": "pcat_3"},
            id="one name twice, and what stands below",
        ),
        pytest.param(
            [category(f"pcat_{n:02}", f"c{n}", f"pcat_{n - 1:02}" if n else None) for n in range(14)],
            {"pcat_11": " > ".join(f"c{n}" for n in range(12)), "pcat_12": "pcat_12", "pcat_13": "pcat_13"},
            id="deeper than paths go",
        ),
        pytest.param(
            [category("pcat_1", "x" * 3000), category("pcat_2", "y" * 3000, "pcat_1")],
            {"pcat_2": "pcat_2"},
            id="a path that is too long",
        ),
    ],
)
def test_categories_are_called_so_that_paths_cannot_mislead(tree: list[Row], wanted: dict[str, str]) -> None:
    assert facts_of(*tree).categories.items() >= wanted.items()


def test_a_product_hangs_on_all_that_it_is_made_of() -> None:
    row = product(
        "prod_1", variant("variant_1", items=TWO), categories=["pcat_1"], collection_id="pcol_1", type_id="ptyp_1"
    )
    core, belongings = msgspec.convert(row, CoreRow), msgspec.convert(row, records.ProductRelations)
    assert set(links(merged(core, belongings))) == {
        ("category", "pcat_1"),
        ("collection", "pcol_1"),
        ("type", "ptyp_1"),
        ("variant", "variant_1"),
        ("inventory_item", "iitem_1"),
        ("inventory_item", "iitem_2"),
    }
