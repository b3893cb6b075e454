"""Passes: a copy that goes on where it stopped, changes by Medusa's clock, deletions only when confirmed, outages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fake_medusa import Answer, Dropped, FakeMedusa, Params
from fake_rows import customer, order, price, product, simple, stock, variant
from synced_shop import T0, Clock, SyncedShop

from appliance.medusa.faults import MedusaUnreachable
from appliance.medusa.reading_pass import Mode

FIRST = "prod_0001"
HOUR = 3600.0


def _fill_up(fake: FakeMedusa, products: int = 320, orders: int = 60) -> None:
    for number in range(4, products + 1):
        made, pieces = simple(number)
        fake.put("products", made)
        fake.put("inventory_items", pieces)
    fake.put("customers", customer("cus_1"), customer("cus_2", has_account=False))
    for number in range(1, orders + 1):
        fake.put("orders", order(f"order_{number:04}", number, (FIRST, "variant_0001", 1, 100_000)))


def _drops_at(fake: FakeMedusa, path: str, wanted: Callable[[Params], bool] = lambda _: True) -> None:
    def trouble(asked: str, params: Params) -> Answer | None:
        if asked == f"/admin/{path}" and wanted(params):
            raise Dropped
        return None

    fake.trouble = trouble


def _mirrored(shop: SyncedShop) -> dict[str, int]:
    counts = shop.medusa.mirror.repository.counts()
    return {kind: counts.get(kind, 0) for kind in ("inventory_item", "product", "customer", "order")}


@pytest.mark.parametrize(
    ("stage", "where", "wanted", "not_again"),
    [
        ("stock", "inventory-items", lambda _: True, set()),
        ("products", "products", lambda params: "prod_0151" in params.get("id[]", []), {"inventory-items"}),
        ("customers", "customers", lambda _: True, {"inventory-items"}),
        ("orders", "orders", lambda params: "id[]" in params, {"inventory-items", "products", "customers"}),
    ],
)
@pytest.mark.parametrize("restarted", [False, True])
def test_a_copy_goes_on_where_medusa_went_away(
    shop: SyncedShop,
    fake: FakeMedusa,
    clock: Clock,
    stage: str,
    where: str,
    wanted: Callable[[Params], bool],
    not_again: set[str],
    restarted: bool,
) -> None:
    _fill_up(fake)
    _drops_at(fake, where, wanted)
    broken = shop.pull("changes")
    assert (broken["state"], broken["reason"]) == ("offline", "dropped")
    assert shop.medusa.status().copying and shop.medusa.status().copied_at is None
    fake.trouble = lambda _path, _params: None
    fake.seen.clear()
    if restarted:
        shop.reopen()
    else:
        clock.at += 60
        shop.medusa.client._breaker.succeeded()
    report = shop.pull("stock")
    assert report["mode"] == "full"
    assert not not_again & set(fake.paths())
    if stage == "products":
        assert report["read"]["product"] == 170
    assert _mirrored(shop) == {"inventory_item": 320, "product": 320, "customer": 2, "order": 60}
    assert not shop.medusa.status().copying


def test_progress_never_goes_back(shop: SyncedShop, fake: FakeMedusa) -> None:
    _fill_up(fake)
    told: list[float] = []
    shop.medusa.pull("full", lambda share, _stage: told.append(share), lambda: False)
    assert told == sorted(told) and told[-1] <= 1.0


def test_a_copy_that_was_broken_off_long_ago_begins_anew(shop: SyncedShop, fake: FakeMedusa, clock: Clock) -> None:
    _fill_up(fake, products=200, orders=0)
    _drops_at(fake, "products", lambda params: "prod_0151" in params.get("id[]", []))
    shop.pull("full")
    fake.trouble = lambda _path, _params: None
    clock.at += 25 * HOUR
    shop.reopen()
    assert shop.pull("full")["read"]["product"] == 200


def test_a_list_that_is_cut_short_does_not_empty_the_shop(shop: SyncedShop, fake: FakeMedusa) -> None:
    _fill_up(fake, products=40, orders=5)
    shop.pull("full")
    fake.cut_short = {"products": 10, "inventory_items": 3, "customers": 0, "orders": 1}
    for mode in ("full", "sweep", "stock"):
        assert not shop.pull(mode)["deleted"]  # type: ignore[arg-type]
    assert _mirrored(shop) == {"inventory_item": 40, "product": 40, "customer": 2, "order": 5}


@pytest.mark.parametrize("mode", ["changes", "sweep", "full", "now"])
def test_a_deleted_product_goes(shop: SyncedShop, fake: FakeMedusa, mode: Mode) -> None:
    shop.pull("full")
    fake.drop("products", FIRST)
    assert shop.pull(mode)["deleted"] == {"product": 1}
    assert shop.runtime.catalogue.card(FIRST) is None
    assert shop.medusa.mirror.repository.products_using("variant", ["variant_0001"]) == []


def test_a_restored_product_comes_back(shop: SyncedShop, fake: FakeMedusa) -> None:
    shop.pull("full")
    fake.drop("products", FIRST)
    shop.pull("changes")
    fake.touch("products", FIRST, deleted_at=None)
    shop.pull("changes")
    assert shop.card(FIRST).handle == "prod-0001"


def test_a_product_seen_half_made_is_whole_after_the_next_look(
    shop: SyncedShop, fake: FakeMedusa, clock: Clock
) -> None:
    shop.pull("full")
    fake.put("products", product("prod_0009", updated_at=fake.stamp()))
    shop.pull("changes")
    assert shop.card("prod_0009").price is None
    # Neither its variants nor their prices move its time of change.
    fake.rows["products"]["prod_0009"]["variants"] = [variant("variant_0009", price(70_000))]
    fake.put("inventory_items", stock("iitem_variant_0009", sloc_hn=2))
    clock.at += 60
    shop.pull("changes")
    assert (shop.card("prod_0009").price, shop.card("prod_0009").in_stock) == (70_000, True)


@pytest.mark.parametrize("hidden", ["core", "relations"])
def test_a_product_that_one_of_two_calls_shows_is_neither_written_nor_dropped(
    shop: SyncedShop, fake: FakeMedusa, hidden: str
) -> None:
    shop.pull("full")
    fake.torn = {FIRST: hidden}
    fake.touch("products", FIRST, title="Tên mới")
    report = shop.pull("changes")
    assert not report["deleted"] and shop.card(FIRST).title == "Hàng prod_0001"
    fake.torn = {}
    shop.pull("changes")
    assert shop.card(FIRST).title == "Tên mới"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param((7200.0, 0.0), (0.0, 0.0), id="Medusa's clock was ahead and is set back"),
        pytest.param((0.0, 0.0), (7200.0, 0.0), id="Medusa's clock jumps ahead"),
        pytest.param((-7200.0, 0.0), (0.0, 0.0), id="Medusa's clock was behind"),
        pytest.param((0.0, 7200.0), (0.0, 0.0), id="our clock was ahead and is set back"),
        pytest.param((0.0, 0.0), (0.0, 86_400.0), id="our clock jumps a day ahead"),
    ],
)
def test_no_change_hides_behind_a_clock(
    shop: SyncedShop, fake: FakeMedusa, clock: Clock, before: tuple[float, float], after: tuple[float, float]
) -> None:
    """Each pair is Medusa's and our own offset from the true time."""
    true = T0

    def set_clocks(offsets: tuple[float, float]) -> None:
        fake.now = lambda: true
        fake.skew, clock.at = offsets[0], true + offsets[1]

    set_clocks(before)
    shop.pull("full")
    true += 60
    fake.touch("products", "prod_0002", title="Trước đó")
    shop.pull("changes")
    true += 600
    set_clocks(after)
    fake.touch("products", FIRST, title="Tên mới")
    true += 600
    set_clocks(after)
    shop.pull("changes")
    assert shop.card(FIRST).title == "Tên mới"
    assert shop.medusa.status().skew_seconds == pytest.approx(after[0] - after[1], abs=1)
    codes = {issue.code for issue in shop.runtime.issues.open()}
    assert ("medusa_clock" in codes) == (abs(after[0] - after[1]) > 120)


