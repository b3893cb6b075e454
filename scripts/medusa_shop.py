"""A Medusa shop in the hands of ``medusa_changes.py``: its admin and store API, and a generator that draws."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, TypeVar

import httpx
from medusa_truth import Access

T = TypeVar("T")
Row = dict[str, Any]

PRODUCT = (
    "id,handle,title,status,thumbnail,variants.id,variants.title,variants.manage_inventory,"
    "variants.prices.amount,variants.prices.currency_code,variants.prices.min_quantity,"
    "variants.prices.price_rules.attribute,variants.prices.price_rules.value"
)


class Shop:
    """The shop through its admin and store API, with what earlier changes left to undo."""

    def __init__(self, access: Access, draw: random.Random) -> None:
        self._access, self.draw = access, draw
        self._client = httpx.Client(base_url=access.base_url, timeout=120)
        keys = self.admin("GET", "/admin/api-keys?type=publishable&fields=id,token,sales_channels.id&limit=1000")
        [own] = [key for key in keys["api_keys"] if key["token"] == access.publishable_key]
        self.channel_id = min(channel["id"] for channel in own["sales_channels"])
        self.location_ids = sorted(row["id"] for row in self.rows("/admin/stock-locations", "id"))
        # By handle, because ids differ from one seeded database to the next.
        self.products = {row["handle"]: row["id"] for row in self.rows("/admin/products", "id,handle")}
        self.deleted: list[Row] = []
        """Bodies with which deleted products can be made again."""
        self.made = 0

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        """Send an admin request; a refusal ends the run with Medusa's words."""
        return self._answer(self._client.request(method, path, json=body, auth=(self._access.secret_key, "")))

    def delete(self, path: str) -> bool:
        """Delete something; ``False`` where Medusa refuses because an order has reserved its stock."""
        answer = self._client.delete(path, auth=(self._access.secret_key, ""))
        if answer.status_code == 400 and "reservations" in answer.text:
            return False
        self._answer(answer)
        return True

    def store(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request of the storefront."""
        headers = {"x-publishable-api-key": self._access.publishable_key}
        return self._answer(self._client.request(method, path, json=body, headers=headers))

    def rows(self, path: str, fields: str, filters: str = "") -> list[Row]:
        """Return a whole list of the admin API."""
        answer = self.admin("GET", f"{path}?limit=100000&order=id&fields={fields}{filters}")
        [found] = [value for value in answer.values() if isinstance(value, list)]
        return list(found)

    def choice(self, among: Sequence[T]) -> T | None:
        """Draw one; ``None`` from nothing."""
        return self.draw.choice(among) if among else None

    def product(self) -> Row:
        """Draw a product that has a variant and read it."""
        while True:
            handle = self.draw.choice(sorted(self.products))
            row: Row = self.admin("GET", f"/admin/products/{self.products[handle]}?fields={PRODUCT}")["product"]
            if row["variants"]:
                row["variants"].sort(key=lambda variant: (variant["title"], variant["id"]))
                return row

    def new_number(self) -> int:
        """Return a number that no earlier change of this run used."""
        self.made += 1
        return self.made

    def shipping_profile_id(self) -> str:
        """The profile by which things of the shop are sent."""
        rows = self.rows("/admin/shipping-profiles", "id,type")
        return str(min(rows, key=lambda row: (row["type"] != "default", row["id"]))["id"])

    def region_id(self) -> str:
        """The region that orders are placed in."""
        return self._access.region_id

    def _answer(self, answer: httpx.Response) -> Any:
        if answer.status_code >= 400:
            request = answer.request
            raise SystemExit(f"{request.method} {request.url}: {answer.status_code} {answer.text[:500]}")
        return answer.json()


def checkout(shop: Shop, variant_id: str, quantity: int) -> Row:
    """Buy a variant in the storefront and return the order."""
    address = {"first_name": "Khách", "last_name": "Thử", "address_1": "1 Hàng Bông", "city": "Hà Nội"}
    cart = shop.store(
        "POST",
        "/store/carts",
        {
            "region_id": shop.region_id(),
            "email": f"khach-{shop.draw.randrange(10**9)}@example.com",
            "items": [{"variant_id": variant_id, "quantity": quantity}],
            "shipping_address": address | {"country_code": "vn", "phone": "0900000000"},
        },
    )["cart"]["id"]
    options = shop.store("GET", f"/store/shipping-options?cart_id={cart}")["shipping_options"]
    cheapest = min(options, key=lambda option: (option["amount"], option["id"]))
    shop.store("POST", f"/store/carts/{cart}/shipping-methods", {"option_id": cheapest["id"]})
    payment = shop.store("POST", "/store/payment-collections", {"cart_id": cart})["payment_collection"]["id"]
    session = {"provider_id": "pp_system_default"}
    shop.store("POST", f"/store/payment-collections/{payment}/payment-sessions", session)
    order: Row = shop.store("POST", f"/store/carts/{cart}/complete")["order"]
    return order


def open_order(shop: Shop) -> Row | None:
    """Draw an order that is neither paid, packed nor canceled."""
    fields = "id,display_id,status,payment_status,fulfillment_status,*items,payment_collections.payments.id"
    rows = [
        row
        for row in shop.rows("/admin/orders", fields)
        if (row["status"], row["payment_status"], row["fulfillment_status"])
        == ("pending", "authorized", "not_fulfilled")
    ]
    return shop.choice(sorted(rows, key=lambda row: int(row["display_id"])))
