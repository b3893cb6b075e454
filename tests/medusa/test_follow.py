"""Following events: each subject becomes the one reading that it asks for, and none is lost while Medusa is away."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from fake_medusa import Dropped, FakeMedusa
from fake_rows import CHANNEL, category, customer, order, price, price_list, product, simple, stock, variant
from synced_shop import Clock, SyncedShop

from appliance.medusa.follow import SUBJECTS, subject_of

FIRST = "prod_0001"


def tell(shop: SyncedShop, event: str, *ids: str) -> None:
    """Keep an event as the door does."""
    digest = hashlib.sha256(repr((event, ids, shop.medusa.events.waiting())).encode()).digest()
    assert shop.medusa.events.add(digest, event, ids, remember=600)


@pytest.fixture
def copied(shop: SyncedShop, fake: FakeMedusa) -> SyncedShop:
    """A shop that is in step, and a Medusa that was asked nothing since."""
    fake.put("orders", order("order_1", 1, (FIRST, "variant_0001", 1, 100_000), at=fake.stamp()))
    fake.put("customers", customer("cus_1"))
    shop.pull("full")
    fake.seen.clear()
    return shop


@pytest.mark.parametrize(
    ("event", "subject"),
    [
        ("product.updated", "product"),
        ("product.product.updated", "product"),
        ("product.product-variant.deleted", "product-variant"),
        ("inventory.inventory-level.updated", "inventory-level"),
        ("LinkProductSalesChannel.attached", "LinkProductSalesChannel"),
        ("order.placed", "order"),
        ("garbage", ""),
        ("", ""),
        ("...", ""),
    ],
)
def test_the_subject_stands_before_the_last_dot(event: str, subject: str) -> None:
    assert subject_of(event) == subject


def _retitle(fake: FakeMedusa) -> Any:
    fake.rows["products"][FIRST]["title"] = "Tên mới"
    return lambda shop: shop.card(FIRST).title == "Tên mới"


def _reprice(fake: FakeMedusa) -> Any:
    fake.rows["products"][FIRST]["variants"] = [variant("variant_0001", price(7))]
    return lambda shop: shop.card(FIRST).price == 7


def _lose_variant(fake: FakeMedusa) -> Any:
    fake.rows["products"][FIRST]["variants"] = []
    return lambda shop: shop.card(FIRST).price is None


def _sell_out(fake: FakeMedusa) -> Any:
    fake.rows["inventory_items"]["iitem_variant_0001"] = stock("iitem_variant_0001", sloc_hn=0)
    return lambda shop: not shop.card(FIRST).in_stock


def _lose_item(fake: FakeMedusa) -> Any:
    fake.drop("inventory_items", "iitem_variant_0001")
    return lambda shop: not shop.card(FIRST).in_stock


def _stock_elsewhere(fake: FakeMedusa) -> Any:
    fake.rows["inventory_items"]["iitem_variant_0001"] = stock("iitem_variant_0001", sloc_hn=5, sloc_dn=4)
    return lambda shop: shop.runtime.catalogue.product(FIRST).variants[0].stock == 9


def _delete(fake: FakeMedusa) -> Any:
    fake.drop("products", FIRST)
    return lambda shop: shop.runtime.catalogue.card(FIRST) is None


def _create(fake: FakeMedusa) -> Any:
    made, pieces = simple(9)
    fake.put("products", made)
    fake.put("inventory_items", pieces)
    return lambda shop: "prod_0009" in shop.runtime.catalogue.cards() and shop.card("prod_0009").in_stock


def _order(fake: FakeMedusa) -> Any:
    fake.put("orders", order("order_2", 2, (FIRST, "variant_0001", 5, 500_000), at=fake.stamp()))
    fake.rows["inventory_items"]["iitem_variant_0001"] = stock("iitem_variant_0001", sloc_hn=(5, 5))
    return lambda shop: shop.runtime.orders.read("2") is not None and not shop.card(FIRST).in_stock


def _pay(fake: FakeMedusa) -> Any:
    fake.rows["orders"]["order_1"]["payment_status"] = "captured"
    return lambda shop: shop.runtime.orders.read("1").metadata["payment"] == "captured"


def _join(fake: FakeMedusa) -> Any:
    fake.put("customers", customer("cus_2"))
    return lambda shop: shop.medusa.mirror.repository.has("customer", "cus_2")


def _leave(fake: FakeMedusa) -> Any:
    fake.drop("customers", "cus_1")
    return lambda shop: not shop.medusa.mirror.repository.has("customer", "cus_1")


def _rename_category(fake: FakeMedusa) -> Any:
    fake.put("product_categories", category("pcat_tui", "Hành lý"))
    return lambda shop: shop.runtime.catalogue.product(FIRST).categories == ("Hành lý",)


def _begin_sale(fake: FakeMedusa) -> Any:
    fake.put("price_lists", price_list("plist_1", price(7, variant_id="variant_0001")))
    return lambda shop: shop.card(FIRST).price == 7


def _leave_channel(fake: FakeMedusa) -> Any:
    fake.rows["products"][FIRST]["sales_channels"] = []
    return lambda shop: CHANNEL not in str(shop.medusa.mirror.repository.get("product", [FIRST]))


ITEMS, PRODUCTS = {"inventory-items"}, {"products"}
LEVEL = "ilev_iitem_variant_0001_sloc_hn"


@pytest.mark.parametrize(
    ("change", "event", "ids", "asked"),
    [
        (_retitle, "product.updated", [FIRST], PRODUCTS),
        (_delete, "product.deleted", [FIRST], PRODUCTS),
        (_create, "product.created", ["prod_0009"], PRODUCTS | ITEMS),
        (_reprice, "product-variant.updated", ["variant_0001"], PRODUCTS | {"product-variants"}),
        (_lose_variant, "product.product-variant.deleted", ["variant_0001"], PRODUCTS | {"product-variants"}),
        (_sell_out, "inventory-item.updated", ["iitem_variant_0001"], ITEMS),
        (_lose_item, "inventory-item.deleted", ["iitem_variant_0001"], ITEMS),
        (_sell_out, "inventory.inventory-level.updated", [LEVEL], ITEMS),
        (_stock_elsewhere, "inventory-level.created", ["ilev_iitem_variant_0001_sloc_dn"], ITEMS),
        (_stock_elsewhere, "inventory-level.updated", [f"ilev_{number}" for number in range(101)], ITEMS),
        (_order, "order.placed", ["order_2"], ITEMS | {"orders"}),
        (_order, "reservation-item.created", ["resitem_1", "order_2"], ITEMS | {"orders"}),
        (_pay, "payment.captured", ["pay_1"], ITEMS | {"orders"}),
        (_join, "customer.created", ["cus_2"], {"customers"}),
        (_leave, "customer.deleted", ["cus_1"], {"customers"}),
        (_rename_category, "product-category.updated", ["pcat_tui"], {"product-categories"}),
        (_begin_sale, "pricing.price.updated", ["price_1"], {"price-lists"}),
        (_leave_channel, "LinkProductSalesChannel.detached", [], PRODUCTS),
    ],
)
def test_an_event_becomes_the_reading_that_it_asks_for(
    copied: SyncedShop, fake: FakeMedusa, change: Any, event: str, ids: list[str], asked: set[str]
) -> None:
    holds = change(fake)
    assert subject_of(event) in SUBJECTS
    assert not holds(copied)
    tell(copied, event, *ids)
    copied.pull("events")
    assert holds(copied)
    assert copied.medusa.events.waiting() == []
    others = set(fake.paths()) - asked
    assert not others or (asked & {"product-categories", "price-lists"} and "products" not in others)


def test_doubled_events_and_arrays_are_read_once(copied: SyncedShop, fake: FakeMedusa) -> None:
    tell(copied, "product.updated", FIRST, "prod_0002")
    tell(copied, "product.product.updated", FIRST)
    tell(copied, "product.updated", "prod_0002", FIRST)
    copied.pull("events")
    assert fake.paths() == ["products", "products"]
    assert fake.seen[0][1]["id[]"] == [FIRST, "prod_0002"]


def test_ids_that_nobody_knows_do_no_harm(copied: SyncedShop, fake: FakeMedusa) -> None:
    for event in ("product", "product-variant", "inventory-item", "inventory-level", "order", "customer"):
        tell(copied, f"{event}.updated", "nothing_1")
    report = copied.pull("events")
    assert (report["changed"], report["deleted"]) == ({}, {})


def test_nothing_is_asked_without_an_event(copied: SyncedShop, fake: FakeMedusa) -> None:
    copied.pull("events")
    assert fake.seen == []


@pytest.mark.parametrize("mode", ["events", "changes", "now", "full"])
def test_events_wait_while_medusa_is_away(copied: SyncedShop, fake: FakeMedusa, clock: Clock, mode: Any) -> None:
    def gone(_path: str, _params: object) -> None:
        raise Dropped

    fake.trouble = gone
    _sell_out(fake)
    tell(copied, "inventory-level.updated", LEVEL)
    assert "requests" not in copied.pull("events")
    assert copied.medusa.status().events_waiting == 1
    copied.reopen()
    fake.trouble = lambda _path, _params: None
    copied.pull(mode)
    assert (copied.card(FIRST).in_stock, copied.medusa.status().events_waiting) == (False, 0)


def test_events_wait_for_the_first_copy_instead_of_making_a_second(shop: SyncedShop, fake: FakeMedusa) -> None:
    tell(shop, "product.updated", FIRST)
    assert shop.pull("events")["mode"] == "events"
    assert fake.seen == [] and shop.medusa.status().events_waiting == 1
    shop.pull("changes")
    assert shop.medusa.status().events_waiting == 0


def test_an_event_of_a_product_that_is_half_made_is_made_good_by_the_next_look(
    copied: SyncedShop, fake: FakeMedusa
) -> None:
    fake.put("products", product("prod_0009", updated_at=fake.stamp()))
    tell(copied, "product.created", "prod_0009")
    copied.pull("events")
    fake.rows["products"]["prod_0009"]["variants"] = [variant("variant_0009", price(7))]
    copied.pull("changes")
    assert copied.card("prod_0009").price == 7
