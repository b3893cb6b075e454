"""Reading and writing against a real Medusa server: what the recordings cannot show, because it happens in time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from appliance.medusa import records
from appliance.medusa.client import MedusaClient
from appliance.medusa.faults import MedusaRefused, MedusaUnreachable
from appliance.medusa.merging import membership_of, price_fingerprint
from appliance.medusa.reading import Reader
from appliance.medusa.version import require_version_2
from appliance.medusa.writing import WantedPrice, Writer
from appliance.settings import Medusa
from appliance.settings.sections import Secret

pytestmark = pytest.mark.medusa

FIRST_ID = datetime(2020, 1, 1, tzinfo=UTC)


def _client(medusa: Any, **given: Any) -> MedusaClient:
    proof = {"secret_key": Secret(medusa.secret_key)}
    return MedusaClient(Medusa(**({"url": medusa.base_url, "timeout_seconds": 30.0} | (proof | given))))


@pytest.fixture
def client(medusa: Any) -> Iterator[MedusaClient]:
    made = _client(medusa)
    yield made
    made.close()


def _products(read: Reader) -> dict[str, records.Product]:
    return {product.handle: product for product in read.products([row.id for row in read.product_ids()])}


def test_both_proofs_read_the_same(medusa: Any, client: MedusaClient) -> None:
    require_version_2(client)
    login = {"secret_key": Secret(""), "admin_email": medusa.admin_email}
    other = _client(medusa, admin_password=Secret(medusa.admin_password), **login)
    assert Reader(other).product_ids() == Reader(client).product_ids() != []
    assert client.state.state == other.state.state == "online"
    assert client.skew is not None and abs(client.skew) < 60
    other.close()


def test_sweeps_agree_with_whole_products_and_pages_with_whole_lists(client: MedusaClient) -> None:
    read = Reader(client)
    products = _products(read)
    assert read.price_fingerprints(40) == {row.id: price_fingerprint(row.variants) for row in products.values()}
    assert read.memberships(40) == {row.id: membership_of(row) for row in products.values()}
    small, large = ([row for rows in read.inventory_pages(size) for row in rows] for size in (50, 1000))
    assert small == large
    orders = [order for rows in read.order_pages(7) for order in rows]
    assert read.orders([order.id for order in orders]) == orders
    assert {row.id for row in read.changed_orders(FIRST_ID)} == {order.id for order in orders}


def test_a_partly_shipped_order_is_told_so(client: MedusaClient) -> None:
    statuses = {order.fulfillment_status for rows in Reader(client).order_pages() for order in rows}
    assert "partially_shipped" in statuses


def test_what_is_written_is_read(medusa: Any, client: MedusaClient) -> None:
    read, write = Reader(client), Writer(client)
    before = _products(read)["edge-gia-theo-vung"]
    variant = before.variants[0]
    wanted = [
        WantedPrice(amount=Decimal("131000.5"), currency_code="vnd"),
        WantedPrice(amount=Decimal("4.99"), currency_code="usd"),
        WantedPrice(amount=Decimal(119_000), currency_code="vnd", rules={"region_id": medusa.region_id}),
    ]
    prices = write.set_prices(before.id, variant.id, wanted)
    tags = write.set_tags(before.id, ["thẻ mới", "unisex"])
    categories = write.set_categories(before.id, before.categories[:1])
    changed = write.update_product(before.id, {"title": "Tên mới", "status": "draft"}, key="outbox-1")
    item = variant.inventory_items[0].inventory_item_id
    level = write.set_stock(item, medusa.location_ids[1], 17)
    metadata = write.set_metadata(before.id, {"gợi ý": ["prod_1"]})
    (after,) = read.products([before.id])
    assert after.variants[0].prices == prices
    assert (after.tags, after.categories) == (tags, categories)
    assert (after.title, after.status) == ("Tên mới", "draft")
    assert after.metadata == metadata == before.metadata | {"gợi ý": ["prod_1"]}
    assert after.updated_at >= changed.updated_at > before.updated_at
    assert level in read.inventory_items([item])[0].location_levels
    assert before.id in {row.id for row in read.changed_products(changed.updated_at)}


def test_a_deleted_product_is_gone_and_told(medusa: Any, client: MedusaClient) -> None:
    read = Reader(client)
    product = _products(read)["edge-khong-bien-the"]
    since = datetime.fromtimestamp(client.server_time or 0, UTC) - timedelta(seconds=5)
    client.delete(f"/admin/products/{product.id}")
    client.delete(f"/admin/products/{product.id}")
    assert read.read_products([product.id]).gone == (product.id,)
    assert [row.id for row in read.changed_products(since) if row.deleted_at] == [product.id]
    with pytest.raises(MedusaRefused) as caught:
        Writer(client).update_product(product.id, {"title": "x"})
    assert caught.value.status == 404


def test_a_hung_shop_is_given_up_and_found_again(medusa: Any, client: MedusaClient) -> None:
    hasty = _client(medusa, timeout_seconds=0.5)
    with medusa.hang():
        began = time.monotonic()
        with pytest.raises(MedusaUnreachable) as caught:
            Reader(hasty).tags()
        assert caught.value.reason == "timeout"
        assert time.monotonic() - began < 10
    assert Reader(client).tags()
    hasty.close()


def test_stopping_ends_a_wait_for_a_hung_shop(medusa: Any) -> None:
    stop = threading.Event()
    given = Medusa(url=medusa.base_url, secret_key=Secret(medusa.secret_key), timeout_seconds=60.0)
    client = MedusaClient(given, stopping=stop.is_set)
    with medusa.hang():
        threading.Timer(0.3, stop.set).start()
        with pytest.raises(MedusaUnreachable) as caught:
            Reader(client).tags()
        assert caught.value.reason == "stopping"
    client.close()
