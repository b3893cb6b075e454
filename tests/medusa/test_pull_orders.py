"""Orders and customers as they are read: whose an order is, and which of them the nightly comparison reads anew."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from fake_medusa import FakeMedusa
from fake_rows import customer, order
from synced_shop import T0, Clock, SyncedShop

from appliance.medusa.reading_pass import Mode

DAY = 86_400.0
LINE = ("prod_0001", "variant_0001", 1, 100_000)


def _tell(shop: SyncedShop, event: str, *ids: str) -> None:
    assert shop.medusa.events.add(hashlib.sha256(repr((event, ids)).encode()).digest(), event, ids, remember=600)


def _customers(shop: SyncedShop) -> set[str]:
    return {row[0] for row in shop.runtime.store.read().execute("select id from customers").fetchall()}


def _of(shop: SyncedShop, customer_id: str) -> list[str]:
    return [one.display_id for one in shop.runtime.orders.of_customer(customer_id)]


@pytest.mark.parametrize("mode", ["changes", "events", "stock", "full"])
def test_a_customer_that_was_deleted_does_not_come_back_with_an_order(
    shop: SyncedShop, fake: FakeMedusa, clock: Clock, mode: Mode
) -> None:
    fake.put("customers", customer("cus_1"), customer("cus_2"))
    fake.put("orders", order("order_1", 1, LINE, customer_id="cus_1", at=fake.stamp(T0)))
    shop.pull("full")
    assert _of(shop, "cus_1") == ["1"]
    fake.drop("customers", "cus_1")
    _tell(shop, "customer.deleted", "cus_1")
    shop.pull("events")
    assert (_customers(shop), _of(shop, "cus_1")) == ({"cus_2"}, [])
    clock.at += 600
    fake.touch("orders", "order_1", fulfillment_status="shipped")
    _tell(shop, "order.updated", "order_1")
    assert shop.pull(mode)["changed"].get("order") == 1
    found = shop.runtime.orders.read("1")
    assert found is not None and (found.status, found.customer_id) == ("shipped", "")
    assert _customers(shop) == {"cus_2"}
    fake.seen.clear()
    assert "order" not in shop.pull("stock")["changed"], "it is the same as it was"


@pytest.mark.parametrize("mode", ["changes", "events", "full"])
def test_a_customer_that_comes_with_an_order_is_read_before_it(shop: SyncedShop, fake: FakeMedusa, mode: Mode) -> None:
    shop.pull("full")
    placed = order("order_1", 1, LINE, customer_id="cus_1", at=fake.stamp(T0))

    def registers(path: str, params: Any) -> None:
        """Have both come after the look for customers."""
        if path == "/admin/orders":
            fake.put("customers", customer("cus_1", has_account=False))
            fake.put("orders", placed)

    fake.trouble = registers
    _tell(shop, "order.placed", "order_1")
    assert shop.pull(mode)["read"]["customer"] == 1
    assert _of(shop, "cus_1") == ["1"]
    row = shop.runtime.store.read().execute("select id, has_account from customers").fetchone()
    assert tuple(row) == ("cus_1", 0)


def test_an_imported_order_still_brings_its_customer(shop: SyncedShop, fake: FakeMedusa) -> None:
    from appliance.store.orders import OrderRecord

    shop.runtime.orders.upsert_many([OrderRecord(display_id="7", customer_id="old_1")])
    shop.pull("full")
    assert _of(shop, "old_1") == ["7"]
