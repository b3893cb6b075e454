"""Orders become purchases once: whoever told first, whatever was crashed, cancelled or opted out of."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from fake_medusa import FakeMedusa
from fake_rows import customer, order
from synced_shop import T0, Clock, WholeShop

from appliance.store.purchases import PurchaseRepository

FIRST, SECOND = "prod_0001", "prod_0002"
LINE = (FIRST, "variant_0001", 2, 200_000)


@pytest.fixture
def copied(whole_shop: WholeShop, fake: FakeMedusa, clock: Clock) -> WholeShop:
    """A shop in step, a minute before anything is ordered."""
    fake.put("customers", customer("cus_1"), customer("cus_2"))
    clock.at = T0 - 60
    whole_shop.pull("full")
    clock.at = T0
    return whole_shop


def place(fake: FakeMedusa, number: int = 1001, *lines: Any, at: float = T0, **given: Any) -> str:
    """Have an order in Medusa and return its id."""
    id_ = f"order_{number}"
    fake.put("orders", order(id_, number, *(lines or (LINE,)), at=fake.stamp(at), **given))
    return id_


def track(shop: WholeShop, product: str = FIRST, *, at: float = T0, event_id: str = "", **given: Any) -> None:
    """Have the storefront tell of a purchase."""
    known = {"type": "purchase", "product_id": product, "session_id": "s1", "event_id": event_id or f"e{at}"}
    event = known | {"occurred_at": shop.fake.stamp(at)} | given
    assert shop.runtime.ingest is not None
    raw = [msgspec.Raw(msgspec.json.encode(event))]
    assert asyncio.run(shop.runtime.ingest.submit(raw, user_allowed=True)).accepted == 1


def count(shop: WholeShop, clock: Clock, at: float = T0 + 60) -> int:
    """Pull at a later moment and return how many purchases only Medusa knew of."""
    assert shop.runtime.merger is not None
    assert shop.runtime.merger.flush()
    clock.at = at
    found: int = shop.pull("changes")["purchases"]
    assert shop.runtime.merger.flush()
    return found


def logged(shop: WholeShop, kind: str = "purchase") -> list[dict[str, Any]]:
    """Return what the log holds."""
    assert shop.runtime.log is not None
    columns = "event_id, user_id, session_id, product_id, weight, epoch(occurred_at), metadata::varchar"
    rows = shop.runtime.log.analytics.q(
        "test", f"select {columns} from interaction_events where interaction_type = ? order by seq", [kind]
    )
    names = ("event_id", "user_id", "session_id", "product_id", "weight", "at", "metadata")
    return [dict(zip(names, row, strict=True)) for row in rows]


def test_an_order_that_nobody_tracked_is_one_purchase(copied: WholeShop, fake: FakeMedusa, clock: Clock) -> None:
    place(fake, customer_id="cus_1")
    assert count(copied, clock, T0 + 10) == 0, "its own event may still come"
    assert [count(copied, clock, T0 + at) for at in (60, 120)] == [1, 0]
    (bought,) = logged(copied)
    assert (bought["user_id"], bought["session_id"], bought["product_id"]) == ("cus_1", "", FIRST)
    assert (bought["at"], bought["weight"]) == (T0, pytest.approx(10.0))
    facts = {"quantity": 2, "price": 100_000, "currency": "VND", "source": "order"}
    assert msgspec.json.decode(bought["metadata"]) == facts


def test_the_orders_id_is_nowhere_in_the_log(copied: WholeShop, fake: FakeMedusa, clock: Clock) -> None:
    place(fake)
    count(copied, clock)
    copied.close()
    for path in (*copied.folder.glob("analytics*"), *copied.folder.glob("journal*")):
        assert b"order_1001" not in path.read_bytes(), path.name


@pytest.mark.parametrize(
    ("event", "order_given"),
    [
        pytest.param({"at": T0 - 20}, {}, id="a guest, just before"),
        pytest.param({"at": T0 + 20}, {"customer_id": "cus_1"}, id="before logging in"),
        pytest.param({"at": T0, "user_id": "cus_1"}, {"customer_id": "cus_1"}, id="the customer"),
        pytest.param({"at": T0, "metadata": {"order_id": "1001"}}, {}, id="by number"),
        pytest.param({"at": T0, "metadata": {"order_id": "#1001"}}, {}, id="by number with a hash"),
        pytest.param({"at": T0, "metadata": {"transaction_id": 1001}}, {}, id="as GA4 calls it"),
        pytest.param({"at": T0, "metadata": {"order_id": "order_1001"}}, {}, id="by id"),
    ],
)
@pytest.mark.parametrize("first", ["storefront", "order"])
def test_one_purchase_whoever_tells_first(
    copied: WholeShop,
    fake: FakeMedusa,
    clock: Clock,
    event: dict[str, Any],
    order_given: dict[str, Any],
    first: str,
) -> None:
    place(fake, **order_given)
    if first == "storefront":
        clock.at = T0 + 25
        track(copied, **event)
        assert count(copied, clock) == 0
    else:
        assert count(copied, clock) == 1
        track(copied, **event)
        assert count(copied, clock, T0 + 120) == 0
    assert len(logged(copied)) == 1


@pytest.mark.parametrize(
    "event",
    [
        pytest.param({"product": SECOND}, id="another product"),
        pytest.param({"user_id": "cus_2"}, id="another customer"),
        pytest.param({"metadata": {"order_id": "999"}}, id="another order"),
        pytest.param({"at": T0 - 1000}, id="long before"),
    ],
)
@pytest.mark.parametrize("first", ["storefront", "order"])
def test_what_tells_of_something_else_counts_by_itself(
    copied: WholeShop, fake: FakeMedusa, clock: Clock, event: dict[str, Any], first: str
) -> None:
    place(fake, customer_id="cus_1")
    if first == "order":
        count(copied, clock)
    track(copied, **event)
    count(copied, clock, T0 + 120)
    assert len(logged(copied)) == 2


def test_two_buyers_of_one_product_within_minutes(copied: WholeShop, fake: FakeMedusa, clock: Clock) -> None:
    place(fake, 1001, customer_id="cus_1")
    place(fake, 1002, at=T0 + 30)
    track(copied, at=T0 + 31)
    assert count(copied, clock, T0 + 120) == 1
    track(copied, at=T0 + 1, event_id="late", user_id="cus_1")
    count(copied, clock, T0 + 180)
    assert len(logged(copied)) == 2


def test_a_storefronts_event_that_is_sent_again_still_counts_once(
    copied: WholeShop, fake: FakeMedusa, clock: Clock
) -> None:
    place(fake)
    count(copied, clock)
    for _ in range(3):
        track(copied, event_id="e1")
    copied.reopen()
    track(copied, event_id="e1")
    count(copied, clock, T0 + 120)
    assert len(logged(copied)) == 1


def test_an_order_told_of_by_its_number_while_medusa_was_away(
    copied: WholeShop, fake: FakeMedusa, clock: Clock
) -> None:
    place(fake)
    clock.at = T0 + 3600
    track(copied, at=T0 + 3500, metadata={"order_id": "1001"})
    assert count(copied, clock, T0 + 7200) == 0
    assert len(logged(copied)) == 1


def test_variants_of_one_product_are_one_purchase(copied: WholeShop, fake: FakeMedusa, clock: Clock) -> None:
    place(fake, 1001, (FIRST, "v1", 1, 100_000), (SECOND, "v9", 1, 5), (FIRST, "v2", 3, 300_000), (None, None, 1, 7))
    assert count(copied, clock) == 2
    assert [(one["product_id"], msgspec.json.decode(one["metadata"])["quantity"]) for one in logged(copied)] == [
        (FIRST, 4),
        (SECOND, 1),
    ]


def test_an_order_of_nothing_known_is_looked_at_once(copied: WholeShop, fake: FakeMedusa, clock: Clock) -> None:
    place(fake, 1001, (None, None, 1, 5))
    assert count(copied, clock) == 0
    assert PurchaseRepository(copied.runtime.store).uncounted(T0 + 1000) == []


@pytest.mark.parametrize("status", [{"status": "canceled"}, {"payment_status": "refunded"}])
@pytest.mark.parametrize("tracked", [False, True])
def test_what_is_taken_back_is_refunded_once(
    copied: WholeShop, fake: FakeMedusa, clock: Clock, status: dict[str, str], tracked: bool
) -> None:
    id_ = place(fake, customer_id="cus_1")
    if tracked:
        track(copied)
    count(copied, clock)
    fake.touch("orders", id_, **status)
    for at in (120, 180):
        count(copied, clock, T0 + at)
    assert (len(logged(copied)), len(logged(copied, "refund"))) == (1, 1)
    (refund,) = logged(copied, "refund")
    assert (refund["user_id"], refund["at"], refund["weight"] < 0) == ("cus_1", T0 + 120, True)


def test_an_order_that_was_cancelled_before_it_counted_never_does(
    copied: WholeShop, fake: FakeMedusa, clock: Clock
) -> None:
    place(fake, status="canceled")
    assert count(copied, clock) == 0
    assert logged(copied) == logged(copied, "refund") == []


def test_one_who_opted_out_stays_nobody(copied: WholeShop, fake: FakeMedusa, clock: Clock) -> None:
    copied.runtime.privacy.opt_out(user_id="cus_1")
    place(fake, customer_id="cus_1")
    assert count(copied, clock) == 1
    assert [one["user_id"] for one in logged(copied)] == [""]


@pytest.mark.parametrize("merged", [False, True])
def test_a_crash_between_journal_and_book_counts_once(
    copied: WholeShop, fake: FakeMedusa, clock: Clock, monkeypatch: pytest.MonkeyPatch, merged: bool
) -> None:
    place(fake)

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(PurchaseRepository, "count", dies)
        clock.at = T0 + 60
        with pytest.raises(KeyboardInterrupt):
            copied.pull("changes")
    copied.reopen()
    if merged:
        assert copied.runtime.merger is not None and copied.runtime.merger.flush()
    count(copied, clock, T0 + 120)
    assert len(logged(copied)) == 1
    assert PurchaseRepository(copied.runtime.store).uncounted(T0 + 1000) == []


def test_orders_that_medusa_does_not_know_are_not_counted(copied: WholeShop, clock: Clock) -> None:
    from appliance.store.orders import OrderItem, OrderRecord

    items = (OrderItem(title="x", product_id=FIRST),)
    copied.runtime.orders.upsert_many([OrderRecord(display_id="7", placed_at=T0, items=items)])
    assert count(copied, clock) == 0
    assert logged(copied) == []


def test_an_imported_order_gives_its_number_to_medusas(copied: WholeShop, fake: FakeMedusa, clock: Clock) -> None:
    from appliance.store.orders import OrderRecord

    copied.runtime.orders.upsert_many([OrderRecord(display_id="1001", status="shipped", placed_at=T0)])
    place(fake)
    clock.at = T0 + 60
    assert copied.pull("changes")["renumbered"] == 1
    found, old = copied.runtime.orders.read("1001"), copied.runtime.orders.read("#1001-old")
    assert found is not None and (found.id, found.status) == ("order_1001", "pending")
    assert old is not None and (old.id, old.status) == ("1001", "shipped")
    assert copied.pull("full")["renumbered"] == 0


@pytest.mark.parametrize("ahead", [7200.0, -7200.0], ids=["Medusa ahead", "Medusa behind"])
@pytest.mark.parametrize("first", ["storefront", "order"])
def test_clocks_two_hours_apart_neither_double_nor_delay_a_purchase(
    copied: WholeShop, fake: FakeMedusa, clock: Clock, ahead: float, first: str
) -> None:
    fake.skew = ahead
    copied.pull("changes")
    place(fake, at=T0 + ahead)
    if first == "storefront":
        track(copied, at=T0 + 5)
        assert count(copied, clock) == 0
    else:
        assert count(copied, clock, T0 + 20) == 0, "its own event may still come"
        assert count(copied, clock) == 1
        copied.reopen()
        track(copied, at=T0 + 5)
    count(copied, clock, T0 + 120)
    (bought,) = logged(copied)
    assert bought["at"] == pytest.approx(T0, abs=6)


def test_a_process_that_heard_nothing_of_medusas_clock_counts_nothing_yet(
    copied: WholeShop, fake: FakeMedusa, clock: Clock
) -> None:
    fake.skew = -7200.0
    place(fake, at=T0 - 7200)
    track(copied, at=T0)
    clock.at = T0 + 10
    copied.pull("changes")
    assert copied.runtime.merger is not None and copied.runtime.merger.flush()
    copied.reopen()
    clock.at = T0 + 60
    assert copied.pull("events")["purchases"] == 0
    assert count(copied, clock, T0 + 70) == 0
    assert len(logged(copied)) == 1
