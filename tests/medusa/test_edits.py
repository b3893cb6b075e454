"""The owner changes mirrored products: shown at once, queued for Medusa, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from owner_shop import OwnerShop
from small_medusa import DANANG, HANOI, FakeMedusa
from talking import Clock, talk

from appliance.errors import ApplianceError, Conflict, InvalidInput, NotFound
from appliance.medusa.wishes import VariantWish

CATEGORIES = {"pcat_giay": "Giày", "pcat_tui": "Túi"}
HIDDEN = {"pcat_kho": "Nội bộ"}


@pytest.fixture
def fake() -> FakeMedusa:
    return FakeMedusa()


@pytest.fixture
def shop(tmp_path: Path, fake: FakeMedusa) -> Iterator[OwnerShop]:
    clock = Clock()
    made = OwnerShop(tmp_path, talk(fake, clock), clock)
    fake.add("a")
    fake.add("b", variants=2)
    made.know_categories(CATEGORIES, HIDDEN)
    made.know_places({HANOI: "Hà Nội", DANANG: "Đà Nẵng"}, HANOI)
    made.pull(["a", "b"])
    yield made
    made.close()


def _queued(shop: OwnerShop) -> list[tuple[Any, ...]]:
    edits = reversed(shop.outbox.list())
    return [(edit.field, edit.variant_id, edit.part, edit.base, edit.value) for edit in edits]


def test_a_change_is_shown_at_once_and_queued_with_what_medusa_has(shop: OwnerShop) -> None:
    wish = VariantWish(id="variant_a_0", prices={"VND": Decimal("250000.0"), "usd": Decimal("9.99")}, stock=3)
    shop.want("a", wish, title=" Ba  lô ", description="Mới\r\n", status="draft", tags=["mới", "da", "da"])
    product = shop.catalogue.product("a")
    assert product is not None
    assert (product.title, product.description, product.status) == ("Ba lô", "Mới", "draft")
    assert set(product.tags) == {"da", "mới"}
    assert (product.variants[0].price, product.variants[0].prices, product.variants[0].stock) == (
        250_000,
        {"USD": 999},
        3,
    )
    assert _queued(shop) == [
        ("title", "", "", "Sản phẩm a", "Ba lô"),
        ("description", "", "", "Mô tả", "Mới"),
        ("status", "", "", "published", "draft"),
        ("tags", "", "", [], ["da", "mới"]),
        ("price", "variant_a_0", "VND", "100000", "250000"),
        ("price", "variant_a_0", "USD", "4.5", "9.99"),
        ("stock", "variant_a_0", HANOI, 10, 3),
    ]


def test_what_the_shop_shows_already_is_no_change(shop: OwnerShop) -> None:
    revision = shop.catalogue.revision
    wish = VariantWish(id="variant_a_0", prices={"VND": Decimal("100000.00")}, stock=10)
    assert shop.want("a", wish, title="Sản phẩm a", status="published", tags=[], categories=[]) == []
    assert (shop.outbox.list(), shop.catalogue.revision) == ([], revision)


def test_the_next_change_is_based_on_the_one_before(shop: OwnerShop) -> None:
    shop.want("a", title="Một")
    shop.want("a", title="Hai")
    assert _queued(shop) == [("title", "", "", "Sản phẩm a", "Một"), ("title", "", "", "Một", "Hai")]


def test_a_pull_does_not_undo_what_waits(shop: OwnerShop, fake: FakeMedusa) -> None:
    shop.want("a", title="Của chủ", status="draft")
    fake.products["a"]["description"] = "Từ Medusa"
    shop.pull(["a"])
    product = shop.catalogue.product("a")
    assert product is not None
    assert (product.title, product.status, product.description) == ("Của chủ", "draft", "Từ Medusa")


@pytest.mark.parametrize(("now", "wanted", "queued"), [("proposed", "draft", 0), ("rejected", "published", 1)])
def test_proposed_and_rejected_are_drafts(
    shop: OwnerShop, fake: FakeMedusa, now: str, wanted: Any, queued: int
) -> None:
    fake.products["a"]["status"] = now
    shop.pull(["a"])
    assert len(shop.want("a", status=wanted)) == queued


def test_categories_are_named_as_people_do_and_hidden_ones_stay(shop: OwnerShop, fake: FakeMedusa) -> None:
    fake.products["a"]["categories"] = [{"id": "pcat_kho"}, {"id": "pcat_tui"}]
    shop.pull(["a"])
    assert shop.want("a", categories=["tui"]) == []
    shop.want("a", categories=["giày", "pcat_tui"])
    assert _queued(shop) == [("categories", "", "", ["pcat_kho", "pcat_tui"], ["pcat_giay", "pcat_kho", "pcat_tui"])]
    product = shop.catalogue.product("a")
    assert product is not None and set(product.categories) == {"Giày", "Túi"}
    view = shop.edits.view(shop.outbox.list()[0])
    assert (view.base, view.value) == (["Nội bộ", "Túi"], ["Giày", "Nội bộ", "Túi"])


def test_sellable_pieces_become_stocked_ones(shop: OwnerShop, fake: FakeMedusa) -> None:
    fake.products["a"]["variants"][0]["inventory_items"][0]["required_quantity"] = 2
    fake.level("a")["reserved_quantity"] = 3
    fake.items["iitem_a_0"]["location_levels"].append(
        {"id": "ilev_dn", "location_id": DANANG, "stocked_quantity": 4, "reserved_quantity": 0}
    )
    shop.pull(["a"])
    shop.want("a", VariantWish(id="variant_a_0", stock=8))
    # Eight pairs take 16 pieces; 4 lie in Đà Nẵng, 3 in Hà Nội are spoken for.
    assert _queued(shop)[-1] == ("stock", "variant_a_0", HANOI, 10, 15)
    shop.want("a", VariantWish(id="variant_a_0", stock=1, location="Đà Nẵng"))
    assert _queued(shop)[-1] == ("stock", "variant_a_0", DANANG, 4, 2)
    product = shop.catalogue.product("a")
    assert product is not None and product.variants[0].stock == 7
    with pytest.raises(Conflict, match="other stock locations"):
        shop.want("a", VariantWish(id="variant_a_0", stock=0))


def test_stock_is_set_where_none_was_kept(shop: OwnerShop, fake: FakeMedusa) -> None:
    fake.items["iitem_a_0"]["location_levels"] = []
    shop.pull(["a"])
    shop.want("a", VariantWish(id="variant_a_0", stock=6))
    assert _queued(shop) == [("stock", "variant_a_0", HANOI, None, 6)]


def test_a_price_can_be_taken_away(shop: OwnerShop) -> None:
    shop.want("a", VariantWish(id="variant_a_0", prices={"VND": None}))
    assert _queued(shop) == [("price", "variant_a_0", "VND", "100000", None)]
    product = shop.catalogue.product("a")
    assert product is not None and product.variants[0].price is None


def _two_items(fake: FakeMedusa) -> None:
    more = {"inventory_item_id": "iitem_b_0", "required_quantity": 1}
    fake.products["a"]["variants"][0]["inventory_items"].append(more)


def _uncounted(fake: FakeMedusa) -> None:
    fake.products["a"]["variants"][0]["manage_inventory"] = False


@pytest.mark.parametrize(
    ("spoil", "variant", "fields", "error", "says"),
    [
        (_two_items, {"stock": 1}, {}, Conflict, "made up of several"),
        (_uncounted, {"stock": 1}, {}, Conflict, "decided in Medusa"),
        (None, {"stock": None}, {}, Conflict, "decided in Medusa"),
        (None, {"stock": 1, "location": "Huế"}, {}, Conflict, "no single stock location"),
        (None, {"prices": {"VND": Decimal("0.5")}}, {}, Conflict, "does not fit"),
        (None, {"prices": {"EUR": Decimal(1)}}, {}, Conflict, "does not sell in EUR"),
        (None, {"prices": {"VND": Decimal(1), "vnd": Decimal(2)}}, {}, InvalidInput, "twice"),
        (None, {"id": "variant_b_0", "stock": 1}, {}, NotFound, "no such variant"),
        (None, None, {"categories": ["không có"]}, Conflict, "no category"),
    ],
)
def test_what_medusa_could_not_be_told_is_refused_and_nothing_is_written(
    shop: OwnerShop,
    fake: FakeMedusa,
    spoil: Any,
    variant: dict[str, Any] | None,
    fields: dict[str, Any],
    error: type[ApplianceError],
    says: str,
) -> None:
    if spoil:
        spoil(fake)
        shop.pull(["a"])
    revision = shop.catalogue.revision
    wishes = [] if variant is None else [VariantWish(**({"id": "variant_a_0"} | variant))]
    with pytest.raises(error, match=says):
        shop.want("a", *wishes, title="Khác", **fields)
    assert (shop.outbox.list(), shop.catalogue.revision) == ([], revision)


def test_a_product_outside_the_storefronts_channels_cannot_be_published_here(tmp_path: Path, fake: FakeMedusa) -> None:
    clock = Clock()
    shop = OwnerShop(tmp_path, talk(fake, clock), clock, publishable_key="pk_1")
    fake.add("a")
    shop.mirror.write_channels(["sc_other"])
    shop.pull(["a"])
    assert shop.want("a", status="draft") == []
    with pytest.raises(Conflict, match="sales channels"):
        shop.want("a", status="published")
    shop.close()


def test_an_unknown_product_is_not_found(shop: OwnerShop) -> None:
    with pytest.raises(NotFound):
        shop.want("none", title="x")
    assert not shop.edits.is_mirrored("none")
    assert shop.edits.is_mirrored("a")


def test_two_variants_change_with_one_wish(shop: OwnerShop) -> None:
    told: list[int] = []
    shop.edits.on_change = lambda: told.append(1)
    wishes = [VariantWish(id=f"variant_b_{number}", stock=number) for number in range(2)]
    shop.want("b", *wishes)
    assert [(row[1], row[4]) for row in _queued(shop)] == [("variant_b_0", 0), ("variant_b_1", 1)]
    assert told == [1]
    assert [edit.product_id for edit in shop.edits.open(["b", "a"])] == ["b", "b"]
