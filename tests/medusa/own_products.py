"""Products of a test's own on the real server."""

from __future__ import annotations

import itertools
from typing import Any

from live_medusa import LiveMedusa
from owner_shop import OwnerShop

from appliance.medusa import records

_numbers = itertools.count()


def make_products(medusa: LiveMedusa, number: int) -> dict[str, str]:
    """Create published products with a price in VND and USD and ten pieces in the first location.

    Returns the id of the only variant of each, by product id.
    """
    made: dict[str, str] = {}
    for _ in range(number):
        handle = f"hang-thu-gui-{next(_numbers)}"
        body = {
            "title": f"Hàng thử {handle}",
            "handle": handle,
            "status": "published",
            "description": "Mô tả",
            "sales_channels": [{"id": medusa.channel_id}],
            "options": [{"title": "Màu", "values": ["Đen"]}],
            "variants": [
                {
                    "title": "Đen",
                    "sku": handle,
                    "options": {"Màu": "Đen"},
                    "prices": [{"currency_code": "vnd", "amount": 100_000}, {"currency_code": "usd", "amount": 4.5}],
                }
            ],
        }
        product: dict[str, Any] = medusa.admin("POST", "/admin/products", body)["product"]
        made[product["id"]] = product["variants"][0]["id"]
        items = medusa.admin("GET", "/admin/inventory-items", params={"sku": handle, "fields": "id"})["inventory_items"]
        level = {"location_id": medusa.location_ids[0], "stocked_quantity": 10}
        medusa.admin("POST", f"/admin/inventory-items/{items[0]['id']}/location-levels", level)
    return made


def know_shop(shop: OwnerShop) -> None:
    """Mirror the real server's store, locations and categories."""
    shop.mirror.write_locations(shop.reader.stock_locations())
    shop.mirror.write_all(records.Store, [shop.reader.store()])
    shop.mirror.write_all(records.Region, shop.reader.regions())
    shop.mirror.write_categories(shop.reader.categories())
