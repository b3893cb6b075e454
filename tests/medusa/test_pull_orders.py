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


def _read_whole(fake: FakeMedusa) -> list[str]:
    """Return the ids of the orders that were asked for with their lines."""
    return sorted(id_ for path, params in fake.seen if path == "/admin/orders" for id_ in params.get("id[]", ()))


def test_the_night_reads_whole_only_the_orders_that_may_have_changed(
    shop: SyncedShop, fake: FakeMedusa, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.medusa.reading._ROWS", 10)
    old = [order(f"order_{number:02}", number, LINE, at=fake.stamp(T0 - 100 * DAY)) for number in range(1, 31)]
    fake.put("orders", *old, order("order_90", 90, LINE, at=fake.stamp(T0)))
    assert shop.pull("full")["read"]["order"] == 31, "the first copy"
    clock.at = T0 + DAY
    fake.put("orders", order("order_31", 31, LINE, at=fake.stamp(T0 - 90 * DAY)))
    fake.touch("orders", "order_07", fulfillment_status="shipped")
    fake.rows["orders"]["order_90"]["payment_status"] = "refunded"
    fake.seen.clear()
    told: list[float] = []
    report = shop.medusa.pull("full", lambda share, _stage: told.append(share), lambda: False)
    assert _read_whole(fake) == ["order_07", "order_31", "order_90"]
    assert (report["read"]["order"], report["changed"]["order"]) == (3, 3)
    assert told == sorted(told)
    states = {number: shop.runtime.orders.read(number) for number in ("7", "31", "90")}
    assert [one.status for one in states.values() if one] == ["shipped", "pending", "refunded"]
    fake.seen.clear()
    clock.at = T0 + 61 * DAY
    shop.pull("full")
    assert _read_whole(fake) == []


def test_an_order_that_was_refused_is_tried_again_every_night(shop: SyncedShop, fake: FakeMedusa, clock: Clock) -> None:
    long_ago = fake.stamp(T0 - 100 * DAY)
    fake.put("orders", order("order_1", 1, LINE, at=long_ago), order("order_2", 1, LINE, at=long_ago))
    refusals = [shop.pull("full")["refused"] for _ in range(2)]
    assert refusals == [["an order: display_id is the number of another order"]] * 2
    fake.rows["orders"]["order_2"]["display_id"] = 2
    assert shop.pull("full")["refused"] == []
    assert shop.runtime.orders.read("2") is not None
