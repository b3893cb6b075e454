"""A real Medusa with the documented subscriber, and the real appliance that it tells of its changes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from live_medusa import HOOK_SECRET, LiveMedusa
from live_shop import LiveShop

SECONDS = 10.0
"""Within which an event has to show; a look at changes by itself is switched off."""


@pytest.fixture
def shop(medusa: LiveMedusa, tmp_path: Path) -> Iterator[LiveShop]:
    """An appliance that has copied the shop and hears of changes by events alone."""
    settings = {
        "APPLIANCE_MEDUSA_URL": medusa.base_url,
        "APPLIANCE_MEDUSA_SECRET_KEY": medusa.secret_key,
        "APPLIANCE_MEDUSA_PUBLISHABLE_KEY": medusa.publishable_key,
        "APPLIANCE_MEDUSA_WEBHOOK_SECRET": HOOK_SECRET,
        "APPLIANCE_MEDUSA_SYNC_SECONDS": "0",
        "APPLIANCE_MEDUSA_STOCK_MINUTES": "0",
        "APPLIANCE_MEDUSA_SWEEP_MINUTES": "0",
        "APPLIANCE_MEDUSA_RECONCILE_AT": "",
    }
    data = tmp_path / "shop"
    data.mkdir()
    with LiveShop(data, port=medusa.hook_port, **settings) as live:
        _until(lambda: live.admin("GET", "/v1/admin/sync").json()["copied_at"], 60.0)
        yield live


def test_a_sold_out_product_leaves_the_shelves_within_seconds_of_its_event(medusa: LiveMedusa, shop: LiveShop) -> None:
    product = _product(medusa, shop)
    item = product["variants"][0]["inventory_items"][0]["inventory_item_id"]
    place = f"/admin/inventory-items/{item}/location-levels/{medusa.location_ids[0]}"
    assert _in_stock(shop, product["id"])
    medusa.admin("POST", place, {"stocked_quantity": 0})
    _until(lambda: not _in_stock(shop, product["id"]), SECONDS)
    found = _get(shop, "/v1/search", q=product["title"], in_stock="true", limit="50")["items"]
    assert product["id"] not in [one["product_id"] for one in found]
    shelf = _get(shop, "/v1/recommendations", session_id="s-1", placement="home", limit="50")["items"]
    assert product["id"] not in [one["product_id"] for one in shelf]
    medusa.admin("POST", place, {"stocked_quantity": 5})
    _until(lambda: _in_stock(shop, product["id"]), SECONDS)


def test_price_title_and_deletion_arrive_by_event(medusa: LiveMedusa, shop: LiveShop) -> None:
    product = _product(medusa, shop)
    path = f"/admin/products/{product['id']}"
    prices = [{"currency_code": "vnd", "amount": 123_000}]
    medusa.admin("POST", f"{path}/variants/{product['variants'][0]['id']}", {"prices": prices})
    _until(lambda: _get(shop, f"/v1/products/{product['id']}")["price"] == 123_000, SECONDS)
    medusa.admin("POST", path, {"title": "Tên mới tinh"})
    _until(lambda: _get(shop, f"/v1/products/{product['id']}")["title"] == "Tên mới tinh", SECONDS)
    medusa.admin("DELETE", path, None)
    _until(lambda: shop.client.get(f"/v1/products/{product['id']}").status_code == 404, SECONDS)


def _product(medusa: LiveMedusa, shop: LiveShop) -> dict[str, Any]:
    """Make a product with one variant and five pieces, and wait until the appliance shows it by its events."""
    made = medusa.admin(
        "POST",
        "/admin/products",
        {
            "title": f"Hàng báo tin {time.monotonic_ns()}",
            "status": "published",
            "sales_channels": [{"id": medusa.channel_id}],
            "options": [{"title": "Màu", "values": ["Đen"]}],
            "variants": [
                {
                    "title": "Đen",
                    "sku": f"TIN-{time.monotonic_ns()}",
                    "options": {"Màu": "Đen"},
                    "prices": [{"currency_code": "vnd", "amount": 100_000}],
                }
            ],
        },
    )["product"]
    fields = "id,title,variants.id,variants.inventory_items.inventory_item_id"
    product: dict[str, Any] = medusa.admin("GET", f"/admin/products/{made['id']}?fields={fields}", None)["product"]
    item = product["variants"][0]["inventory_items"][0]["inventory_item_id"]
    level = {"location_id": medusa.location_ids[0], "stocked_quantity": 5}
    medusa.admin("POST", f"/admin/inventory-items/{item}/location-levels", level)
    _until(lambda: _in_stock(shop, product["id"]), SECONDS)
    return product


def _get(shop: LiveShop, path: str, **parameters: str) -> Any:
    answer = shop.client.get(path, params=parameters)
    answer.raise_for_status()
    return answer.json()


def _in_stock(shop: LiveShop, product_id: str) -> bool:
    answer = shop.client.get(f"/v1/products/{product_id}")
    return answer.status_code == 200 and bool(answer.json()["in_stock"])


def _until(holds: Callable[[], Any], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"it did not come about within {seconds:g} s"
        time.sleep(0.1)
