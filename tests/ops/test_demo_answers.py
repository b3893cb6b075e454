"""The demo shop's own answers and orders: what they are, and that filling twice is once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from appliance.agents.response.grounding import amounts_in
from appliance.agents.service.order_words import KNOWN
from appliance.agents.types import POLICIES
from appliance.errors import Conflict
from appliance.ops.demo.answers import demo_answers, demo_orders, order_to_look_up
from appliance.ops.demo.loader import DemoReport, DemoSize, demo_products, fill
from appliance.runtime import Runtime
from appliance.settings import load_settings
from appliance.store.orders import OrderRecord

NOW = 1_772_600_400.0
SMALL = DemoSize(products=40, events=0)
SUNDAY = 6


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    opened = Runtime.open(tmp_path, load_settings(tmp_path, environ={}), now=lambda: NOW)
    yield opened
    opened.stop()


def _filled(runtime: Runtime) -> DemoReport:
    return fill(runtime.catalogue, None, now=NOW, faq=runtime.faq, orders=runtime.orders, size=SMALL)


def test_answers_and_orders_are_in_the_stores(runtime: Runtime) -> None:
    report = _filled(runtime)
    assert (report.answers, report.orders) == (len(runtime.faq.entries()), len(runtime.orders))
    assert report.orders == 12
    number, phone = order_to_look_up()
    found = runtime.orders.verify(number, phone)
    assert found is not None and found.status == "shipped" and found.total > 0
    assert runtime.orders.verify(number, "0900000199") is None


def test_filling_again_changes_neither(runtime: Runtime) -> None:
    _filled(runtime)
    revision, entries = runtime.faq.revision, runtime.faq.entries()
    assert _filled(runtime).orders == 12
    assert (runtime.faq.revision, runtime.faq.entries(), len(runtime.orders)) == (revision, entries, 12)


def test_a_day_later_the_orders_are_the_same_ones(runtime: Runtime) -> None:
    _filled(runtime)
    fill(runtime.catalogue, None, now=NOW + 86_400, faq=runtime.faq, orders=runtime.orders, size=SMALL)
    assert len(runtime.orders) == 12


def test_without_their_stores_neither_is_written(runtime: Runtime) -> None:
    report = fill(runtime.catalogue, None, now=NOW, size=SMALL)
    assert (report.answers, report.orders, len(runtime.orders), runtime.faq.entries()) == (0, 0, 0, ())


def test_an_order_of_somebody_else_is_not_overwritten(runtime: Runtime) -> None:
    number, _ = order_to_look_up()
    runtime.orders.upsert_many([OrderRecord(display_id=number, id="theirs", phone="0900000199")])
    with pytest.raises(Conflict):
        _filled(runtime)
    assert runtime.orders.verify(number, "0900000199") is not None


def test_every_policy_has_an_answer_in_both_languages() -> None:
    answers = demo_answers()
    assert {*POLICIES, "promotion", "account_help", "newsletter"} <= {entry.intent for entry in answers}
    for entry in answers:
        assert set(entry.answers) == {"vi", "en"} and all(entry.answers.values())
        if not entry.intent:
            assert [len(entry.questions[locale]) in (2, 3) for locale in ("vi", "en")] == [True, True]
    assert sum(not entry.intent for entry in answers) == 5


def test_both_languages_state_the_same_amounts() -> None:
    for entry in demo_answers():
        stated = [set(amounts_in(entry.answers[locale], "VND")) for locale in ("vi", "en")]
        assert stated[0] == stated[1], entry


def test_the_answers_agree_with_one_another() -> None:
    own = {entry.intent: entry.answers for entry in demo_answers() if not entry.asks}
    free = {entry.id: entry.answers for entry in demo_answers() if entry.asks}
    assert "600.000đ" in own["shipping_fee"]["vi"] and "600.000đ" in free["faq_gift_wrapping"]["vi"]
    assert "15% off" in own["promotion"]["en"] and "15% off" in free["faq_membership"]["en"]
    assert "25 Lê Lợi" in own["store_info"]["vi"] and "25 Lê Lợi" in free["faq_return_address"]["vi"]


def test_orders_are_of_the_shops_products_at_their_prices() -> None:
    products = demo_products(SMALL, 7, NOW)
    prices = {variant.id: variant.price for product in products for variant in product.variants}
    titles = {product.id: product.title for product in products}
    orders = demo_orders(products, NOW)
    assert len({order.display_id for order in orders}) == len({order.phone for order in orders}) == 12
    for order in orders:
        assert order.items
        for item in order.items:
            assert item.total == (prices[item.variant_id] or 0) * item.quantity > 0
            assert item.title.startswith(titles[item.product_id])


def test_contacts_are_invented_and_states_differ() -> None:
    orders = demo_orders(demo_products(SMALL, 7, NOW), NOW)
    assert all(order.phone.startswith("09000001") and order.email.endswith("@example.com") for order in orders)
    assert {order.status for order in orders} == KNOWN - {"completed"}


@pytest.mark.parametrize("days", range(7))
def test_nothing_is_expected_on_a_sunday(days: int) -> None:
    now = NOW + days * 86_400
    today = datetime.fromtimestamp(now, timezone(timedelta(hours=7))).date()
    for order in demo_orders(demo_products(SMALL, 7, NOW), now):
        if "expected_delivery" in order.metadata:
            expected = date.fromisoformat(order.metadata["expected_delivery"])
            assert expected > today and expected.weekday() != SUNDAY
        assert order.placed_at is not None and order.placed_at <= now


def test_a_shop_of_one_product_has_orders_too() -> None:
    products = demo_products(DemoSize(products=1), 7, NOW)
    assert {item.product_id for order in demo_orders(products, NOW) for item in order.items} == {products[0].id}