def _says(status: int, body: Any) -> Callable[[str, Params], Answer | None]:
    return lambda _path, _params: (status, body)


def test_medusa_failing_from_the_start_is_told(shop: SyncedShop, fake: FakeMedusa) -> None:
    fake.logins = (502, b"<html>")
    told = shop.pull("now")
    assert (told["state"], told["reason"]) == ("offline", "server_error")


@pytest.mark.parametrize(
    ("trouble", "state", "reason"),
    [
        (_says(401, {"message": "Unauthorized"}), "offline", "unauthorised_perhaps"),
        (_says(500, {"type": "unknown_error", "message": "x"}), "offline", "server_error"),
        (_says(200, b"<html>"), "offline", "html"),
        (_says(200, {"products": "?"}), "online", "medusa_changed"),
        (_says(200, {"stores": [], "count": 0}), "online", "medusa_changed"),
    ],
)
def test_trouble_is_told_and_nothing_is_lost(
    shop: SyncedShop, fake: FakeMedusa, trouble: Callable[[str, Params], Answer | None], state: str, reason: str
) -> None:
    shop.pull("full")
    before = (shop.runtime.catalogue.revision, _mirrored(shop))
    fake.trouble = trouble
    told = shop.pull("now")
    assert (told["state"], told["reason"]) == (state, reason) and told["detail"]
    assert (shop.runtime.catalogue.revision, _mirrored(shop)) == before
    assert {issue.part for issue in shop.runtime.issues.open()} >= {"medusa"}
    fake.trouble = lambda _path, _params: None
    shop.reopen()
    assert "requests" in shop.pull("now")
    assert not {issue.part for issue in shop.runtime.issues.open()} & {"medusa"}


def test_no_medusa_at_all(shop: SyncedShop, fake: FakeMedusa) -> None:
    fake.close()
    told = shop.pull("now")
    assert (told["state"], told["reason"]) == ("offline", "refused")
    assert shop.medusa.status().connection.state == "offline"


def test_an_unknown_publishable_key_is_an_issue_and_not_a_failed_job(shop: SyncedShop, fake: FakeMedusa) -> None:
    shop.reopen(publishable_key="pk_wrong")
    told = shop.pull("now")
    assert told["reason"] == "medusa_key" and "publishable" in told["detail"]
    assert "pk_wrong" not in str(told)
    assert "medusa_key" in {issue.code for issue in shop.runtime.issues.open()}
    shop.reopen(publishable_key="pk_web")
    assert "requests" in shop.pull("now")
    assert not shop.runtime.issues.open()


def test_undated_changes_are_found_by_stock_and_sweep(shop: SyncedShop, fake: FakeMedusa, clock: Clock) -> None:
    fake.put("orders", order("order_1", 1, (FIRST, "variant_0001", 1, 100_000), at=fake.stamp()))
    shop.pull("full")
    clock.at += 600
    shop.pull("changes")
    fake.put("inventory_items", stock("iitem_variant_0001", sloc_hn=0))
    fake.rows["products"]["prod_0002"]["variants"][0]["prices"] = [price(5, id="price_new")]
    fake.rows["products"]["prod_0003"]["categories"] = []
    fake.rows["orders"]["order_1"]["payment_status"] = "captured"
    assert not shop.pull("changes")["changed"]
    assert shop.pull("stock")["changed"] == {"inventory_item": 1, "order": 1}
    assert shop.card(FIRST).in_stock is False
    paid = shop.runtime.orders.read("1")
    assert paid is not None and paid.metadata["payment"] == "captured"
    assert shop.pull("sweep")["changed"] == {"product": 2}
    assert (shop.card("prod_0002").price, shop.card("prod_0003").categories) == (5, ())
    # Paid is paid: it is not asked for again.
    fake.seen.clear()
    shop.pull("stock")
    assert "orders" not in fake.paths()


def test_a_renamed_tag_reaches_its_products_with_the_next_look(
    shop: SyncedShop, fake: FakeMedusa, clock: Clock
) -> None:
    fake.put("product_tags", {"id": "ptag_1", "value": "hè"})
    fake.rows["products"]["prod_0003"]["tags"] = [{"value": "hè"}]
    shop.pull("full")
    clock.at += 600
    shop.pull("changes")
    fake.put("product_tags", {"id": "ptag_1", "value": "mùa hè"})
    fake.rows["products"]["prod_0003"]["tags"] = [{"value": "mùa hè"}]
    assert shop.pull("changes")["changed"] == {"tag": 1, "product": 1}
    assert shop.card("prod_0003").tags == ("mùa hè",)


def test_items_and_customers_that_are_gone_are_forgotten(shop: SyncedShop, fake: FakeMedusa) -> None:
    fake.put("customers", customer("cus_1"), customer("cus_2"))
    shop.pull("full")
    fake.drop("inventory_items", "iitem_variant_0001")
    fake.drop("customers", "cus_1")
    assert shop.pull("full")["deleted"] == {"inventory_item": 1, "customer": 1}
    assert shop.card(FIRST).in_stock is False
    assert shop.runtime.store.read().execute("select group_concat(id) from customers").fetchone()[0] == "cus_2"


def test_a_pass_that_is_to_stop_ends_at_once_and_the_next_goes_on(shop: SyncedShop, fake: FakeMedusa) -> None:
    _fill_up(fake)
    stop = False

    def trouble(path: str, params: Params) -> None:
        nonlocal stop
        stop = stop or "prod_0151" in params.get("id[]", [])

    fake.trouble = trouble
    with pytest.raises(MedusaUnreachable) as raised:
        shop.pull("full", stopping=lambda: stop)
    assert raised.value.reason == "stopping"
    assert fake.paths().count("products") <= 5
    assert shop.medusa.client.state.state == "online"
    stop = False
    fake.trouble = lambda _path, _params: None
    assert shop.pull("full")["read"]["product"] <= 170
    assert _mirrored(shop)["product"] == 320


def test_orders_are_kept_without_persons(shop: SyncedShop, fake: FakeMedusa) -> None:
    fake.put("customers", customer("cus_1"))
    blank = order("order_9", 9, (FIRST, "variant_0001", 1, 5), customer_id="cus_1")
    blank["items"][0] |= {"title": " \t", "product_id": None}
    blank["fulfillments"] = [{"id": "ful_1", "labels": [{"tracking_number": "VN" + "1" * 2000}], "canceled_at": None}]
    fake.put("orders", blank)
    assert not shop.pull("full")["refused"]
    found = shop.runtime.orders.verify("9", "0912345678")
    assert found is not None and found == shop.runtime.orders.verify("9", "khach@kit.test")
    assert (found.items[0].title, found.customer_id) == ("ordli_order_9_0", "cus_1")
    shop.close()
    kept = b"".join(path.read_bytes() for path in shop.folder.glob("catalogue.db*"))
    assert b"order_9" in kept
    assert b"khach@kit.test" not in kept and b"0912 345 678" not in kept
